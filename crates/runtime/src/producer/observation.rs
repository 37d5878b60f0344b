//! What a producer tells of itself: series and spans, if they are wanted.

use std::sync::Arc;

use tidings_event::Event;
use tidings_telemetry::metrics::PublishSeries;
use tidings_telemetry::{SPANS, Telemetry, TraceContext};
use tidings_transport::Topic;
use tracing::{Span, info_span};

use super::{PublishError, Receipt};

/// What is done with events on their way out, as spans name it (OpenTelemetry, *Semantic
/// conventions for messaging spans*: operation name and type).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Operation {
    /// They are sent to the log.
    #[default]
    Publish,
    /// They are written into an outbox, from where something else sends them.
    Enqueue,
    /// They are sent from an outbox to the log.
    Relay,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Enqueue => "enqueue",
            Self::Relay => "relay",
        }
    }

    /// One of the types that the conventions know.
    fn kind(self) -> &'static str {
        match self {
            Self::Publish | Self::Relay => "send",
            Self::Enqueue => "create",
        }
    }
}

/// What is told of one event on its way out: its series, found once, and the span that it lives
/// in, which lasts until this is dropped.
#[derive(Debug, Default)]
pub(super) struct Observed {
    series: Option<Arc<PublishSeries>>,
    span: Option<Span>,
}

impl Observed {
    /// An event was given to the producer, for one topic or for several. One that carries a trace goes on in it; else it belongs
    /// to the trace of the caller, or to a new one.
    pub(super) fn new(
        telemetry: &Telemetry,
        operation: Operation,
        destination: Option<Topic>,
        event: &Event,
    ) -> Self {
        let event_type = event.event_type();
        Self {
            series: telemetry.metrics().map(|m| m.publishing().of(event_type)),
            span: span(telemetry, operation, destination, event),
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

fn span(
    telemetry: &Telemetry,
    operation: Operation,
    destination: Option<Topic>,
    event: &Event,
) -> Option<Span> {
    let propagation = telemetry.propagation()?;
    let name = match &destination {
        Some(topic) => format!("{} {topic}", operation.name()),
        None => operation.name().to_owned(),
    };
    let span = info_span!(target: SPANS, "publish",
        otel.name = name, otel.kind = "producer",
        otel.status_code = tracing::field::Empty, error.type = tracing::field::Empty,
        messaging.system = "tidings", messaging.operation.name = operation.name(),
        messaging.operation.type = operation.kind(),
        messaging.destination.name = destination.map(tracing::field::display), messaging.message.id = event.id(),
        cloudevents.event_id = event.id(), cloudevents.event_type = event.event_type(),
        cloudevents.event_source = event.source());
    if let Some(context) = TraceContext::of(event) {
        propagation.follow(&span, &context);
    }
    Some(span)
}
