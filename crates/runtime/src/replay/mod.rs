//! Handing a part of a topic to one group once more.
//!
//! A replay reads the topic, picks what it is asked for, marks each event as replayed, and has the
//! log hand it to the group: no other group hears it, and the topic is not touched.

mod error;
mod mark;
mod plan;
mod run;
mod selection;

pub use error::ReplayError;
pub use mark::REPLAY;
pub use plan::ReplayPlan;
pub use run::{Replay, ReplayProgress, ReplaySummary};
pub use selection::Until;
