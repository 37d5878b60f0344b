//! What Tidings tells of itself: metrics, health, traces.
//!
//! Everything hangs on one value, [`Telemetry`], which a program makes once and hands to its
//! producers and consumers (most simply by `tidings::Bus::with_telemetry`). What is not asked for
//! is not there and costs nothing: no global registry, no series, no spans.
//!
//! * [`Metrics`] is a Prometheus registry as a value, with the series of publishing, consuming,
//!   groups and the outbox. Whoever counts per event resolves the labels once, and then only adds.
//! * [`Health`] knows whether loops move and whether the process has joined what it works for.
//! * [`Propagation`] carries a trace from the event's `traceparent` to a span and back.
//! * [`watch`] asks the log for the lag of groups.
//! * [`serve`] (feature `serve`) answers `/metrics`, `/healthz` and `/readyz` over HTTP.
//! * [`otlp`] (feature `otlp`) sends spans to a collector, as the `OTEL_*` variables say.
//!
//! No payload and no key in clear is in any of it: where a key is needed to tell events apart,
//! there is its [`KeyHash`].

mod health;
mod key_hash;
pub mod metrics;
#[cfg(feature = "serve")]
pub mod serve;
mod telemetry;
mod trace;
mod watch;

pub use health::{Busy, Health, Joining, Pulse};
pub use key_hash::KeyHash;
pub use metrics::Metrics;
pub use telemetry::Telemetry;
#[cfg(feature = "otlp")]
pub use trace::otlp;
pub use trace::{Propagation, SPANS, TraceContext};
pub use watch::{POLL_INTERVAL, watch};
