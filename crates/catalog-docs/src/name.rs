//! Names of files and of schemas, made of any text.

/// The longest name of a file, without its ending; most file systems take 255 bytes.
const MAX_LEN: usize = 180;

/// A file name made of any text: different texts have different names, also where a file system
/// does not tell `A` from `a`, and none is hidden or means something to a URL.
pub fn file_name(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            b'.' if index > 0 => name.push('.'),
            byte => name.push_str(&format!("~{byte:02x}")),
        }
    }
    if name.is_empty() {
        name.push('~');
    }
    if name.len() > MAX_LEN {
        name.truncate(MAX_LEN);
        name.push_str(&format!("~~{:016x}", fnv1a(text)));
    }
    name
}

/// FNV-1a of 64 bits: names that are cut stay different.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn any_text_makes_a_harmless_name() {
        assert_eq!(file_name("org.openedx.a_b.v1"), "org.openedx.a_b.v1");
        assert_eq!(file_name("../../etc"), "~2e.~2f..~2fetc");
        assert_eq!(file_name(".hidden"), "~2ehidden");
        assert_eq!(file_name("a%2f?#"), "a~252f~3f~23");
        assert_eq!(file_name(""), "~");
        assert_ne!(file_name("Course"), file_name("course"));
        assert_ne!(file_name("~2e"), file_name("."));
        let long = "x".repeat(300);
        assert!(file_name(&long).len() < 200);
        assert_ne!(file_name(&long), file_name(&format!("{long}y")));
    }
}
