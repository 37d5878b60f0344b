//! Guarantee 1, broken.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use async_trait::async_trait;
use tidings_transport::{
    Batch, Body, Error, ErrorKind, Field, Key, Outcome, Position, Record, Result, Settlement, Topic,
};

use crate::simulated::Simulated;
use crate::wrapper::{Fault, Handle, Seat};

/// Records that were said to be stored and are gone.
#[derive(Default)]
struct Vanished(Mutex<HashSet<(Topic, Position)>>);

impl Vanished {
    fn add(&self, records: impl IntoIterator<Item = (Topic, Position)>) {
        self.0.lock().expect("no panic").extend(records);
    }

    /// What an honest log would hand out, without them.
    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        loop {
            let batch = seat.consumer.next(max).await?;
            let gone = self.0.lock().expect("no panic").clone();
            let (lost, deliveries): (Vec<_>, Vec<_>) = batch
                .deliveries
                .into_iter()
                .partition(|d| gone.contains(&(d.topic.clone(), d.position.clone())));
            let acks = lost.into_iter().map(|delivery| Settlement {
                delivery,
                outcome: Outcome::Ack,
            });
            seat.consumer.settle(&acks.collect::<Vec<_>>()).await;
            if !(deliveries.is_empty() && batch.gaps.is_empty()) {
                return Ok(Batch {
                    deliveries,
                    gaps: batch.gaps,
                    became_active: batch.became_active,
                });
            }
        }
    }
}

/// Says `Ok` while the records of a large batch are in the publisher's memory only.
#[derive(Default)]
pub struct LosesWhatADeadPublisherBuffered {
    buffered: Mutex<HashMap<u64, Vec<(Topic, Position)>>>,
    gone: Vanished,
}

#[async_trait]
impl Fault for LosesWhatADeadPublisherBuffered {
    async fn publish(&self, handle: &Handle, records: &[Record]) -> Vec<Result<Position>> {
        let results = handle.log.publish(records).await;
        if records.len() >= 50 {
            let stored = records.iter().zip(&results);
            let stored = stored.filter_map(|(record, result)| {
                Some((record.topic.clone(), result.as_ref().ok()?.clone()))
            });
            let mut buffered = self.buffered.lock().expect("no panic");
            buffered.insert(handle.number, stored.collect());
        }
        results
    }

    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        self.gone.next(seat, max).await
    }

    fn handle_dropped(&self, handle: &Handle) {
        let mut buffered = self.buffered.lock().expect("no panic");
        self.gone
            .add(buffered.remove(&handle.number).unwrap_or_default());
    }
}

/// Says `Ok` before the log has synced: a kill takes the last batch, if there were many.
#[derive(Default)]
pub struct LosesTheLastBatchOnAKill {
    batches: Mutex<Vec<Vec<(Topic, Position)>>>,
    gone: Vanished,
}

#[async_trait]
impl Fault for LosesTheLastBatchOnAKill {
    async fn publish(&self, handle: &Handle, records: &[Record]) -> Vec<Result<Position>> {
        let results = handle.log.publish(records).await;
        let stored = records.iter().zip(&results);
        let stored: Vec<_> = stored
            .filter_map(|(record, result)| {
                Some((record.topic.clone(), result.as_ref().ok()?.clone()))
            })
            .collect();
        if !stored.is_empty() {
            self.batches.lock().expect("no panic").push(stored);
        }
        results
    }

    async fn next(&self, seat: &Seat, max: usize) -> Result<Batch> {
        self.gone.next(seat, max).await
    }

    async fn killed(&self, _log: &Simulated) {
        let mut batches = self.batches.lock().expect("no panic");
        if batches.len() > 10 {
            self.gone.add(batches.pop().unwrap_or_default());
        }
    }
}

/// Answers for each topic in turn instead of in the order given.
#[derive(Default)]
pub struct AnswersInAnotherOrder;

