//! `tidings dlq show`

use serde_json::{Value, json};
use tidings_transport::Body;

use super::selection::{Letter, letters};
use crate::args::{FilterArgs, ShowLetterArgs};
use crate::bus::Bus;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::{Output, Tone, number, time};

/// Shows one dead letter.
pub async fn run(args: ShowLetterArgs) -> Result<Exit> {
    let output = Output::new(args.output);
    let bus = Bus::open_to_look(&args.bus).await?;
    let filter = FilterArgs {
        topic: vec![args.topic],
        group: vec![args.group],
        ty: Vec::new(),
        key: Vec::new(),
        reason: Vec::new(),
        since: None,
        until: None,
        id: vec![args.id],
    };
    for letter in letters(&bus, &filter, usize::MAX).await? {
        let event = event(&letter, args.payload);
        if output.is_json() {
            let mut line = letter.as_json();
            line["event"] = event;
            output.json(&line)?;
        } else {
            text(&output, &letter, &event)?;
        }
    }
    Ok(Exit::Ok)
}

/// The envelope, and the payload if it is asked for.
fn event(found: &Letter, payload: bool) -> Value {
    match &found.event {
        Ok(event) => {
            let mut document: Value = serde_json::from_slice(&event.to_json()).unwrap_or_default();
            if let (Some(members), false) = (document.as_object_mut(), payload) {
                members.remove("data");
                members.remove("data_base64");
            }
            document
        }
        Err(why) => {
            let fields = match &found.letter.body {
                Body::Document(document) => json!({
                    "bytes": document.len(),
                    "text": payload.then(|| String::from_utf8_lossy(document)),
                }),
                Body::Fields(fields) => {
                    let field = |field: &tidings_transport::Field| {
                        json!({
                            "name": &*field.name,
                            "bytes": field.value.len(),
                            "text": payload.then(|| String::from_utf8_lossy(&field.value)),
                        })
                    };
                    fields.iter().map(field).collect()
                }
            };
            json!({ "unreadable": why, "body": fields })
        }
    }
}

fn text(output: &Output, found: &Letter, event: &Value) -> Result<()> {
    let letter = &found.letter;
    let line = |name: &str, value: &str| {
        let name = output.paint(Tone::Faint, &format!("{name:<14}"));
        output.text(&format!("{name}{value}"))
    };
    line("topic", letter.topic.as_str())?;
    line("group", letter.group.as_str())?;
    line("id", letter.id.as_str())?;
    line("state", found.state())?;
    line("position", letter.position.as_str())?;
    if let Some(key) = &letter.key {
        line("key", key.as_str())?;
    }
    line("attempts", &number(u64::from(letter.attempts)))?;
    if !letter.consumer.is_empty() {
        line("given up by", &letter.consumer)?;
    }
    if let Some(reason) = &letter.reason {
        line("reason", &reason.class)?;
        line("message", &reason.message)?;
        line("first failure", &time(reason.first_failure))?;
        line("last failure", &time(reason.last_failure))?;
    }
    let pretty = serde_json::to_string_pretty(event).unwrap_or_default();
    output.text(&format!("\n{pretty}"))
}
