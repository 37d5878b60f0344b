//! Which characters an attribute may hold.

/// Whether a text is a CloudEvents `String`: no control characters, no Unicode noncharacters.
pub(crate) fn is_permitted(text: &str) -> bool {
    // Nearly every attribute is printable ASCII.
    // All bytes are looked at, since that is faster than a search for the first other one.
    let printable = |b: u8| matches!(b, 0x20..=0x7e);
    text.bytes().fold(true, |all, b| all & printable(b)) || text.chars().all(is_permitted_char)
}

fn is_permitted_char(c: char) -> bool {
    let code = u32::from(c);
    let noncharacter = code & 0xfffe == 0xfffe || (0xfdd0..=0xfdef).contains(&code);
    !c.is_control() && !noncharacter
}

#[cfg(test)]
mod tests {
    use super::is_permitted;

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
