//! The documentation, at `/docs`: what `docs/` has, and the README, as pages. They load nothing from elsewhere, and run
//! nothing.
//!
//! - `markdown`: a file as HTML,
//! - `reference`: all methods, as the OpenAPI document has them,
//! - `examples`: the files of `deploy/`,
//! - `page`: what is around it.

mod examples;
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

/// Each page's name in its address, and its file in the repository, in the order of the first page's table.
const PAGES: &[(&str, &str)] = &[
    ("", "docs/README.md"),
    (START, "README.md"),
    ("guide", "docs/guide.md"),
    ("moving", "docs/moving.md"),
    ("protocol", "docs/protocol.md"),
    (REFERENCE, "crates/server/openapi.json"),
    ("errors", "docs/errors.md"),
    ("accounts", "docs/accounts.md"),
    ("security", "docs/security.md"),
    ("operations", "docs/operations.md"),
    ("cli", "docs/cli.md"),
    ("comparison", "docs/comparison.md"),
];

/// The README, which is called as the project is, and what it is among the other pages.
const START: &str = "start";
const START_TITLE: &str = "Start";
const README: &str = include_str!("../../../../../README.md");

/// The page of all methods.
const REFERENCE: &str = "reference";

/// The pages, rendered when the first of them is asked for.
static RENDERED: LazyLock<HashMap<&str, Content>> = LazyLock::new(|| {
    let (mut contents, mut bodies) = (Vec::new(), Vec::new());
    for (name, file) in PAGES {
        let (title, body) = if *name == REFERENCE {
            (Some(reference::TITLE.to_owned()), reference::render(openapi::value()))
        } else {
            let Some(text) = text(file) else { continue };
            let title = if *name == START { Some(START_TITLE.to_owned()) } else { markdown::title(&text) };
            (title, markdown::render(file, &text))
        };
        contents.push((*name, title.unwrap_or_default()));
        bodies.push((*name, body));
    }
    bodies.push((examples::NAME, examples::render()));
    let page = |(name, Rendered { html, headings })| (name, page::render(name, &html, &headings, &contents).into());
    bodies.into_iter().map(page).collect()
});

fn text(file: &str) -> Option<String> {
    if file == "README.md" {
        return Some(README.to_owned());
    }
    String::from_utf8(Files::get(file.strip_prefix("docs/")?)?.data.into_owned()).ok()
}

/// Where this server shows a file of the repository, if it does.
fn address_of(file: &str) -> Option<String> {
    let page = PAGES.iter().find(|(_, shown)| *shown == file).map(|(name, _)| *name);
    let name = page
        .or_else(|| examples::name_of(file))
        .or_else(|| file.strip_prefix("docs/").filter(|name| is_picture(name)))?;
    Some(if name.is_empty() { "/docs".to_owned() } else { format!("/docs/{name}") })
}

/// What a page shows.
fn is_picture(name: &str) -> bool {
    name.ends_with(".png") || name.ends_with(".svg")
}

/// What is at a path below `/docs`, where something is.
pub fn answer(path: &str, headers: &HeaderMap) -> Option<Response> {
    let name = path.strip_prefix("/docs")?;
    let name = if name.is_empty() { name } else { name.strip_prefix('/')? };
    if let Some(page) = RENDERED.get(name) {
        return Some(assets::own_page("page.html", page.clone(), headers));
    }
    if let Some(file) = examples::file(name) {
        return Some(assets::own_page("example.txt", file.into(), headers));
    }
    let file = Files::get(name).filter(|_| is_picture(name))?;
    Some(assets::own_page(name, file.into(), headers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_documentation_is_a_page() {
        for file in Files::iter().filter(|file| file.ends_with(".md")) {
            assert!(PAGES.iter().any(|(_, page)| *page == format!("docs/{file}")), "{file} has no page");
        }
    }

    #[test]
    fn pages_stand_in_the_order_of_the_table() {
        let first = std::str::from_utf8(&RENDERED[""].data).unwrap();
        let table = &first[first.find("<table>").unwrap()..];
        let listed: Vec<&str> =
            table.split("href=\"/docs/").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        let pages: Vec<&str> = PAGES.iter().map(|(name, _)| *name).filter(|name| !["", START].contains(name)).collect();
        assert_eq!(listed, pages);
    }

    #[test]
    fn what_the_pages_link_to_is_shown_here() {
        let none = HeaderMap::new();
        for (file, address) in [
            ("README.md", "/docs/start"),
            ("docs/README.md", "/docs"),
            ("crates/server/openapi.json", "/docs/reference"),
            ("docs/chat-dark.png", "/docs/chat-dark.png"),
            ("deploy", "/docs/deploy"),
            ("deploy/nginx.conf", "/docs/deploy/nginx.conf"),
        ] {
            assert_eq!(address_of(file).as_deref(), Some(address));
            assert!(answer(address, &none).is_some(), "{address}");
        }
        for file in ["Cargo.toml", "deploy/nothing.conf", "js/words.ts"] {
            assert_eq!(address_of(file), None);
        }
    }

    #[test]
    fn what_is_no_page_is_none() {
        let none = HeaderMap::new();
        for path in [
            "/docs/",
            "/docs/nothing",
            "/docs/../Cargo.toml",
            "/docs/protocol.md",
            "/docs/deploy/../README.md",
            "/docsprotocol",
            "/doc",
        ] {
            assert_eq!(answer(path, &none).is_some(), path == "/docs/", "{path}");
        }
    }
}
