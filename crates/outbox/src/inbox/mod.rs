//! The inbox: an event takes effect once.

mod once;

pub use once::{Inbox, Sighting};
