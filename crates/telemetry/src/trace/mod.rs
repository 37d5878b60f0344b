//! How a trace travels with an event.

#[cfg(feature = "otlp")]
mod exporter;
#[cfg(feature = "otlp")]
pub mod otlp;
mod propagation;

pub use propagation::{Propagation, SPANS, TraceContext};
