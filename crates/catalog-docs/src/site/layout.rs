//! What all pages have.

use maud::{DOCTYPE, Markup, html};
use tidings_catalog::EventDefinition;

use super::model::{Model, title, version};
use super::path;

/// Nothing is loaded that does not stand in the folder. `file:` is for a site on a disk, where
/// not every browser takes it for `'self'`.
const POLICY: &str = "default-src 'none'; script-src 'self' file:; style-src 'self' file:; \
                      img-src 'self' file:; base-uri 'none'; form-action 'none'";

/// A page of the site.
pub(super) struct Page<'p> {
    pub(super) model: &'p Model<'p>,
    /// Where it stands: `events/x.html`.
    pub(super) path: &'p str,
    pub(super) title: &'p str,
    pub(super) description: &'p str,
    /// What leads here: names with paths.
    pub(super) trail: Vec<(String, String)>,
}

impl Page<'_> {
    /// The way from this page to another file of the site.
    pub(super) fn to(&self, path: &str) -> String {
        up(self.path) + path
    }

    /// The whole page.
    pub(super) fn render(&self, main: &Markup) -> String {
        let site = &self.model.options.title;
        let up = up(self.path);
        let start = self.path == "index.html";
        let current = |path: &str| (self.path == path).then_some("page");
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta http-equiv="Content-Security-Policy" content=(POLICY);
                    meta name="color-scheme" content="light dark";
                    meta name="description" content=(self.description);
                    title { (self.title) @if !start { " · " (site) } }
                    link rel="icon" type="image/svg+xml" href={ (up) "assets/icon.svg" };
                    link rel="stylesheet" href={ (up) "assets/style.css" };
                    script src={ (up) "assets/site.js" } data-up=(up) {}
                }
                body {
                    a.skip href="#main" { "Skip to the content" }
                    header.bar {
                        a.name href={ (up) "index.html" } aria-current=[current("index.html")] { (site) }
                        div.search role="search" hidden {
                            input #search type="search" placeholder="Search events, fields, services"
                                aria-label="Search" autocomplete="off" spellcheck="false" role="combobox"
                                aria-expanded="false" aria-controls="found" aria-autocomplete="list";
                            kbd aria-hidden="true" { "/" }
                            ul #found role="listbox" aria-label="Found" hidden {}
                            p #finding .unseen role="status" {}
                        }
                        nav aria-label="Site" {
                            a href={ (up) "map.html" } aria-current=[current("map.html")] { "Map" }
                            @if !self.model.options.releases.is_empty() {
                                a href={ (up) "changelog.html" } aria-current=[current("changelog.html")] { "Changes" }
                            }
                            button #theme type="button" hidden { "Theme" }
                        }
                    }
                    main #main tabindex="-1" {
                        @if !self.trail.is_empty() {
                            nav.trail aria-label="Where this is" {
                                ol {
                                    @for (name, path) in &self.trail {
                                        li { a href={ (up) (path) } { (name) } }
                                    }
                                }
                            }
                        }
                        (main)
                    }
                    footer {
                        p { "Made of the definitions by " code { "tidings catalog docs" } ". Change them, not this page." }
                    }
                }
            }
        }
        .into_string()
    }
}

/// The way from a page to the start of the site.
fn up(path: &str) -> String {
    "../".repeat(path.matches('/').count())
}

/// A text with places where a line may break: after dots and underscores.
pub(super) fn breakable(text: &str) -> Markup {
    html! {
        @for part in text.split_inclusive(['.', '_', '/', '-']) { (part) wbr; }
    }
}

/// A link to an event; its major version stands beside its title where there are several.
pub(super) fn event_link(page: &Page<'_>, event: &EventDefinition) -> Markup {
    html! {
        a href=(page.to(&path::event(&event.event_type))) {
            (title(event))
            @if let Some(major) = page.model.major_mark(event) { " " (major) }
        }
    }
}

/// Events one below the other, each with what it is called and what tells it from its neighbours:
/// the common beginning of the types is left out.
pub(super) fn event_list(
    page: &Page<'_>,
    events: &[&EventDefinition],
    with_service: bool,
) -> Markup {
    html! {
        ul.events {
            @for event in events {
                li {
                    (event_link(page, event))
                    @if event.deprecation.is_some() { " " span.mark.warning { "deprecated" } }
                    @if !event.personal.is_empty() { " " span.hint { "personal data" } }
                    p {
                        code title=(event.event_type) { (breakable(short(event))) }
                        @if with_service && let Some(owner) = &event.owner {
                            " " span.by { (owner.service) }
                        }
                    }
                }
            }
        }
    }
}

/// What stands behind the subdomain: subject, action and major version.
fn short(event: &EventDefinition) -> &str {
    let behind = event.subdomain().and_then(|subdomain| {
        let (_, rest) = event.event_type.split_once(&format!(".{subdomain}."))?;
        Some(rest)
    });
    behind.unwrap_or(&event.event_type)
}

/// What one must know before one uses an event.
pub(super) fn marks(event: &EventDefinition) -> Markup {
    html! {
        span.version title="major and minor version" { (version(event)) }
        @if event.deprecation.is_some() { " " span.mark.warning { "deprecated" } }
        @if !event.personal.is_empty() { " " span.mark.personal { "personal data" } }
    }
}
