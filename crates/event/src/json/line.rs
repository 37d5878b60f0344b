//! A document on one line.

use std::borrow::Cow;

/// Puts a JSON document on a single line, for JSON Lines.
///
/// If it has line breaks, all insignificant white space goes and nothing else changes; otherwise
/// it is handed back as it is. What is not JSON comes out as something that is not JSON.
///
/// # Example
/// ```
/// use tidings_event::json::single_line;
///
/// assert_eq!(*single_line(b"{\n  \"a b\": 1.0\n}"), *b"{\"a b\":1.0}");
/// assert_eq!(*single_line(b"{ \"a b\": 1.0 }"), *b"{ \"a b\": 1.0 }");
/// ```
pub fn single_line(document: &[u8]) -> Cow<'_, [u8]> {
    if !document.iter().any(|b| matches!(b, b'\n' | b'\r')) {
        return Cow::Borrowed(document);
    }
    let mut line = Vec::with_capacity(document.len());
    let (mut in_string, mut escaped) = (false, false);
    for b in document {
        if in_string {
            in_string = escaped || *b != b'"';
            escaped = !escaped && *b == b'\\';
        } else {
            in_string = *b == b'"';
            if matches!(b, b' ' | b'\t' | b'\n' | b'\r') {
                continue;
            }
        }
        line.push(*b);
    }
    Cow::Owned(line)
}

#[cfg(test)]
mod tests {
    use super::single_line;

    #[test]
    fn strings_keep_their_spaces_and_escapes() {
        let pretty = b"[\r\n\t\" \\\" \",\n\"\\\\\" , 1\n]";
        assert_eq!(*single_line(pretty), *b"[\" \\\" \",\"\\\\\",1]");
    }
}
