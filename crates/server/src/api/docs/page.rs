//! What is around a page's text: its head, the list of pages, its own headings.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::markdown::Heading;

/// The page `name` with this body among `contents`, the names and titles of all pages.
pub fn render(name: &str, body: &str, headings: &[Heading], contents: &[(&str, String)]) -> String {
    let title = contents.iter().find(|(page, _)| *page == name).map_or("Examples", |(_, title)| title);
    // The list of contents stands below the title.
    let (head, rest) = body.split_at(body.find("</h1>").map_or(0, |at| at + "</h1>".len()));
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { (title) " · Micro Chat" }
                meta name="viewport" content="width=device-width, initial-scale=1";
                link rel="icon" href="/favicon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/base.css";
                link rel="stylesheet" href="/docs.css";
            }
            body {
                a class="skip" href="#text" { "To the text" }
                nav class="pages" aria-label="Pages" {
                    a class="home" href="/" { img src="/favicon.svg" alt="" width="28" height="28"; "Micro Chat" }
                    (links(name, contents))
                }
                main id="text" {
                    (PreEscaped(head))
                    @if headings.len() > 2 {
                        details class="contents" {
                            summary { "On this page" }
                            ul { @for heading in headings { li { a href={ "#" (heading.id) } { (heading.title) } } } }
                        }
                    }
                    (PreEscaped(rest))
                }
            }
        }
    }
    .into_string()
}

fn links(name: &str, contents: &[(&str, String)]) -> Markup {
    html! {
        ul {
            @for (page, title) in contents {
                @let href = if page.is_empty() { "/docs".to_owned() } else { format!("/docs/{page}") };
                li { a href=(href) aria-current=[(*page == name).then_some("page")] { (title) } }
            }
        }
    }
}
