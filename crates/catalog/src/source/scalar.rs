//! What a plain scalar of YAML means: the core schema of YAML 1.2.2, section 10.3.

use serde_json::Number;

use super::node::Shape;

/// Reads an unquoted scalar. Without a remedy for them in JSON, the infinities and not-a-number
/// are an error.
pub(super) fn plain(text: &str) -> Result<Shape, &'static str> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Shape::Null,
        "true" | "True" | "TRUE" => Shape::Bool(true),
        "false" | "False" | "FALSE" => Shape::Bool(false),
        _ => match number(text) {
            Some(number) => Shape::Number(number),
            None if is_special(text) => return Err("JSON has no infinity and no not-a-number"),
            None => Shape::Text(text.to_owned()),
        },
    })
}

fn number(text: &str) -> Option<Number> {
    if let Some(hex) = text.strip_prefix("0x") {
        return u64::from_str_radix(hex, 16).ok().map(Number::from);
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return u64::from_str_radix(octal, 8).ok().map(Number::from);
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        || !unsigned.contains(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    if unsigned.bytes().all(|b| b.is_ascii_digit()) {
        let text = text.strip_prefix('+').unwrap_or(text);
        if let Ok(number) = text.parse::<i64>() {
            return Some(number.into());
        }
        if let Ok(number) = text.parse::<u64>() {
            return Some(number.into());
        }
    }
    let decimal = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-');
    if !unsigned.bytes().all(decimal) {
        return None;
    }
    Number::from_f64(text.parse().ok()?)
}

fn is_special(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN")
}

#[cfg(test)]
mod tests {
    use super::{Shape, plain};
    use serde_json::{Value, json};

    fn value(text: &str) -> Value {
        match plain(text).unwrap() {
            Shape::Null => Value::Null,
            Shape::Bool(b) => b.into(),
            Shape::Number(n) => n.into(),
            Shape::Text(t) => t.into(),
            _ => unreachable!(),
        }
    }

    #[test]
    fn the_core_schema_and_nothing_older() {
        for (text, expected) in [
            ("~", json!(null)),
            ("True", json!(true)),
            ("12", json!(12)),
            ("-3", json!(-3)),
            ("+3", json!(3)),
            ("0x1F", json!(31)),
            ("0o17", json!(15)),
            ("1.5e3", json!(1500.0)),
            (".5", json!(0.5)),
            ("18446744073709551615", json!(u64::MAX)),
            // YAML 1.1 took these for something else.
            ("yes", json!("yes")),
            ("NO", json!("NO")),
            ("2026-11-26", json!("2026-11-26")),
            ("12:30", json!("12:30")),
            ("1_000", json!("1_000")),
            ("1.2.3", json!("1.2.3")),
            ("-", json!("-")),
            (".", json!(".")),
        ] {
            assert_eq!(value(text), expected, "{text}");
        }
        assert!(plain("-.inf").is_err() && plain(".nan").is_err());
    }
}
