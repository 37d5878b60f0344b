//! What releases changed of an event.

use maud::{Markup, html};
use tidings_catalog::EventDefinition;

use crate::site::changelog;
use crate::site::layout::Page;

pub(super) fn list(page: &Page<'_>, event: &EventDefinition) -> Option<Markup> {
    let releases = page.model.options.releases.iter().rev();
    let releases: Vec<_> = releases
        .map(|release| {
            let changes = release.report.changes.iter();
            let changes = changes.filter(|change| change.event_type == event.event_type);
            (release, changes.collect::<Vec<_>>())
        })
        .filter(|(_, changes)| !changes.is_empty())
        .collect();
    if releases.is_empty() {
        return None;
    }
    Some(html! {
        @for (release, changes) in releases {
            h3 { (release.from) " → " (release.to) }
            ul.differences { @for change in changes { (changelog::item(change)) } }
        }
    })
}
