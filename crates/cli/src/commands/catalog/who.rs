//! `tidings catalog who`

use serde_json::json;
use tidings_catalog::EventDefinition;

use super::show::consumer_json;
use super::which;
use crate::args::WhoArgs;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::{Output, Table, Tone};

/// Shows who emits an event and who consumes it.
pub fn run(args: &WhoArgs) -> Result<Exit> {
    let output = Output::new(args.output);
    let (_, event) = which::event(&args.which, &args.ty)?;
    match output.is_json() {
        true => output.json(&json!({
            "type": event.event_type,
            "producer": event.owner.as_ref().map(|owner| json!({
                "service": owner.service, "subdomain": owner.subdomain, "team": owner.team,
            })),
            "topics": event.topics,
            "consumers": event.consumers.iter().map(consumer_json).collect::<Vec<_>>(),
        }))?,
        false => show(&event, &output)?,
    }
    Ok(Exit::Ok)
}

fn show(event: &EventDefinition, output: &Output) -> Result<()> {
    output.text(&output.paint(Tone::Strong, &event.event_type))?;
    let producer = event.owner.as_ref().map(|owner| match &owner.team {
        Some(team) => format!("{} (team {team})", owner.service),
        None => owner.service.clone(),
    });
    let or = |text: Option<String>, none: &str| text.unwrap_or_else(|| none.to_owned());
    output.text(&format!(
        "emitted by  {}",
        or(producer, "the definition does not say")
    ))?;
    let topics = Some(event.topics.join(", ")).filter(|topics| !topics.is_empty());
    output.text(&format!(
        "topics      {}",
        or(topics, "the definition does not say")
    ))?;
    if event.consumers.is_empty() {
        return output.text("consumers   none has declared itself");
    }
    output.text("")?;
    let mut table = Table::new(&["CONSUMER", "TEAM", "FROM MINOR", "READS", "PURPOSE"]);
    for consumer in &event.consumers {
        let mut reads: Vec<String> = consumer.reads.iter().map(ToString::to_string).collect();
        for accepted in &consumer.accepts {
            let values: Vec<String> = accepted.values.iter().map(ToString::to_string).collect();
            reads.push(format!("{} in [{}]", accepted.field, values.join(", ")));
        }
        let dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        table.row(vec![
            (consumer.service.clone(), Tone::Strong),
            (dash(&consumer.team), Tone::Plain),
            (consumer.minorversion.to_string(), Tone::Plain),
            (reads.join(", "), Tone::Plain),
            (dash(&consumer.purpose), Tone::Plain),
        ]);
    }
    output.table(&table)
}
