//! What a running consumer tells of itself: series and spans, if they are wanted.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tidings_event::Event;
use tidings_telemetry::metrics::{DeliverySeries, GroupSeries, TopicSeries};
use tidings_telemetry::{KeyHash, Propagation, SPANS, Telemetry, TraceContext};
use tidings_transport::{Delivery, Gap, Group, Key, Outcome, Topic};
use tracing::{Span, info_span};

use super::Message;
use super::failure::Class;

/// What a running consumer tells of itself. Without metrics and traces every call is a branch.
pub(super) struct Observation {
    group: Group,
    series: Option<GroupSeries>,
    propagation: Option<Arc<dyn Propagation>>,
}

/// What is told of one delivery: its series, found once, and the span that it lives in.
#[derive(Default)]
pub(super) struct Observed {
    series: Option<Arc<DeliverySeries>>,
    span: Option<Span>,
}

impl Observation {
    pub(super) fn new(telemetry: &Telemetry, group: Group) -> Self {
        Self {
            series: telemetry.metrics().map(|m| m.consuming().of(&group)),
            propagation: telemetry.propagation().cloned(),
            group,
        }
    }

    fn topic(&self, topic: &Topic) -> Option<Arc<TopicSeries>> {
        self.series.as_ref().map(|series| series.topic(topic))
    }

    /// A delivery was taken in hand. Its span lasts until what is returned is dropped.
    pub(super) fn taken(
        &self,
        delivery: &Delivery,
        event: Option<&Event>,
        key: Option<&Key>,
    ) -> Observed {
        let topic = self.topic(&delivery.topic);
        if let Some(topic) = &topic {
            topic.received(1);
        }
        let Some(event) = event else {
            return Observed::default();
        };
        Observed {
            series: topic.map(|topic| topic.event_type(event.event_type())),
            span: self.deliver_span(delivery, event, key),
        }
    }

    fn deliver_span(&self, delivery: &Delivery, event: &Event, key: Option<&Key>) -> Option<Span> {
        let propagation = self.propagation.as_ref()?;
        let topic = &delivery.topic;
        let span = info_span!(target: SPANS, parent: None, "deliver",
            otel.name = format!("deliver {topic}"), otel.kind = "consumer",
            messaging.system = "tidings", messaging.operation.name = "deliver",
            messaging.operation.type = "receive", messaging.destination.name = %topic,
            messaging.consumer.group.name = %self.group,
            messaging.message.id = event.id(), cloudevents.event_id = event.id(),
            cloudevents.event_type = event.event_type(), cloudevents.event_source = event.source(),
            tidings.position = %delivery.position,
            tidings.key_hash = key.map(|key| tracing::field::display(KeyHash(key))));
        if let Some(context) = TraceContext::of(event) {
            propagation.follow(&span, &context);
        }
        Some(span)
    }

    /// So many deliveries are in hand.
    pub(super) fn in_hand(&self, deliveries: usize) {
        if let Some(series) = &self.series {
            series.in_hand(deliveries);
        }
    }

    /// The breaker opened, or closed again.
    pub(super) fn breaker(&self, open: bool) {
        if let Some(series) = &self.series {
            series.breaker(open);
        }
    }

    pub(super) fn gap(&self, gap: &Gap) {
        if let Some(topic) = self.topic(&gap.topic) {
            topic.gap();
        }
    }

    pub(super) fn retried(&self, delivery: &Delivery, class: Class) {
        if let Some(topic) = self.topic(&delivery.topic) {
            topic.retried(class.as_str());
        }
    }

    pub(super) fn stale(&self, delivery: &Delivery) {
        if let Some(topic) = self.topic(&delivery.topic) {
            topic.stale();
        }
    }

    /// The log confirmed how a delivery ended.
    pub(super) fn settled(
        &self,
        delivery: &Delivery,
        observed: &Observed,
        event: Option<&Event>,
        outcome: &Outcome,
        now: Timestamp,
    ) {
        match outcome {
            Outcome::Ack => {
                if let Some(series) = &observed.series {
                    let time = event.and_then(|event| event.time()).map(|t| t.timestamp());
                    series.delivered(time, now);
                }
            }
            Outcome::DeadLetter { reason } => {
                if let Some(topic) = self.topic(&delivery.topic) {
                    topic.dead_letter(&reason.class);
                }
            }
            Outcome::Park { reason, .. } => {
                if let Some(topic) = self.topic(&delivery.topic) {
                    topic.parked(reason.as_ref().map(|reason| reason.class.as_str()));
                }
            }
            _ => {}
        }
    }
}

impl Observed {
    /// An attempt of a handler took so long.
    pub(super) fn handled(&self, took: Duration) {
        if let Some(series) = &self.series {
            series.handled(took);
        }
    }

    /// The span of one attempt, if there are traces.
    pub(super) fn attempt_span(&self, message: &Message) -> Option<Span> {
        let deliver = self.span.as_ref()?;
        Some(info_span!(target: SPANS, parent: deliver, "handle",
                otel.name = format!("handle {}", message.event().event_type()),
                otel.kind = "internal", otel.status_code = tracing::field::Empty,
                messaging.operation.name = "handle", messaging.operation.type = "process",
                tidings.attempt = message.attempt(), error.type = tracing::field::Empty))
    }
}

/// The attempt of this span failed.
pub(super) fn attempt_failed(span: &Span, class: Class) {
    span.record("otel.status_code", "ERROR");
    span.record("error.type", class.as_str());
}
