//! The end of an event.

use jiff::civil::Date;

/// That an event goes away, when, and what comes instead.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deprecation {
    /// The day since which nobody should begin to consume it.
    pub since: Date,
    /// The type that comes instead.
    pub replaced_by: Option<String>,
    /// The last day on which it is emitted.
    pub until: Option<Date>,
    /// Why.
    pub reason: Option<String>,
}
