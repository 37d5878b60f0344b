//! What a producer tells of itself: series and spans, if they are wanted.

use std::sync::Arc;

use tidings_event::Event;
use tidings_telemetry::metrics::PublishSeries;
use tidings_telemetry::{SPANS, Telemetry, TraceContext};
use tracing::{Span, info_span};

use super::{PublishError, Receipt};

/// What is told of one event on its way out: its series, found once, and the span that it lives
/// in, which lasts until this is dropped.
#[derive(Debug, Default)]
pub(super) struct Observed {
    series: Option<Arc<PublishSeries>>,
    span: Option<Span>,
}

impl Observed {
    /// An event was given to the producer. One that carries a trace goes on in it; else it belongs
    /// to the trace of the caller, or to a new one.
    pub(super) fn new(telemetry: &Telemetry, event: &Event) -> Self {
        let event_type = event.event_type();
        Self {
            series: telemetry.metrics().map(|m| m.publishing().of(event_type)),
            span: publish_span(telemetry, event),
        }
    }

    /// Gives an event its trace, unless it has one.
    pub(super) fn stamp(&self, telemetry: &Telemetry, event: &mut Event) {
        if let (Some(propagation), Some(span)) = (telemetry.propagation(), &self.span)
            && let Some(context) = propagation.inject(span)
        {
            context.stamp(event);
        }
    }

    /// What became of it.
    pub(super) fn ended(&self, result: &Result<Vec<Receipt>, PublishError>) {
        let receipts = match result {
            Ok(receipts) => receipts,
            Err(error) => error.receipts(),
        };
        if let Some(series) = &self.series {
            for receipt in receipts {
                series.published(&receipt.topic);
            }
        }
        if let (Some(span), Err(error)) = (&self.span, result) {
            span.record("otel.status_code", "ERROR");
            span.record("error.type", error.kind().as_str());
        }
    }
}

fn publish_span(telemetry: &Telemetry, event: &Event) -> Option<Span> {
    let propagation = telemetry.propagation()?;
    let span = info_span!(target: SPANS, "publish",
        otel.name = format!("publish {}", event.event_type()), otel.kind = "producer",
        otel.status_code = tracing::field::Empty, error.type = tracing::field::Empty,
        messaging.system = "tidings", messaging.operation.name = "publish",
        messaging.operation.type = "send", messaging.message.id = event.id(),
        cloudevents.event_id = event.id(), cloudevents.event_type = event.event_type(),
        cloudevents.event_source = event.source());
    if let Some(context) = TraceContext::of(event) {
        propagation.follow(&span, &context);
    }
    Some(span)
}
