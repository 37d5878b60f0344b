//! The producer.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use tidings_event::EventBuilder;
use tidings_transport::{Error as TransportError, ErrorKind, Key, Record, Topic};
use tokio::time::Instant;

use super::outlet::{Answer, Outlet};
use super::preparation::{Preparation, Prepared};
use super::schema_shelf::SchemaShelf;
use super::{Draft, ForeignEntry, PublishError, Receipt};
use crate::Counters;

/// Publishes events: stamps, checks, routes and encodes them, and batches what is concurrent.
///
/// Cheap to clone; clones share one queue. A publish that finds the log idle goes out at once,
/// on the caller's own task; what comes while one is under way goes out together after it.
/// Publishes that wait for each other, and those of one [`publish_all`](Self::publish_all), keep
/// their order per key.
///
/// Dropping the future of a publish does not take it back: the log may have the event.
#[derive(Clone)]
pub struct Producer {
    inner: Arc<Inner>,
}

struct Inner {
    preparation: Preparation,
    shelf: SchemaShelf,
    outlet: Outlet,
    counters: Arc<Counters>,
}

impl Producer {
    pub(super) fn new(preparation: Preparation, shelf: SchemaShelf, outlet: Outlet) -> Self {
        Self {
            inner: Arc::new(Inner {
                preparation,
                shelf,
                outlet,
                counters: Arc::new(Counters::default()),
            }),
        }
    }

    /// The running counts.
    pub fn counters(&self) -> Arc<Counters> {
        self.inner.counters.clone()
    }

    /// Starts an event of a type, stamped by this producer's emitter if it has one.
    pub fn event(&self, event_type: impl Into<String>) -> EventBuilder {
        self.inner.preparation.event(event_type)
    }

    /// Publishes an event to the topics of its type's routes; a receipt for each.
    ///
    /// # Errors
    /// [`PublishError`]; its [`receipts`](PublishError::receipts) are those of topics that have
    /// the event all the same.
    pub async fn publish(&self, event: impl Into<Draft>) -> Result<Vec<Receipt>, PublishError> {
        let prepared = self.inner.preparation.route(event.into());
        self.send_one(prepared).await
    }

    /// Publishes an event to one topic, by its logical name.
    ///
    /// # Errors
    /// [`PublishError`].
    pub async fn publish_to(
        &self,
        topic: &str,
        event: impl Into<Draft>,
    ) -> Result<Receipt, PublishError> {
        let prepared = self.inner.preparation.to(topic, event.into());
        self.send_one(prepared).await.map(only)
    }

    /// Publishes events in this order, in as few batches as the bounds allow; a result for each.
    /// One that fails does not keep the others back.
    pub async fn publish_all<D: Into<Draft>>(
        &self,
        events: impl IntoIterator<Item = D>,
    ) -> Vec<Result<Vec<Receipt>, PublishError>> {
        let events = events.into_iter();
        let prepared = events.map(|event| self.inner.preparation.route(event.into()));
        self.send(prepared.collect()).await
    }

    /// Publishes a finished CloudEvents JSON document to one topic, byte for byte: nothing is
    /// stamped or added. Its key is its own `partitionkey`, or else this one, or else what the
    /// route or the definition of its type points to.
    ///
    /// # Errors
    /// [`PublishError`].
    pub async fn publish_document(
        &self,
        topic: &str,
        key: Option<Key>,
        document: impl Into<Bytes>,
    ) -> Result<Receipt, PublishError> {
        let prepared = self.inner.preparation.document(topic, key, document.into());
        self.send_one(prepared).await.map(only)
    }

    /// Publishes finished documents to one topic in this order, as
    /// [`publish_document`](Self::publish_document) does, in as few batches as the bounds allow.
    pub async fn publish_documents(
        &self,
        topic: &str,
        documents: impl IntoIterator<Item = (Option<Key>, Bytes)>,
    ) -> Vec<Result<Receipt, PublishError>> {
        let preparation = &self.inner.preparation;
        let prepared = documents
            .into_iter()
            .map(|(key, document)| preparation.document(topic, key, document));
        let results = self.send(prepared.collect()).await;
        results.into_iter().map(|result| result.map(only)).collect()
    }

    /// Prepares a finished document for one topic, as
    /// [`publish_document`](Self::publish_document) does, and sends nothing yet.
    ///
    /// # Errors
    /// [`PublishError`].
    pub fn prepare_document(
        &self,
        topic: &str,
        key: Option<Key>,
        document: impl Into<Bytes>,
    ) -> Result<Prepared, PublishError> {
        self.inner.preparation.document(topic, key, document.into())
    }

    /// Publishes what was prepared, in this order, in as few batches as the bounds allow; a
    /// result for each.
    pub async fn publish_prepared(
        &self,
        prepared: Vec<Prepared>,
    ) -> Vec<Result<Vec<Receipt>, PublishError>> {
        self.send(prepared.into_iter().map(Ok).collect()).await
    }

