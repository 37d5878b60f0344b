//! Events that leave with the caller's commit.

use std::sync::Arc;

use bytes::Bytes;
use tidings_event::EventBuilder;
use tidings_runtime::{Draft, Preparation, Prepared};
use tidings_transport::{Body, Key};

use super::OutboxBuilder;
use crate::database::{Connection, NewRow};
use crate::{Error, ErrorKind, Result};

/// The longest id, in characters: a UUID.
const MAX_ID: usize = 36;
/// The longest key, in characters.
const MAX_KEY: usize = 1_024;

/// Writes events into `tidings_outbox` inside the caller's own transaction: they leave if and
/// only if it commits. Cheap to clone, holds no connection.
///
/// Events are stamped, checked and routed as a producer does it, when they are enqueued: what
/// breaks the profile fails the transaction, not the relay.
///
/// Order per key is kept where the transactions of that key follow each other: lock the entity
/// (by its update, or `SELECT … FOR UPDATE`) before enqueueing its event.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use tidings_event::{Emitter, NoDefinitions, Role};
/// use tidings_outbox::{Database, Outbox};
/// use tidings_runtime::Route;
/// use sqlx::Connection as _;
///
/// const RENAMED: &str = "org.openedx.catalog.course.renamed.v1";
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let url = format!("sqlite:{}/app.db", folder.path().display());
/// # Database::new(&url)?.migrate().await?;
/// let outbox = Outbox::builder(Arc::new(NoDefinitions))
///     .emitter(Emitter::new("openedx", "discovery", Role::Web)?)
///     .route(RENAMED, Route::to("courses").key_path("course_key")?)
///     .build()?;
///
/// let mut connection = sqlx::SqliteConnection::connect(&url).await?;
/// let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
/// // … the application's own changes …
/// let data = r#"{"course_key": "edX+DemoX", "title": "Demonstration"}"#;
/// outbox
///     .enqueue(&mut transaction, [outbox.event(RENAMED).data_json(data)])
///     .await?;
/// transaction.commit().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Outbox {
    preparation: Arc<Preparation>,
}

/// An event that leaves with the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Enqueued {
    /// The event's id.
    pub id: String,
    /// The event's type.
    pub event_type: String,
    /// The topics it goes to, without a prefix: one row each.
    pub topics: Vec<String>,
    /// The same occurrence in earlier major versions, if the catalog asks for them.
    pub earlier: Vec<Enqueued>,
}

impl Enqueued {
    fn of(prepared: &Prepared) -> Self {
        let topics = prepared.records().iter();
        Self {
            id: prepared.id().to_owned(),
            event_type: prepared.event_type().to_owned(),
            topics: topics.map(|record| record.topic.to_string()).collect(),
            earlier: Vec::new(),
        }
    }
}

impl Outbox {
    /// Sets one up; the definitions tell the keys of events whose route does not.
    pub fn builder(definitions: Arc<dyn tidings_event::Definitions>) -> OutboxBuilder {
        OutboxBuilder::new(definitions)
    }

    pub(super) fn new(preparation: Preparation) -> Self {
        Self {
            preparation: Arc::new(preparation),
        }
    }

    /// Starts an event of a type, stamped by this outbox's emitter if it has one.
    pub fn event(&self, event_type: impl Into<String>) -> EventBuilder {
        self.preparation.event(event_type)
    }

    /// Enqueues events for the topics of their types' routes, in this order, with one statement.
    ///
    /// # Errors
    /// `Event`, when an event is refused: then nothing was written, and the caller decides whether
    /// to roll back. Otherwise what the database said: the transaction is to be rolled back.
    pub async fn enqueue<D: Into<Draft>>(
        &self,
        connection: &mut impl Connection,
        events: impl IntoIterator<Item = D>,
    ) -> Result<Vec<Enqueued>> {
        let events = events.into_iter();
        let prepared = events.map(|event| self.preparation.route(event.into()));
        self.write(connection, prepared).await
    }

    /// Enqueues events for one topic, in this order, with one statement.
    ///
    /// # Errors
    /// As [`enqueue`](Self::enqueue).
    pub async fn enqueue_to<D: Into<Draft>>(
        &self,
        connection: &mut impl Connection,
        topic: &str,
        events: impl IntoIterator<Item = D>,
    ) -> Result<Vec<Enqueued>> {
        let events = events.into_iter();
        let prepared = events.map(|event| self.preparation.to(topic, event.into()));
        self.write(connection, prepared).await
    }

    /// Enqueues finished CloudEvents JSON documents for one topic, byte for byte, in this order,
    /// with one statement. The key is the document's own `partitionkey`, or else this one, or
    /// else what the route or the definition of its type points to.
    ///
    /// # Errors
    /// As [`enqueue`](Self::enqueue).
    pub async fn enqueue_documents(
        &self,
        connection: &mut impl Connection,
        topic: &str,
        documents: impl IntoIterator<Item = (Option<Key>, Bytes)>,
    ) -> Result<Vec<Enqueued>> {
        let documents = documents.into_iter();
        let prepared =
            documents.map(|(key, document)| self.preparation.document(Some(topic), key, document));
        self.write(connection, prepared).await
    }

    async fn write(
        &self,
        connection: &mut impl Connection,
        prepared: impl Iterator<Item = Result<Prepared, tidings_runtime::PublishError>>,
    ) -> Result<Vec<Enqueued>> {
        let (mut rows, mut enqueued) = (Vec::new(), Vec::new());
        for prepared in prepared {
            let mut prepared = prepared.map_err(Error::event)?;
            let earlier = prepared.take_earlier();
            let mut event = Enqueued::of(&prepared);
            add_rows(&mut rows, prepared)?;
            for prepared in earlier {
                event.earlier.push(Enqueued::of(&prepared));
                add_rows(&mut rows, prepared)?;
            }
            enqueued.push(event);
        }
        if !rows.is_empty() {
            connection.insert(&rows).await?;
        }
        Ok(enqueued)
    }
}

fn add_rows(rows: &mut Vec<NewRow>, prepared: Prepared) -> Result<()> {
    let id = prepared.id().to_owned();
    let refuse = |rule: String| Err(Error::new(ErrorKind::Event, "enqueue", rule));
    if id.chars().count() > MAX_ID {
        return refuse(format!(
            "an id has {} characters, and the column holds {MAX_ID}; use a UUID",
            id.chars().count()
        ));
    }
    for record in prepared.into_records() {
        let key = record.key.map(|key| key.as_str().to_owned());
        if key
            .as_ref()
            .is_some_and(|key| key.chars().count() > MAX_KEY)
        {
            return refuse(format!(
                "event {id}: its key has more than {MAX_KEY} characters; use the id of the entity"
            ));
        }
        let Body::Document(document) = record.body else {
            return refuse(format!("event {id}: the outbox holds documents only"));
        };
        let Ok(document) = String::from_utf8(document.into()) else {
            return refuse(format!("event {id}: its document is not UTF-8"));
        };
        rows.push(NewRow {
            id: id.clone(),
            topic: record.topic.to_string(),
            key,
            document,
        });
    }
    Ok(())
}
