//! Commits whose outcome nobody knows.

use std::time::{Duration, Instant};

use tidings_transport::ErrorKind;

/// How long after the next commit a broker that stood still may take in an earlier one.
const SETTLES: Duration = Duration::from_secs(1);

/// Whether an earlier commit may still be taken in behind a later one, which would move the group
/// back until its next commit. Kafka does not order them: they come over different connections.
#[derive(Debug, Default)]
pub(crate) enum Doubt {
    #[default]
    None,
    /// The outcome of a commit is unknown.
    Open,
    /// The one behind it was stored then; it is to be said once more.
    Since(Instant),
}

impl Doubt {
    pub(crate) fn failed(&mut self, kind: ErrorKind) {
        if kind == ErrorKind::UnknownOutcome {
            *self = Self::Open;
        }
    }

    pub(crate) fn stored(&mut self) {
        *self = match self {
            Self::Open => Self::Since(Instant::now()),
            Self::Since(at) if at.elapsed() < SETTLES => return,
            _ => Self::None,
        };
    }

    /// Whether it is time to say it once more; then there is no doubt any more.
    pub(crate) fn is_due(&mut self) -> bool {
        let due = matches!(self, Self::Since(at) if at.elapsed() >= SETTLES);
        if due {
            *self = Self::None;
        }
        due
    }
}
