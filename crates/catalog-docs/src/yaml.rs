//! YAML for people to read.

use serde_json::Value;

/// A JSON value as a YAML 1.2 document in block style. Strings that could be taken for something
/// else are quoted as in JSON.
pub fn to_yaml(value: &Value) -> String {
    let mut out = String::new();
    block(value, 0, &mut out);
    out
}

fn block(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (index, (name, value)) in members.iter().enumerate() {
                // The first stands where the caller is: after `- `.
                if index > 0 || depth == 0 {
                    out.push_str(&"  ".repeat(depth));
                }
                out.push_str(&scalar(name));
                out.push(':');
                nested(value, depth, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                if index > 0 || depth == 0 {
                    out.push_str(&"  ".repeat(depth));
                }
                out.push_str("- ");
                block(item, depth + 1, out);
            }
        }
        other => {
            out.push_str(&flow(other));
            out.push('\n');
        }
    }
}

fn nested(value: &Value, depth: usize, out: &mut String) {
    let container = match value {
        Value::Object(members) => !members.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if container {
        out.push('\n');
        out.push_str(&"  ".repeat(depth + 1));
        block(value, depth + 1, out);
    } else {
        out.push(' ');
        block(value, depth + 1, out);
    }
}

fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        other => other.to_string(),
    }
}

/// A string, bare where it cannot be anything else.
fn scalar(text: &str) -> String {
    let bare = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || " _-./".contains(c))
        && !text.ends_with(' ')
        && text.len() < 100;
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    match bare && !words.contains(&text.to_ascii_lowercase().as_str()) {
        true => text.to_owned(),
        // What JSON quotes, YAML 1.2 reads.
        false => Value::from(text).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::to_yaml;
    use serde_json::json;

    #[test]
    fn blocks_nest() {
        let value = json!({
            "a": [{"b": 1, "c": {"d": []}}, [1, "no"], {}],
            "e f": "x: y", "g": null, "h": "1.0", "i": "on a bus",
        });
        let expected = "\
a:
  - b: 1
    c:
      d: []
  - - 1
    - \"no\"
  - {}
e f: \"x: y\"
g: null
h: \"1.0\"
i: on a bus
";
        assert_eq!(to_yaml(&value), expected);
    }
}