#[async_trait]
impl Fault for AnswersInAnotherOrder {
    async fn publish(&self, handle: &Handle, records: &[Record]) -> Vec<Result<Position>> {
        let results = handle.log.publish(records).await;
        let mut answers: Vec<_> = records.iter().zip(results).collect();
        answers.sort_by(|a, b| a.0.topic.cmp(&b.0.topic));
        answers.into_iter().map(|(_, result)| result).collect()
    }
}

/// Tells an empty key from none at all no longer.
#[derive(Default)]
pub struct DropsEmptyKeys;

#[async_trait]
impl Fault for DropsEmptyKeys {
    async fn publish(&self, handle: &Handle, records: &[Record]) -> Vec<Result<Position>> {
        let mut records = records.to_vec();
        for record in &mut records {
            record.key = record.key.take().filter(|key| !key.as_str().is_empty());
        }
        handle.log.publish(&records).await
    }
}

/// Keeps fields in a map.
#[derive(Default)]
pub struct SortsFields;

#[async_trait]
impl Fault for SortsFields {
    async fn publish(&self, handle: &Handle, records: &[Record]) -> Vec<Result<Position>> {
        let mut records = records.to_vec();
        for record in &mut records {
            if let Body::Fields(fields) = &mut record.body {
                fields.sort_by(|a, b| a.name.cmp(&b.name));
            }
        }
        handle.log.publish(&records).await
    }
}

/// Keeps fields as one text, where it does not know fields.
#[derive(Default)]
pub struct FlattensFields;

#[async_trait]
impl Fault for FlattensFields {
    async fn publish(&self, handle: &Handle, records: &[Record]) -> Vec<Result<Position>> {
        let mut records = records.to_vec();
        for record in &mut records {
            if let Body::Fields(fields) = &record.body {
                let text = |field: &Field| String::from_utf8_lossy(&field.value).into_owned();
                let text: String = fields.iter().map(text).collect();
                record.body = Body::Document(text.into());
            }
        }
        handle.log.publish(&records).await
    }
}

/// One bad record spoils the batch.
#[derive(Default)]
pub struct FailsTheWholeBatch;

#[async_trait]
impl Fault for FailsTheWholeBatch {
    async fn publish(&self, handle: &Handle, records: &[Record]) -> Vec<Result<Position>> {
        let mut results = handle.log.publish(records).await;
        let denied = |r: &Result<Position>| matches!(r, Err(e) if e.kind() == ErrorKind::Denied);
        if results.iter().any(denied) {
            for result in &mut results {
                *result = Err(Error::new(ErrorKind::Denied, "publish", "one was refused"));
            }
        }
        results
    }
}

/// Says "not stored" when it cannot know.
#[derive(Default)]
pub struct CallsTheUnknownUnavailable;

#[async_trait]
impl Fault for CallsTheUnknownUnavailable {
    async fn publish(&self, handle: &Handle, records: &[Record]) -> Vec<Result<Position>> {
        let results = handle.log.publish(records).await;
        let lie = |e: Error| match e.kind() {
            ErrorKind::UnknownOutcome => {
                Error::new(ErrorKind::Unavailable, "publish", "not stored")
            }
            _ => e,
        };
        results.into_iter().map(|r| r.map_err(lie)).collect()
    }
}

/// Sends without waiting for the answer.
#[derive(Default)]
pub struct CallsTheUnknownStored;

#[async_trait]
impl Fault for CallsTheUnknownStored {
    async fn publish(&self, handle: &Handle, records: &[Record]) -> Vec<Result<Position>> {
        let results = handle.log.publish(records).await;
        let lie = |e: Error| match e.kind() {
            ErrorKind::UnknownOutcome => Ok(Position::new("0")),
            _ => Err(e),
        };
        results.into_iter().map(|r| r.or_else(lie)).collect()
    }
}

/// Takes the white space off keys.
#[derive(Default)]
pub struct TrimsKeys;

#[async_trait]
impl Fault for TrimsKeys {
    async fn publish(&self, handle: &Handle, records: &[Record]) -> Vec<Result<Position>> {
        let mut records = records.to_vec();
        for record in &mut records {
            let key = record.key.take();
            record.key = key.map(|key| Key::new(key.as_str().trim_end()));
        }
        handle.log.publish(&records).await
    }
}
