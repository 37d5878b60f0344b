//! How deep a JSON text is nested.

use crate::DecodeError;

/// Refuses valid JSON that is nested deeper than a limit.
pub(crate) fn check_depth(json: &str, limit: usize) -> Result<(), DecodeError> {
    // Text with few brackets cannot be deep, and counting them takes a fraction of the time of
    // following strings and escapes. `[` and `{` differ in one bit.
    // Sums of bytes, a few at a time: the compiler makes wide instructions of them.
    let brackets = json.as_bytes().chunks(255).map(|chunk| {
        let of = |b: &u8| u8::from(b | 0x20 == b'{');
        usize::from(chunk.iter().map(of).sum::<u8>())
    });
    let brackets: usize = brackets.sum();
    if brackets <= limit || depth(json) <= limit {
        Ok(())
    } else {
        Err(DecodeError::TooDeep { limit })
    }
}

fn depth(json: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = json.bytes();
    while let Some(b) = bytes.next() {
        match b {
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
    }
    deepest
}

fn skip_string(bytes: &mut std::str::Bytes<'_>) {
    while let Some(b) = bytes.next() {
        match b {
            b'"' => return,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{check_depth, depth};

    #[test]
    fn counts_levels_and_not_brackets_in_strings() {
        assert_eq!(depth("1"), 0);
        assert_eq!(depth(r#"[{"a": [1]}, [[]]]"#), 3);
        assert_eq!(depth(r#"["[[[[", "\"[[", "\\", []]"#), 2);
    }

    #[test]
    fn the_limit_is_the_deepest_level_that_passes() {
        let wide = format!("[{}[]]", "[],".repeat(1000));
        assert!(check_depth(&wide, 2).is_ok());
        assert!(check_depth(&wide, 1).is_err());
    }
}
