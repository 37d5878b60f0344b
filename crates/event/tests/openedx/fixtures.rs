//! What was recorded of the real packages.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use proptest::prelude::ProptestConfig;
use serde_json::value::RawValue;
use tidings_event::avro::Schema;
use tidings_event::{Definition, Definitions};

/// Event type to schema text, for all of `catalog/openedx`.
pub fn schema_texts() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../catalog/openedx");
    let schemas: BTreeMap<String, String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "avsc"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    assert_eq!(schemas.len(), 73);
    schemas
}

/// One entry as the real producer wrote it.
#[derive(serde::Deserialize)]
pub struct Recorded<'a> {
    pub event_type: String,
    field_order: Vec<String>,
    fields_b64: BTreeMap<String, String>,
    /// As text: `serde_json` would read some doubles one unit off in the last place.
    #[serde(borrow, rename = "avro_record_json")]
    pub record: &'a RawValue,
}

impl Recorded<'_> {
    /// The fields in their order.
    pub fn fields(&self) -> Vec<(String, Vec<u8>)> {
        let base64 = base64::engine::general_purpose::STANDARD;
        let field = |name: &String| (name.clone(), base64.decode(&self.fields_b64[name]).unwrap());
        self.field_order.iter().map(field).collect()
    }

    pub fn data(&self) -> Vec<u8> {
        self.fields().pop().unwrap().1
    }
}

pub fn entries() -> Vec<Recorded<'static>> {
    let text = include_str!("../fixtures/openedx-redis-entries.jsonl");
    let entries: Vec<_> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(entries.len(), 54);
    entries
}

/// So many cases, and no file of failures: proptest prints the smallest one.
pub fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Definitions at minor version 0 and, for some, others.
#[derive(Default)]
pub struct Known {
    definitions: HashMap<(String, i32), Arc<Definition>>,
    schemas: HashMap<String, Arc<Schema>>,
}

impl Known {
    pub fn openedx() -> Self {
        let mut known = Self::default();
        for (event_type, text) in schema_texts() {
            known.insert(&event_type, 0, &text);
        }
        known
    }

    pub fn insert(&mut self, event_type: &str, minor: i32, text: &str) {
        let schema = Arc::new(Schema::parse(text).unwrap());
        self.schemas
            .insert(schema.fingerprint().to_owned(), schema.clone());
        let definition = Definition::new(event_type, minor).with_schema(schema);
        self.definitions
            .insert((event_type.to_owned(), minor), Arc::new(definition));
    }
}

impl Definitions for Known {
    fn definition(&self, event_type: &str, minorversion: Option<i32>) -> Option<Arc<Definition>> {
        let versions = self.definitions.iter().filter(|((name, minor), _)| {
            name == event_type && minorversion.is_none_or(|wanted| wanted == *minor)
        });
        let newest = versions.max_by_key(|((_, minor), _)| *minor);
        newest.map(|(_, definition)| definition.clone())
    }

    fn schema(&self, fingerprint: &str) -> Option<Arc<Schema>> {
        self.schemas.get(fingerprint).cloned()
    }
}
