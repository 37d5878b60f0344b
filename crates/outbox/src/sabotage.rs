//! Bugs on purpose, for the test that must find them.

use crate::database::Connection;
use crate::{Inbox, Result, Sighting};
use tidings_event::Event;

/// A bug to plant in a [`Relay`](crate::Relay). Exists only with the feature `sabotage`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sabotage {
    /// Rows are deleted before they are published: a relay that dies in between loses them.
    DeleteBeforePublish,
    /// Looks begin behind the highest row that was seen: rows that commit late are skipped until
    /// the relay starts again.
    Cursor,
    /// It looks again by itself as seldom as it may, from the first time on: what no commit wakes it
    /// for waits.
    OnlyWoken,
}

impl Inbox {
    /// Planted: records an event before the handler's transaction commits, on a connection that
    /// is not the handler's. A handler that fails after it has lost the event.
    ///
    /// # Errors
    /// As [`once`](Self::once).
    pub async fn once_before_commit(
        &self,
        other: &mut impl Connection,
        event: &Event,
    ) -> Result<Sighting> {
        self.once(other, event).await
    }
}
