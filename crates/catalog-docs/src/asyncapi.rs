//! AsyncAPI 3.0.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tidings_catalog::{Catalog, EventDefinition, Payload};

use crate::{example, schema};

/// The content type of an event on the bus: one CloudEvents document.
const CONTENT_TYPE: &str = "application/cloudevents+json";

/// The catalog as an AsyncAPI 3.0 document.
///
/// A topic is a channel; events without a topic share a channel of their subdomain whose address
/// is unknown. A message is a whole CloudEvents document in JSON, as it stands on the bus. Its
/// schemas are written in the words that AsyncAPI has, JSON Schema draft 7; an Avro schema is
/// carried along as `x-avro-schema`. Operations are those of all services: each `send` is one of
/// an owner, each `receive` one of a declared consumer, and the tag names the service.
pub fn asyncapi(catalog: &Catalog, title: &str, version: &str) -> Value {
    let mut channels: BTreeMap<String, Channel<'_>> = BTreeMap::new();
    let mut messages = Map::new();
    let mut schemas = Map::new();
    schemas.insert("CloudEvent".into(), envelope());
    for event in catalog.events() {
        let name = component(&event.event_type);
        for topic in addresses(event) {
            let channel = channels.entry(topic.name()).or_insert_with(|| Channel {
                address: topic,
                events: Vec::new(),
            });
            channel.events.push(event);
        }
        let place = format!("#/components/schemas/{name}");
        let payload = schema::lower(schema::of(event), &place);
        messages.insert(name.clone(), message(event, &place));
        schemas.insert(name, payload);
    }
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": title,
            "version": version,
            "description": "Events of all services. An operation is that of the service which its tag names.",
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": channels.iter().map(|(name, channel)| (name.clone(), channel.to_json())).collect::<Map<_, _>>(),
        "operations": operations(&channels),
        "components": {"messages": messages, "schemas": schemas},
    })
}

struct Channel<'c> {
    address: Address<'c>,
    events: Vec<&'c EventDefinition>,
}

/// Where events are published.
#[derive(Clone, Copy)]
enum Address<'c> {
    Topic(&'c str),
    /// Each site chooses the topic; these are the events of a subdomain.
    Unknown(&'c str),
}

impl Address<'_> {
    fn name(self) -> String {
        match self {
            Self::Topic(topic) => component(topic),
            Self::Unknown(subdomain) => format!("{}..", component(subdomain)),
        }
    }
}

fn addresses(event: &EventDefinition) -> Vec<Address<'_>> {
    if event.topics.is_empty() {
        return vec![Address::Unknown(event.subdomain().unwrap_or("events"))];
    }
    event
        .topics
        .iter()
        .map(|topic| Address::Topic(topic))
        .collect()
}

impl Channel<'_> {
    fn to_json(&self) -> Value {
        let messages = self.events.iter().map(|event| {
            let name = component(&event.event_type);
            let reference = json!({"$ref": format!("#/components/messages/{name}")});
            (name, reference)
        });
        let messages: Map<String, Value> = messages.collect();
        match self.address {
            Address::Topic(topic) => json!({"address": topic, "messages": messages}),
            Address::Unknown(subdomain) => json!({
                "address": null,
                "title": format!("Events of {subdomain}"),
                "description": "The definitions name no topic: each site chooses.",
                "messages": messages,
            }),
        }
    }
}

