//! Where the runtime puts messages down for Python, and Python how they ended.
//!
//! Waking a thread costs more than most of what is done for an event. So while handlers are fast
//! neither side wakes the other for each: messages lie here before a thread asks for them, and how
//! they ended lies here until the runtime looks, every millisecond or when it is told that a thread
//! has nothing left to do.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidings::{HandlerError, Message};
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;

/// How an attempt ended.
pub(crate) type Ended = Result<(), HandlerError>;

/// A message, and where its handler's result is awaited.
pub(crate) type Handed = (Message, oneshot::Sender<Ended>);

/// How often the runtime looks while handlers are fast.
const GLANCE: Duration = Duration::from_millis(1);
/// After so many looks in vain it waits to be told.
const GLANCES: u32 = 3;

/// A counter with messages on one side and results on the other.
#[derive(Default)]
pub(crate) struct Handover {
    lots: Mutex<Lots>,
    /// Messages were put down.
    brought: Notify,
    /// There are results, and nobody looks.
    bell: Notify,
}

#[derive(Default)]
struct Lots {
    messages: VecDeque<Handed>,
    results: Vec<(oneshot::Sender<Ended>, Ended)>,
    /// The runtime looks for results by itself.
    watched: bool,
    /// Nobody takes messages any more.
    closed: bool,
}

impl Handover {
    fn lots(&self) -> MutexGuard<'_, Lots> {
        self.lots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a message down, and waits for what becomes of it.
    pub(crate) async fn hand(&self, message: Message) -> Ended {
        let closed = || HandlerError::closing("nobody takes messages any more");
        let (ended, result) = oneshot::channel();
        {
            let mut lots = self.lots();
            if lots.closed {
                return Err(closed());
            }
            lots.messages.push_back((message, ended));
        }
        self.brought.notify_one();
        result.await.unwrap_or_else(|_| match self.lots().closed {
            true => Err(closed()),
            false => Err(HandlerError::temporary(
                "the handler let go of the message unsettled",
            )),
        })
    }

    /// A message that lies ready. Without one it is time for the runtime to look at the results.
    pub(crate) fn try_take(&self) -> Option<Handed> {
        let mut lots = self.lots();
        let taken = lots.messages.pop_front();
        let (more, unseen) = (!lots.messages.is_empty(), !lots.results.is_empty());
        drop(lots);
        if taken.is_none() && unseen {
            self.bell.notify_one();
        }
        if taken.is_some() && more {
            // One permit is kept, however many were put down.
            self.brought.notify_one();
        }
        taken
    }

    /// Waits for a message.
    pub(crate) async fn take(&self) -> Option<Handed> {
        loop {
            let brought = self.brought.notified();
            if let Some(taken) = self.try_take() {
                return Some(taken);
            }
            if self.lots().closed {
                // For whoever else waits.
                self.brought.notify_one();
                return None;
            }
            brought.await;
        }
    }

    /// Puts a result down. False if nobody waits for it any more.
    pub(crate) fn end(&self, ended: oneshot::Sender<Ended>, result: Ended) -> bool {
        if ended.is_closed() {
            return false;
        }
        let mut lots = self.lots();
        lots.results.push((ended, result));
        let watched = std::mem::replace(&mut lots.watched, true);
        drop(lots);
        if !watched {
            self.bell.notify_one();
        }
        true
    }

    /// Carries results to those who wait for them, for ever.
    pub(crate) async fn watch(&self) {
        let mut found = Vec::new();
        loop {
            self.bell.notified().await;
            let mut in_vain = 0;
            loop {
                {
                    let mut lots = self.lots();
                    std::mem::swap(&mut found, &mut lots.results);
                    in_vain = if found.is_empty() { in_vain + 1 } else { 0 };
                    lots.watched = in_vain < GLANCES;
                    if !lots.watched {
                        break;
                    }
                }
                for (ended, result) in found.drain(..) {
                    // Nobody may wait any more: it has passed to another consumer.
                    let _ = ended.send(result);
                }
                let _ = timeout(GLANCE, self.bell.notified()).await;
            }
        }
    }

    /// Nobody takes messages any more; those that lie here are given back.
    pub(crate) fn close(&self) {
        let mut lots = self.lots();
        lots.closed = true;
        let untaken = std::mem::take(&mut lots.messages);
        drop(lots);
        drop(untaken);
        self.brought.notify_one();
    }
}
