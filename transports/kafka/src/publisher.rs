//! Publishing.

use std::collections::HashMap;
use std::sync::Arc;

use tidings_transport::{Body, Error, ErrorKind, Field, Position, Record, Result};

use crate::acl::Acl;
use crate::client::Client;
use crate::error::{again, no_answer, writing};
use crate::flight::{Flight, FlightProducer, Outgoing};
use crate::{names, wire};

/// Appends records, in order for each partition, and waits until all are stored or have failed.
pub(crate) async fn publish(client: &Arc<Client>, records: &[Record]) -> Vec<Result<Position>> {
    let mut topics: HashMap<&str, Result<String>> = HashMap::new();
    for run in runs(records) {
        let topic = run[0].topic.as_str();
        if !topics.contains_key(topic) {
            topics.insert(topic, prepare(client, &run[0]).await);
        }
    }
    // Everything is queued before anything is waited for. Behind what found no room nothing is
    // sent: it would overtake that.
    let flight = Arc::new(Flight::default());
    let producer = match client.sender.producer() {
        Ok(producer) => producer,
        Err(e) => {
            let error = writing("publish", e);
            return records.iter().map(|_| Err(again(&error))).collect();
        }
    };
    let mut full: Option<Error> = None;
    let mut queued = Vec::with_capacity(records.len());
    for run in runs(records) {
        let topic = &topics[run[0].topic.as_str()];
        for record in run {
            let sent = match (topic, &full) {
                (Err(e), _) | (Ok(_), Some(e)) => Err(again(e)),
                (Ok(name), None) => queue(&producer, &flight, name, record),
            };
            if full.is_none() && topic.is_ok() {
                full = sent.as_ref().err().filter(|e| e.is_temporary()).map(again);
            }
            queued.push(sent);
        }
    }
    let mut landed = client
        .landed(&producer, &flight, "publish")
        .await
        .into_iter();
    let mut results = Vec::with_capacity(records.len());
    for (record, queued) in records.iter().zip(queued) {
        // The flight has those that could be queued, in their order.
        let stored = queued.and_then(|()| landed.next().unwrap_or_else(|| Err(unknown())));
        let stored = stored.map_err(|e| look_again(client, record, e));
        results.push(stored.map(|(partition, offset)| wire::position(partition, offset)));
    }
    results
}

/// The records, cut where the topic changes.
fn runs(records: &[Record]) -> impl Iterator<Item = &[Record]> {
    records.chunk_by(|a, b| a.topic == b.topic)
}

fn unknown() -> Error {
    no_answer("publish", ErrorKind::UnknownOutcome)
}

/// Somebody may have removed the topic; then the next attempt makes it again.
fn look_again(client: &Client, record: &Record, error: Error) -> Error {
    let name = names::physical(&record.topic, "publish").unwrap_or_default();
    client.forget(&name);
    match error.kind() {
        ErrorKind::NotFound => {
            let text = format!("topic {} is gone; it is made again", record.topic);
            Error::new(ErrorKind::Unavailable, "publish", text).with_source(error)
        }
        _ => Acl::to("Write").topic(&name).of(error),
    }
}

async fn prepare(client: &Arc<Client>, record: &Record) -> Result<String> {
    let name = names::physical(&record.topic, "publish")?;
    client.ensure(&name, false, "publish").await?;
    Ok(name)
}

fn queue(
    producer: &FlightProducer,
    flight: &Arc<Flight>,
    name: &str,
    record: &Record,
) -> Result<()> {
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
    let outgoing = Outgoing {
        topic: name,
        partition: None,
        key: wire::key(record),
        value,
        headers,
    };
    let sent = flight.send(producer, outgoing);
    sent.map_err(|e| writing("publish", e))
}
