//! The text that Prometheus reads.

use std::time::Duration;

use jiff::Timestamp;
use tidings_telemetry::Metrics;
use tidings_telemetry::metrics::OutboxState;
use tidings_transport::{Count, Group, GroupInfo, Lag, Position, Topic};

fn info(group: &str, events: Count) -> GroupInfo {
    GroupInfo {
        group: Group::new(group).unwrap(),
        position: Position::new("7"),
        lag: Lag {
            events,
            age: Duration::from_millis(1_500),
        },
        pending: 2,
        oldest_pending: Some(Timestamp::now() - Duration::from_secs(60)),
        consumers: vec!["one".into()],
        dead_letters: 3,
        parked_keys: 1,
        lost: Count::Exactly(0),
    }
}

#[test]
fn a_registry_is_a_value() {
    let (one, other) = (Metrics::new(), Metrics::new());
    one.publishing()
        .of("a.b.c")
        .published(&Topic::new("t").unwrap());
    let line = r#"tidings_published_total{topic="t",type="a.b.c"} 1"#;
    assert!(one.encode().contains(line), "{}", one.encode());
    assert!(!other.encode().contains("tidings_published_total{"));
}

#[test]
fn a_lag_says_how_sure_it_is() {
    let (metrics, topic) = (Metrics::new(), Topic::new("t").unwrap());
    let set = |events| {
        let groups = vec![info("g", events)];
        metrics.groups().set(&[(topic.clone(), groups)]);
        metrics.encode()
    };
    let of = r#"{group="g",topic="t"}"#;
    let has = |text: &str, line: String| assert!(text.contains(&line), "{line} in {text}");
    let exact = set(Count::Exactly(9));
    has(&exact, format!("tidings_group_lag_events{of} 9"));
    has(&exact, format!("tidings_group_lag_exact{of} 1"));
    has(&exact, format!("tidings_group_lag_seconds{of} 1.5"));
    let bound = set(Count::AtLeast(4));
    has(&bound, format!("tidings_group_lag_events{of} 4"));
    has(&bound, format!("tidings_group_lag_exact{of} 0"));
    let unknown = set(Count::Unknown);
    assert!(!unknown.contains("tidings_group_lag_events{"), "{unknown}");
    has(&unknown, format!("tidings_group_lag_exact{of} 0"));
}

#[test]
fn what_is_not_known_any_more_is_not_told() {
    let (metrics, topic) = (Metrics::new(), Topic::new("t").unwrap());
    let both = vec![info("g", Count::Exactly(1)), info("h", Count::Exactly(1))];
    metrics.groups().set(&[(topic.clone(), both)]);
    metrics
        .groups()
        .set(&[(topic, vec![info("h", Count::Exactly(1))])]);
    let text = metrics.encode();
    assert!(!text.contains(r#"group="g""#), "{text}");
    assert!(text.contains(r#"group="h""#) && text.contains("tidings_log_up{} 1"));
    metrics.groups().unknown();
    let text = metrics.encode();
    assert!(
        !text.contains("group=") && text.contains("tidings_log_up{} 0"),
        "{text}"
    );
}

#[test]
fn only_a_relay_tells_of_the_outbox() {
    let metrics = Metrics::new();
    assert!(!metrics.encode().contains("outbox"));
    metrics.outbox().set(OutboxState {
        depth: 12,
        oldest: Duration::from_secs(3),
        refused: 1,
        active: true,
    });
    metrics.outbox().relayed(5);
    let text = metrics.encode();
    for line in [
        "tidings_outbox_depth{} 12",
        "tidings_outbox_oldest_seconds{} 3.0",
        "tidings_outbox_refused_rows{} 1",
        "tidings_relay_active{} 1",
        "tidings_relayed_total{} 5",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
}