fn operations(channels: &BTreeMap<String, Channel<'_>>) -> Value {
    type Found<'c> = BTreeMap<(&'c str, &'static str, &'c str), Vec<&'c EventDefinition>>;
    let mut found: Found<'_> = BTreeMap::new();
    for (name, channel) in channels {
        for &event in &channel.events {
            if let Some(owner) = &event.owner {
                found
                    .entry((&owner.service, "send", name))
                    .or_default()
                    .push(event);
            }
            for consumer in &event.consumers {
                let events = found
                    .entry((&consumer.service, "receive", name))
                    .or_default();
                // One that declares itself twice still receives an event once.
                if !events
                    .iter()
                    .any(|other| other.event_type == event.event_type)
                {
                    events.push(event);
                }
            }
        }
    }
    let operations = found
        .into_iter()
        .map(|((service, action, channel), events)| {
            let messages = events.iter().map(|event| {
                let name = component(&event.event_type);
                json!({"$ref": format!("#/channels/{channel}/messages/{name}")})
            });
            let operation = json!({
                "action": action,
                "channel": {"$ref": format!("#/channels/{channel}")},
                "messages": messages.collect::<Vec<_>>(),
                "tags": [{"name": service}],
            });
            (
                format!("{}.{action}.{channel}", component(service)),
                operation,
            )
        });
    Value::Object(operations.collect())
}

fn message(event: &EventDefinition, place: &str) -> Value {
    let mut message = json!({
        "name": event.event_type,
        "title": event.title.as_deref().unwrap_or(&event.event_type),
        "contentType": CONTENT_TYPE,
        "payload": {"allOf": [
            {"$ref": "#/components/schemas/CloudEvent"},
            {
                "type": "object",
                "required": ["data"],
                "properties": {"type": {"const": event.event_type}, "data": {"$ref": place}},
            },
        ]},
        "x-minorversion": event.minorversion,
    });
    let mut add = |key: &str, value: Value| {
        if let Some(message) = message.as_object_mut() {
            message.insert(key.to_owned(), value);
        }
    };
    if let Some(description) = &event.description {
        add("description", json!(description.trim()));
    }
    if let Some(owner) = &event.owner {
        add(
            "x-owner",
            json!({"service": owner.service, "subdomain": owner.subdomain, "team": owner.team}),
        );
    }
    if let Some(subdomain) = event.subdomain() {
        add("tags", json!([{"name": subdomain}]));
    }
    if let Some(key) = &event.key {
        add("x-key", json!(key.as_str()));
    }
    if let Some(deprecation) = &event.deprecation {
        add(
            "x-deprecation",
            json!({
                "since": deprecation.since,
                "until": deprecation.until,
                "replaced_by": deprecation.replaced_by,
                "reason": deprecation.reason,
            }),
        );
    }
    if let Payload::Avro(_) = &event.payload {
        add("x-avro-schema", event.payload.to_json());
    }
    if !event.examples.is_empty() {
        let examples = event.examples.iter().map(|example| {
            let document = example::document(event, &example.data, &[]);
            // It was just printed by us.
            let payload: Value = serde_json::from_str(&document).unwrap_or_default();
            match &example.title {
                Some(title) => json!({"summary": title, "payload": payload}),
                None => json!({"payload": payload}),
            }
        });
        add("examples", Value::Array(examples.collect()));
    }
    message
}

/// The envelope that all events share, by OEP-41.
fn envelope() -> Value {
    json!({
        "type": "object",
        "title": "CloudEvents 1.0 by the conventions of OEP-41",
        "required": ["specversion", "id", "type", "source"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "minLength": 1, "description": "A UUID; an event that comes twice has the same"},
            "type": {"type": "string", "minLength": 1},
            "minorversion": {"type": "integer", "minimum": 0, "description": "Rises when fields come"},
            "source": {"type": "string", "minLength": 1, "description": "Who says so; consumers never decide by it"},
            "sourcehost": {"type": "string"},
            "time": {"type": "string", "format": "date-time"},
            "partitionkey": {"type": "string", "description": "Events with the same key stay in order"},
            "datacontenttype": {"type": "string"},
            "dataschema": {"type": "string"},
        },
    })
}

/// A name that AsyncAPI takes for a component: letters, digits, `.`, `-` and `_`.
fn component(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {
                name.push(char::from(byte))
            }
            byte => name.push_str(&format!("--{byte:02x}")),
        }
    }
    name
}
