//! Events as lines of standard output.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use tidings::{Handler, HandlerError, Message};
use tidings_event::json::single_line;

use crate::signals::Shutdown;

/// Prints each event as a line. It counts as handled once standard output has taken the line.
pub struct Print {
    shutdown: Shutdown,
    broken: Broken,
}

/// What standard output answered when it took no more.
#[derive(Debug, Clone, Default)]
pub struct Broken(Arc<Mutex<Option<io::Error>>>);

impl Broken {
    /// The error, once.
    pub fn take(&self) -> Option<io::Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Print {
    /// Asks for the end when nobody reads any more.
    pub fn new(shutdown: Shutdown) -> Self {
        Self {
            shutdown,
            broken: Broken::default(),
        }
    }

    /// Where to find out afterwards why it ended.
    pub fn broken(&self) -> Broken {
        self.broken.clone()
    }
}

impl Handler for Print {
    async fn handle(&self, message: Message) -> Result<(), HandlerError> {
        // A reader may be slow: no other task of the runtime is to wait for it.
        let document = message.document();
        let written = tokio::task::spawn_blocking(move || {
            let mut stdout = io::stdout().lock();
            stdout.write_all(&single_line(&document))?;
            stdout.write_all(b"\n")?;
            stdout.flush()
        })
        .await
        .map_err(io::Error::other)
        .flatten();
        let Err(error) = written else {
            return Ok(());
        };
        let failure = HandlerError::closing(format!("standard output: {error}"));
        let mut broken = self.broken.0.lock().unwrap_or_else(PoisonError::into_inner);
        broken.get_or_insert(error);
        self.shutdown.ask();
        Err(failure)
    }
}
