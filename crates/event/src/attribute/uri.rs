//! The grammar of RFC 3986, as far as CloudEvents asks for it.

/// Whether a text is a URI: a scheme, and the rest of section 4.1. A fragment is allowed, since
/// links to parts of schemas are common.
pub(crate) fn is_uri(text: &str) -> bool {
    split_scheme(text).is_some_and(|(scheme, _)| scheme.is_some()) && is_uri_reference(text)
}

/// Whether a text is a URI-reference (RFC 3986, section 4.1).
pub(crate) fn is_uri_reference(text: &str) -> bool {
    // What most services write: a path of unreserved characters.
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    if text.bytes().all(unreserved) {
        return true;
    }
    let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (text, query) = text.split_once('?').unwrap_or((text, ""));
    let Some((_, hierarchy)) = split_scheme(text) else {
        return false;
    };
    let (authority, path) = match hierarchy.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", hierarchy),
    };
    is_authority(authority)
        && consists_of(path, b":@/")
        && consists_of(query, b":@/?")
        && consists_of(fragment, b":@/?")
}

/// Splits off the scheme; `None` if a colon follows something that cannot be one.
fn split_scheme(text: &str) -> Option<(Option<&str>, &str)> {
    match text.find([':', '/', '?', '#']) {
        Some(at) if text.as_bytes()[at] == b':' => {
            let scheme = &text[..at];
            let valid = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
            valid.then(|| (Some(scheme), &text[at + 1..]))
        }
        _ => Some((None, text)),
    }
}

fn is_authority(text: &str) -> bool {
    let (user, host) = text.rsplit_once('@').unwrap_or(("", text));
    let Some(literal) = host.strip_prefix('[') else {
        return consists_of(user, b":") && consists_of(host, b":");
    };
    let Some((address, port)) = literal.split_once(']') else {
        return false;
    };
    let port_valid = match port.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|b| b.is_ascii_digit()),
        None => port.is_empty(),
    };
    consists_of(user, b":") && !address.is_empty() && consists_of(address, b":") && port_valid
}

/// Whether there is nothing but unreserved characters, sub-delimiters, escapes, and `also`.
fn consists_of(text: &str, also: &[u8]) -> bool {
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        let plain =
            b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&b) || also.contains(&b);
        let mut escape = || (0..2).all(|_| bytes.next().is_some_and(|b| b.is_ascii_hexdigit()));
        let valid = plain || (b == b'%' && escape());
        if !valid {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::{is_uri, is_uri_reference};

    #[test]
    fn takes_the_examples_of_both_specifications() {
        for reference in [
            "https://github.com/cloudevents",
            "mailto:cncf-wg-serverless@lists.cncf.io",
            "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66",
            "/cloudevents/spec/pull/123",
            "1-555-123-4567",
            "ldap://[2001:db8::7]/c=GB?objectClass?one",
            "telnet://192.0.2.16:80/",
            "foo://user:pass@example.com:8042/over/there?name=ferret#nose",
            "openedx/lms/web",
            "//host",
            "?query",
            "#fragment",
            "/a%20b",
        ] {
            assert!(is_uri_reference(reference), "{reference}");
        }
        assert!(is_uri("urn:tidings:avro:sha256:00"));
        assert!(is_uri("https://example.com/schema.json#/part"));
    }

    #[test]
    fn refuses_what_the_grammar_does_not_know() {
        for refused in [
            "/a b",
            "/ü",
            "/a%2",
            "/a%zz",
            "1a:b",
            ":a",
            "a#b#c",
            "http://[::1",
            "http://[::1]x",
            "/<>",
            "/a\"b",
            "\\",
            "/[a]",
            "http://h/^",
        ] {
            assert!(!is_uri_reference(refused), "{refused}");
        }
        assert!(!is_uri("/relative") && !is_uri("") && !is_uri("a b:c"));
    }
}
