//! `tidings topics`

use serde_json::json;

use crate::args::TopicsArgs;
use crate::bus::Bus;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::{Output, Table, Tone, bytes, number, time};

/// Lists the topics of the bus.
pub async fn run(args: TopicsArgs) -> Result<Exit> {
    let output = Output::new(args.output);
    let bus = Bus::open_to_look(&args.bus).await?;
    let topics = bus.topics().await?;
    if output.is_json() {
        for topic in &topics {
            output.json(&json!({
                "topic": topic.topic.as_str(),
                "length": topic.length,
                "first": topic.first.as_ref().map(|p| p.as_str()),
                "last": topic.last.as_ref().map(|p| p.as_str()),
                "last_received": topic.last_received.map(|t| t.to_string()),
                "bytes": topic.bytes,
            }))?;
        }
        return Ok(Exit::Ok);
    }
    if topics.is_empty() {
        crate::output::to_stderr(&format!("{} has no topics yet", bus.shown()));
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&[
        "TOPIC",
        ">EVENTS",
        ">SIZE",
        "FIRST",
        "LAST",
        "LAST RECEIVED",
    ]);
    let or_dash = |text: Option<String>| (text.unwrap_or_else(|| "-".to_owned()), Tone::Plain);
    for topic in topics {
        table.row(vec![
            (topic.topic.to_string(), Tone::Strong),
            (number(topic.length), Tone::Plain),
            or_dash(topic.bytes.map(bytes)),
            or_dash(topic.first.map(|p| p.to_string())),
            or_dash(topic.last.map(|p| p.to_string())),
            or_dash(topic.last_received.map(time)),
        ]);
    }
    output.table(&table)?;
    Ok(Exit::Ok)
}
