//! An event made from the command line.

use std::fs;
use std::io::{self, Read};

use tidings::{Emitter, Event, Role};

use super::batch::Sender;
use crate::args::PublishArgs;
use crate::bus::Bus;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::input::MAX_DOCUMENT;

/// Who says it, when nobody is named.
const SERVICE: &str = "tidings";

/// The service that publishes, if somebody names it: who owns what is looked at only then.
pub fn identity<'a>(args: &'a PublishArgs, bus: &'a Bus) -> Option<&'a str> {
    args.service.as_deref().or(bus.service())
}

/// Makes the event that the arguments describe.
pub fn event(event_type: &str, args: &PublishArgs, bus: &Bus) -> Result<Event> {
    let stamp = &args.stamp;
    let wrong = |error: tidings::Invalid| Failure::new(Exit::Data, error.to_string());
    let service = identity(args, bus).unwrap_or(SERVICE);
    let emitter = Emitter::new(namespace(event_type), service, Role::Worker).map_err(wrong)?;
    let mut event = emitter.event(event_type);
    if let Some(source) = &stamp.source {
        event = event.source(source);
    }
    if let Some(subject) = &stamp.subject {
        event = event.subject(subject);
    }
    if let Some(minor) = stamp.minorversion {
        let minor = i32::try_from(minor).map_err(|_| {
            Failure::new(
                Exit::Usage,
                format!("--minorversion {minor} is above {}", i32::MAX),
            )
        })?;
        event = event.minorversion(minor);
    }
    for (name, value) in &stamp.extension {
        event = event.extension(name, value.as_str());
    }
    if let Some(key) = &args.key {
        event = event.partition_key(key);
    }
    if let Some(data) = &stamp.data {
        event = event.data_json(payload(data)?);
    }
    if bus.names_catalog() {
        event = event.defined_by(&**bus.definitions());
    }
    let mut event = event.build().map_err(wrong)?;
    if let Some(path) = &args.key_path {
        let path = super::key_path(path)?;
        let key = path
            .key_of(&event)
            .map_err(|error| Failure::new(Exit::Data, format!("--key-path {path}: {error}")))?;
        event.set_extension("partitionkey", key).map_err(wrong)?;
    }
    Ok(event)
}

/// Publishes it.
pub async fn publish(sender: Sender, event: Event) -> Result<Exit> {
    sender.send_event(event).await
}

/// `openedx` of `org.openedx.catalog…`.
fn namespace(event_type: &str) -> &str {
    event_type.split('.').nth(1).unwrap_or(SERVICE)
}

fn payload(text: &str) -> Result<String> {
    let unreadable = |name: &str, error: io::Error| {
        Failure::new(Exit::NoInput, format!("--data: {name} cannot be read")).source(error)
    };
    let mut held = String::new();
    let (name, input): (&str, Box<dyn Read>) = match (text, text.strip_prefix('@')) {
        ("-", _) => ("standard input", Box::new(io::stdin())),
        (_, Some(path)) => {
            let file = fs::File::open(path).map_err(|e| unreadable(path, e))?;
            (path, Box::new(file))
        }
        _ => return Ok(text.to_owned()),
    };
    input
        .take(MAX_DOCUMENT as u64 + 1)
        .read_to_string(&mut held)
        .map_err(|e| unreadable(name, e))?;
    if held.len() > MAX_DOCUMENT {
        let message = format!("--data: {name} has more than {MAX_DOCUMENT} bytes");
        return Err(Failure::new(Exit::Data, message).remedy("OEP-41 allows 65,536 bytes"));
    }
    Ok(held)
}
