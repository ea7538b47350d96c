//! Markdown as HTML: headings get names, so that they can be linked to, and links among files become links among pages.

use std::collections::HashMap;

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// Where files that are no pages can be read.
const REPOSITORY: &str = "https://github.com/micro-chat/micro-chat/blob/main/";

/// A heading that a page's own list of contents names.
pub struct Heading {
    /// What links name it by.
    pub id: String,
    /// Its words.
    pub title: String,
}

/// A file, rendered.
pub struct Rendered {
    /// The body.
    pub html: String,
    /// Its second-level headings, in their order.
    pub headings: Vec<Heading>,
}

fn parser(text: &str) -> impl Iterator<Item = Event<'_>> {
    Parser::new_ext(text, Options::ENABLE_TABLES)
}

/// The first heading's words.
pub fn title(text: &str) -> Option<String> {
    let mut events = parser(text).skip_while(|event| !matches!(event, Event::Start(Tag::Heading { .. })));
    let words: String = events
        .by_ref()
        .take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))))
        .filter_map(|event| words_of(&event).map(str::to_owned))
        .collect();
    Some(words).filter(|words| !words.is_empty())
}

/// The file's body.
pub fn render(text: &str) -> Rendered {
    let mut events: Vec<Event<'_>> = parser(text).map(with_link).collect();
    let (mut headings, mut names) = (Vec::new(), HashMap::new());
    for at in 0..events.len() {
        let Event::Start(Tag::Heading { level, .. }) = events[at] else { continue };
        let inside = events[at..].iter().take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))));
        let words: String = inside.filter_map(words_of).collect();
        let name = name_of(&words, &mut names);
        if let Event::Start(Tag::Heading { id, .. }) = &mut events[at] {
            *id = Some(name.clone().into());
        }
        if level == HeadingLevel::H2 {
            headings.push(Heading { id: name, title: words });
        }
    }
    let mut page = String::new();
    html::push_html(&mut page, in_scrollers(events).into_iter());
    Rendered { html: page, headings }
}

fn words_of<'a>(event: &'a Event<'_>) -> Option<&'a str> {
    match event {
        Event::Text(words) | Event::Code(words) => Some(words),
        _ => None,
    }
}

/// As the places where these files are read otherwise name their headings: links work in both.
fn name_of(words: &str, names: &mut HashMap<String, usize>) -> String {
    let letters = words.to_lowercase();
    let letters = letters.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
    let name: String = letters.map(|letter| if letter == ' ' { '-' } else { letter }).collect();
    let count = names.entry(name.clone()).and_modify(|count| *count += 1).or_insert(0);
    if *count == 0 { name } else { format!("{name}-{count}") }
}

/// A link to another file of `docs/` is one to its page; what lies elsewhere is in the repository.
fn with_link(event: Event<'_>) -> Event<'_> {
    match event {
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Link { link_type, dest_url: target(dest_url), title, id })
        }
        Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
            let dest_url = if dest_url.contains(':') { dest_url } else { format!("/docs/{dest_url}").into() };
            Event::Start(Tag::Image { link_type, dest_url, title, id })
        }
        // The files are ours, but pages hold what Markdown says and nothing else.
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        event => event,
    }
}

fn target(link: CowStr<'_>) -> CowStr<'_> {
    if link.starts_with('#') || link.contains(':') {
        return link;
    }
    if let Some(file) = link.strip_prefix("../") {
        return format!("{REPOSITORY}{file}").into();
    }
    let (file, place) = link.split_once('#').map_or((&*link, String::new()), |(file, id)| (file, format!("#{id}")));
    match file.strip_suffix(".md") {
        Some("README") => format!("/docs{place}").into(),
        Some(page) => format!("/docs/{page}{place}").into(),
        None => format!("{REPOSITORY}docs/{link}").into(),
    }
}

/// What may be wider than a phone scrolls by itself, and the page does not.
fn in_scrollers(events: Vec<Event<'_>>) -> Vec<Event<'_>> {
    let mut all = Vec::with_capacity(events.len());
    for event in events {
        match event {
            Event::Start(Tag::Table(_)) => {
                all.extend([Event::Html("<div class=\"scroller\" tabindex=\"0\">".into()), event])
            }
            Event::End(TagEnd::Table) => all.extend([event, Event::Html("</div>".into())]),
            event => all.push(event),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_have_names_and_links_lead_to_pages_or_the_repository() {
        let text = "# A `page`\n\n## Close codes\n\n[a](protocol.md#close-codes) [b](../js/words.ts) [c](https://x.org/y.md) [d](#here)\n\n## Close codes\n";
        let Rendered { html, headings } = render(text);
        assert_eq!(title(text).as_deref(), Some("A page"));
        let ids: Vec<&str> = headings.iter().map(|heading| &*heading.id).collect();
        assert_eq!(ids, ["close-codes", "close-codes-1"]);
        for href in ["/docs/protocol#close-codes", "/blob/main/js/words.ts", "https://x.org/y.md", "\"#here"] {
            assert!(html.contains(href), "{href} is not in {html}");
        }
    }

    #[test]
    fn html_in_a_file_is_text() {
        let html = render("a <script>alert(1)</script>\n\n<img src=x>\n").html;
        assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
    }
}
