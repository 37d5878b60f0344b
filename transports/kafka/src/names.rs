//! What topics and journals are called on Kafka.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use sha2::{Digest, Sha256};
use tidings_transport::{Error, ErrorKind, Group, Result, Topic};

/// The longest name that Kafka takes.
const MAX_LEN: usize = 249;
/// What the names begin with that are written whole in base 64.
const PACKED: &str = "__7bit.";
/// Between a topic and the group whose journal it is.
const MARK: &str = ".dlq.";
/// Longer parts of a journal's name are cut, and end with a hash.
const MAX_PART: usize = 120;

/// The name of a topic on Kafka, which allows letters, digits, `.`, `_` and `-`: any other
/// character is `__` and its code in two hex digits. A name that would be too long so is `__7bit.`
/// and its characters, of seven bits each, in base 64.
pub(crate) fn physical(topic: &Topic, operation: &'static str) -> Result<String> {
    let name = topic.as_str();
    if name == "." || name == ".." {
        return Err(Error::new(
            ErrorKind::Invalid,
            operation,
            format!("topic name {name:?}: Kafka does not take it"),
        ));
    }
    let escaped = escaped(name);
    Ok(match escaped.len() > MAX_LEN || name.starts_with(PACKED) {
        true => packed(name),
        false => escaped,
    })
}

/// Seven bits of each character, the highest first.
fn packed(name: &str) -> String {
    let mut bytes = vec![0_u8; (name.len() * 7).div_ceil(8)];
    for (at, bit) in name
        .bytes()
        .flat_map(|b| (0..7).rev().map(move |i| b >> i & 1))
        .enumerate()
    {
        bytes[at / 8] |= bit << (7 - at % 8);
    }
    format!("{PACKED}{}", BASE64.encode(bytes))
}

fn unpacked(text: &str) -> Option<String> {
    let bytes = BASE64.decode(text).ok()?;
    let bit = |at: usize| bytes[at / 8] >> (7 - at % 8) & 1;
    let name = (0..bytes.len() * 8 / 7).map(|c| (0..7).fold(0, |b, i| b << 1 | bit(c * 7 + i)));
    // Bits that fill up the last byte may look like one more character.
    let name: Vec<u8> = name.take_while(|b| *b != 0).collect();
    String::from_utf8(name).ok()
}

/// What the names of the journals of a topic begin with.
pub(crate) fn journal_prefix(topic: &Topic) -> String {
    part(topic.as_str()) + MARK
}

/// What the names of the journals of a group end with.
pub(crate) fn journal_suffix(group: &Group) -> String {
    format!("{MARK}{}", part(group.as_str()))
}

/// The topic that holds the dead letters of a group, and what else must outlive its consumers.
pub(crate) fn journal(topic: &Topic, group: &Group) -> String {
    journal_prefix(topic) + &part(group.as_str())
}

/// The topic of this name on Kafka; `None` for what is Kafka's own or cannot be ours.
pub(crate) fn topic(physical: &str) -> Option<Topic> {
    let ours = is_escape(physical.as_bytes()) || physical.starts_with(PACKED);
    if physical.starts_with("__") && !ours {
        return None;
    }
    let name = match physical.strip_prefix(PACKED) {
        Some(text) => unpacked(text)?,
        None => unescaped(physical)?,
    };
    Topic::new(name).ok()
}

/// Whether it is the name of a journal of one of these topics.
pub(crate) fn is_journal(physical: &str, exists: impl Fn(&str) -> bool) -> bool {
    let mut marks = physical.match_indices(MARK);
    marks.any(|(at, _)| exists(&physical[..at]) || at > MAX_PART)
}

fn part(name: &str) -> String {
    let mut name = escaped(name);
    if name.len() > MAX_PART {
        let digest = Sha256::digest(name.as_bytes());
        name.truncate(MAX_PART - 17);
        name.push('.');
        for byte in &digest[..8] {
            name.push_str(&format!("{byte:02x}"));
        }
    }
    name
}

