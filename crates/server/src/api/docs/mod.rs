//! The documentation, at `/docs`: what `docs/` has, as pages. They load nothing from elsewhere, and run nothing.
//!
//! - `markdown`: a file of `docs/` as HTML,
//! - `page`: what is around it.

mod markdown;
mod page;

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::http::HeaderMap;
use axum::response::Response;
use rust_embed::RustEmbed;

use super::assets::{self, Content};

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

/// The pages, rendered when the first of them is asked for.
static RENDERED: LazyLock<HashMap<&str, String>> = LazyLock::new(|| {
    let texts: Vec<_> = PAGES.iter().filter_map(|(name, file)| Some((*name, text(file)?))).collect();
    let contents: Vec<_> = texts.iter().filter_map(|(name, text)| Some((*name, markdown::title(text)?))).collect();
    texts.iter().map(|(name, text)| (*name, page::render(name, text, &contents))).collect()
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
