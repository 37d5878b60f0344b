//! The relay: publishes what was committed.

mod active;
mod batch;
mod counters;
mod holds;
mod look;
mod pace;
mod permits;
mod resend;
mod run;
mod settings;

pub use counters::{RelayCounters, RelayCounts};
pub use run::Relay;
