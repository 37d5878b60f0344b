//! What keeps one relay active.

use async_trait::async_trait;

use crate::Result;

/// The lock of the relay, held by a session of the database.
#[async_trait]
pub(crate) trait Lock: Send {
    /// Refuses a pooler between this session and the database.
    async fn check_direct(&mut self) -> Result<()>;

    /// Takes the lock of the relay, if nobody has it.
    async fn take(&mut self) -> Result<bool>;

    /// Confirms, and where it is a lease extends, the lock; `Superseded` when it is lost.
    async fn keep(&mut self) -> Result<()>;

    /// Gives the lock back.
    async fn give_back(&mut self) -> Result<()>;

    /// Whether some session, here or elsewhere, holds the lock of the relay.
    async fn is_taken(&mut self) -> Result<bool>;
}
