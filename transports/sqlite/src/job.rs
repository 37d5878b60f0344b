//! A piece of work for the writer's thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::error::{Failure, Fault};

/// What a job sees while its transaction is open.
pub(crate) struct Work<'a> {
    pub db: &'a Connection,
    /// The time of the transaction, in microseconds.
    pub now: i64,
    /// Which opening of the file this is; numbers of rows hold for one opening only.
    pub opening: u64,
    /// Set by a job that made something deliverable.
    pub wake: bool,
}

/// What is known of a job without running it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order {
    /// For error messages: `publish`, `settle`, …
    pub operation: &'static str,
    /// Whether it must be on the disk before it is reported, if the file is set up so. What may be
    /// repeated after a loss of power, such as handing out, need not.
    pub synced: bool,
    /// About how many rows it touches.
    pub rows: usize,
}

/// May run more than once: a transaction that failed is tried again job by job.
pub(crate) trait Job: Send {
    fn order(&self) -> Order;
    /// Claims the job for running; `false` if nobody waits for it any more.
    fn begin(&self) -> bool;
    fn run(&mut self, work: &mut Work<'_>) -> Result<(), Fault>;
    fn finish(self: Box<Self>, failure: Option<Failure>);
}

const WAITING: u8 = 0;
const BEGUN: u8 = 1;
const GIVEN_UP: u8 = 2;

/// Decides between "it was begun" and "nobody waits for it", so that giving up means that nothing
/// was stored.
#[derive(Clone, Default)]
pub(crate) struct Ticket(Arc<AtomicU8>);

impl Ticket {
    fn begin(&self) -> bool {
        let found = self
            .0
            .compare_exchange(WAITING, BEGUN, Ordering::AcqRel, Ordering::Acquire);
        found.is_ok() || found == Err(BEGUN)
    }

    /// Takes the job back, unless it was begun.
    pub(crate) fn give_up(&self) -> bool {
        self.0
            .compare_exchange(WAITING, GIVEN_UP, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

struct Call<T, F> {
    order: Order,
    ticket: Ticket,
    run: F,
    /// What the last run came to; a refusal touches nothing, so it does not undo the others.
    outcome: Option<Result<T, Fault>>,
    reply: oneshot::Sender<Result<T, Failure>>,
    path: Arc<std::path::Path>,
}

impl<T, F> Job for Call<T, F>
where
    T: Send,
    F: FnMut(&mut Work<'_>) -> Result<T, Fault> + Send,
{
    fn order(&self) -> Order {
        self.order
    }

    fn begin(&self) -> bool {
        self.ticket.begin()
    }

    fn run(&mut self, work: &mut Work<'_>) -> Result<(), Fault> {
        let outcome = match (self.run)(work) {
            Err(fault @ Fault::Refused { .. }) => Err(fault),
            other => Ok(other?),
        };
        self.outcome = Some(outcome);
        Ok(())
    }

    fn finish(self: Box<Self>, failure: Option<Failure>) {
        let fail = |failure: Failure| {
            Err(Failure {
                operation: self.order.operation,
                ..failure
            })
        };
        let answer = match (failure, self.outcome) {
            (Some(failure), _) => fail(failure),
            (None, Some(Ok(value))) => Ok(value),
            (None, Some(Err(fault))) => fail(Failure::new("", &self.path, fault)),
            (None, None) => fail(Failure::new("", &self.path, Fault::Ended)),
        };
        // Nobody listens when the caller was dropped; the work is done all the same.
        let _ = self.reply.send(answer);
    }
}

/// Makes a job of a closure.
pub(crate) fn job<T, F>(
    order: Order,
    path: Arc<std::path::Path>,
    run: F,
) -> (Box<dyn Job>, Ticket, oneshot::Receiver<Result<T, Failure>>)
where
    T: Send + 'static,
    F: FnMut(&mut Work<'_>) -> Result<T, Fault> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    let ticket = Ticket::default();
    let call = Call {
        order,
        ticket: ticket.clone(),
        run,
        outcome: None,
        reply,
        path,
    };
    (Box::new(call), ticket, answer)
}
