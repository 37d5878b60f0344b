//! What a transport brings to be tested.

use std::sync::Arc;

use async_trait::async_trait;
use tidings_transport::Transport;

use crate::Faults;

/// A log that the suite may use as it likes, and how to connect to it.
///
/// Every case gets a harness of its own, started on the case's own runtime; what it started
/// should stop when it is dropped. Two harnesses may share a log if neither offers a fault that
/// hits more than one topic: the names of topics and groups differ between cases.
#[async_trait]
pub trait Harness: Send + Sync + 'static {
    /// Opens the log anew: an independent handle, as another process would have. All of them
    /// see the same records.
    async fn open(&self) -> Arc<dyn Transport>;

    /// What can be done to this log from outside. What is left `None` is reported as not
    /// applicable, by name.
    fn faults(&self) -> Faults<'_> {
        Faults::default()
    }
}
