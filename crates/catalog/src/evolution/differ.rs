//! What lies between two states of one definition.

use jiff::civil::Date;

use super::change::{Change, ChangeKind, Severity};
use super::{Break, Comparison, Mode, Verdict, compare, consumers};
use crate::{EventDefinition, FieldPath};

/// Collects the changes of one definition.
pub(super) struct Differ<'d> {
    pub(super) old: &'d EventDefinition,
    pub(super) new: &'d EventDefinition,
    pub(super) mode: Mode,
    pub(super) today: Date,
    pub(super) changes: &'d mut Vec<Change>,
}

impl Differ<'_> {
    /// Looks at everything.
    pub(super) fn run(mut self) {
        let data = |event: &EventDefinition| -> Vec<serde_json::Value> {
            event
                .examples
                .iter()
                .map(|example| example.data.clone())
                .collect()
        };
        let comparison = compare(
            &self.old.payload,
            &self.new.payload,
            &data(self.old),
            &data(self.new),
        );
        self.payload(&comparison);
        self.minorversion(&comparison);
        self.key();
        self.owner();
        self.topics();
        self.end();
        self.contracts();
        self.mapping();
        self.personal(&comparison);
    }

    pub(super) fn add(
        &mut self,
        kind: ChangeKind,
        severity: Severity,
        message: impl Into<String>,
        help: Option<String>,
    ) -> &mut Change {
        let keys: &[&str] = match kind {
            ChangeKind::MinorVersion => &["minorversion"],
            ChangeKind::Key => &["key"],
            ChangeKind::Owner => &["owner", "service"],
            ChangeKind::Topics => &["topics"],
            ChangeKind::Deprecation => &["deprecation"],
            ChangeKind::Consumers => &["consumers"],
            ChangeKind::Majors => &["to_previous"],
            ChangeKind::Personal => &["pii"],
            _ => &[],
        };
        self.changes.push(Change {
            event_type: self.new.event_type.clone(),
            kind,
            severity,
            path: None,
            message: message.into(),
            help,
            witness: None,
            consumers: Vec::new(),
            location: self.new.locate(keys),
        });
        self.changes.last_mut().expect("it was pushed")
    }

    fn payload(&mut self, comparison: &Comparison) {
        let broken = consumers::broken(self.old, self.new, comparison);
        let of = |path: &FieldPath| -> Vec<String> {
            let concerned = broken.iter().filter(|(_, paths)| paths.contains(path));
            concerned.map(|(service, _)| service.clone()).collect()
        };
        let next = self.next_major();
        let severity = |asked: bool| match asked {
            true => Severity::Breaking,
            false => Severity::Compatible,
        };
        let mut told: Vec<FieldPath> = Vec::new();
        let removals = self.mode == Mode::Oep41;
        for b in &comparison.removed {
            told.push(b.path.clone());
            let help = removals.then(|| format!("keep it, or remove it in {next}"));
            self.tell(
                ChangeKind::FieldRemoved,
                severity(removals),
                b,
                "",
                help,
                of(&b.path),
            );
        }
        for (kind, outcome, asked, words) in [
            (
                ChangeKind::Forward,
                &comparison.forward,
                self.mode.asks_forward(),
                "who knows the old schema does not read what is written now: ",
            ),
            (
                ChangeKind::Backward,
                &comparison.backward,
                self.mode.asks_backward(),
                "who knows the new schema does not read what was written before: ",
            ),
        ] {
            for b in &outcome.breaks {
                // That it went says it already.
                if kind == ChangeKind::Forward && removals && told.contains(&b.path) {
                    continue;
                }
                let help = asked.then(|| format!("undo it, or do it in {next}"));
                let consumers = match kind {
                    ChangeKind::Forward => of(&b.path),
                    _ => Vec::new(),
                };
                self.tell(kind, severity(asked), b, words, help, consumers);
            }
            if outcome.verdict == Verdict::Undecided && asked {
                let message = format!("{words}it could not be proven that it does");
                let help = "look at it: the schemas are too different for a proof, and no payload \
                            was found that breaks";
                self.add(kind, Severity::Undecided, message, Some(help.into()));
            }
        }
        for path in &comparison.added {
            let message = format!("`{path}` is new");
            let location = self.new.locate_field(path);
            let change = self.add(ChangeKind::FieldAdded, Severity::Compatible, message, None);
            change.path = Some(path.clone());
            change.location = location;
        }
    }

    fn tell(
        &mut self,
        kind: ChangeKind,
        severity: Severity,
        b: &Break,
        words: &str,
        help: Option<String>,
        consumers: Vec<String>,
    ) {
        let subject = match b.path.as_str() {
            "" => "the payload".to_owned(),
            path => format!("`{path}`"),
        };
        let message = format!("{words}{subject} {}", b.reason);
        let location = self.new.locate_field(&b.path);
        let change = self.add(kind, severity, message, help);
        change.path = Some(b.path.clone());
        change.witness = Some(b.witness.clone());
        change.consumers = consumers;
        change.location = location;
    }

    fn minorversion(&mut self, comparison: &Comparison) {
        let (before, after) = (self.old.minorversion, self.new.minorversion);
        if self.mode == Mode::None {
            return;
        }
        if after < before {
            let message = format!("the minor version falls from {before} to {after}");
            let help = format!("write minorversion: {before}");
            self.add(
                ChangeKind::MinorVersion,
                Severity::Breaking,
                message,
                Some(help),
            );
        } else if after == before && !comparison.added.is_empty() && self.mode == Mode::Oep41 {
            let message = format!(
                "fields came, and the minor version is still {before}: consumers cannot tell \
                 whether an event has them"
            );
            let help = format!("write minorversion: {}", before + 1);
            self.add(
                ChangeKind::MinorVersion,
                Severity::Breaking,
                message,
                Some(help),
            );
        }
    }

    fn key(&mut self) {
        let path = |event: &EventDefinition| event.key.as_ref().map(ToString::to_string);
        let (before, after) = (path(self.old), path(self.new));
        if let (None, Some(after)) = (&before, &after) {
            let message = format!("its key is `{after}`, and it had none");
            self.add(ChangeKind::Key, Severity::Compatible, message, None);
            return;
        }
        if before == after || self.mode == Mode::None {
            return;
        }
        let message = match after {
            Some(after) => format!(
                "the key was `{}` and is `{after}`",
                before.unwrap_or_default()
            ),
            None => format!("the key was `{}` and is gone", before.unwrap_or_default()),
        };
        let help = format!(
            "events of one entity no longer keep their order: keep the key, or begin {}",
            self.next_major()
        );
        let consumers = consumers::services(self.old);
        let change = self.add(ChangeKind::Key, Severity::Breaking, message, Some(help));
        change.consumers = consumers;
    }

    fn owner(&mut self) {
        let service = |event: &EventDefinition| event.owner.as_ref().map(|o| o.service.clone());
        if let (Some(before), Some(after)) = (service(self.old), service(self.new))
            && before != after
        {
            let message = format!("`{after}` emits it, and `{before}` did");
            self.add(ChangeKind::Owner, Severity::Compatible, message, None);
        }
    }

    fn topics(&mut self) {
        let beyond = |of: &EventDefinition, other: &EventDefinition| -> Vec<String> {
            let topics = of.topics.iter();
            let beyond = topics.filter(|topic| !other.topics.contains(topic));
            beyond.cloned().collect()
        };
        let (gone, came) = (beyond(self.old, self.new), beyond(self.new, self.old));
        if !came.is_empty() {
            let message = format!("it is published to `{}` now", came.join("`, `"));
            self.add(ChangeKind::Topics, Severity::Compatible, message, None);
        }
        if gone.is_empty() || self.mode == Mode::None {
            return;
        }
        let message = format!("it is no longer published to `{}`", gone.join("`, `"));
        let help = "publish to both until every consumer has moved".to_owned();
        let consumers = consumers::services(self.old);
        let change = self.add(ChangeKind::Topics, Severity::Breaking, message, Some(help));
        change.consumers = consumers;
    }

    fn next_major(&self) -> String {
        match self.new.major() {
            Some(major) => format!("{}.v{}", self.new.name(), major + 1),
            None => "a new major version".into(),
        }
    }
}
