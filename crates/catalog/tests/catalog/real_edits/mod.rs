//! Edits as people make them to the definitions of Open edX, and what `diff` says of each under
//! OEP-41: the worst that it finds, and of which kinds that is. `nothing` is no change at all.

mod avro;
mod definition;
mod json;

use jiff::civil::date;
use serde_json::Value;
use tidings_catalog::Catalog;
use tidings_catalog::evolution::{Mode, Severity, diff};

use crate::avro_edits::{field, fields};
use crate::folder::openedx;

/// The two files of a definition.
struct Files {
    yaml: String,
    avro: Value,
}

impl Files {
    fn of(event_type: &str) -> Self {
        let folder = openedx();
        let subdomain = event_type.split('.').nth(2).unwrap();
        let yaml = folder.join(subdomain).join(format!("{event_type}.yaml"));
        let avro = std::fs::read(folder.join(format!("{event_type}.avsc")));
        Self {
            yaml: std::fs::read_to_string(yaml).unwrap(),
            avro: avro.map_or(Value::Null, |text| serde_json::from_slice(&text).unwrap()),
        }
    }

    fn catalog(&self, event_type: &str) -> Catalog {
        let mut texts = Vec::new();
        if !self.yaml.is_empty() {
            texts.push((format!("a/{event_type}.yaml"), self.yaml.clone()));
        }
        if !self.avro.is_null() && !self.yaml.is_empty() {
            texts.push((format!("{event_type}.avsc"), self.avro.to_string()));
        }
        Catalog::from_texts(texts).unwrap()
    }

    /// Replaces a text of the YAML file.
    fn put(&mut self, from: &str, to: &str) {
        assert!(self.yaml.contains(from), "{from}");
        self.yaml = self.yaml.replacen(from, to, 1);
    }

    fn add(&mut self, lines: &str) {
        self.yaml.push_str(lines);
    }

    /// Raises the minor version.
    fn minor(&mut self) {
        self.put("minorversion: 0", "minorversion: 1");
    }

    /// Adds a field to a record.
    fn grow(&mut self, record: &str, field: Value) {
        fields(&mut self.avro, record).push(field);
    }

    fn field(&mut self, name: &str) -> &mut Value {
        field(&mut self.avro, name)
    }
}

/// The event without `org.openedx.`, what is done to it, what is said, and the edit.
type Edit = (&'static str, &'static str, &'static str, fn(&mut Files));

fn said(event_type: &str, old: &Files, new: &Files) -> String {
    let day = date(2026, 11, 27);
    let (old, new) = (old.catalog(event_type), new.catalog(event_type));
    let report = diff(&old, &new, Mode::Oep41, day);
    if report.changes.is_empty() {
        return "nothing".to_owned();
    }
    let worst = report.severity();
    for change in &report.changes {
        // What breaks who reads or writes comes with an event.
        let of_schema = ["backward", "forward", "field-removed"].contains(&change.kind.as_str());
        let proven = change.witness.is_some();
        assert!(
            !of_schema || change.severity != Severity::Breaking || proven,
            "{change}"
        );
    }
    let worst_of = report.changes.iter().filter(|c| c.severity == worst);
    let mut kinds: Vec<&str> = worst_of.map(|change| change.kind.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    format!("{} {}", worst.as_str(), kinds.join(","))
}

#[test]
fn edits_of_real_definitions_are_judged_right() {
    let edits = || {
        avro::EDITS
            .iter()
            .chain(json::EDITS)
            .chain(definition::EDITS)
    };
    assert!(edits().count() >= 50, "{}", edits().count());
    let mut wrong = Vec::new();
    for (name, what, expected, edit) in edits() {
        let event_type = format!("org.openedx.{name}");
        let (old, mut new) = (Files::of(&event_type), Files::of(&event_type));
        edit(&mut new);
        let found = said(&event_type, &old, &new);
        if found != *expected {
            wrong.push(format!(
                "{name}: {what}: expected {expected}, found {found}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
