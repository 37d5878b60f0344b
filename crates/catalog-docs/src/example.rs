//! An example as it stands on the bus.

use serde_json::Value;
use tidings_catalog::{EventDefinition, Field};

use crate::json::pretty;

/// A whole CloudEvents document. What only a producer can know, id and time, is made up, and the
/// same on every page.
pub(crate) fn document(event: &EventDefinition, data: &Value, fields: &[Field]) -> String {
    let text = |text: &str| Value::from(text).to_string();
    // `org.openedx.…`: the second word names whose events they are.
    let namespace = event.event_type.split('.').nth(1).unwrap_or("example");
    let service = event
        .owner
        .as_ref()
        .map_or("service", |owner| &owner.service);
    let key = event.key.as_ref().and_then(|key| {
        let found = key
            .as_str()
            .split('.')
            .try_fold(data, |value, name| value.get(name))?;
        Some(match found {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    });
    let mut members = vec![
        ("specversion", text("1.0")),
        ("id", text("6b2c1e50-cae6-11f1-8d4e-0242ac120002")),
        ("type", text(&event.event_type)),
        ("minorversion", event.minorversion.to_string()),
        ("source", text(&format!("/{namespace}/{service}/web"))),
        ("sourcehost", text(&format!("{service}-1.example.org"))),
        ("time", text("2026-11-26T12:00:00Z")),
    ];
    members.extend(key.map(|key| ("partitionkey", text(&key))));
    members.push(("datacontenttype", text("application/json")));
    let data = pretty(data, fields).replace('\n', "\n  ");
    members.push(("data", data));
    let lines = members
        .iter()
        .map(|(name, value)| format!("  \"{name}\": {value}"));
    format!("{{\n{}\n}}", lines.collect::<Vec<_>>().join(",\n"))
}
