//! # contract
//!
//! ## What it does
//! Holds the contract of each consumer against the definition: it reads fields that there are,
//! knows every value that they can have, asks for a minor version that there is, reads attributes
//! that events have, and not `source`.
//!
//! ## Why it matters
//! A contract that does not fit is a consumer that fails at the next event, or one that a change
//! breaks without anybody seeing it.
//!
//! ## Example
//! ```yaml
//! schema: {type: object, properties: {state: {enum: [draft, published, archived]}}}
//! consumers:
//!   - service: search
//!     reads: [state]
//!     accepts: {state: [draft, published]}
//! ```
//! Teach the consumer the third value, or begin a new major version.

use serde_json::Value;

use crate::lint::finding::Draft;
use crate::lint::rule::{Level, LintRule};
use crate::lint::subject::Subject;
use crate::{Consumer, FieldPath};

pub(in crate::lint) static RULE: LintRule = LintRule {
    code: "contract",
    level: Level::Error,
    file: include_str!("contract.rs"),
    settings: &[],
    check,
};

/// The attributes of OEP-41 that consumers may read.
const ATTRIBUTES: &[&str] = &[
    "id",
    "type",
    "time",
    "subject",
    "minorversion",
    "partitionkey",
    "dataschema",
    "datacontenttype",
    "specversion",
];

fn judge(subject: &Subject<'_>, keys: &[&str], consumer: &Consumer, drafts: &mut Vec<Draft>) {
    let event = subject.event;
    let at = |more: &[&str]| event.locate(&[keys, more].concat());
    let name = &consumer.service;
    let paths = || {
        subject
            .fields
            .iter()
            .map(|field| field.path.as_str())
            .collect::<Vec<_>>()
    };
    for (index, path) in consumer.reads.iter().enumerate() {
        if subject.field(path).is_some() {
            continue;
        }
        let location = at(&["reads", &index.to_string()]);
        drafts.push(if path.as_str() == "source" {
            Draft::new(
                location,
                format!("`{name}` may not read `source`"),
                "OEP-41 forbids to branch on who sent an event: ask the owner for a field",
            )
        } else {
            Draft::new(
                location,
                format!("`{name}` reads `{path}`, and the payload has no such field"),
                crate::source::nearest(path.as_str(), &paths())
                    .replace("the keys are", "its fields are"),
            )
        });
    }
    for accepted in &consumer.accepts {
        let location = at(&["accepts", accepted.field.as_str()]);
        match subject.field(&accepted.field) {
            None => drafts.push(Draft::new(
                location,
                format!(
                    "`{name}` accepts values of `{}`, and the payload has no such field",
                    accepted.field
                ),
                crate::source::nearest(accepted.field.as_str(), &paths())
                    .replace("the keys are", "its fields are"),
            )),
            Some(field) => {
                let unknown = |value: &&Value| !accepted.values.contains(value);
                let unknown: Vec<String> = field
                    .values
                    .iter()
                    .filter(unknown)
                    .map(ToString::to_string)
                    .collect();
                if !unknown.is_empty() {
                    drafts.push(Draft::new(
                        location,
                        format!(
                            "`{name}` does not know the value {} of `{}`",
                            unknown.join(", "),
                            FieldPath::from(accepted.field.as_str()),
                        ),
                        "teach the consumer, or take the value out",
                    ));
                }
            }
        }
    }
    for attribute in consumer
        .attributes
        .iter()
        .filter(|a| !ATTRIBUTES.contains(&a.as_str()))
    {
        drafts.push(Draft::new(
            at(&["attributes"]),
            format!("`{name}` reads the attribute `{attribute}`, which OEP-41 does not have"),
            format!("the attributes are {}", ATTRIBUTES.join(", ")),
        ));
    }
    if consumer.minorversion > event.minorversion {
        drafts.push(Draft::new(
            at(&["minorversion"]),
            format!(
                "`{name}` needs minor version {}, and this is {}",
                consumer.minorversion, event.minorversion
            ),
            "raise `minorversion` with what the consumer needs",
        ));
    }
}

fn check(subject: &Subject<'_>) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for (at, consumer) in subject.event.consumers.iter().enumerate() {
        let at = at.to_string();
        judge(subject, &["consumers", &at], consumer, &mut drafts);
    }
    drafts
}
