//! What lies between two states of a catalog.

use jiff::civil::Date;

use super::Mode;
use super::change::{Change, ChangeKind, Severity};
use super::consumers::services;
use super::differ::Differ;
use super::promises::{no_longer_emitted_along, not_emitted_along};
use crate::{Catalog, EventDefinition};

/// What lies between two states of a catalog.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ChangeReport {
    /// The changes, by type.
    pub changes: Vec<Change>,
    /// How many definitions are in both states.
    pub compared: usize,
}

impl ChangeReport {
    /// The worst of the changes.
    pub fn severity(&self) -> Severity {
        let severities = self.changes.iter().map(|change| change.severity);
        severities.max().unwrap_or(Severity::Compatible)
    }
}

/// Holds a newer state of a catalog against an older one. `today` decides whether an event may
/// go: it has been deprecated, and its last day is over.
pub fn diff(old: &Catalog, new: &Catalog, mode: Mode, today: Date) -> ChangeReport {
    let mut report = ChangeReport::default();
    for before in old.events() {
        match new.event(&before.event_type) {
            Some(after) => {
                report.compared += 1;
                Differ {
                    old: before,
                    new: after,
                    mode,
                    today,
                    changes: &mut report.changes,
                }
                .run();
                let along = no_longer_emitted_along(before, after, new, mode);
                report.changes.extend(along);
            }
            None => report.changes.push(removal(before, today, mode)),
        }
    }
    for after in new
        .events()
        .filter(|event| old.event(&event.event_type).is_none())
    {
        report.changes.push(Change {
            event_type: after.event_type.clone(),
            kind: ChangeKind::Added,
            severity: Severity::Compatible,
            path: None,
            message: "the event is new".into(),
            help: None,
            witness: None,
            consumers: Vec::new(),
            location: after.locate(&[]),
        });
        report.changes.extend(not_emitted_along(after, new, today));
    }
    report
        .changes
        .sort_by(|a, b| a.event_type.cmp(&b.event_type));
    report
}

fn removal(event: &EventDefinition, today: Date, mode: Mode) -> Change {
    let until = event
        .deprecation
        .as_ref()
        .and_then(|deprecation| deprecation.until);
    let over = until.is_some_and(|until| until < today);
    let message = match until {
        Some(until) if over => format!("the event is gone; it was emitted until {until}"),
        Some(until) => format!("the event is gone, and it was promised until {until}"),
        None => "the event is gone, and nobody was told".to_owned(),
    };
    let breaks = !over && mode != Mode::None;
    Change {
        event_type: event.event_type.clone(),
        kind: ChangeKind::Removed,
        severity: if breaks {
            Severity::Breaking
        } else {
            Severity::Compatible
        },
        path: None,
        message,
        help: breaks.then(|| match until {
            Some(until) => format!("keep the definition until {until} is over"),
            None => "keep the definition, and deprecate it: deprecation: {since: DAY, until: DAY}"
                .to_owned(),
        }),
        witness: None,
        consumers: match breaks {
            true => services(event),
            false => Vec::new(),
        },
        location: event.locate(&[]),
    }
}
