//! # OEP41-id-uuid1
//!
//! ## What it does
//! Checks that `id` is a UUID of version 1 in lower case, with dashes.
//!
//! ## Why it matters
//! Consumers tell repeated deliveries by `source` and `id`, and some store ids in columns of 36
//! characters. A UUID of version 1 is easy to make without collisions and tells when and where it
//! was made. Two spellings of one UUID would be two events.
//!
//! ## Example
//! ```json
//! {"id": "B3B3981E754411EAB663ACDE48001122"}
//! ```
//! Write instead:
//! ```json
//! {"id": "b3b3981e-7544-11ea-b663-acde48001122"}
//! ```

use uuid::Variant;

use crate::profile::rule::{Check, Finding, Rule, Severity, Subject};

pub(in crate::profile) static RULE: Rule = Rule {
    code: "OEP41-id-uuid1",
    severity: Severity::Error,
    statement: "must be a UUID of version 1 in lower case with dashes",
    file: include_str!("id_uuid1.rs"),
    check: Check::Event(check),
};

fn check(subject: &Subject<'_>) -> Option<Finding> {
    let id = subject.event.id();
    (!is_uuid1(id)).then(|| Finding {
        attribute: "id",
        value: Some(id.to_owned()),
        remedy: "leave the id out when the event is made, and it gets one",
    })
}

fn is_uuid1(id: &str) -> bool {
    const DASHED: usize = 36;
    let spelled = id.len() == DASHED && !id.bytes().any(|b| b.is_ascii_uppercase());
    let uuid = uuid::Uuid::try_parse(id);
    let version_1 =
        |uuid: uuid::Uuid| uuid.get_version_num() == 1 && uuid.get_variant() == Variant::RFC4122;
    spelled && uuid.is_ok_and(version_1)
}

#[cfg(test)]
mod tests {
    use super::is_uuid1;

    #[test]
    fn takes_version_1_in_python_s_spelling_only() {
        assert!(is_uuid1("b3b3981e-7544-11ea-b663-acde48001122"));
        assert!(is_uuid1(&crate::new_id()));
        for refused in [
            "",
            "1",
            "B3B3981E-7544-11EA-B663-ACDE48001122",
            "b3b3981e754411eab663acde48001122",
            "{b3b3981e-7544-11ea-b663-acde48001122}",
            "b3b3981e-7544-41ea-b663-acde48001122",
            "b3b3981e-7544-11ea-3663-acde48001122",
            "b3b3981e-7544-11ea-b663-acde4800112g",
        ] {
            assert!(!is_uuid1(refused), "{refused}");
        }
    }
}
