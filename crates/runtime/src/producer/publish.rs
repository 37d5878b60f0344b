//! The producer.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use tidings_event::EventBuilder;
use tidings_transport::{Error as TransportError, ErrorKind, Key, LogProcess, Record, Topic};
use tokio::time::Instant;

use super::outlet::{Answer, Outlet};
use super::preparation::Preparation;
use super::prepared::Prepared;
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

    /// Publishes an event to the topics of its type's routes, or else of its definition; a receipt
    /// for each. Earlier major versions that the catalog asks for go with it, with receipts of
    /// their own.
    ///
    /// # Errors
    /// [`PublishError`]; its [`receipts`](PublishError::receipts) are those of topics that have
    /// the event all the same.
    pub async fn publish(&self, event: impl Into<Draft>) -> Result<Vec<Receipt>, PublishError> {
        let prepared = self.inner.preparation.route(event.into());
        self.send_one(prepared).await
    }

    /// Publishes an event to one topic, by its logical name, and with it the earlier major
    /// versions that the catalog asks for: a receipt for each, the event's own first.
    ///
    /// # Errors
    /// [`PublishError`].
    pub async fn publish_to(
        &self,
        topic: &str,
        event: impl Into<Draft>,
    ) -> Result<Vec<Receipt>, PublishError> {
        let prepared = self.inner.preparation.to(topic, event.into());
        self.send_one(prepared).await
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
    /// route or the definition of its type points to. Earlier major versions that the catalog asks
    /// for go with it: a receipt for each, the document's own first.
    ///
    /// # Errors
    /// [`PublishError`].
    pub async fn publish_document(
        &self,
        topic: &str,
        key: Option<Key>,
        document: impl Into<Bytes>,
    ) -> Result<Vec<Receipt>, PublishError> {
        let prepared = self.prepare_document(Some(topic), key, document);
        self.send_one(prepared).await
    }

    /// Publishes finished documents to one topic in this order, as
    /// [`publish_document`](Self::publish_document) does, in as few batches as the bounds allow.
    pub async fn publish_documents(
        &self,
        topic: &str,
        documents: impl IntoIterator<Item = (Option<Key>, Bytes)>,
    ) -> Vec<Result<Vec<Receipt>, PublishError>> {
        let prepared = documents
            .into_iter()
            .map(|(key, document)| self.prepare_document(Some(topic), key, document));
        self.send(prepared.collect()).await
    }

    /// Prepares a finished document, as [`publish_document`](Self::publish_document) does, and
    /// sends nothing yet: for one topic, or for those of its type.
    ///
    /// # Errors
    /// [`PublishError`].
    pub fn prepare_document(
        &self,
        topic: Option<&str>,
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

    /// The process that keeps the log, where one that ends may take acknowledged records with it;
    /// see [`Transport::process`](tidings_transport::Transport::process).
    ///
    /// # Errors
    /// What the log says, or why it does not.
    pub async fn log_process(&self) -> Result<Option<LogProcess>, TransportError> {
        self.inner.outlet.process().await
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
        match prepared {
            Ok(prepared) if prepared.is_single() => self.send_single(prepared).await,
            prepared => {
                let mut results = self.send(vec![prepared]).await;
                results.pop().expect("one result for one event")
            }
        }
    }

    /// Sends what is one record, as nearly every event is: without the lists that more needs.
    async fn send_single(&self, mut prepared: Prepared) -> Result<Vec<Receipt>, PublishError> {
        let record = prepared.records.pop().expect("it is one record");
        let topic = record.topic.clone();
        let result = match self.inner.outlet.send_one(record).await {
            Ok(position) => Ok(vec![Receipt {
                id: prepared.id,
                event_type: prepared.event_type,
                topic,
                position,
            }]),
            Err(error) => Err(PublishError::transport(topic, error).of(&prepared.id)),
        };
        prepared.observed.ended(&result);
        self.count(&result);
        result
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
                Ok(prepared) => self.shelve_all(prepared, &mut behind, deadline).await,
                Err(error) => Err(error),
            };
            shares.push(shelved.map(|events| {
                let share = |prepared: Prepared| {
                    let topics: Vec<_> = prepared.records.iter().map(|r| r.topic.clone()).collect();
                    all.extend(prepared.records);
                    (prepared.id, prepared.event_type, topics, prepared.observed)
                };
                events.into_iter().map(share).collect::<Vec<_>>()
            }));
        }
        let mut answers = match all.is_empty() {
            true => Vec::new(),
            false => self.inner.outlet.send(all).await,
        }
        .into_iter();
        let mut results = Vec::with_capacity(shares.len());
        for share in shares {
            let result = share.and_then(|events| {
                let results = events
                    .into_iter()
                    .map(|(id, event_type, topics, observed)| {
                        let table: Vec<_> = topics.into_iter().zip(answers.by_ref()).collect();
                        let result = conclude(&id, &event_type, table);
                        observed.ended(&result);
                        result
                    });
                together(results)
            });
            self.count(&result);
            results.push(result);
        }
        results
    }

    /// Sees to it that readers will find the schemas of an event and of its earlier major
    /// versions, and that none of them overtakes what stays behind.
    async fn shelve_all(
        &self,
        prepared: Prepared,
        behind: &mut HashSet<(Topic, Key)>,
        deadline: Instant,
    ) -> Result<Vec<Prepared>, PublishError> {
        let mut events = Vec::with_capacity(1 + prepared.earlier.len());
        for prepared in prepared.into_all() {
            if let Some(topic) = prepared.follows(behind) {
                return Err(PublishError::transport(topic, overtaking()).of(&prepared.id));
            }
            let places = prepared.places();
            let shelved = self.shelve(prepared, deadline).await;
            if shelved.as_ref().is_err_and(PublishError::is_temporary) {
                behind.extend(places);
            }
            events.push(shelved?);
        }
        Ok(events)
    }

    /// Sees to it that readers will find the schemas of an event.
    async fn shelve(
        &self,
        mut prepared: Prepared,
        deadline: Instant,
    ) -> Result<Prepared, PublishError> {
        let key = prepared.key_avro.as_ref();
        for (schema, record) in prepared.schemas.iter().zip(&mut prepared.records) {
            let Some(schema) = schema else {
                continue;
            };
            let shelved = self.inner.shelf.shelve(record, schema, key, deadline).await;
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
fn conclude(
    id: &str,
    event_type: &str,
    table: Vec<(Topic, Answer)>,
) -> Result<Vec<Receipt>, PublishError> {
    let mut receipts = Vec::with_capacity(table.len());
    let mut failure = None;
    for (topic, answer) in table {
        match answer {
            Ok(position) => receipts.push(Receipt {
                id: id.to_owned(),
                event_type: event_type.to_owned(),
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

/// One result from those of an event and of its earlier major versions.
fn together(
    mut results: impl Iterator<Item = Result<Vec<Receipt>, PublishError>>,
) -> Result<Vec<Receipt>, PublishError> {
    let mut whole = results.next().unwrap_or_else(|| Ok(Vec::new()));
    for result in results {
        whole = match (whole, result) {
            (Ok(mut receipts), Ok(more)) => {
                receipts.extend(more);
                Ok(receipts)
            }
            (Ok(receipts), Err(error)) => {
                let all = [receipts, error.receipts().to_vec()].concat();
                Err(error.after(all))
            }
            (Err(error), Ok(more)) => {
                let all = [error.receipts(), &more].concat();
                Err(error.after(all))
            }
            (Err(error), Err(other)) => {
                let all = [error.receipts(), other.receipts()].concat();
                Err(error.after(all))
            }
        };
    }
    whole
}

/// The receipt of an event that went to one topic.
fn only(mut receipts: Vec<Receipt>) -> Receipt {
    receipts.pop().expect("one receipt for one topic")
}
