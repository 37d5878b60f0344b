//! Publishing.

use std::collections::HashMap;
use std::sync::Arc;

use rdkafka::producer::FutureRecord;
use rdkafka::producer::future_producer::DeliveryFuture;
use tidings_transport::{Body, Error, ErrorKind, Field, Position, Record, Result};

use crate::client::Client;
use crate::error::writing;
use crate::{names, wire};

/// Appends records, in order for each partition, and waits until all are stored or have failed.
pub(crate) async fn publish(client: &Arc<Client>, records: &[Record]) -> Vec<Result<Position>> {
    let mut topics: HashMap<&str, Result<String>> = HashMap::new();
    for record in records {
        if !topics.contains_key(record.topic.as_str()) {
            let name = prepare(client, record).await;
            topics.insert(record.topic.as_str(), name);
        }
    }
    // Everything is queued before anything is waited for. Behind what found no room nothing is
    // sent: it would overtake that.
    let mut full: Option<Error> = None;
    let mut queued = Vec::with_capacity(records.len());
    for record in records {
        let sent = match &topics[record.topic.as_str()] {
            Err(e) => Err(again(e)),
            Ok(name) => match full.as_ref().map(again) {
                Some(e) => Err(e),
                None => queue(client, name, record),
            },
        };
        if full.is_none() && topics[record.topic.as_str()].is_ok() {
            full = sent.as_ref().err().filter(|e| e.is_temporary()).map(again);
        }
        queued.push(sent);
    }
    let deadline = client.deadline();
    let mut results = Vec::with_capacity(records.len());
    for (record, queued) in records.iter().zip(queued) {
        let stored = match queued {
            Ok(delivery) => client.delivered(delivery, deadline, "publish").await,
            Err(e) => Err(e),
        };
        let stored = stored.map_err(|e| look_again(client, record, e));
        results.push(stored.map(|(partition, offset)| wire::position(partition, offset)));
    }
    results
}

/// Somebody may have removed the topic; then the next attempt makes it again.
fn look_again(client: &Client, record: &Record, error: Error) -> Error {
    if let Ok(name) = names::physical(&record.topic, "publish") {
        client.forget(&name);
    }
    match error.kind() {
        ErrorKind::NotFound => {
            let text = format!("topic {} is gone; it is made again", record.topic);
            Error::new(ErrorKind::Unavailable, "publish", text).with_source(error)
        }
        _ => error,
    }
}

async fn prepare(client: &Arc<Client>, record: &Record) -> Result<String> {
    let name = names::physical(&record.topic, "publish")?;
    client.ensure(&name, false, "publish").await?;
    Ok(name)
}

fn queue(client: &Client, name: &str, record: &Record) -> Result<DeliveryFuture> {
    if let Body::Fields(fields) = &record.body {
        for (name, what) in [(Field::VALUE, "value"), (Field::KEY, "key")] {
            if fields.iter().filter(|f| &*f.name == name).count() > 1 {
                return Err(Error::new(
                    ErrorKind::Invalid,
                    "publish",
                    format!("the record has several fields {name:?}; a message has one {what}"),
                ));
            }
        }
    }
    let (headers, value) = wire::message(&record.body, Field::KEY);
    let mut message = FutureRecord::<[u8], [u8]>::to(name).headers(headers);
    message.key = wire::key(record);
    message.payload = value;
    let sent = client.producer.send_result(message);
    sent.map_err(|(e, _)| writing("publish", e))
}

/// The same error for another record.
fn again(error: &Error) -> Error {
    let text = error.to_string();
    let message = text.strip_prefix("publish: ").unwrap_or(&text);
    Error::new(error.kind(), error.operation(), message)
}
