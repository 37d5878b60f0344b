//! A policy, carried out in the background.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tidings_runtime::{Namespace, Retainer, RetentionPolicy};
use tidings_telemetry::{Metrics, Telemetry};
use tidings_transport::{Body, Group, Memory, Record, Retention, Start, Topic, Transport};
use tokio::time::sleep;

fn topic(name: &str) -> Topic {
    Topic::new(name).unwrap()
}

async fn publish(log: &Memory, name: &str, count: usize) {
    let record = |n: usize| Record {
        topic: topic(name),
        key: None,
        body: Body::Document(Bytes::from(n.to_string())),
    };
    let records: Vec<_> = (0..count).map(record).collect();
    assert!(log.publish(&records).await.iter().all(Result::is_ok));
}

async fn lengths(log: &Memory) -> Vec<(String, u64)> {
    let topics = log.topics().await.unwrap().into_iter();
    topics.map(|t| (t.topic.to_string(), t.length)).collect()
}

fn policy() -> RetentionPolicy {
    let mut young = Retention::default();
    young.max_age = Some(Duration::from_secs(24 * 3_600));
    let mut short = Retention::default();
    short.max_len = Some(5);
    let policy = RetentionPolicy::default().rule("audit-*", young);
    policy.unwrap().rule("*", short).unwrap()
}

#[tokio::test(start_paused = true)]
async fn each_topic_of_the_prefix_keeps_what_its_first_rule_says() {
    let log = Memory::new();
    for name in ["prod-courses", "prod-audit-grades", "stage-courses"] {
        publish(&log, name, 10).await;
    }
    let metrics = Metrics::new();
    let telemetry = Telemetry::default().with_metrics(metrics.clone());
    let namespace = Namespace::new("prod").unwrap();
    let retainer = Retainer::new(Arc::new(log.clone()), namespace, policy()).telemetry(telemetry);
    // Two processes have one each.
    let both = [retainer.clone(), retainer].map(|one| tokio::spawn(one.run()));
    sleep(Duration::from_secs(3_600)).await;
    let found = lengths(&log).await;
    let wanted = [
        ("prod-audit-grades", 10),
        ("prod-courses", 5),
        ("stage-courses", 10),
    ];
    assert_eq!(found, wanted.map(|(name, n)| (name.to_owned(), n)));
    sleep(Duration::from_secs(24 * 3_600)).await;
    assert_eq!(lengths(&log).await[0].1, 0, "a day old");
    for task in both {
        assert!(!task.is_finished());
        task.abort();
    }
    let text = metrics.encode();
    for line in [
        "tidings_topic_events{topic=\"prod-courses\"} 5",
        "tidings_topic_trimmed_total{topic=\"prod-courses\"} 5",
        "tidings_topic_spared_events{topic=\"prod-courses\"} 0",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("stage"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn what_a_group_needs_stays_until_the_group_is_forgotten() {
    let log = Memory::new();
    publish(&log, "courses", 1).await;
    let group = Group::new("mail").unwrap();
    let courses = topic("courses");
    let made = log.create_group(&courses, &group, &Start::Earliest).await;
    made.unwrap();
    publish(&log, "courses", 9).await;
    let retainer = Retainer::new(Arc::new(log.clone()), Namespace::default(), policy());
    let trimming = tokio::spawn(retainer.run());
    sleep(Duration::from_secs(6 * 24 * 3_600)).await;
    assert_eq!(lengths(&log).await[0].1, 10, "the group may come back");
    sleep(Duration::from_secs(2 * 24 * 3_600)).await;
    assert_eq!(
        lengths(&log).await[0].1,
        5,
        "idle for longer than seven days"
    );
    trimming.abort();
}
