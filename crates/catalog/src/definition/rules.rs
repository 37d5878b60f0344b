//! A definition at work: what the bus asks of it.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest, Sha256};
use tidings_event::{Definition, Mismatch, PayloadRules};

use super::EventDefinition;
use crate::Payload;

/// What a JSON Schema is called that does not name itself: a digest of it.
const JSON_SCHEMA_URN: &str = "urn:tidings:jsonschema:sha256:";

impl EventDefinition {
    /// What the bus needs to know of it.
    pub(crate) fn to_definition(self: &Arc<Self>) -> Definition {
        let mut definition = Definition::new(&*self.event_type, self.minorversion)
            .with_dataschema(self.dataschema())
            .with_payload(self.clone());
        if let Some(key) = &self.key {
            definition = definition.with_key_path(key.clone());
        }
        if let Payload::Avro(avro) = &self.payload {
            definition = definition.with_schema(avro.schema().clone());
        }
        if let Some(owner) = &self.owner {
            definition = definition.with_owner(&*owner.service);
        }
        if let (Some(_), Some(previous)) = (&self.to_previous, self.previous()) {
            definition = definition.with_previous(previous);
        }
        for topic in &self.topics {
            definition = definition.with_topic(&**topic);
        }
        for consumer in &self.consumers {
            definition = definition.with_contract(&*consumer.service, consumer.minorversion);
        }
        definition
    }

    /// The type of the major version before this one, if there can be one.
    pub fn previous(&self) -> Option<String> {
        let major = self.major()?.checked_sub(1).filter(|major| *major > 0)?;
        Some(format!("{}.v{major}", self.name()))
    }

    /// What events name as their `dataschema`: the `$id` of a JSON Schema if that is an absolute
    /// URI, or else a digest of the schema; the fingerprint of an Avro schema.
    pub fn dataschema(&self) -> String {
        match &self.payload {
            Payload::Avro(avro) => avro.schema().urn(),
            Payload::Json(json) => {
                let id = json.schema().get("$id").and_then(Value::as_str);
                let absolute = |id: &&str| {
                    id.split_once(':').is_some_and(|(scheme, _)| {
                        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                            && scheme.chars().all(|c| c.is_ascii_alphanumeric())
                    })
                };
                match id.filter(absolute) {
                    Some(id) => id.to_owned(),
                    // Members of a JSON value are sorted, so that the digest does not depend on
                    // how a file puts them.
                    None => {
                        let digest = Sha256::digest(json.schema().to_string());
                        let hex: String = digest.iter().map(|b| format!("{b:02x}")).collect();
                        format!("{JSON_SCHEMA_URN}{hex}")
                    }
                }
            }
        }
    }
}

impl PayloadRules for EventDefinition {
    /// As [`Payload::check`], but names that the schema does not declare are `*` in pointers: they
    /// are keys of maps, which may be data about somebody.
    fn check(&self, payload: &Value) -> Vec<Mismatch> {
        let mut mismatches = self.payload.check(payload);
        if !mismatches.is_empty() {
            let fields = self.payload.fields();
            let declared: HashSet<&str> = fields.iter().map(|field| field.path.last()).collect();
            for mismatch in &mut mismatches {
                let segments = mismatch.pointer.split('/').map(|segment| {
                    let index = !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_digit());
                    let name = segment.replace("~1", "/").replace("~0", "~");
                    match segment.is_empty() || index || declared.contains(&*name) {
                        true => segment,
                        false => "*",
                    }
                });
                mismatch.pointer = segments.collect::<Vec<_>>().join("/");
            }
        }
        mismatches
    }

    fn to_previous(&self, payload: &Value) -> Result<Value, Mismatch> {
        let at = |field: &str, message: &str| Mismatch {
            pointer: match field {
                "" => String::new(),
                field => format!("/{}", field.replace('.', "/")),
            },
            message: message.to_owned(),
        };
        match &self.to_previous {
            Some(mapping) => {
                let mapped = mapping.apply(payload);
                mapped.map_err(|e| at(e.field(), e.problem()))
            }
            None => Err(at("", "the definition does not say how it is made")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tidings_event::Definitions;

    use crate::Catalog;

    const GRADES: &str = "org.example.school.grade.changed.v1";

    fn catalog(schema: &str) -> Catalog {
        let text = format!(
            "type: {GRADES}\ntitle: Grades\nowner: {{service: school, subdomain: school}}\n\
             schema: {schema}\n"
        );
        Catalog::from_texts([(format!("{GRADES}.yaml"), text)]).unwrap()
    }

    #[test]
    fn keys_of_maps_are_not_told() {
        let catalog = catalog(
            "{type: object, properties: {grades: {type: object, \
             additionalProperties: {type: object, properties: {points: {type: integer}}}}}}",
        );
        let definition = catalog.definition(GRADES, None).unwrap();
        let payload = json!({"grades": {"ada@example.org": {"points": "secret"}}});
        let told = definition.payload.as_ref().unwrap().check(&payload);
        let told: Vec<String> = told.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            ["/grades/*/points: the value is not of type \"integer\""]
        );
    }

    #[test]
    fn a_schema_is_named_by_itself_or_by_its_digest() {
        let named = |schema: &str| {
            let definition = catalog(schema).definition(GRADES, None).unwrap();
            definition.dataschema.as_deref().unwrap().to_owned()
        };
        let own = named("{$id: 'https://example.org/grade/1', type: object}");
        assert_eq!(own, "https://example.org/grade/1");
        // What is no absolute URI cannot stand in an event.
        let relative = named("{$id: grade.json, type: object}");
        assert!(
            relative.starts_with("urn:tidings:jsonschema:sha256:"),
            "{relative}"
        );
        assert_eq!(relative.len(), 30 + 64);
        assert_eq!(
            named("{type: object, title: A}"),
            named("{title: A, type: object}")
        );
        assert_ne!(
            named("{type: object, title: A}"),
            named("{type: object, title: B}")
        );
    }
}
