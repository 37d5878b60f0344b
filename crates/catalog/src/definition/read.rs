//! From a YAML file to a definition.

mod lists;
mod payload;

pub(crate) use payload::avro as avro_payload;

use std::str::FromStr;
use std::sync::Arc;

use jiff::civil::Date;
use tidings_event::KeyPath;

use super::event::Origin;
use super::{Deprecation, EventDefinition, Owner};
use crate::error::{ErrorKind, Problem};
use crate::files::Files;
use crate::source::{Fields, Source};

const KEYS: [&str; 17] = [
    "type",
    "minorversion",
    "title",
    "description",
    "owner",
    "key",
    "topics",
    "schema",
    "schema_file",
    "avro_file",
    "fields",
    "examples",
    "pii",
    "deprecation",
    "consumers",
    "to_previous",
    "allow",
];

/// Reads a definition; what is wrong with it is added to the problems.
pub(crate) fn read(
    source: Arc<Source>,
    files: &mut Files,
    problems: &mut Vec<Problem>,
) -> Option<EventDefinition> {
    let before = problems.len();
    let fields = Fields::of(&source, &source.root, "a definition", &KEYS, problems)?;
    let event_type = event_type(&fields, problems);
    let owner = owner(&source, &fields, problems);
    let payload = payload::read(&source, &fields, files, problems);
    let (payload, schema) = match payload {
        Some((payload, schema)) => (Some(payload), schema),
        None => (None, None),
    };
    let definition = EventDefinition {
        event_type: event_type.unwrap_or_default(),
        minorversion: fields.count("minorversion", problems).unwrap_or(0),
        title: fields.text("title", problems),
        description: fields.text("description", problems),
        owner,
        key: fields.parsed("key", problems, KeyPath::from_str),
        topics: topics(&fields, problems),
        field_descriptions: lists::field_descriptions(&source, &fields, problems),
        examples: lists::examples(&source, &fields, problems),
        personal: lists::personal(&source, &fields, problems),
        deprecation: deprecation(&source, &fields, problems),
        consumers: lists::consumers(&source, &fields, problems),
        to_previous: lists::mapping(&source, &fields, problems),
        allowances: lists::allowances(&source, &fields, problems),
        payload: payload?,
        origin: Origin::Document {
            source: source.clone(),
            schema,
        },
    };
    (problems.len() == before).then_some(definition)
}

fn event_type(fields: &Fields<'_>, problems: &mut Vec<Problem>) -> Option<String> {
    let why = "name the event: type: org.example.catalog.course.created.v1";
    let text = fields.required_text("type", why, problems)?;
    // Whether it follows OEP-41 is for the lint to say: real types do not always.
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) || text.len() > 255 {
        let location = fields
            .get("type")
            .map_or_else(|| fields.head(), |node| fields.at(node));
        let message = "`type` has no white space and at most 255 characters";
        problems.push(Problem::new(ErrorKind::Value, location, message));
        return None;
    }
    Some(text)
}

fn owner(source: &Arc<Source>, fields: &Fields<'_>, problems: &mut Vec<Problem>) -> Option<Owner> {
    let Some(node) = fields.get("owner") else {
        let message = "`owner` is missing";
        problems.push(
            Problem::new(ErrorKind::Value, fields.head(), message)
                .help("say who emits it: owner: {service: catalog, subdomain: catalog}"),
        );
        return None;
    };
    let known = ["service", "subdomain", "team"];
    let owner = Fields::of(source, node, "`owner`", &known, problems)?;
    let service = owner.required_text("service", "the one service that emits it", problems);
    let subdomain = owner.required_text(
        "subdomain",
        "the subdomain that the service belongs to",
        problems,
    );
    let team = owner.text("team", problems);
    Some(Owner {
        service: service?,
        subdomain: subdomain?,
        team,
    })
}

fn topics(fields: &Fields<'_>, problems: &mut Vec<Problem>) -> Vec<String> {
    let mut topics: Vec<String> = Vec::new();
    for (topic, location) in fields.texts("topics", problems) {
        if topic.is_empty() || topics.contains(&topic) {
            let message = "a topic is named once, and its name is not empty";
            problems.push(Problem::new(ErrorKind::Value, location, message));
        } else {
            topics.push(topic);
        }
    }
    topics
}

fn deprecation(
    source: &Arc<Source>,
    fields: &Fields<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Deprecation> {
    let node = fields.get("deprecation")?;
    let known = ["since", "replaced_by", "until", "reason"];
    let deprecation = Fields::of(source, node, "`deprecation`", &known, problems)?;
    let date = |text: &str| {
        let not = "is a day like 2026-11-30";
        text.parse::<Date>().map_err(|_| not)
    };
    if deprecation.get("since").is_none() {
        let message = "`since` is missing";
        problems.push(
            Problem::new(ErrorKind::Value, deprecation.head(), message)
                .help("the day since which nobody should begin to consume it: since: 2026-11-30"),
        );
    }
    Some(Deprecation {
        since: deprecation.parsed("since", problems, date)?,
        replaced_by: deprecation.text("replaced_by", problems),
        until: deprecation.parsed("until", problems, date),
        reason: deprecation.text("reason", problems),
    })
}
