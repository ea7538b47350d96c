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

/// The body of `file`, a path in the repository: links in it begin there.
pub fn render(file: &str, text: &str) -> Rendered {
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut events: Vec<Event<'_>> = parser(text).map(|event| with_link(folder, event)).collect();
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
    html::push_html(&mut page, for_phones(events).into_iter());
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

/// A link to a file that this server shows is one to its page; what else there is, is in the repository.
fn with_link<'a>(folder: &str, event: Event<'a>) -> Event<'a> {
    match event {
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Link { link_type, dest_url: target(folder, dest_url), title, id })
        }
        Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Image { link_type, dest_url: target(folder, dest_url), title, id })
        }
        Event::Html(line) if is_of_picture(&line) => Event::Html(with_source(folder, &line).into()),
        // The files are ours, but pages hold what Markdown says and nothing else.
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        event => event,
    }
}

/// A line of a picture that is one in the light and another in the dark: Markdown has no word for that.
fn is_of_picture(line: &str) -> bool {
    let line = line.trim();
    matches!(line, "<picture>" | "</picture>")
        || (line.ends_with("/>") && (line.starts_with("<source media=") || line.starts_with("<img src=\"docs/")))
}

fn with_source(folder: &str, line: &str) -> String {
    let parts = line.split('"').map(|part| {
        let is_file = part.ends_with(".png") && !part.contains(' ');
        if is_file { target(folder, part.to_owned().into()) } else { part.to_owned().into() }
    });
    parts.collect::<Vec<_>>().join("\"")
}

fn target<'a>(folder: &str, link: CowStr<'a>) -> CowStr<'a> {
    if link.starts_with(['#', '/']) || link.contains(':') {
        return link;
    }
    let (name, place) = link.split_once('#').map_or((&*link, String::new()), |(name, id)| (name, format!("#{id}")));
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in name.split('/') {
        match part {
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let file = parts.join("/");
    let address = super::address_of(&file).unwrap_or_else(|| format!("{REPOSITORY}{file}"));
    format!("{address}{place}").into()
}

/// What may be wider than a phone scrolls by itself, and the page does not. Where a row is shown as lines, which is on
/// a phone, each cell says which column it is of; the first is the row's own name.
fn for_phones(events: Vec<Event<'_>>) -> Vec<Event<'_>> {
    let mut all = Vec::with_capacity(events.len());
    let (mut columns, mut is_head, mut at): (Vec<String>, bool, usize) = (Vec::new(), false, 0);
    let mut events = events.into_iter().peekable();
    while let Some(event) = events.next() {
        match &event {
            Event::Start(Tag::Table(_)) => all.push(Event::Html("<div class=\"scroller\" tabindex=\"0\">".into())),
            Event::Start(Tag::TableHead) => (columns, is_head) = (Vec::new(), true),
            Event::End(TagEnd::TableHead) => is_head = false,
            Event::Start(Tag::TableRow) => at = 0,
            Event::Start(Tag::TableCell) if is_head => columns.push(String::new()),
            _ if is_head => {
                if let (Some(column), Some(words)) = (columns.last_mut(), words_of(&event)) {
                    column.push_str(words);
                }
            }
            _ => {}
        }
        let (is_cell, is_end) =
            (matches!(event, Event::Start(Tag::TableCell)), matches!(event, Event::End(TagEnd::Table)));
        all.push(event);
        if is_cell && !is_head {
            let is_empty = matches!(events.peek(), Some(Event::End(_)));
            if let Some(column) = columns.get(at).filter(|column| at > 0 && !is_empty && !column.is_empty()) {
                all.push(Event::Html(maud::html! { span.column { (column) } }.into_string().into()));
            }
            at += 1;
        }
        if is_end {
            all.push(Event::Html("</div>".into()));
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
        let Rendered { html, headings } = render("docs/a.md", text);
        assert_eq!(title(text).as_deref(), Some("A page"));
        let ids: Vec<&str> = headings.iter().map(|heading| &*heading.id).collect();
        assert_eq!(ids, ["close-codes", "close-codes-1"]);
        for href in ["/docs/protocol#close-codes", "/blob/main/js/words.ts", "https://x.org/y.md", "\"#here"] {
            assert!(html.contains(href), "{href} is not in {html}");
        }
    }

    #[test]
    fn cells_name_their_columns() {
        let html = render("docs/a.md", "| a | b `<c>` | |\n| --- | --- | --- |\n| 1 | 2 | 3 |\n| 4 | | |\n").html;
        let cells = "<td>1</td><td><span class=\"column\">b &lt;c&gt;</span>2</td><td>3</td>";
        assert!(html.contains(cells) && html.contains("<td>4</td><td></td><td></td>"), "{html}");
    }

    #[test]
    fn a_picture_for_light_and_dark_is_one() {
        let picture = "<picture>\n  <source media=\"(prefers-color-scheme: dark)\" srcset=\"docs/chat-dark.png\" />\n  <img src=\"docs/chat-light.png\" alt=\"A chat\" />\n</picture>\n";
        assert_eq!(render("README.md", picture).html, picture.replace("docs/", "/docs/"));
    }

    #[test]
    fn html_in_a_file_is_text() {
        let html = render("docs/a.md", "a <script>alert(1)</script>\n\n<img src=x>\n\n<img src=x onerror=a />\n").html;
        assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
    }
}
