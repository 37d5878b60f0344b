//! # timestamp-zone
//!
//! ## What it does
//! Looks for times without a zone: a field whose name ends in `_at`, `_time`, `timestamp` or
//! `datetime` and that is text, but not `format: date-time`; and a time without a zone in an
//! example.
//!
//! ## Why it matters
//! `2026-11-26T12:00:00` is another moment in each office. RFC 3339, which `date-time` asks for,
//! has a zone.
//!
//! ## Example
//! ```yaml
//! schema:
//!   properties:
//!     created_at: {type: string}
//! ```
//! Write instead:
//! ```yaml
//! schema:
//!   properties:
//!     created_at: {type: string, format: date-time}
//! ```

use serde_json::Value;

use crate::Payload;
use crate::lint::finding::Draft;
use crate::lint::rule::{Level, LintRule};
use crate::lint::subject::Subject;

pub(in crate::lint) static RULE: LintRule = LintRule {
    code: "timestamp-zone",
    level: Level::Warning,
    file: include_str!("timestamp_zone.rs"),
    settings: &[],
    check,
};

const ENDINGS: &[&str] = &["_at", "_time", "datetime", "timestamp"];

fn find(value: &Value, path: &mut Vec<String>, found: &mut impl FnMut(&[String])) {
    match value {
        Value::String(text) if lacks_zone(text) => found(path),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push(index.to_string());
                find(item, path, found);
                path.pop();
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                path.push(name.clone());
                find(member, path, found);
                path.pop();
            }
        }
        _ => {}
    }
}

/// Whether a text is a day and a time, and nothing that says where.
fn lacks_zone(text: &str) -> bool {
    text.len() >= 16
        && text.as_bytes()[10].eq_ignore_ascii_case(&b'T')
        && text.parse::<jiff::civil::DateTime>().is_ok()
        && text.parse::<jiff::Timestamp>().is_err()
}

fn check(subject: &Subject<'_>) -> Vec<Draft> {
    let mut drafts = Vec::new();
    if matches!(subject.event.payload, Payload::Json(_)) {
        for field in subject.fields {
            let name = field.path.last();
            if field.kind == "string" && ENDINGS.iter().any(|end| name.ends_with(end)) {
                drafts.push(Draft::new(
                    subject.event.locate_field(&field.path),
                    format!("`{}` is a time whose zone nobody knows", field.path),
                    "write format: date-time",
                ));
            }
        }
    }
    for (at, example) in subject.event.examples.iter().enumerate() {
        let at = at.to_string();
        let mut path = vec!["examples".to_owned(), at, "data".to_owned()];
        find(&example.data, &mut path, &mut |path| {
            let keys: Vec<&str> = path.iter().map(String::as_str).collect();
            drafts.push(Draft::new(
                subject.event.locate(&keys),
                "the example has a time without a zone",
                "write it as in RFC 3339, with `Z` at its end",
            ));
        });
    }
    drafts
}

#[cfg(test)]
mod tests {
    use super::lacks_zone;

    #[test]
    fn a_zone_is_seen() {
        assert!(lacks_zone("2026-11-26T12:00:00") && lacks_zone("2026-11-26T12:00:00.25"));
        for text in [
            "2026-11-26T12:00:00Z",
            "2026-11-26T12:00:00+02:00",
            "2026-11-26",
            "T",
            "course",
        ] {
            assert!(!lacks_zone(text), "{text}");
        }
    }
}
