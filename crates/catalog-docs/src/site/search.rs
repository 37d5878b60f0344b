//! What the search finds.

use serde_json::{Value, json};
use tidings_catalog::EventDefinition;

use super::model::{Model, counted, subdomain_of, title};
use super::{path, prose};

/// The script with the index: a page on a disk may load a script, but no data.
///
/// An entry is `[path, title, second line, more words]`.
pub(super) fn index(model: &Model<'_>) -> String {
    let mut entries: Vec<Value> = model
        .events
        .iter()
        .map(|event| entry(model, event))
        .collect();
    for (name, events) in &model.subdomains {
        let about = format!("subdomain, {}", counted(events.len(), "event"));
        entries.push(json!([path::subdomain(name), name, about, ""]));
    }
    for (name, service) in &model.services {
        let emits = service.emits.len();
        let about = format!(
            "service, emits {}, consumes {}",
            counted(emits, "event"),
            service.consumes.len()
        );
        entries.push(json!([path::service(name), name, about, ""]));
    }
    let lines: Vec<String> = entries.iter().map(Value::to_string).collect();
    format!("window.tidingsIndex = [\n{}\n];\n", lines.join(",\n"))
}

fn entry(model: &Model<'_>, event: &EventDefinition) -> Value {
    let mut words: Vec<String> = vec![subdomain_of(event).to_owned()];
    words.extend(event.owner.as_ref().map(|owner| owner.service.clone()));
    words.extend(event.owner.as_ref().and_then(|owner| owner.team.clone()));
    words.extend(event.topics.iter().cloned());
    words.extend(
        event
            .consumers
            .iter()
            .map(|consumer| consumer.service.clone()),
    );
    for field in event.fields() {
        // The whole path: people look for it as they read it in code, and the last name is in it.
        words.push(field.path.as_str().to_owned());
    }
    if let Some(description) = &event.description {
        words.push(prose::plain(description));
    }
    let title = match model.major_mark(event) {
        Some(major) => format!("{} {major}", title(event)),
        None => title(event),
    };
    json!([
        path::event(&event.event_type),
        title,
        event.event_type,
        words.join(" ").to_lowercase()
    ])
}
