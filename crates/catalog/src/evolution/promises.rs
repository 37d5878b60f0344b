//! What was promised about the end of an event, and about the version before it.

use jiff::civil::Date;

use super::Mode;
use super::change::{Change, ChangeKind, Severity};
use super::consumers::services;
use super::differ::Differ;
use crate::{Catalog, EventDefinition};

impl Differ<'_> {
    /// Holds the end of an event against the end that it had. A last day that was told may be moved
    /// back, never forward.
    pub(super) fn end(&mut self) {
        let today = self.today;
        let until = |event: &EventDefinition| event.deprecation.as_ref()?.until;
        let (before, after) = (until(self.old), until(self.new));
        let asked = self.mode != Mode::None;
        let broken = match (before, after) {
            (Some(before), Some(after)) if after < before && before >= today => Some(format!(
                "it was promised until {before}, and is until {after}"
            )),
            (None, Some(after)) if after < today => Some(format!(
                "it is emitted until {after}, which is over, and nobody was told"
            )),
            _ => None,
        };
        if let Some(message) = broken.filter(|_| asked) {
            let help = match before {
                Some(before) => format!("write until: {before}, or a later day"),
                None => "write a day on which every consumer will have moved".into(),
            };
            let consumers = services(self.old);
            let kind = ChangeKind::Deprecation;
            self.add(kind, Severity::Breaking, message, Some(help))
                .consumers = consumers;
            return;
        }
        let message = match (&self.old.deprecation, &self.new.deprecation) {
            (old, new) if old == new => return,
            (_, None) => "it is no longer deprecated".to_owned(),
            (_, Some(new)) => {
                let mut message = format!("it is deprecated since {}", new.since);
                if let Some(until) = new.until {
                    message.push_str(&format!(", and emitted until {until}"));
                }
                if let Some(instead) = &new.replaced_by {
                    message.push_str(&format!("; {instead} comes instead"));
                }
                message
            }
        };
        self.add(ChangeKind::Deprecation, Severity::Compatible, message, None);
    }

    /// Names the consumers that came or went, or that read something else.
    pub(super) fn contracts(&mut self) {
        let (before, after) = (services(self.old), services(self.new));
        let gone = before.iter().filter(|service| !after.contains(service));
        let gone = gone.map(|service| format!("`{service}` consumes it no longer"));
        let came = after.iter().filter(|service| !before.contains(service));
        let came = came.map(|service| format!("`{service}` consumes it"));
        let (old, new) = (&self.old.consumers, &self.new.consumers);
        let changed = new.iter().filter(|consumer| {
            let known = old.iter().any(|other| other.service == consumer.service);
            known && !old.contains(consumer)
        });
        let changed = changed.map(|c| format!("the contract of `{}` changed", c.service));
        for message in gone.chain(came).chain(changed).collect::<Vec<_>>() {
            self.add(ChangeKind::Consumers, Severity::Compatible, message, None);
        }
    }
}

impl Differ<'_> {
    /// Names that the version before it is made of it now, or in another way.
    pub(super) fn mapping(&mut self) {
        let Some(previous) = self.new.previous() else {
            return;
        };
        let message = match (&self.old.to_previous, &self.new.to_previous) {
            (None, Some(_)) => format!("{previous} is made of it, and emitted with it"),
            (Some(old), Some(new)) if old != new => {
                format!("{previous} is made of it in another way")
            }
            _ => return,
        };
        self.add(ChangeKind::Majors, Severity::Compatible, message, None);
    }
}

/// That a major version no longer comes along with the next one, which its consumers wait for.
pub(super) fn no_longer_emitted_along(
    before: &EventDefinition,
    after: &EventDefinition,
    new: &Catalog,
    mode: Mode,
) -> Option<Change> {
    let dropped = before.to_previous.is_some() && after.to_previous.is_none();
    let previous = format!("{}.v{}", after.name(), after.major()?.checked_sub(1)?);
    let previous = new.event(&previous)?;
    (dropped && mode != Mode::None).then(|| Change {
        event_type: after.event_type.clone(),
        kind: ChangeKind::Majors,
        severity: Severity::Breaking,
        path: None,
        message: format!("{} is no longer made of it", previous.event_type),
        help: Some("keep to_previous until that version is gone".into()),
        witness: None,
        consumers: services(previous),
        location: after.locate(&[]),
    })
}

/// That a new major version does not say how the one before is made, whose consumers wait for it.
pub(super) fn not_emitted_along(
    after: &EventDefinition,
    new: &Catalog,
    today: Date,
) -> Option<Change> {
    let previous = new.event(&after.previous()?)?;
    let until = previous.deprecation.as_ref().and_then(|d| d.until);
    let over = until.is_some_and(|until| until < today);
    (after.to_previous.is_none() && !over).then(|| Change {
        event_type: after.event_type.clone(),
        kind: ChangeKind::Majors,
        severity: Severity::Notice,
        path: None,
        message: format!(
            "{} is not made of it: until {}, its producer has to publish both",
            previous.event_type,
            match until {
                Some(until) => until.to_string(),
                None => "its last day".to_owned(),
            }
        ),
        help: Some("write to_previous, and Tidings publishes both with one time".into()),
        witness: None,
        consumers: Vec::new(),
        location: after.locate(&[]),
    })
}
