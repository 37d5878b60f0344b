//! One occurrence, told in two major versions.

use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{Data, Definition, Event, Invalid, Json};

impl Event {
    /// What this event tells, as an event of another major version: OEP-41 asks that both have the
    /// identical time. Source, subject and extensions are the same; type, `minorversion` and
    /// `dataschema` are those of the definition. The id follows from this one's, so that an event
    /// that is published again takes its other versions along with the ids they had: version 1
    /// UUIDs of the same instant whose node is a digest.
    ///
    /// # Errors
    /// [`Invalid`], when the definition holds something that no event may.
    pub fn in_major(&self, definition: &Definition, payload: &Value) -> Result<Self, Invalid> {
        let mut parts = self.clone().into_parts();
        parts.id = related_id(self.id(), &definition.event_type).into();
        parts.event_type = definition.event_type.as_ref().into();
        parts.dataschema = definition.dataschema.as_deref().map(Into::into);
        parts.data = Some(Data::Json(Json::from_value(payload)));
        let mut event = Self::from_parts(parts)?;
        event.set_extension("minorversion", definition.minorversion)?;
        Ok(event)
    }
}

/// The id of what tells of the same occurrence in another type.
fn related_id(id: &str, event_type: &str) -> String {
    let digest = Sha256::new()
        .chain_update(id)
        .chain_update([0])
        .chain_update(event_type)
        .finalize();
    match Uuid::try_parse(id) {
        Ok(uuid) if uuid.get_version_num() == 1 => {
            let mut bytes = *uuid.as_bytes();
            // RFC 9562, section 5.1: the last six octets are the node; one that is no network
            // card's has the multicast bit set (section 6.10).
            bytes[10..].copy_from_slice(&digest[..6]);
            bytes[10] |= 1;
            Uuid::from_bytes(bytes).hyphenated().to_string()
        }
        // What OEP-41 does not know: any other text is kept apart by the major version.
        _ => match event_type.rsplit_once('.') {
            Some((_, major)) => format!("{id}-{major}"),
            None => format!("{id}-{event_type}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{Definition, Event, profile};

    const V1: &str = "org.example.catalog.course.created.v1";
    const V2: &str = "org.example.catalog.course.created.v2";

    fn v2() -> Event {
        Event::builder(V2)
            .id("c232ab00-9414-11ec-b3c8-9f6bdeced846")
            .source("/example/catalog/web")
            .time_text("2026-11-23T20:57:12Z")
            .minorversion(4)
            .extension("sourcehost", "web-1")
            .dataschema("urn:example:v2")
            .data_json(r#"{"name": "A"}"#)
            .build()
            .unwrap()
    }

    #[test]
    fn both_tell_of_one_occurrence() {
        let new = v2();
        let definition = Definition::new(V1, 3).with_dataschema("urn:example:v1");
        let old = new.in_major(&definition, &json!({"title": "A"})).unwrap();
        assert_eq!((old.event_type(), old.minorversion()), (V1, Some(3)));
        assert_eq!(old.time(), new.time());
        assert_eq!(old.source(), new.source());
        assert_eq!(old.sourcehost(), Some("web-1"));
        assert_eq!(old.dataschema(), Some("urn:example:v1"));
        assert_eq!(old.data().unwrap().as_json(), Some(r#"{"title":"A"}"#));
        let length = old.to_json().len();
        assert_eq!(profile::check(&old, length), []);
    }

    #[test]
    fn the_id_is_another_and_always_the_same() {
        let definition = Definition::new(V1, 0);
        let one = v2().in_major(&definition, &json!({})).unwrap();
        let again = v2().in_major(&definition, &json!({})).unwrap();
        assert_ne!(one.id(), v2().id());
        assert_eq!(one.id(), again.id());
        // The instant stays.
        assert_eq!(one.id()[..18], v2().id()[..18]);
        let v0 = v2().in_major(&Definition::new("a.v0", 0), &json!({}));
        assert_ne!(v0.unwrap().id(), one.id());
    }

    #[test]
    fn ids_of_other_forms_are_kept_apart_too() {
        let new = Event::builder(V2)
            .id("order-7")
            .source("/a")
            .build()
            .unwrap();
        let old = new.in_major(&Definition::new(V1, 0), &json!({}));
        assert_eq!(old.unwrap().id(), "order-7-v1");
    }
}