/// Whether these bytes begin with an escape.
fn is_escape(bytes: &[u8]) -> bool {
    let hex = |b: &u8| matches!(b, b'0'..=b'9' | b'A'..=b'F');
    bytes.len() >= 4 && bytes.starts_with(b"__") && bytes[2..4].iter().all(hex)
}

fn escaped(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for (at, c) in name.char_indices() {
        let plain = c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if plain && !is_escape(&name.as_bytes()[at..]) {
            out.push(c);
        } else {
            // Names are ASCII.
            out.push_str(&format!("__{:02X}", u32::from(c)));
        }
    }
    // What begins so is Kafka's own.
    if out.starts_with("__") && !is_escape(out.as_bytes()) {
        out.replace_range(..1, "__5F");
    }
    out
}

fn unescaped(name: &str) -> Option<String> {
    let mut out = String::with_capacity(name.len());
    let mut at = 0;
    while at < name.len() {
        if is_escape(&name.as_bytes()[at..]) {
            let code = u8::from_str_radix(name.get(at + 2..at + 4)?, 16).ok()?;
            out.push(char::from(code));
            at += 4;
        } else {
            let c = name[at..].chars().next()?;
            out.push(c);
            at += c.len_utf8();
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_name_comes_back(name in "[!-~]{1,60}") {
            let name: String = name.chars().filter(|c| !r#"{}*?[]\"'`"#.contains(*c)).collect();
            if let Ok(expected) = Topic::new(&name) {
                let physical = escaped(&name);
                let allowed = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
                prop_assert!(physical.chars().all(allowed));
                prop_assert_eq!(unescaped(&physical), Some(name));
                let _ = expected;
            }
        }
    }

    #[test]
    fn no_name_is_taken_for_one_of_kafka() {
        for name in [
            "_:A",
            "__consumer_offsets",
            "__7bit.x",
            "___",
            "_",
            "_a",
            "__3A",
        ] {
            let name = Topic::new(name).expect("a name");
            let physical = physical(&name, "test").expect("it fits");
            assert_eq!(topic(&physical), Some(name), "{physical}");
        }
        assert_eq!(topic("__consumer_offsets"), None);
    }

    proptest! {
        #[test]
        fn the_longest_names_fit_and_come_back(name in "[!-~]{80,200}") {
            let name: String = name.chars().filter(|c| !r#"{}*?[]\"'`"#.contains(*c)).collect();
            if let Ok(expected) = Topic::new(&name) {
                let physical = physical(&expected, "test").expect("it fits");
                prop_assert!(physical.len() <= MAX_LEN);
                prop_assert_eq!(topic(&physical), Some(expected));
            }
        }
    }

    #[test]
    fn a_name_that_looks_packed_comes_back() {
        for name in [
            "__7bit.",
            "__7bit.AAAA",
            &"/".repeat(Topic::MAX_LEN),
            &format!("{}a", "/".repeat(63)),
        ] {
            let expected = Topic::new(name).expect("allowed");
            let physical = physical(&expected, "test").expect("it fits");
            assert!(physical.len() <= MAX_LEN);
            assert_eq!(topic(&physical), Some(expected));
        }
    }

    #[test]
    fn escapes_written_out_are_no_escapes() {
        for name in ["a__2Fb", "___2F", "__2F", "a/b", "_", "__"] {
            assert_eq!(unescaped(&escaped(name)).as_deref(), Some(name));
        }
        assert_ne!(escaped("a__2Fb"), escaped("a/b"));
    }

    #[test]
    fn the_journal_of_the_longest_names_fits() {
        let topic = Topic::new("/".repeat(Topic::MAX_LEN)).expect("allowed");
        let group = Group::new("/".repeat(Group::MAX_LEN)).expect("allowed");
        assert!(journal(&topic, &group).len() <= MAX_LEN);
    }
}