    /// Asks the log whether it is there; what it is: `"Redis 7.0.15"`.
    ///
    /// # Errors
    /// What the log says, or why it does not.
    pub async fn ping(&self) -> Result<String, TransportError> {
        self.inner.outlet.ping().await
    }

    /// Publishes entries of a foreign wire that the caller has written, each to one topic, in this
    /// order and field by field as they are. Nothing is stamped or checked but the size; schemas
    /// are stored first. Requires `Capability::Fields`.
    pub async fn publish_entries(
        &self,
        entries: impl IntoIterator<Item = (String, ForeignEntry)>,
    ) -> Vec<Result<Receipt, PublishError>> {
        let preparation = &self.inner.preparation;
        let prepared = entries
            .into_iter()
            .map(|(topic, entry)| preparation.entry(&topic, entry));
        let results = self.send(prepared.collect()).await;
        results.into_iter().map(|result| result.map(only)).collect()
    }

    async fn send_one(
        &self,
        prepared: Result<Prepared, PublishError>,
    ) -> Result<Vec<Receipt>, PublishError> {
        let mut results = self.send(vec![prepared]).await;
        results.pop().expect("one result for one event")
    }

    async fn send(
        &self,
        prepared: Vec<Result<Prepared, PublishError>>,
    ) -> Vec<Result<Vec<Receipt>, PublishError>> {
        let mut all: Vec<Record> = Vec::with_capacity(prepared.len());
        let mut shares = Vec::with_capacity(prepared.len());
        let deadline = self.inner.shelf.deadline();
        // Topics and keys of events that stay behind: what follows them must stay behind too.
        let mut behind: HashSet<(Topic, Key)> = HashSet::new();
        for prepared in prepared {
            let shelved = match prepared {
                Ok(prepared) => match prepared.follows(&behind) {
                    Some(topic) => {
                        Err(PublishError::transport(topic, overtaking()).of(&prepared.id))
                    }
                    None => {
                        let places = prepared.places();
                        let shelved = self.shelve(prepared, deadline).await;
                        if shelved.as_ref().is_err_and(PublishError::is_temporary) {
                            behind.extend(places);
                        }
                        shelved
                    }
                },
                Err(error) => Err(error),
            };
            shares.push(shelved.map(|prepared| {
                let Prepared {
                    id,
                    records,
                    observed,
                    ..
                } = prepared;
                let topics: Vec<_> = records.iter().map(|r| r.topic.clone()).collect();
                all.extend(records);
                (id, topics, observed)
            }));
        }
        let mut answers = match all.is_empty() {
            true => Vec::new(),
            false => self.inner.outlet.send(all).await,
        }
        .into_iter();
        let mut results = Vec::with_capacity(shares.len());
        for share in shares {
            let result = share.and_then(|(id, topics, observed)| {
                let table: Vec<_> = topics.into_iter().zip(answers.by_ref()).collect();
                let result = conclude(&id, table);
                observed.ended(&result);
                result
            });
            self.count(&result);
            results.push(result);
        }
        results
    }

    /// Sees to it that readers will find the schemas of an event.
    async fn shelve(
        &self,
        prepared: Prepared,
        deadline: Instant,
    ) -> Result<Prepared, PublishError> {
        for (schema, record) in prepared.schemas.iter().zip(&prepared.records) {
            let shelved = self.inner.shelf.ensure(schema, deadline).await;
            shelved
                .map_err(|e| PublishError::transport(record.topic.clone(), e).of(&prepared.id))?;
        }
        Ok(prepared)
    }

    fn count(&self, result: &Result<Vec<Receipt>, PublishError>) {
        let counters = &self.inner.counters;
        match result {
            Ok(receipts) => Counters::add(&counters.published, receipts.len()),
            Err(error) => {
                Counters::add(&counters.published, error.receipts().len());
                Counters::add(&counters.publish_failed, 1);
                if let Some(metrics) = self.inner.preparation.telemetry().metrics() {
                    metrics.publishing().failed(error.kind().as_str());
                }
            }
        }
    }
}

/// Why an event is not sent although nothing is wrong with it.
fn overtaking() -> TransportError {
    TransportError::new(
        ErrorKind::Unavailable,
        "publish",
        "an event of its key before it could not be sent, and must not be overtaken",
    )
}

/// One result from what became of an event in each of its topics.
fn conclude(id: &str, table: Vec<(Topic, Answer)>) -> Result<Vec<Receipt>, PublishError> {
    let mut receipts = Vec::with_capacity(table.len());
    let mut failure = None;
    for (topic, answer) in table {
        match answer {
            Ok(position) => receipts.push(Receipt {
                id: id.to_owned(),
                topic,
                position,
            }),
            Err(error) => {
                failure.get_or_insert_with(|| PublishError::transport(topic, error).of(id));
            }
        }
    }
    match failure {
        None => Ok(receipts),
        Some(error) => Err(error.after(receipts)),
    }
}

/// The receipt of an event that went to one topic.
fn only(mut receipts: Vec<Receipt>) -> Receipt {
    receipts.pop().expect("one receipt for one topic")
}
