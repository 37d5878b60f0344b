//! The CloudEvents extension *Distributed Tracing*: `traceparent` and `tracestate`.

use std::fmt::Debug;

use tidings_event::{Event, Value};
use tracing::Span;

/// The target of the spans that Tidings makes: `publish`, `relay`, `deliver` and `handle`. A
/// subscriber that writes logs may want to leave them out, one that exports traces wants them.
pub const SPANS: &str = "tidings::trace";

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";

/// Where a trace stands, in the forms of W3C Trace Context, as an event carries it.
///
/// The attribute names the span in which the event came to be (CloudEvents, *Distributed Tracing*
/// 1.0: "the starting trace of the transmission"). Whoever passes the event on leaves it as it is;
/// that is why a relay or a replay does not replace it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    /// `00-{trace id}-{span id}-{flags}`.
    pub traceparent: String,
    /// What vendors add.
    pub tracestate: Option<String>,
}

impl TraceContext {
    /// What an event carries. Whether it is well-formed is for the tracing to judge.
    pub fn of(event: &Event) -> Option<Self> {
        let text = |name| event.extension(name).and_then(Value::as_str);
        Some(Self {
            traceparent: text(TRACEPARENT)?.to_owned(),
            tracestate: text(TRACESTATE).map(str::to_owned),
        })
    }

    /// Gives it to an event that has none.
    pub fn stamp(self, event: &mut Event) {
        if event.extension(TRACEPARENT).is_some() {
            return;
        }
        // Both are ASCII by their grammar, so CloudEvents takes them; a tracing that hands out
        // something else loses its trace, never the event.
        if event.set_extension(TRACEPARENT, self.traceparent).is_ok()
            && let Some(state) = self.tracestate
        {
            let _ = event.set_extension(TRACESTATE, state);
        }
    }
}

/// Connects `tracing` spans with traces that go beyond this process.
///
/// [`otlp`](crate::otlp) has one for OpenTelemetry; a program with a tracing of its own implements
/// it in a few lines.
pub trait Propagation: Debug + Send + Sync + 'static {
    /// What to write into an event so that others can go on from this span; `None` when the span
    /// belongs to no trace.
    fn inject(&self, span: &Span) -> Option<TraceContext>;

    /// Makes the span a child of what an event carries. What is not well-formed is left aside.
    fn follow(&self, span: &Span, context: &TraceContext);
}
