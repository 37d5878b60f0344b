//! # OEP41-datacontenttype
//!
//! ## What it does
//! Checks that `datacontenttype` is `application/json` or `text/xml`, in UTF-8. If it is absent,
//! CloudEvents takes a JSON payload for `application/json`; a payload of bytes needs it.
//!
//! ## Why it matters
//! Consumers in every language read JSON; XML is the one exception that OEP-41 names. Other
//! formats shut consumers out, and line-wise tools with them.
//!
//! ## Example
//! ```json
//! {"datacontenttype": "application/x-pickle", "data_base64": "gASVAAAA"}
//! ```
//! Write instead:
//! ```json
//! {"datacontenttype": "application/json", "data": {"course_key": "edX+DemoX"}}
//! ```

use crate::Data;
use crate::attribute::charset;
use crate::profile::rule::{Check, Finding, Rule, Severity, Subject};

pub(in crate::profile) static RULE: Rule = Rule {
    code: "OEP41-datacontenttype",
    severity: Severity::Error,
    statement: "must be `application/json`, or `text/xml` where it has to be",
    file: include_str!("datacontenttype.rs"),
    check: Check::Event(check),
};

fn check(subject: &Subject<'_>) -> Option<Finding> {
    let media_type = subject.event.datacontenttype();
    let valid = match media_type {
        Some(media_type) => is_allowed(media_type),
        None => !matches!(subject.event.data(), Some(Data::Binary(_))),
    };
    (!valid).then(|| Finding {
        attribute: "datacontenttype",
        value: media_type.map(str::to_owned),
        remedy: "send the payload as JSON",
    })
}

fn is_allowed(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    let format = ["application/json", "text/xml"]
        .iter()
        .any(|a| essence.eq_ignore_ascii_case(a));
    let utf8 = charset(media_type).is_none_or(|charset| charset.eq_ignore_ascii_case("utf-8"));
    format && utf8
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    #[test]
    fn takes_json_and_xml_in_utf_8() {
        for allowed in [
            "application/json",
            "text/xml",
            "Application/JSON; charset=UTF-8",
        ] {
            assert!(is_allowed(allowed), "{allowed}");
        }
        for refused in [
            "text/plain",
            "application/avro",
            "application/json; charset=latin1",
        ] {
            assert!(!is_allowed(refused), "{refused}");
        }
    }
}
