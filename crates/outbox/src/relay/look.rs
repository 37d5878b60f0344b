//! Where a look at the outbox begins.

use std::time::{Duration, Instant};

/// How many times its own duration a look from the beginning must pay for before the next.
const SHARE: u32 = 4;
/// Under full load, looks from the beginning happen at least so often, cost permitting.
const BUSY: Duration = Duration::from_millis(100);

/// There is no cursor: rows that commit late have lower numbers than rows that were published,
/// so looks begin at the beginning. But deleted rows stay in an index for as long as any session
/// of the database may see them, and a look from the beginning passes over all of them: with a
/// transaction open for minutes that is a million entries. So in between, looks begin behind
/// what was seen; and how often depends on what a look from the beginning takes. It takes a
/// millisecond where nothing is in the way, and then nearly every look is one.
#[derive(Debug)]
pub(super) struct Looks {
    highest: i64,
    ended: Option<Instant>,
    took: Duration,
    /// Planted: never looks back.
    cursor: bool,
}

impl Looks {
    pub(super) fn new(cursor: bool) -> Self {
        Self {
            highest: 0,
            ended: None,
            took: Duration::ZERO,
            cursor,
        }
    }

    /// After which row to look now that nothing is under way, and whether that is from the
    /// beginning.
    pub(super) fn from(&self) -> i64 {
        match self.wait() {
            Duration::ZERO => 0,
            _ => self.highest,
        }
    }

    /// How long until the next look from the beginning.
    pub(super) fn wait(&self) -> Duration {
        match self.ended {
            None => Duration::ZERO,
            Some(_) if self.cursor => Duration::from_secs(3_600),
            Some(ended) => (self.took * SHARE).saturating_sub(ended.elapsed()),
        }
    }

    /// Whether to look ahead while a batch is under way, instead of from the beginning after it.
    pub(super) fn may_look_ahead(&self) -> bool {
        let rest = BUSY.max(self.took * SHARE);
        self.cursor || self.ended.is_some_and(|ended| ended.elapsed() < rest)
    }

    /// Behind everything that was seen.
    pub(super) fn ahead(&self) -> i64 {
        self.highest
    }

    /// What a look found.
    pub(super) fn looked(&mut self, from: i64, began: Instant, last: Option<i64>) {
        if from == 0 {
            self.took = began.elapsed();
            self.ended = Some(Instant::now());
        }
        if let Some(last) = last {
            self.highest = self.highest.max(last);
        }
    }
}
