//! Our verdicts on changes of Avro schemas beside what fastavro does: what we call compatible it
//! decodes, and what we say breaks it refuses.

use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Map, Value, json};
use tidings_catalog::evolution::{Outcome, Verdict, compare};
use tidings_catalog::{Catalog, EventDefinition};

use crate::avro_edits::{AVRO_EDITS, AVRO_PAIRS, AVRO_TYPE, wrapped};
use crate::codec::value_of;
use crate::site;

/// How many values are made for each verdict.
const VALUES: usize = 25;

fn definition(schema: &Value) -> Arc<EventDefinition> {
    let catalog = Catalog::from_texts([("a.v1.avsc", schema.to_string())]).unwrap();
    catalog.event("a.v1").unwrap().clone()
}

/// What fastavro is asked for one direction of one edit, and what we say of it.
struct Question {
    name: String,
    request: Value,
    outcome: Outcome,
}

fn ask(name: &str, writer: &Value, reader: &Value, outcome: &Outcome) -> Question {
    let values: Vec<Value> = match outcome.verdict {
        Verdict::Compatible => {
            let mut random = StdRng::seed_from_u64(41);
            (0..VALUES)
                .map(|_| value_of(writer, &mut Map::new(), &mut random))
                .collect()
        }
        _ => outcome.breaks.iter().map(|b| b.witness.clone()).collect(),
    };
    Question {
        name: name.to_owned(),
        request: json!({"writer": writer, "reader": reader, "values": values}),
        outcome: outcome.clone(),
    }
}

#[tokio::test]
async fn fastavro_decodes_what_is_compatible_and_refuses_what_breaks() {
    let Some(python) = site::python() else { return };
    let real = Catalog::openedx()
        .event(AVRO_TYPE)
        .unwrap()
        .payload
        .to_json();
    let edits = AVRO_EDITS.iter().map(|(name, _, edit)| {
        let mut new = real.clone();
        edit(&mut new);
        (*name, real.clone(), new)
    });
    let pairs = AVRO_PAIRS.iter().map(|(name, _, old, new)| {
        let parse = |text: &str| serde_json::from_str(&wrapped(text)).unwrap();
        (*name, parse(old), parse(new))
    });
    let mut questions = Vec::new();
    for (name, old, new) in edits.chain(pairs) {
        let (before, after) = (definition(&old), definition(&new));
        let comparison = compare(&before.payload, &after.payload, &[], &[]);
        questions.push(ask(name, &old, &new, &comparison.backward));
        questions.push(ask(name, &new, &old, &comparison.forward));
    }
    let input: Vec<String> = questions.iter().map(|q| q.request.to_string()).collect();
    let answers = site::lines(&python, "fastavro_resolve.py", &[], input.join("\n")).await;
    assert_eq!(answers.len(), questions.len());
    let mut wrong = Vec::new();
    for (question, answer) in questions.iter().zip(&answers) {
        for (index, result) in answer.as_array().unwrap().iter().enumerate() {
            let refused = result.get("refused").is_some();
            let expected = question.outcome.verdict == Verdict::Incompatible;
            if refused != expected {
                let (name, value) = (&question.name, &question.request["values"][index]);
                let verdict = question.outcome.verdict.as_str();
                wrong.push(format!("{name}: {verdict}, but {result} for {value}"));
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
