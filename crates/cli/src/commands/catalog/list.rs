//! `tidings catalog list`

use serde_json::json;
use tidings_catalog::EventDefinition;

use super::which;
use crate::args::ListArgs;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::{Output, Table, Tone, number, to_stderr};

/// Lists events.
pub fn run(args: &ListArgs) -> Result<Exit> {
    let output = Output::new(args.output);
    let catalog = which::catalog(&args.which)?;
    let wanted = |event: &&std::sync::Arc<EventDefinition>| {
        let subdomain = event.subdomain().unwrap_or_default();
        let text = args.text.as_deref().unwrap_or_default().to_lowercase();
        let title = event.title.as_deref().unwrap_or_default().to_lowercase();
        (args.subdomain.is_empty() || args.subdomain.iter().any(|s| s == subdomain))
            && (event.event_type.contains(&text) || title.contains(&text))
    };
    let events: Vec<_> = catalog.events().filter(wanted).collect();
    if output.is_json() {
        for event in events {
            output.json(&summary(event))?;
        }
        return Ok(Exit::Ok);
    }
    if events.is_empty() {
        to_stderr("no such events");
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["TYPE", ">MINOR", "SERVICE", "TOPICS", ">CONSUMERS", "TITLE"]);
    let or_dash = |text: String| match text.is_empty() {
        true => ("-".to_owned(), Tone::Faint),
        false => (text, Tone::Plain),
    };
    for event in &events {
        let title = event.title.clone().unwrap_or_default();
        let (title, tone) = match &event.deprecation {
            Some(deprecation) => match deprecation.until {
                Some(until) => (
                    format!("{title} (deprecated, until {until})"),
                    Tone::Warning,
                ),
                None => (format!("{title} (deprecated)"), Tone::Warning),
            },
            None => or_dash(title),
        };
        table.row(vec![
            (event.event_type.clone(), Tone::Strong),
            (
                number(event.minorversion.unsigned_abs().into()),
                Tone::Plain,
            ),
            or_dash(
                event
                    .owner
                    .as_ref()
                    .map(|o| o.service.clone())
                    .unwrap_or_default(),
            ),
            or_dash(event.topics.join(", ")),
            (number(event.consumers.len() as u64), Tone::Plain),
            (title, tone),
        ]);
    }
    output.table(&table)?;
    Ok(Exit::Ok)
}

fn summary(event: &EventDefinition) -> serde_json::Value {
    json!({
        "type": event.event_type,
        "minorversion": event.minorversion,
        "title": event.title,
        "service": event.owner.as_ref().map(|o| &o.service),
        "subdomain": event.subdomain(),
        "team": event.owner.as_ref().and_then(|o| o.team.as_ref()),
        "topics": event.topics,
        "key": event.key.as_ref().map(|key| key.as_str()),
        "consumers": event.consumers.iter().map(|c| &c.service).collect::<Vec<_>>(),
        "deprecated": event.deprecation.is_some(),
        "file": event.path(),
    })
}
