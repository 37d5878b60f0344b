//! Media types, as far as the formats need them (RFC 2046).

/// What nearly every event says.
const JSON: &str = "application/json";

/// Whether a text has the form `type/subtype`, with or without parameters.
pub(crate) fn is_media_type(text: &str) -> bool {
    text == JSON
        || essence(text)
            .split_once('/')
            .is_some_and(|(top, sub)| is_token(top) && is_token(sub))
}

/// Whether a media type declares JSON: `*/json` or `*/*+json` (JSON format, section 3.1.1).
pub(crate) fn is_json(media_type: &str) -> bool {
    media_type == JSON || declares(media_type, "json")
}

/// Whether a media type declares text that people could read: `text/*` or XML.
pub(crate) fn is_text(media_type: &str) -> bool {
    let top = essence(media_type).split('/').next().unwrap_or_default();
    top.eq_ignore_ascii_case("text") || declares(media_type, "xml")
}

/// The `charset` parameter, without quotes.
pub(crate) fn charset(media_type: &str) -> Option<&str> {
    media_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let found = name.trim().eq_ignore_ascii_case("charset");
        found.then(|| value.trim().trim_matches('"'))
    })
}

fn declares(media_type: &str, format: &str) -> bool {
    let Some((_, subtype)) = essence(media_type).split_once('/') else {
        return false;
    };
    let last = subtype.rsplit('+').next().unwrap_or(subtype);
    last.eq_ignore_ascii_case(format)
}

fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

fn is_token(text: &str) -> bool {
    let valid = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(valid)
}

#[cfg(test)]
mod tests {
    use super::{charset, is_json, is_media_type, is_text};

    #[test]
    fn json_is_told_by_the_subtype() {
        for json in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "text/json",
            "a/b+json",
        ] {
            assert!(is_json(json), "{json}");
        }
        for other in [
            "application/xml",
            "application/jsonx",
            "json",
            "application/json+xml",
            "",
        ] {
            assert!(!is_json(other), "{other}");
        }
    }

    #[test]
    fn text_and_xml_are_text() {
        assert!(is_text("text/plain") && is_text("application/xml") && is_text("image/svg+xml"));
        assert!(!is_text("application/octet-stream"));
    }

    #[test]
    fn the_form_is_checked() {
        assert!(is_media_type("application/vnd.apache.thrift.binary"));
        for refused in ["", "json", "/json", "text/", "te xt/plain", "a/b/c"] {
            assert!(!is_media_type(refused), "{refused}");
        }
    }

    #[test]
    fn the_charset_is_found_among_parameters() {
        assert_eq!(charset("text/xml; q=1; Charset=\"UTF-8\""), Some("UTF-8"));
        assert_eq!(charset("text/xml"), None);
    }
}
