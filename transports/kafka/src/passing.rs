//! Consumers for one question.

use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use rdkafka::consumer::BaseConsumer;

use crate::brokers::Plain;

/// A consumer for one question. The library takes a tenth of a second to close one, for which whoever
/// asked does not wait.
pub(crate) struct Passing {
    /// Taken away when it is dropped.
    consumer: Option<BaseConsumer<Plain>>,
    closing: Closing,
}

impl Passing {
    pub(crate) fn new(consumer: BaseConsumer<Plain>, closing: &Closing) -> Self {
        Self {
            consumer: Some(consumer),
            closing: closing.clone(),
        }
    }
}

impl Deref for Passing {
    type Target = BaseConsumer<Plain>;

    fn deref(&self) -> &Self::Target {
        self.consumer.as_ref().expect("it is there until the drop")
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        let consumer = self.consumer.take();
        // Without room for a thread it is closed here.
        if let Ok(thread) = Builder::new().spawn(move || drop(consumer)) {
            let mut threads = self.closing.threads();
            threads.retain(|thread| !thread.is_finished());
            threads.push(thread);
        }
    }
}

/// Those that are being closed. The log waits for them when it is dropped: a process that ended
/// meanwhile would take from under them what they need.
#[derive(Clone, Default)]
pub(crate) struct Closing(Arc<Mutex<Vec<JoinHandle<()>>>>);

impl Closing {
    fn threads(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn wait(&self) {
        let threads = std::mem::take(&mut *self.threads());
        for thread in threads {
            // One that panicked has closed nothing, and there is nobody to tell.
            let _ = thread.join();
        }
    }
}
