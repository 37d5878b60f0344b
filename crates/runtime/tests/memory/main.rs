//! Producer and consumer on the log in memory, and on logs that fail on purpose.

mod breaker;
mod consuming;
mod dying;
mod failing;
mod faulty;
mod model;
mod numbered;
mod publishing;
mod replaying;
mod retaining;
mod support;
mod traps;
