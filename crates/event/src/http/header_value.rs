//! Header values (section 3.1.3.2).

/// Writes an attribute's text as a header value: printable ASCII, the rest percent-encoded.
pub(super) fn encode(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    for b in text.bytes() {
        if matches!(b, 0x21..=0x7e) && b != b'"' && b != b'%' {
            value.push(char::from(b));
        } else {
            const HEX: &[u8; 16] = b"0123456789ABCDEF";
            let [high, low] = [b >> 4, b & 0x0f].map(|nibble| HEX[usize::from(nibble)]);
            value.extend(['%', char::from(high), char::from(low)]);
        }
    }
    value
}

/// Reads a header value: takes quotes off, then one round of percent-decoding. `None` if the
/// result is not UTF-8, or a quoted string does not end.
///
/// A `%` that no two hex digits follow stands for itself, as senders before version 1.0.1 meant.
pub(super) fn decode(value: &[u8]) -> Option<String> {
    let value = value.trim_ascii();
    let unquoted = match value.strip_prefix(b"\"") {
        Some(quoted) => unquote(quoted)?,
        None => value.to_vec(),
    };
    String::from_utf8(percent_decode(&unquoted)).ok()
}

/// RFC 7230, section 3.2.6, from behind the first quote.
fn unquote(quoted: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(quoted.len());
    let mut bytes = quoted.iter();
    while let Some(b) = bytes.next() {
        match b {
            b'"' => return bytes.as_slice().is_empty().then_some(text),
            b'\\' => text.push(*bytes.next()?),
            _ => text.push(*b),
        }
    }
    None
}

fn percent_decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [b, after @ ..] = rest {
        let escaped = match after {
            [high, low, behind @ ..] if *b == b'%' => hex(*high)
                .zip(hex(*low))
                .map(|(high, low)| (high << 4 | low, behind)),
            _ => None,
        };
        let (value, behind) = escaped.unwrap_or((*b, after));
        decoded.push(value);
        rest = behind;
    }
    decoded
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::{decode, encode};

    #[test]
    fn encodes_the_example_of_the_specification() {
        let (text, value) = ("Euro € 😀", "Euro%20%E2%82%AC%20%F0%9F%98%80");
        assert_eq!(encode(text), value);
        assert_eq!(decode(value.as_bytes()).as_deref(), Some(text));
        assert_eq!(
            decode(value.to_lowercase().as_bytes()).as_deref(),
            Some("euro € 😀")
        );
    }

    #[test]
    fn reads_what_older_senders_wrote() {
        for (value, text) in [
            (&br#""a \"quoted\" \\ text""#[..], "a \"quoted\" \\ text"),
            (b"  plain text ", "plain text"),
            (b"%41%2f%2F%25%34%31", "A//%41"),
            (b"100% %z %4", "100% %z %4"),
            ("ü".as_bytes(), "ü"),
        ] {
            assert_eq!(decode(value).as_deref(), Some(text));
        }
    }

    #[test]
    fn refuses_what_is_not_utf_8_or_does_not_end() {
        for value in [&b"%C0%A0"[..], b"\xff", b"\"open", b"\"a\"b", b"\"a\\"] {
            assert_eq!(decode(value), None);
        }
    }

    proptest! {
        #[test]
        fn values_come_back(text in any::<String>()) {
            let value = encode(&text);
            prop_assert!(value.bytes().all(|b| matches!(b, 0x21..=0x7e) && b != b'"'));
            prop_assert_eq!(decode(value.as_bytes()).unwrap(), text);
        }
    }
}
