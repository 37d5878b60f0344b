//! `tidings dlq release`

use serde_json::json;
use tidings_transport::{Count, Group, ParkedKey, ParkedState, Topic};

use super::selection::groups;
use crate::args::ReleaseArgs;
use crate::bus::Bus;
use crate::consent::Consent;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Output, Table, Tone, counted, number, to_stderr};
use crate::signals::Shutdown;

/// Releases parked keys, or says which would be.
pub async fn run(args: ReleaseArgs, shutdown: &Shutdown) -> Result<Exit> {
    let output = Output::new(args.output);
    let change = "release makes handlers run again";
    let consent = (!args.dry_run).then(|| Consent::find(args.consent, change));
    let consent = consent.transpose()?;
    let bus = Bus::open_to_look(&args.bus).await?;
    let chosen = parked(&bus, &args).await?;
    let Some(consent) = consent else {
        return told(&output, &chosen);
    };
    if matches!(consent, Consent::Ask) && !chosen.is_empty() {
        to_stderr(&table(&chosen).render(false));
        let question = format!("Release {}?", of_keys(chosen.len()));
        consent.obtain(&question, shutdown).await?;
    }
    for (topic, group, parked) in &chosen {
        let waiting = bus.transport().release(topic, group, &parked.key).await?;
        if output.is_json() {
            output.json(&line(topic, group, parked, waiting))?;
        } else {
            let (key, waiting) = (parked.key.as_str(), number(waiting));
            let text = format!("releasing {key} of group {group} on {topic}: {waiting} wait");
            output.text(&text)?;
        }
    }
    if chosen.is_empty() {
        to_stderr("no parked keys");
    }
    Ok(Exit::Ok)
}

type Parked = (Topic, Group, ParkedKey);

async fn parked(bus: &Bus, args: &ReleaseArgs) -> Result<Vec<Parked>> {
    let mut chosen = Vec::new();
    for (topic, group) in groups(bus, &args.topic, &args.group).await? {
        for parked in bus.transport().parked(&topic, &group).await? {
            let named = args.key.iter().any(|key| *key == parked.key.as_str());
            if named || (args.all && parked.state == ParkedState::Parked) {
                chosen.push((topic.clone(), group.clone(), parked));
            }
        }
    }
    let missing = args.key.iter().filter(|key| {
        let mut all = chosen.iter();
        !all.any(|(_, _, parked)| parked.key.as_str() == **key)
    });
    let missing: Vec<_> = missing.cloned().collect();
    if missing.is_empty() {
        return Ok(chosen);
    }
    let text = format!("not parked: {}", missing.join(", "));
    let failure = Failure::new(Exit::NoInput, text);
    Err(failure.remedy("`tidings dlq list` shows what is parked"))
}

fn told(output: &Output, chosen: &[Parked]) -> Result<Exit> {
    if output.is_json() {
        for (topic, group, parked) in chosen {
            output.json(&line(topic, group, parked, parked.records))?;
        }
    } else if chosen.is_empty() {
        to_stderr("no parked keys");
    } else {
        output.table(&table(chosen))?;
        output.text(&format!("{} would be released", of_keys(chosen.len())))?;
    }
    Ok(Exit::Ok)
}

fn of_keys(count: usize) -> String {
    counted(Count::Exactly(count as u64), "key")
}

fn line(topic: &Topic, group: &Group, parked: &ParkedKey, waiting: u64) -> serde_json::Value {
    json!({
        "topic": topic.as_str(),
        "group": group.as_str(),
        "key": parked.key.as_str(),
        "waiting": waiting,
    })
}

fn table(chosen: &[Parked]) -> Table {
    let mut table = Table::new(&["TOPIC", "GROUP", "KEY", "STATE", ">WAITING"]);
    for (topic, group, parked) in chosen {
        let state = match parked.state {
            ParkedState::Releasing => "releasing",
            _ => "parked",
        };
        table.row(vec![
            (topic.to_string(), Tone::Plain),
            (group.to_string(), Tone::Plain),
            (parked.key.as_str().to_owned(), Tone::Strong),
            (state.to_owned(), Tone::Plain),
            (number(parked.records), Tone::Plain),
        ]);
    }
    table
}
