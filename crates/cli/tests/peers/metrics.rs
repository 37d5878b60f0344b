//! The metrics, read by Prometheus's own parser.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tidings_telemetry::Metrics;
use tidings_telemetry::metrics::OutboxState;
use tidings_transport::{Count, Group, GroupInfo, Lag, Position, Topic, TopicInfo};

use crate::site::{lines, python};

/// Metrics with a sample in as many families as can be had, and names that need escapes.
fn metrics() -> Metrics {
    let metrics = Metrics::new();
    let topic = Topic::new("prod-courses").unwrap();
    metrics
        .publishing()
        .of(r#"odd "type" \ of
two lines"#)
        .published(&topic);
    metrics.publishing().failed("unavailable");
    let consuming = metrics.consuming().of(&Group::new("search").unwrap());
    consuming.in_hand(3);
    consuming.breaker(true);
    let of_topic = consuming.topic(&topic);
    of_topic.received(2);
    of_topic.retried("temporary");
    of_topic.dead_letter("permanent");
    of_topic.parked(None);
    of_topic.stale();
    of_topic.gap();
    let of_type = of_topic.event_type("org.example.catalog.course.created.v1");
    of_type.handled(Duration::from_millis(7));
    of_type.delivered(Some(Timestamp::UNIX_EPOCH), Timestamp::now());
    let info = GroupInfo {
        group: Group::new("search").unwrap(),
        position: Position::new("7"),
        lag: Lag {
            events: Count::Exactly(9),
            age: Duration::from_millis(1_500),
        },
        pending: 2,
        oldest_pending: Some(Timestamp::now()),
        consumers: vec!["one".into()],
        dead_letters: 3,
        parked_keys: 1,
        lost: Count::AtLeast(4),
    };
    metrics.topics().set(&TopicInfo {
        topic: topic.clone(),
        length: 9,
        first: Some(Position::new("1")),
        last: Some(Position::new("9")),
        last_received: Some(Timestamp::now()),
        bytes: Some(4_096),
    });
    metrics.topics().trimmed(&topic, 3, 1);
    metrics.groups().set(&[(topic, vec![info])]);
    metrics.outbox().set(OutboxState {
        depth: 12,
        oldest: Duration::from_secs(3),
        refused: 1,
        active: true,
    });
    metrics.outbox().relayed(5);
    metrics.outbox().refused(1);
    metrics
}

#[tokio::test]
async fn prometheus_reads_every_family() {
    let Some(python) = python() else { return };
    let metrics = metrics();
    // Also one of which nothing has been counted is well-formed.
    for (text, count) in [
        (Metrics::new().encode(), 1),
        (metrics.encode(), metrics.descriptions().len()),
    ] {
        let families = lines(&python, "metrics.py", &[], text).await;
        assert_eq!(families.len(), count);
        if count == 1 {
            continue;
        }
        let families: BTreeMap<String, Value> = families
            .into_iter()
            .map(|family| (family["name"].as_str().unwrap().to_owned(), family))
            .collect();
        for described in metrics.descriptions() {
            let kind = described.kind.as_str();
            let name = match kind {
                "counter" => described.name.trim_end_matches("_total"),
                "info" => described.name.trim_end_matches("_info"),
                _ => &described.name,
            };
            let family = families.get(name);
            let family = family.unwrap_or_else(|| panic!("{name} is not in {families:?}"));
            assert_eq!(family["type"], kind, "{name}");
        }
    }
}
