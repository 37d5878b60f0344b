//! What is removed from topics in the course of time, and who does it.

mod pattern;
mod policy;
mod retainer;

pub use policy::RetentionPolicy;
pub use retainer::{RETAIN_EVERY, Retainer};
