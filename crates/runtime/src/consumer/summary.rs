//! What a consumer did until it was asked to stop.

use crate::Counts;

/// What a consumer did until it was asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Summary {
    /// The counts at the end.
    pub counts: Counts,
    /// Messages whose handler was still running, or whose result the log had not taken, when the
    /// drain deadline passed. They were given back and come again.
    pub abandoned: usize,
}
