//! Producer and consumer on the log in memory, and on logs that fail on purpose.

mod consuming;
mod support;
