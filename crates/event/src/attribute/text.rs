//! Which characters an attribute may hold.

use std::fmt::Write;

/// Whether a text is a CloudEvents `String`: no control characters, no Unicode noncharacters.
pub(crate) fn is_permitted(text: &str) -> bool {
    // Nearly every attribute is printable ASCII.
    // All bytes are looked at, since that is faster than a search for the first other one.
    let printable = |b: u8| matches!(b, 0x20..=0x7e);
    text.bytes().fold(true, |all, b| all & printable(b)) || text.chars().all(is_permitted_char)
}

/// The text with each character that a `String` may not hold as `%` and its code point in hex
/// digits, at least two: for keys, which only have to be the same for the same entity.
pub(crate) fn escaped(text: String) -> String {
    if is_permitted(&text) {
        return text;
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_permitted_char(c) {
            safe.push(c);
        } else {
            // Writing to a String cannot fail.
            let _ = write!(safe, "%{:02X}", u32::from(c));
        }
    }
    safe
}

fn is_permitted_char(c: char) -> bool {
    let code = u32::from(c);
    let noncharacter = code & 0xfffe == 0xfffe || (0xfdd0..=0xfdef).contains(&code);
    !c.is_control() && !noncharacter
}

#[cfg(test)]
mod tests {
    use super::{escaped, is_permitted};

    #[test]
    fn what_is_not_permitted_is_escaped_for_keys() {
        assert_eq!(escaped("edX+DemoX".into()), "edX+DemoX");
        let safe = escaped("a\u{1}b\u{fffe}\u{1ffff}€".into());
        assert_eq!(safe, "a%01b%FFFE%1FFFF€");
        assert!(is_permitted(&safe));
    }

    #[test]
    fn follows_the_string_type_of_the_specification() {
        assert!(is_permitted("plain"));
        assert!(is_permitted("Euro € 😀 \u{a0}"));
        for refused in [
            "\0",
            "a\nb",
            "\u{7f}",
            "\u{9f}",
            "\u{fdd0}",
            "\u{fffe}",
            "\u{1ffff}",
        ] {
            assert!(!is_permitted(refused), "{refused:?}");
        }
    }
}
