//! How much may be in hand.

/// Bounds on what is in hand. They hold as long as nobody admits more than
/// [`room`](super::Lanes::room) allows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Entries in all.
    pub(crate) count: usize,
    /// Bytes in all. The last batch may go beyond: sizes are known only after fetching.
    pub(crate) bytes: usize,
    /// Entries of one key.
    pub(crate) lane: usize,
    /// Entries that one fetch may bring.
    pub(crate) batch: usize,
}

impl Limits {
    /// The depth from which a whole batch for one key would break the lane's bound.
    pub(super) fn lane_brim(&self) -> usize {
        self.lane.saturating_sub(self.batch) + 1
    }
}
