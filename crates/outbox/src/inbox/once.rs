//! An event takes effect once.

use std::fmt::Write as _;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tidings_event::Event;
use tidings_transport::Group;

use crate::Result;
use crate::database::Connection;

/// The widest column, in characters.
const MAX_TEXT: usize = 255;

/// Records `(group, source, id)` of events inside the handler's own transaction, so that an
/// event which is delivered again does not take effect again. Cheap to clone, holds no
/// connection.
///
/// The record and the effect commit together or not at all: deduplication is never recorded
/// before success. A transaction that records an event which another has recorded and not yet
/// committed waits for it: if that one commits, the event is [`Seen`](Sighting::Seen), if it
/// rolls back, [`Fresh`](Sighting::Fresh).
///
/// # Example
/// ```
/// use sqlx::Connection as _;
/// use tidings_outbox::{Database, Inbox, Sighting};
/// use tidings_transport::Group;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let url = format!("sqlite:{}/app.db", folder.path().display());
/// # Database::new(&url)?.migrate().await?;
/// # let mut connection = sqlx::SqliteConnection::connect(&url).await?;
/// # let event = tidings_event::Event::builder("org.example.course.created.v1")
/// #     .source("/example/catalog/web").build()?;
/// let inbox = Inbox::new(Group::new("search")?);
/// // In the handler:
/// let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
/// if inbox.once(&mut transaction, &event).await? == Sighting::Fresh {
///     // … the effect …
/// }
/// transaction.commit().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Inbox {
    group: Group,
}

/// Whether an event has taken effect before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use = "an event that was seen must not take effect again"]
pub enum Sighting {
    /// Never: let it take effect, and commit.
    Fresh,
    /// It has, in a transaction that is committed: acknowledge it and do nothing.
    Seen,
}

impl Inbox {
    /// The inbox of a group of consumers.
    pub fn new(group: Group) -> Self {
        Self { group }
    }

    /// Records an event.
    ///
    /// # Errors
    /// What the database said: the transaction is to be rolled back. A temporary one (a deadlock,
    /// a serialization failure) is for the handler to return as such.
    pub async fn once(&self, connection: &mut impl Connection, event: &Event) -> Result<Sighting> {
        let answers = self.record(connection, &[pair(event)]).await?;
        Ok(answers[0])
    }

    /// Records several events with one statement; an answer for each, in the order given. An
    /// event that is given twice is fresh once.
    ///
    /// On MySQL and MariaDB, which cannot say which of several rows were new, a batch that mixes
    /// fresh and seen events costs a statement each; it needs an open transaction.
    ///
    /// # Errors
    /// As [`once`](Self::once).
    pub async fn once_all<'a>(
        &self,
        connection: &mut impl Connection,
        events: impl IntoIterator<Item = &'a Event>,
    ) -> Result<Vec<Sighting>> {
        let pairs: Vec<_> = events.into_iter().map(pair).collect();
        self.record(connection, &pairs).await
    }

    /// Deletes a batch of at most 10,000 records of this group that are older than `age`; how
    /// many. Choose an age beyond anything that may be delivered again: the log's retention, and
    /// how far back you would replay.
    ///
    /// # Errors
    /// What the database said.
    pub async fn prune(&self, connection: &mut impl Connection, age: Duration) -> Result<u64> {
        connection.prune(Some(self.group.as_str()), age).await
    }

    async fn record(
        &self,
        connection: &mut impl Connection,
        pairs: &[(String, String)],
    ) -> Result<Vec<Sighting>> {
        let fresh = connection.record(self.group.as_str(), pairs).await?;
        let sighting = |fresh| match fresh {
            true => Sighting::Fresh,
            false => Sighting::Seen,
        };
        Ok(fresh.into_iter().map(sighting).collect())
    }
}

fn pair(event: &Event) -> (String, String) {
    (column(event.source()), column(event.id()))
}

/// The text as the column holds it: as its hash, if it is too long, or ends with a space, which
/// MySQL and MariaDB do not compare.
fn column(text: &str) -> String {
    if text.chars().count() <= MAX_TEXT && !text.ends_with(' ') {
        return text.to_owned();
    }
    let mut hashed = String::from("sha256:");
    for byte in Sha256::digest(text.as_bytes()) {
        let _ = write!(hashed, "{byte:02x}");
    }
    hashed
}
