//! Avro's schema resolution: Avro 1.12, "Schema Resolution".

mod resolve;
mod sample;

use serde_json::Value;

use super::{Break, Outcome, Verdict};
use crate::payload::AvroPayload;

/// How many reasons are told.
const MAX_BREAKS: usize = 50;

/// Whether who has the reader's schema resolves everything that the writer's encodes.
pub(super) fn reads(reader: &AvroPayload, writer: &AvroPayload, examples: &[Value]) -> Outcome {
    let candidates = resolve::differences(reader.model(), writer.model());
    let none = candidates.is_empty();
    let mut breaks: Vec<Break> = Vec::new();
    for candidate in candidates {
        if breaks.len() >= MAX_BREAKS {
            break;
        }
        let bases = examples.iter().map(Some).chain([None]);
        let mut documents =
            bases.filter_map(|base| sample::embed(writer.model(), base, &candidate.path));
        let witness = documents.find(|document| writer.check_payload(document));
        if let Some(witness) = witness {
            let place = sample::field_path(&candidate.path);
            breaks.push(Break {
                path: match &candidate.missing {
                    Some(name) => place.member(name),
                    None => place,
                },
                reason: candidate.reason,
                witness,
            });
        }
    }
    let otherwise = match none {
        true => Verdict::Compatible,
        false => Verdict::Undecided,
    };
    Outcome::of(breaks, otherwise)
}

/// A payload of a schema, an example if one is there.
pub(super) fn any(schema: &AvroPayload, examples: &[Value]) -> Option<Value> {
    let made = sample::embed(schema.model(), None, &[]);
    examples
        .iter()
        .cloned()
        .chain(made)
        .find(|document| schema.check_payload(document))
}
