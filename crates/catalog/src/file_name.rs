//! What the name of a definition's file says.

/// Type and minor version of a file `{type}.avsc` (minor version 0) or
/// `{type}@{minorversion}.avsc`. `None` if the file is not a schema's; the error says what is
/// wrong with the name.
pub(crate) fn parse(file_name: &str) -> Option<Result<(&str, i32), &'static str>> {
    let stem = file_name.strip_suffix(".avsc")?;
    Some(parse_stem(stem))
}

fn parse_stem(stem: &str) -> Result<(&str, i32), &'static str> {
    let (event_type, minor) = match stem.split_once('@') {
        None => (stem, 0),
        Some((event_type, minor)) => {
            let minor: i32 = minor
                .parse()
                .ok()
                .filter(|number: &i32| *number >= 0 && number.to_string() == minor)
                .ok_or("after the `@` stands a minor version, a whole number from 0")?;
            (event_type, minor)
        }
    };
    if event_type.is_empty() {
        return Err("before `.avsc` stands an event type");
    }
    if event_type
        .chars()
        .any(|c| c.is_whitespace() || c.is_control())
    {
        return Err("an event type has no white space and no control characters");
    }
    Ok((event_type, minor))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn names_give_type_and_minor_version() {
        assert_eq!(parse("a.b.v1.avsc"), Some(Ok(("a.b.v1", 0))));
        assert_eq!(parse("a.b.v1@12.avsc"), Some(Ok(("a.b.v1", 12))));
        assert_eq!(parse("README.md"), None);
        for name in [
            ".avsc",
            "@1.avsc",
            "a@.avsc",
            "a@-1.avsc",
            "a@01.avsc",
            "a@1@2.avsc",
            "a b.avsc",
        ] {
            assert!(parse(name).is_some_and(|name| name.is_err()), "{name}");
        }
    }
}
