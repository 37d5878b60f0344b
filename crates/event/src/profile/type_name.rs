//! The parts of an event type by OEP-41.

/// Two labels of reverse DNS, subdomain, subject, action, major version.
const FEWEST_PARTS: usize = 6;

/// Labels of reverse DNS that may look as host names do.
const DNS_LABELS: usize = 2;

/// Whether a type has the form `{reverse DNS}.{subdomain}.{subject}.{action}.v{major}`. How many
/// labels the reverse DNS has cannot be seen, so only the first two are read as such.
pub fn follows_grammar(event_type: &str) -> bool {
    // Bytes, in one pass: every event that is published comes through here.
    let mut parts = event_type.as_bytes().split(|b| *b == b'.');
    let Some(version) = parts.next_back() else {
        return false;
    };
    let mut count = 1;
    let mut counted = parts.inspect(|_| count += 1);
    let labels = counted.by_ref().take(DNS_LABELS).all(is_label);
    let words = counted.all(is_word);
    labels && words && count >= FEWEST_PARTS && is_major(version)
}

/// The action of a type, whether the rest follows the grammar or not.
pub(super) fn action(event_type: &str) -> Option<&str> {
    let (name, version) = event_type.rsplit_once('.')?;
    let (_, action) = name.rsplit_once('.')?;
    is_major(version.as_bytes()).then_some(action)
}

/// A label of a host name in lower case.
fn is_label(text: &[u8]) -> bool {
    let inner = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-';
    let ends = |b: Option<&u8>| b.is_some_and(|b| *b != b'-');
    text.iter().all(inner) && ends(text.first()) && ends(text.last())
}

/// Lower-case words with an underscore between them.
fn is_word(text: &[u8]) -> bool {
    let valid = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let words = text
        .split(|b| *b == b'_')
        .all(|word| !word.is_empty() && word.iter().all(valid));
    words && text.first().is_some_and(u8::is_ascii_lowercase)
}

/// `v1`, `v2`, …
fn is_major(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"v").unwrap_or_default();
    digits.iter().all(u8::is_ascii_digit) && !digits.is_empty() && digits[0] != b'0'
}

#[cfg(test)]
mod tests {
    use super::{action, follows_grammar};

    #[test]
    fn takes_the_examples_of_oep_41() {
        for (event_type, expected) in [
            ("org.openedx.catalog.course.created.v1", "created"),
            (
                "org.openedx.learning.special_exam.proctored.allowance.declined.v12",
                "declined",
            ),
            (
                "org.edx-internal.finance.report.due_date_passed.v2",
                "due_date_passed",
            ),
        ] {
            assert!(follows_grammar(event_type), "{event_type}");
            assert_eq!(action(event_type), Some(expected));
        }
    }

    #[test]
    fn refuses_what_breaks_the_grammar() {
        for event_type in [
            "",
            "v1",
            "created.v1",
            "org.openedx.course.created.v1",
            "org.openedx.catalog.course.created",
            "org.openedx.catalog.course.created.v0",
            "org.openedx.catalog.course.created.v01",
            "org.openedx.catalog.course.created.1",
            "org.openedx.catalog.course.created.v1.",
            "org..catalog.course.created.v1",
            "org.openedx.Catalog.course.created.v1",
            "org.openedx.catalog.courseRun.created.v1",
            "org.openedx.catalog.course_.created.v1",
            "org.openedx.catalog._course.created.v1",
            "org.openedx.catalog.course__run.created.v1",
            "org.openedx.catalog.1st.created.v1",
            "org.openedx.enterprise.subsidy.redemption-reversed.v1",
            "org.-openedx.catalog.course.created.v1",
            "org.openedx.catalog.cöurse.created.v1",
        ] {
            assert!(!follows_grammar(event_type), "{event_type}");
        }
    }

    #[test]
    fn the_action_is_found_in_types_that_break_the_grammar() {
        assert_eq!(action("CourseCatalog.created.v1"), Some("created"));
        assert_eq!(action("created.v1"), None);
        assert_eq!(action("org.openedx.course.created"), None);
    }
}
