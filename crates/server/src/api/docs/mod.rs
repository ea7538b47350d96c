//! The documentation, at `/docs`: what `docs/` has, as pages. They load nothing from elsewhere, and run nothing.
//!
//! - `markdown`: a file of `docs/` as HTML,
//! - `reference`: all methods, as the OpenAPI document has them,
//! - `page`: what is around it.

mod markdown;
mod page;
mod reference;

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::http::HeaderMap;
use axum::response::Response;
use markdown::Rendered;
use rust_embed::RustEmbed;

use super::assets::{self, Content};
use super::openapi;

/// The files.
#[derive(RustEmbed)]
#[folder = "../../docs"]
struct Files;

/// Each page's name in its address, and its file. The first is the way in.
const PAGES: &[(&str, &str)] = &[
    ("", "README.md"),
    ("guide", "guide.md"),
    ("protocol", "protocol.md"),
    ("errors", "errors.md"),
    ("accounts", "accounts.md"),
    ("security", "security.md"),
    ("operations", "operations.md"),
    ("cli", "cli.md"),
    ("moving", "moving.md"),
    ("comparison", "comparison.md"),
];

/// The page of all methods, which no file has, and how many pages stand before it.
const REFERENCE: &str = "reference";
const BEFORE_REFERENCE: usize = 3;

/// The pages, rendered when the first of them is asked for.
static RENDERED: LazyLock<HashMap<&str, String>> = LazyLock::new(|| {
    let texts: Vec<_> = PAGES.iter().filter_map(|(name, file)| Some((*name, text(file)?))).collect();
    let mut contents: Vec<_> = texts.iter().filter_map(|(name, text)| Some((*name, markdown::title(text)?))).collect();
    contents.insert(contents.len().min(BEFORE_REFERENCE), (REFERENCE, reference::TITLE.to_owned()));
    let mut pages: HashMap<_, _> = texts
        .iter()
        .map(|(name, text)| {
            let Rendered { html, headings } = markdown::render(text);
            (*name, page::render(name, &html, &headings, &contents))
        })
        .collect();
    let (html, headings) = reference::render(openapi::value());
    pages.insert(REFERENCE, page::render(REFERENCE, &html, &headings, &contents));
    pages
});

fn text(file: &str) -> Option<String> {
    String::from_utf8(Files::get(file)?.data.into_owned()).ok()
}

/// What is at a path below `/docs`, where something is.
pub fn answer(path: &str, headers: &HeaderMap) -> Option<Response> {
    let name = path.strip_prefix("/docs")?;
    let name = if name.is_empty() { name } else { name.strip_prefix('/')? };
    let Some(html) = RENDERED.get(name) else {
        // What a page shows.
        let file = Files::get(name).filter(|_| name.ends_with(".png") || name.ends_with(".svg"))?;
        return Some(assets::own_page(name, file.into(), headers));
    };
    Some(assets::own_page("page.html", Content::of(html), headers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_documentation_is_a_page() {
        for file in Files::iter().filter(|file| file.ends_with(".md")) {
            assert!(PAGES.iter().any(|(_, page)| *page == file), "{file} has no page");
        }
    }

    #[test]
    fn what_is_no_page_is_none() {
        let none = HeaderMap::new();
        for path in ["/docs/", "/docs/nothing", "/docs/../Cargo.toml", "/docs/protocol.md", "/docsprotocol", "/doc"] {
            assert_eq!(answer(path, &none).is_some(), path == "/docs/", "{path}");
        }
    }
}
