//! The service that owns the courses.

mod change;
mod pace;
mod service;
pub mod store;

pub use service::run;
