//! Texts as YAML.

/// A text as a scalar: plain where it cannot be taken for anything else, in quotes otherwise.
pub(super) fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || " _-./',;()".contains(c);
    let word = text.to_ascii_lowercase();
    let reserved = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let is_plain = text.starts_with(|c: char| c.is_alphabetic())
        && !text.ends_with(' ')
        && text.chars().all(plain)
        && !text.contains([',']) // ends a value in a flow mapping
        && !reserved.contains(&&*word);
    match is_plain {
        true => text.to_owned(),
        // JSON is a part of YAML.
        false => serde_json::Value::from(text).to_string(),
    }
}
