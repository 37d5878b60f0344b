//! # unknown-field
//!
//! ## What it does
//! Checks that `fields` and `pii` name fields that the schema declares.
//!
//! ## Why it matters
//! After a rename the tag stays behind and the new field is untagged, and nobody sees it.
//!
//! ## Example
//! ```yaml
//! schema: {type: object, properties: {mail: {type: string}}}
//! pii:
//!   - {field: email, kind: email, reason: The letter is sent to it}
//! ```
//! Name the field as the schema does: `mail`.

use crate::FieldPath;
use crate::lint::finding::Draft;
use crate::lint::rule::{Level, LintRule};
use crate::lint::subject::Subject;

pub(in crate::lint) static RULE: LintRule = LintRule {
    code: "unknown-field",
    level: Level::Error,
    file: include_str!("unknown_field.rs"),
    settings: &[],
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Draft> {
    let known = |path: &FieldPath| subject.field(path).is_some();
    let mut drafts = Vec::new();
    let draft = |keys: &[&str], path: &FieldPath| {
        let paths: Vec<&str> = subject
            .fields
            .iter()
            .map(|field| field.path.as_str())
            .collect();
        Draft::new(
            subject.event.locate(keys),
            format!("the payload has no field `{path}`"),
            crate::source::nearest(path.as_str(), &paths).replace("the keys are", "its fields are"),
        )
    };
    for (path, _) in subject
        .event
        .field_descriptions
        .iter()
        .filter(|(path, _)| !known(path))
    {
        drafts.push(draft(&["fields", path.as_str()], path));
    }
    for (at, personal) in subject.event.personal.iter().enumerate() {
        if !known(&personal.field) {
            drafts.push(draft(&["pii", &at.to_string(), "field"], &personal.field));
        }
    }
    drafts
}
