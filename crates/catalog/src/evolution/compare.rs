//! What lies between two schemas of one event.

use serde_json::Value;

use super::{Break, Outcome, Verdict, avro, json};
use crate::payload::{FieldPath, Payload};

/// What lies between an older and a newer schema.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Comparison {
    /// Whether who knows the newer reads what the older wrote.
    pub backward: Outcome,
    /// Whether who knows the older reads what the newer writes.
    pub forward: Outcome,
    /// Fields that the newer no longer declares, each with a payload that lacks it.
    pub removed: Vec<Break>,
    /// Fields that only the newer declares.
    pub added: Vec<FieldPath>,
    /// Whether the two are the same.
    pub identical: bool,
}

/// Holds two schemas against each other; the examples make what breaks look real.
pub fn compare(
    old: &Payload,
    new: &Payload,
    old_examples: &[Value],
    new_examples: &[Value],
) -> Comparison {
    let (backward, forward, witness) = match (old, new) {
        (Payload::Json(old), Payload::Json(new)) => (
            json::reads(new, old, old_examples),
            json::reads(old, new, new_examples),
            json::any(new, new_examples),
        ),
        (Payload::Avro(old), Payload::Avro(new)) => (
            avro::reads(new, old, old_examples),
            avro::reads(old, new, new_examples),
            avro::any(new, new_examples),
        ),
        // Another language is another wire: nothing of the old is read by the new.
        (old, new) => {
            let other = |writer: &Payload, examples: &[Value]| {
                let witness = match writer {
                    Payload::Json(schema) => json::any(schema, examples),
                    Payload::Avro(schema) => avro::any(schema, examples),
                };
                let breaks = witness.map(|witness| Break {
                    path: FieldPath::root(),
                    reason: format!("is written by {}", writer.language()),
                    witness,
                });
                Outcome::of(breaks.into_iter().collect(), Verdict::Undecided)
            };
            (other(old, old_examples), other(new, new_examples), None)
        }
    };
    let (old_fields, new_fields) = (old.fields(), new.fields());
    let missing = |of: &[crate::Field], from: &[crate::Field]| -> Vec<FieldPath> {
        let paths = of.iter().map(|field| &field.path);
        let absent: Vec<&FieldPath> = paths
            .filter(|path| !from.iter().any(|field| field.path == **path))
            .collect();
        // A field that goes with what it stands in is told once.
        let outer = |path: &&&FieldPath| {
            !absent
                .iter()
                .any(|other| other != *path && path.is_within(other))
        };
        absent
            .iter()
            .filter(outer)
            .map(|path| (*path).clone())
            .collect()
    };
    let removed = missing(&old_fields, &new_fields).into_iter();
    let removed = removed.filter_map(|path| {
        Some(Break {
            path,
            reason: "is no longer there".into(),
            witness: witness.clone()?,
        })
    });
    Comparison {
        removed: removed.collect(),
        added: missing(&new_fields, &old_fields),
        identical: old.to_json() == new.to_json(),
        backward,
        forward,
    }
}
