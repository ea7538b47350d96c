//! The files of `deploy/`, each as it is, and a page that lists them.

use maud::html;
use rust_embed::{EmbeddedFile, RustEmbed};

use super::markdown::Rendered;

/// The files.
#[derive(RustEmbed)]
#[folder = "../../deploy"]
struct Files;

/// The list's name among the pages, and the folder's in the repository.
pub const NAME: &str = "deploy";

/// Which of the documentation's names has this file of the repository, or the folder itself.
pub fn name_of(file: &str) -> Option<&str> {
    Some(file).filter(|name| *name == NAME || self::file(name).is_some())
}

/// The file that the documentation has under this name.
pub fn file(name: &str) -> Option<EmbeddedFile> {
    Files::get(name.strip_prefix(NAME)?.strip_prefix('/')?)
}

/// The list.
pub fn render() -> Rendered {
    let body = html! {
        h1 { "Examples for running a server" }
        p { a href="/docs/operations" { "Operations" } " says what each is for." }
        ul { @for name in Files::iter() { li { a href={ "/docs/" (NAME) "/" (name) } { (name) } } } }
    };
    Rendered { html: body.into_string(), headings: Vec::new() }
}
