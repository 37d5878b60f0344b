//! `tidings catalog show`

use serde_json::{Value, json};
use tidings_catalog::{Catalog, Consumer, EventDefinition, Field, Step};

use super::which;
use crate::args::ShowArgs;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::{Output, Table, Tone};

/// Shows an event.
pub fn run(args: &ShowArgs) -> Result<Exit> {
    let output = Output::new(args.output);
    let (catalog, event) = which::event(&args.which, &args.ty)?;
    match output.is_json() {
        true => output.json(&as_json(&event))?,
        false => show(&event, &catalog, &output)?,
    }
    Ok(Exit::Ok)
}

fn show(event: &EventDefinition, catalog: &Catalog, output: &Output) -> Result<()> {
    output.text(&output.paint(Tone::Strong, &event.event_type))?;
    if let Some(title) = &event.title {
        output.text(title)?;
    }
    if let Some(description) = &event.description {
        output.text(&format!("\n{description}"))?;
    }
    output.text("")?;
    for (name, value) in facts(event, catalog) {
        output.text(&format!("{name:<14}{value}"))?;
    }
    if let Some(deprecation) = &event.deprecation {
        let mut text = format!("deprecated since {}", deprecation.since);
        if let Some(until) = deprecation.until {
            text.push_str(&format!(", emitted until {until}"));
        }
        if let Some(by) = &deprecation.replaced_by {
            text.push_str(&format!(", replaced by {by}"));
        }
        output.text(&format!("\n{}", output.paint(Tone::Warning, &text)))?;
        if let Some(reason) = &deprecation.reason {
            output.text(reason)?;
        }
    }
    heading(output, "Payload")?;
    output.table(&fields(event))?;
    for example in &event.examples {
        heading(
            output,
            &format!(
                "Example{}",
                match &example.title {
                    Some(title) => format!(": {title}"),
                    None => String::new(),
                }
            ),
        )?;
        output.text(&serde_json::to_string_pretty(&example.data).unwrap_or_default())?;
    }
    Ok(())
}

fn heading(output: &Output, text: &str) -> Result<()> {
    output.text(&format!("\n{}", output.paint(Tone::Strong, text)))
}

fn facts(event: &EventDefinition, catalog: &Catalog) -> Vec<(&'static str, String)> {
    let mut facts = vec![("minor version", event.minorversion.to_string())];
    if let Some(owner) = &event.owner {
        facts.push(("service", owner.service.clone()));
        facts.push(("subdomain", owner.subdomain.clone()));
        facts.extend(owner.team.clone().map(|team| ("team", team)));
    }
    facts.extend(event.key.as_ref().map(|key| ("key", key.to_string())));
    if !event.topics.is_empty() {
        facts.push(("topics", event.topics.join(", ")));
    }
    if !event.consumers.is_empty() {
        let consumers: Vec<&str> = event.consumers.iter().map(|c| &*c.service).collect();
        facts.push(("consumers", consumers.join(", ")));
    }
    let others = catalog
        .events()
        .filter(|other| other.name() == event.name());
    let others: Vec<&str> = others
        .map(|other| &*other.event_type)
        .filter(|ty| *ty != event.event_type)
        .collect();
    if !others.is_empty() {
        facts.push(("other majors", others.join(", ")));
    }
    facts.push(("schema", event.payload.language().to_owned()));
    facts.push(("file", event.path().display().to_string()));
    facts
}

fn fields(event: &EventDefinition) -> Table {
    let mut table = Table::new(&["FIELD", "TYPE", "", "PERSONAL", "DESCRIPTION"]);
    for field in event.fields() {
        let personal = event.personal_data(&field.path).map(|p| p.kind.clone());
        let mut description = field.description.clone().unwrap_or_default();
        description = description.split_whitespace().collect::<Vec<_>>().join(" ");
        if !field.values.is_empty() {
            let values: Vec<String> = field.values.iter().map(plain).collect();
            description.push_str(&format!(" [{}]", values.join(", ")));
        }
        if !field.limits.is_empty() {
            description.push_str(&format!(" ({})", field.limits.join(", ")));
        }
        table.row(vec![
            (field.path.to_string(), Tone::Strong),
            (kind(&field), Tone::Plain),
            (
                if field.required { "" } else { "optional" }.to_owned(),
                Tone::Faint,
            ),
            (personal.unwrap_or_default(), Tone::Warning),
            (description.trim().to_owned(), Tone::Plain),
        ]);
    }
    table
}

fn kind(field: &Field) -> String {
    match field.nullable {
        true => format!("{} or null", field.kind),
        false => field.kind.clone(),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn as_json(event: &EventDefinition) -> Value {
    let field = |field: Field| {
        json!({
            "path": field.path.as_str(),
            "type": field.kind,
            "required": field.required,
            "nullable": field.nullable,
            "description": field.description,
            "values": field.values,
            "default": field.default,
            "limits": field.limits,
            "personal": event.personal_data(&field.path).map(|p| json!({
                "kind": p.kind, "reason": p.reason,
            })),
        })
    };
    json!({
        "type": event.event_type,
        "minorversion": event.minorversion,
        "title": event.title,
        "description": event.description,
        "owner": event.owner.as_ref().map(|owner| json!({
            "service": owner.service, "subdomain": owner.subdomain, "team": owner.team,
        })),
        "key": event.key.as_ref().map(|key| key.as_str()),
        "topics": event.topics,
        "schema_language": event.payload.language(),
        "schema": event.payload.to_json(),
        "fields": event.fields().into_iter().map(field).collect::<Vec<_>>(),
        "examples": event.examples.iter().map(|example| json!({
            "title": example.title, "data": example.data,
        })).collect::<Vec<_>>(),
        "deprecation": event.deprecation.as_ref().map(|d| json!({
            "since": d.since, "until": d.until, "replaced_by": d.replaced_by, "reason": d.reason,
        })),
        "consumers": event.consumers.iter().map(consumer_json).collect::<Vec<_>>(),
        "to_previous": event.to_previous.as_ref().map(|m| {
            m.steps.iter().map(step_json).collect::<Vec<_>>()
        }),
        "allow": event.allowances.iter().map(|a| json!({
            "rule": a.rule, "reason": a.reason,
        })).collect::<Vec<_>>(),
        "file": event.path(),
    })
}

/// A contract, for programs.
pub(super) fn consumer_json(consumer: &Consumer) -> Value {
    let accepts = consumer.accepts.iter();
    let accepts: serde_json::Map<String, Value> = accepts
        .map(|a| (a.field.as_str().to_owned(), json!(a.values)))
        .collect();
    json!({
        "service": consumer.service,
        "team": consumer.team,
        "purpose": consumer.purpose,
        "reads": consumer.reads.iter().map(|path| path.as_str()).collect::<Vec<_>>(),
        "attributes": consumer.attributes,
        "accepts": accepts,
        "minorversion": consumer.minorversion,
    })
}

fn step_json(step: &Step) -> Value {
    match step {
        Step::Rename { from, to } => json!({"rename": {"from": from, "to": to}}),
        Step::Copy { from, to } => json!({"copy": {"from": from, "to": to}}),
        Step::Drop { field } => json!({"drop": field}),
        Step::Default { field, value } => json!({"default": {"field": field, "value": value}}),
        // The enum may grow.
        _ => Value::Null,
    }
}
