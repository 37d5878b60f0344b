//! The parts of a definition that are lists.

use std::sync::Arc;

use crate::definition::{Accepted, Allowance, Consumer, Example, Mapping, Personal, Step};
use crate::error::{ErrorKind, Problem};
use crate::payload::FieldPath;
use crate::source::{Fields, Node, Shape, Source};

type Problems = Vec<Problem>;

pub(super) fn field_descriptions(
    source: &Arc<Source>,
    fields: &Fields<'_>,
    problems: &mut Problems,
) -> Vec<(FieldPath, String)> {
    let mut described = Vec::new();
    for (key, node) in fields.map("fields", problems) {
        match &node.shape {
            Shape::Text(text) => {
                described.push((FieldPath::from(key.name.as_str()), text.trim().to_owned()));
            }
            _ => problems.push(Problem::new(
                ErrorKind::Value,
                source.at(node.span.clone()),
                "`fields` says of each field what it means, in a text",
            )),
        }
    }
    described
}

pub(super) fn examples(
    source: &Arc<Source>,
    fields: &Fields<'_>,
    problems: &mut Problems,
) -> Vec<Example> {
    each(
        source,
        fields,
        "examples",
        "an example",
        &["title", "data"],
        problems,
        |item, problems| {
            let title = item.text("title", problems);
            let Some(data) = item.get("data") else {
                let message = "`data`, the payload, is missing";
                problems.push(Problem::new(ErrorKind::Value, item.head(), message));
                return None;
            };
            Some(Example {
                title,
                data: data.to_json(),
            })
        },
    )
}

pub(super) fn personal(
    source: &Arc<Source>,
    fields: &Fields<'_>,
    problems: &mut Problems,
) -> Vec<Personal> {
    let known = ["field", "kind", "reason"];
    each(
        source,
        fields,
        "pii",
        "an entry of `pii`",
        &known,
        problems,
        |item, problems| {
            let field = item.required_text("field", "the path of the field", problems);
            let kind = item.required_text("kind", "such as name, email, username, id", problems);
            let reason =
                item.required_text("reason", "say why the event has to carry it", problems);
            Some(Personal {
                field: FieldPath::from(field?.as_str()),
                kind: kind?,
                reason: reason?,
            })
        },
    )
}

pub(super) fn allowances(
    source: &Arc<Source>,
    fields: &Fields<'_>,
    problems: &mut Problems,
) -> Vec<Allowance> {
    let known = ["rule", "reason"];
    each(
        source,
        fields,
        "allow",
        "an entry of `allow`",
        &known,
        problems,
        |item, problems| {
            let rule = item.required_text("rule", "the code of a lint rule", problems);
            let reason =
                item.required_text("reason", "say why the rule does not hold here", problems);
            Some(Allowance {
                rule: rule?,
                reason: reason?,
            })
        },
    )
}

pub(super) fn consumers(
    source: &Arc<Source>,
    fields: &Fields<'_>,
    problems: &mut Problems,
) -> Vec<Consumer> {
    let known = [
        "service",
        "team",
        "purpose",
        "reads",
        "attributes",
        "accepts",
        "minorversion",
    ];
    each(
        source,
        fields,
        "consumers",
        "a consumer",
        &known,
        problems,
        |item, problems| {
            let service = item.required_text("service", "the service that consumes", problems);
            let reads = item.texts("reads", problems);
            let reads = reads
                .iter()
                .map(|(path, _)| FieldPath::from(path.as_str()))
                .collect();
            let attributes = attributes(item, problems);
            let mut accepts = Vec::new();
            for (key, node) in item.map("accepts", problems) {
                match &node.shape {
                    Shape::List(values) => accepts.push(Accepted {
                        field: FieldPath::from(key.name.as_str()),
                        values: values.iter().map(Node::to_json).collect(),
                    }),
                    _ => problems.push(Problem::new(
                        ErrorKind::Value,
                        item.at(node),
                        "`accepts` lists for a field the values that the consumer knows",
                    )),
                }
            }
            Some(Consumer {
                team: item.text("team", problems),
                purpose: item.text("purpose", problems),
                reads,
                attributes,
                accepts,
                minorversion: item.count("minorversion", problems).unwrap_or(0),
                service: service?,
            })
        },
    )
}

fn attributes(item: &Fields<'_>, problems: &mut Problems) -> Vec<String> {
    let mut attributes = Vec::new();
    for (name, location) in item.texts("attributes", problems) {
        if name == "source" {
            let message = "a consumer may not read `source`";
            problems.push(Problem::new(ErrorKind::Value, location, message).help(
                "OEP-41 forbids to branch on who sent an event: read a field of the payload, and \
                 ask the owner for one if there is none",
            ));
        } else {
            attributes.push(name);
        }
    }
    attributes
}

pub(super) fn mapping(
    source: &Arc<Source>,
    fields: &Fields<'_>,
    problems: &mut Problems,
) -> Option<Mapping> {
    fields.get("to_previous")?;
    let known = ["rename", "drop", "default", "copy"];
    let steps = each(
        source,
        fields,
        "to_previous",
        "a step of `to_previous`",
        &known,
        problems,
        |item, problems| step(source, item, problems),
    );
    Some(Mapping { steps })
}

fn step(source: &Arc<Source>, item: &Fields<'_>, problems: &mut Problems) -> Option<Step> {
    let given: Vec<&str> = ["rename", "drop", "default", "copy"]
        .into_iter()
        .filter(|key| item.get(key).is_some())
        .collect();
    let [given] = given.as_slice() else {
        let message = "a step is one of `rename`, `drop`, `default` and `copy`";
        problems.push(Problem::new(ErrorKind::Value, item.head(), message));
        return None;
    };
    let pair = |problems: &mut Problems| {
        let what = format!("`{given}`");
        let pair = Fields::of(source, item.get(given)?, &what, &["from", "to"], problems)?;
        let from = pair.required_text("from", "the field as it is", problems);
        let to = pair.required_text("to", "the field as it was", problems);
        Some((from?, to?))
    };
    match *given {
        "rename" => pair(problems).map(|(from, to)| Step::Rename { from, to }),
        "copy" => pair(problems).map(|(from, to)| Step::Copy { from, to }),
        "drop" => item
            .text("drop", problems)
            .map(|field| Step::Drop { field }),
        _ => {
            let node = item.get("default")?;
            let known = ["field", "value"];
            let default = Fields::of(source, node, "`default`", &known, problems)?;
            let field = default.required_text("field", "the field as it was", problems);
            let Some(value) = default.get("value") else {
                let message = "`value` is missing";
                problems.push(Problem::new(ErrorKind::Value, default.head(), message));
                return None;
            };
            Some(Step::Default {
                field: field?,
                value: value.to_json(),
            })
        }
    }
}

/// Reads each item of a list that is a mapping.
fn each<T>(
    source: &Arc<Source>,
    fields: &Fields<'_>,
    name: &str,
    what: &str,
    known: &[&str],
    problems: &mut Problems,
    mut read: impl FnMut(&Fields<'_>, &mut Problems) -> Option<T>,
) -> Vec<T> {
    let mut items = Vec::new();
    for node in fields.list(name, problems) {
        if let Some(item) = Fields::of(source, node, what, known, problems) {
            items.extend(read(&item, problems));
        }
    }
    items
}
