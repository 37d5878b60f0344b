//! What the handlers of a consumer do, whoever calls them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio::sync::Notify;

use crate::answer::Answer;
use crate::clock::{Moment, monotonic};
use crate::job::{Cost, Job, Verb};
use crate::sample::number;

/// A stretch of consuming: from the end of the first handler to that of the last, or until the time is
/// over.
#[derive(Debug, Clone)]
pub struct Work(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    job: Job,
    handled: AtomicUsize,
    first: OnceLock<Moment>,
    last: OnceLock<(Moment, usize)>,
    over: Notify,
    waits: Mutex<Vec<f32>>,
}

impl Work {
    pub(crate) fn new(job: &Job) -> Self {
        Self(Arc::new(Inner {
            job: job.clone(),
            handled: AtomicUsize::new(0),
            first: OnceLock::new(),
            last: OnceLock::new(),
            over: Notify::new(),
            waits: Mutex::new(Vec::new()),
        }))
    }

    /// How many events may be held at most, where a consumer has such a bound.
    pub fn events(&self) -> usize {
        self.0.job.events
    }

    /// Whether handlers never end.
    pub fn holds(&self) -> bool {
        self.0.job.verb == Verb::Hold
    }

    /// Whether handlers take no time.
    pub fn is_instant(&self) -> bool {
        self.0.job.cost == Cost::None && !self.holds()
    }

    /// What a handler does with an event: its id, or its document.
    pub async fn handle(&self, event: &[u8]) {
        let inner = &*self.0;
        if inner.job.verb == Verb::Receive {
            self.note(event);
        }
        match inner.job.cost {
            Cost::None => {}
            Cost::Compute => compute(Duration::from_micros(100)),
            Cost::Wait => tokio::time::sleep(Duration::from_millis(5)).await,
        }
        if self.holds() {
            std::future::pending::<()>().await;
        }
        let handled = inner.handled.fetch_add(1, Ordering::Relaxed) + 1;
        let first = inner.first.get_or_init(Moment::now);
        if handled == inner.job.events || self.late(first) {
            inner.last.get_or_init(|| (Moment::now(), handled));
            inner.over.notify_one();
        }
    }

    /// Whether the time of the job is over: so long after the first event, or, where several
    /// consumers share the work, so long after they all were told to begin.
    fn late(&self, first: &Moment) -> bool {
        let job = &self.0.job;
        let since = if job.begin > 0 { job.begin } else { first.at };
        let seconds = monotonic().saturating_sub(since) as f64 / 1e9;
        job.verb == Verb::Consume && seconds >= job.seconds
    }

    fn note(&self, event: &[u8]) {
        let number = number(event).expect("the id ends with a number");
        let due = self.0.job.begin + (number as f64 * 1e9 / self.0.job.rate) as u64;
        let wait = monotonic().saturating_sub(due) as f32 / 1e3;
        self.0.waits.lock().expect("no panic").push(wait);
    }

    /// Completes when the work is done; or when it is clear that it will not be.
    pub async fn over(&self) {
        let inner = &*self.0;
        let shared = inner.job.verb == Verb::Consume && inner.job.begin > 0;
        let patience = match shared {
            true => Duration::from_secs_f64(inner.job.seconds + 0.05),
            false => Duration::from_secs_f64(inner.job.seconds + 10.0),
        };
        let done = tokio::time::timeout(patience, inner.over.notified()).await;
        if shared && done.is_err() {
            let handled = inner.handled.load(Ordering::Relaxed);
            inner.last.get_or_init(|| (Moment::now(), handled));
        }
    }

    pub(crate) fn answer(&self) -> Answer {
        let inner = &*self.0;
        let waits = std::mem::take(&mut *inner.waits.lock().expect("no panic"));
        match (inner.first.get(), inner.last.get()) {
            (Some(first), Some((last, handled))) if *handled > 1 => Answer {
                waits,
                ..last.since(first, handled - 1, inner.job.allocations)
            },
            _ => Answer {
                error: Some(format!(
                    "{} of {} events came in time",
                    inner.handled.load(Ordering::Relaxed),
                    inner.job.events
                )),
                waits,
                ..Answer::default()
            },
        }
    }
}

/// Keeps the processor busy.
fn compute(time: Duration) {
    let until = monotonic() + time.as_nanos() as u64;
    while monotonic() < until {
        std::hint::spin_loop();
    }
}
