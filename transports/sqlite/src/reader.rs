//! A thread that looks: reading never waits for writers, nor they for it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::error::{Failure, Fault};
use crate::schema;

/// How many questions may wait; who comes later waits for a place.
const QUEUE: usize = 256;

type Question = Box<dyn FnOnce(&mut Desk) + Send>;

/// The way to a reader's thread, which begins with the first question and ends when this is
/// dropped.
pub(crate) struct Reader {
    path: PathBuf,
    busy_timeout: Duration,
    questions: OnceLock<mpsc::Sender<Question>>,
}

struct Desk {
    path: PathBuf,
    busy_timeout: Duration,
    db: Option<(Connection, (u64, u64))>,
}

impl Reader {
    pub(crate) fn new(path: &Path, busy_timeout: Duration) -> Self {
        Self {
            path: path.to_owned(),
            busy_timeout,
            questions: OnceLock::new(),
        }
    }

    /// Asks on one snapshot of the file.
    pub(crate) async fn ask<T, F>(&self, operation: &'static str, f: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let fail = |fault| Failure::new(operation, &self.path, fault);
        let (reply, answer) = oneshot::channel();
        let question: Question = Box::new(move |desk| {
            // Nobody listens when the caller was dropped.
            let _ = reply.send(desk.answer(f));
        });
        let sent = self.thread().map_err(fail)?.send(question).await;
        sent.map_err(|_| fail(Fault::Ended))?;
        answer.await.map_err(|_| fail(Fault::Ended))?.map_err(fail)
    }

    fn thread(&self) -> Result<&mpsc::Sender<Question>, Fault> {
        if let Some(questions) = self.questions.get() {
            return Ok(questions);
        }
        let (sender, mut queue) = mpsc::channel::<Question>(QUEUE);
        let mut desk = Desk {
            path: self.path.clone(),
            busy_timeout: self.busy_timeout,
            db: None,
        };
        std::thread::Builder::new()
            .name("tidings-sqlite-r".into())
            .spawn(move || {
                while let Some(question) = queue.blocking_recv() {
                    question(&mut desk);
                }
            })?;
        // If two came here at once, the thread of the second ends with its sender.
        Ok(self.questions.get_or_init(|| sender))
    }
}

impl Desk {
    fn answer<T>(&mut self, f: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, Fault> {
        let identity = schema::identity(&self.path)?;
        let db = match self.db.take() {
            Some((db, known)) if known == identity => db,
            _ => schema::open_reader(&self.path, self.busy_timeout)?,
        };
        let snapshot = db.unchecked_transaction()?;
        let result = f(&snapshot);
        drop(snapshot);
        if !result.as_ref().is_err_and(Fault::breaks_connection) {
            self.db = Some((db, identity));
        }
        result
    }
}
