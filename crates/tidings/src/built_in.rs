//! The definitions that every bus has unless it is given others.

use std::sync::{Arc, LazyLock};

use tidings_catalog::Catalog;
use tidings_event::avro::Schema;
use tidings_event::{Definition, Definitions, KeyPath};

/// The Open edX catalog of this build, parsed when something first asks, once per process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BuiltIn;

static OPENEDX: LazyLock<Catalog> = LazyLock::new(|| {
    // Texts, examples and owners are for people; here they would stay in memory for nothing.
    let mut needed = Catalog::empty();
    for definition in Catalog::openedx().definitions() {
        needed.insert(Definition::clone(definition));
    }
    needed
});

impl Definitions for BuiltIn {
    fn definition(&self, event_type: &str, minorversion: Option<i32>) -> Option<Arc<Definition>> {
        OPENEDX.definition(event_type, minorversion)
    }

    fn key_path(&self, event_type: &str) -> Option<KeyPath> {
        Catalog::openedx_key(event_type)
    }

    fn schema(&self, fingerprint: &str) -> Option<Arc<Schema>> {
        OPENEDX.schema(fingerprint)
    }

    fn nearest(&self, event_type: &str) -> Option<Box<str>> {
        OPENEDX.nearest(event_type)
    }
}
