//! Whether one JSON Schema takes what another allows.

mod close;
mod embed;
mod flatten;
mod sample;
mod values;
mod walk;

use jsonschema::canonical::{self, Containment};
use serde_json::Value;

use super::{Break, Outcome, Verdict};
use crate::payload::{FieldPath, JsonPayload};

/// How many reasons are told.
const MAX_BREAKS: usize = 50;

/// Whether who knows the reader's schema can read every payload that the writer declares.
pub(super) fn reads(reader: &JsonPayload, writer: &JsonPayload, examples: &[Value]) -> Outcome {
    if reader.schema() == writer.schema() {
        return Outcome::compatible();
    }
    let declared = close::declared(writer.schema());
    let Ok(writes) = JsonPayload::compile(declared.clone(), None) else {
        return Outcome::of(Vec::new(), Verdict::Undecided);
    };
    // Realistic payloads first: an example with one field changed says more than a made one.
    let mut bases: Vec<&Value> = examples.iter().filter(|e| writes.is_valid(e)).collect();
    bases.truncate(3);
    let mut breaks: Vec<Break> = Vec::new();
    for candidate in walk::candidates(reader.schema(), &declared) {
        if breaks.len() >= MAX_BREAKS {
            break;
        }
        let path = embed::field_path(&candidate.path);
        // One payload is enough for one reason.
        if breaks
            .iter()
            .any(|b| b.path == path && b.reason == candidate.reason)
        {
            continue;
        }
        let bases = bases.iter().map(|base| Some(*base)).chain([None]);
        let documents = bases
            .filter_map(|base| embed::embed(&declared, base, &candidate.path, &candidate.leaf));
        let witness = documents
            .into_iter()
            .find(|document| writes.is_valid(document) && !reader.is_valid(document));
        if let Some(witness) = witness {
            breaks.push(Break {
                path,
                reason: candidate.reason,
                witness,
            });
        }
    }
    if !breaks.is_empty() {
        return Outcome::of(breaks, Verdict::Undecided);
    }
    let stray = sample::variants(&declared, &declared)
        .into_iter()
        .chain(examples.iter().cloned())
        .find(|document| writes.is_valid(document) && !reader.is_valid(document));
    if let Some(witness) = stray {
        breaks.push(Break {
            path: FieldPath::root(),
            reason: "the schemas differ".into(),
            witness,
        });
    }
    Outcome::of(breaks, proof(reader.schema(), &declared))
}

/// A payload that a schema allows, an example if one is there.
pub(super) fn any(schema: &JsonPayload, examples: &[Value]) -> Option<Value> {
    let declared = close::declared(schema.schema());
    let made = sample::sample(&declared, &declared, 0);
    let fitting = |document: &Value| schema.is_valid(document);
    examples.iter().cloned().chain(made).find(fitting)
}

/// What the algebra of schemas can prove.
fn proof(reader: &Value, writer: &Value) -> Verdict {
    let canonical = |schema: &Value| {
        canonical::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true)
            .offline()
            .canonicalize(schema)
            .ok()
    };
    let covers = canonical(reader)
        .zip(canonical(writer))
        .and_then(|(r, w)| r.covers(&w).ok());
    match covers {
        Some(Containment::Yes) => Verdict::Compatible,
        _ => Verdict::Undecided,
    }
}
