//! `/metrics`, `/healthz` and `/readyz` over HTTP.
//!
//! There is no authentication: bind it where only the monitoring can reach it.

mod answer;
mod connection;
mod endpoint;

pub use endpoint::{Endpoint, Serving};
