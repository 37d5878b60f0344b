//! What authors write, as HTML.

use maud::{Markup, PreEscaped};
use pulldown_cmark::{CowStr, Event, Parser, Tag, TagEnd, html};

/// CommonMark without what could reach out of the page: HTML is shown as it is written, an image
/// by its alternative text, a link only to the web or to mail, a heading as a bold line.
pub(super) fn blocks(text: &str) -> Markup {
    let mut hidden_links = 0_usize;
    let events = Parser::new(text).filter_map(|event| match event {
        Event::Html(raw) | Event::InlineHtml(raw) => Some(Event::Text(raw)),
        Event::Start(Tag::HtmlBlock) => Some(Event::Start(Tag::Paragraph)),
        Event::End(TagEnd::HtmlBlock) => Some(Event::End(TagEnd::Paragraph)),
        Event::Start(Tag::Heading { .. }) => Some(Event::Start(Tag::Paragraph)),
        Event::End(TagEnd::Heading(_)) => Some(Event::End(TagEnd::Paragraph)),
        Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => None,
        Event::Start(Tag::Link { ref dest_url, .. }) if !leads_outside(dest_url) => {
            hidden_links += 1;
            None
        }
        Event::Start(Tag::Link {
            link_type,
            dest_url,
            id,
            ..
        }) => Some(Event::Start(Tag::Link {
            link_type,
            dest_url,
            title: CowStr::Borrowed(""),
            id,
        })),
        Event::End(TagEnd::Link) if hidden_links > 0 => {
            // Links do not nest.
            hidden_links -= 1;
            None
        }
        event => Some(event),
    });
    let mut out = String::with_capacity(text.len() + 32);
    html::push_html(&mut out, events);
    PreEscaped(out)
}

fn leads_outside(url: &str) -> bool {
    ["https://", "http://", "mailto:"].iter().any(|scheme| {
        url.get(..scheme.len())
            .is_some_and(|s| s.eq_ignore_ascii_case(scheme))
    })
}

/// The same in one line where it is one paragraph: for cells of tables.
pub(super) fn inline(text: &str) -> Markup {
    let html = blocks(text).into_string();
    let trimmed = html.trim();
    let inner = trimmed
        .strip_prefix("<p>")
        .and_then(|rest| rest.strip_suffix("</p>"))
        .filter(|inner| !inner.contains("<p>"));
    PreEscaped(inner.unwrap_or(trimmed).to_owned())
}

/// The words alone, in one line: for search and for descriptions of pages.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for event in Parser::new(text) {
        match event {
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => {
                out.push_str(&text);
            }
            Event::End(_) | Event::SoftBreak | Event::HardBreak => out.push(' '),
            _ => {}
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{blocks, inline, plain};

    #[test]
    fn nothing_reaches_out_of_the_page() {
        let of = |text: &str| blocks(text).into_string();
        assert_eq!(of("a <b>x</b>").trim(), "<p>a &lt;b&gt;x&lt;/b&gt;</p>");
        assert!(!of("<script>alert(1)</script>").contains("<script"));
        assert!(!of("![x](https://example.org/a.png)").contains("<img"));
        assert_eq!(of("[x](javascript:alert(1)) y").trim(), "<p>x y</p>");
        assert_eq!(
            of("[x](https://a.example/?a=1&b=\"2\")").trim(),
            "<p><a href=\"https://a.example/?a=1&amp;b=%222%22\">x</a></p>"
        );
        assert_eq!(of("# Big").trim(), "<p>Big</p>");
    }

    #[test]
    fn one_paragraph_is_one_line() {
        assert_eq!(
            inline("a `b` *c*").into_string(),
            "a <code>b</code> <em>c</em>"
        );
        assert!(inline("a\n\nb").into_string().contains("<p>b</p>"));
        assert_eq!(
            plain("**When** `x`\nhappens.\n\n- one\n- two"),
            "When x happens. one two"
        );
    }
}
