//! # pii-untagged
//!
//! ## What it does
//! Looks for fields whose name says that they hold personal data (`email`, `username`, `full_name`,
//! `phone`, `address`, `ip`, `birth…`) and that no entry of `pii` names.
//!
//! ## Why it matters
//! What is personal has to be found again: to answer a person who asks, to delete, to keep it from
//! consumers that do not need it. A log keeps it for as long as it keeps the event.
//!
//! ## Example
//! ```yaml
//! schema:
//!   properties:
//!     email: {type: string, format: email}
//! ```
//! Write also:
//! ```yaml
//! pii:
//!   - {field: email, kind: email, reason: The welcome letter is sent by the consumer}
//! ```

use crate::lint::finding::Draft;
use crate::lint::rule::{Level, LintRule, Setting};
use crate::lint::subject::Subject;

pub(in crate::lint) static RULE: LintRule = LintRule {
    code: "pii-untagged",
    level: Level::Warning,
    file: include_str!("pii_untagged.rs"),
    settings: &[Setting {
        name: "fields",
        about: "names of fields that hold no personal data",
    }],
    check,
};

const WORDS: &[&str] = &[
    "address",
    "birthday",
    "birthdate",
    "city",
    "email",
    "firstname",
    "fullname",
    "gender",
    "ip",
    "lastname",
    "latitude",
    "longitude",
    "nationality",
    "passport",
    "phone",
    "photo",
    "postcode",
    "ssn",
    "surname",
    "username",
    "zip",
    "zipcode",
];

/// Words that make a name of two of them personal.
const PAIRS: &[(&str, &str)] = &[
    ("first", "name"),
    ("last", "name"),
    ("full", "name"),
    ("user", "name"),
    ("display", "username"),
    ("date", "birth"),
    ("mailing", "address"),
];

fn is_personal(name: &str, kind: &str) -> bool {
    if kind == "email" {
        return true;
    }
    if kind.starts_with("boolean") || kind.starts_with("object") {
        return false;
    }
    let lower = name.to_ascii_lowercase();
    let words: Vec<&str> = lower.split(['_', '-']).collect();
    words.iter().any(|word| WORDS.contains(word))
        || PAIRS
            .iter()
            .any(|(one, two)| words.contains(one) && words.contains(two))
}

fn check(subject: &Subject<'_>) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for field in subject.fields {
        let name = field.path.last();
        let untagged = subject.event.personal_data(&field.path).is_none();
        if untagged && !subject.lists("fields", name) && is_personal(name, &field.kind) {
            drafts.push(Draft::new(
                subject.event.locate_field(&field.path),
                format!("`{}` looks like personal data", field.path),
                "name it under `pii` with its kind and why the event has to carry it, or leave it out",
            ));
        }
    }
    drafts
}

#[cfg(test)]
mod tests {
    use super::is_personal;

    #[test]
    fn names_say_what_is_personal() {
        for name in [
            "email",
            "user_email",
            "full_name",
            "ip_address",
            "date_of_birth",
            "username",
        ] {
            assert!(is_personal(name, "string"), "{name}");
        }
        for name in [
            "display_name",
            "description",
            "course_key",
            "recipient",
            "is_active",
        ] {
            assert!(!is_personal(name, "string"), "{name}");
        }
        assert!(is_personal("contact", "email"));
        assert!(!is_personal("email", "boolean"));
    }
}
