//! `tidings dlq export`

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use tidings_event::json::single_line;
use tidings_transport::Body;

use super::selection::{Letter, letters};
use crate::args::{ExportLettersArgs, OutputArgs};
use crate::bus::Bus;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::{Output, number, to_stderr};

/// Writes events that failed as lines that can be published again.
pub async fn run(args: ExportLettersArgs) -> Result<Exit> {
    let output = Output::new(OutputArgs { json: true });
    let bus = Bus::open_to_look(&args.bus).await?;
    let mut unreadable = 0;
    for letter in letters(&bus, &args.filter, usize::MAX).await? {
        match document(&letter) {
            Some(document) => output.write(&[&document[..], b"\n"].concat())?,
            None => {
                unreadable += 1;
                output.json(&raw(&letter.letter.body))?;
            }
        }
    }
    if unreadable > 0 {
        let count = number(unreadable);
        to_stderr(&format!(
            "{count} are no events, and were written as raw fields"
        ));
    }
    Ok(Exit::Ok)
}

/// The document as it was published, or made from a foreign wire; with its key inside.
fn document(found: &Letter) -> Option<Vec<u8>> {
    let event = found.event.as_ref().ok()?;
    let key = found.letter.key.as_ref();
    match (&found.letter.body, key) {
        (_, Some(key)) if event.partition_key().is_none() => {
            let mut event = event.clone();
            // A key that is no CloudEvents string is left out: the definition may find it again.
            let _ = event.set_extension("partitionkey", key.as_str());
            Some(event.to_json())
        }
        (Body::Document(document), _) => Some(single_line(document).into_owned()),
        (Body::Fields(_), _) => Some(event.to_json()),
    }
}

fn raw(body: &Body) -> Value {
    match body {
        Body::Document(document) => json!({ "document": STANDARD.encode(document) }),
        Body::Fields(fields) => {
            let fields = fields
                .iter()
                .map(|f| (f.name.to_string(), STANDARD.encode(&f.value).into()));
            json!({ "fields": fields.collect::<Map<_, _>>() })
        }
    }
}
