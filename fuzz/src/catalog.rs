//! Definitions of events.

use tidings_catalog::evolution::{Mode, diff};
use tidings_catalog::lint::{LintSettings, lint};
use tidings_catalog::{Catalog, DraftField};

const FILE: &str = "org.example.catalog.course.created.v1.yaml";

/// A definition, and behind a line `===` what became of it. What can be read can be held against the
/// rules, and against what it was; what cannot is told by problems that people can read.
pub fn definition(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let (before, after) = text.split_once("\n===\n").unwrap_or((text, text));
    let (Some(before), Some(after)) = (read(before), read(after)) else {
        return;
    };
    let report = lint(&before, &LintSettings::default());
    assert!(report.findings.iter().all(|f| !f.message.is_empty()));
    let today = "2026-11-27".parse().expect("it is a day");
    for mode in [Mode::Oep41, Mode::Full] {
        let changes = diff(&before, &after, mode, today);
        assert!(changes.changes.iter().all(|c| !c.message.is_empty()));
    }
}

fn read(text: &str) -> Option<Catalog> {
    if let Some(line) = text.lines().next() {
        let _field = line.parse::<DraftField>();
    }
    match Catalog::from_texts([(FILE, text)]) {
        Ok(catalog) => {
            for event in catalog.events() {
                let _fields = event.fields();
            }
            Some(catalog)
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            None
        }
    }
}
