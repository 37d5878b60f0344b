//! JSON as people write it.

use std::collections::HashMap;

use serde_json::Value;
use tidings_catalog::Field;

/// JSON as people write it, members in the order of the schema's fields: a value does not keep
/// the order of its author.
pub(crate) fn pretty(value: &Value, fields: &[Field]) -> String {
    let order = fields.iter().enumerate();
    let order = order
        .map(|(index, field)| (field.path.as_str(), index))
        .collect();
    let mut out = String::new();
    Printer { order }.value(value, "", 0, &mut out);
    out
}

struct Printer<'f> {
    order: HashMap<&'f str, usize>,
}

impl Printer<'_> {
    fn value(&self, value: &Value, path: &str, depth: usize, out: &mut String) {
        match value {
            Value::Object(members) if !members.is_empty() => {
                let mut members: Vec<_> = members
                    .iter()
                    .map(|(name, value)| {
                        let path = match path.is_empty() {
                            true => name.clone(),
                            false => format!("{path}.{name}"),
                        };
                        let rank = self.order.get(path.as_str()).copied().unwrap_or(usize::MAX);
                        (rank, name, path, value)
                    })
                    .collect();
                members.sort_by_key(|(rank, ..)| *rank);
                self.lines('{', '}', depth, out, members.len(), |index, out| {
                    let (_, name, path, value) = &members[index];
                    out.push_str(&Value::from(name.as_str()).to_string());
                    out.push_str(": ");
                    self.value(value, path, depth + 1, out);
                });
            }
            Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
                let path = format!("{path}[]");
                self.lines('[', ']', depth, out, items.len(), |index, out| {
                    self.value(&items[index], &path, depth + 1, out);
                });
            }
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(ToString::to_string).collect();
                out.push_str(&format!("[{}]", items.join(", ")));
            }
            other => out.push_str(&other.to_string()),
        }
    }

    fn lines(
        &self,
        open: char,
        close: char,
        depth: usize,
        out: &mut String,
        count: usize,
        mut line: impl FnMut(usize, &mut String),
    ) {
        out.push(open);
        for index in 0..count {
            out.push_str(if index == 0 { "\n" } else { ",\n" });
            out.push_str(&"  ".repeat(depth + 1));
            line(index, out);
        }
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
        out.push(close);
    }
}
