//! The service that keeps a copy of the courses.

mod service;
pub mod store;

pub use service::run;
