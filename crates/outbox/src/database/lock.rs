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

    /// Asks to be woken by the next commit that brings rows; a look at what was committed until
    /// now comes after it. False when it cannot be: somebody who need not wake a relay that is
    /// awake has not committed yet.
    async fn fall_asleep(&mut self) -> Result<bool> {
        Ok(true)
    }

    /// Commits need not wake it any more.
    async fn wake_up(&mut self) -> Result<()> {
        Ok(())
    }

    /// Gives the lock back.
    async fn give_back(&mut self) -> Result<()>;

    /// Whether some session, here or elsewhere, holds the lock of the relay.
    async fn is_taken(&mut self) -> Result<bool>;
}
