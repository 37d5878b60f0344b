//! Names of topics with `*` for any characters.

/// Whether a name is as the pattern says.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, name, wanted) in [
            ("courses", "courses", true),
            ("courses", "courses-2", false),
            ("courses", "course", false),
            ("*", "courses", true),
            ("*", "", true),
            ("", "courses", false),
            ("course-*", "course-authoring", true),
            ("course-*", "courses", false),
            ("*-lifecycle", "user-lifecycle", true),
            ("*-lifecycle", "user-lifecycles", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "abc", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
            ("a**a", "aa", true),
            ("*b*", "abc", true),
        ] {
            assert_eq!(matches(pattern, name), wanted, "{pattern:?} {name:?}");
        }
    }
}
