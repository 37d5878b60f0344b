//! Several event types share a topic, and a consumer reads several topics (7).

use std::collections::HashMap;

use tidings_transport::Start;

use crate::scene::{Scene, ack, expect_quiet, join, publish, record, set, take, text};

pub(crate) async fn event_types_share_a_topic(s: Scene) {
    s.make_group().await;
    let events: Vec<_> = (0..12)
        .map(|i| {
            let kind = ["created", "changed", "deleted"][i % 3];
            format!(r#"{{"specversion":"1.0","type":"org.openedx.catalog.course.{kind}.v1","id":"{i}"}}"#)
        })
        .collect();
    let records: Vec<_> = events.iter().map(|e| s.record(Some("k"), e)).collect();
    publish(&*s.log, &records).await;
    let consumer = s.join().await;
    let heard = crate::scene::drain(&*consumer, 12).await;
    assert_eq!(heard, events, "in order over all types");
}

pub(crate) async fn one_consumer_reads_many_topics(s: Scene) {
    let topics: Vec<_> = (0..5).map(|i| s.another_topic(&i.to_string())).collect();
    let wanted = topics.iter().map(|t| (t.clone(), Start::Latest)).collect();
    let consumer = join(&*s.log, s.subscription().topics(wanted)).await;
    let mut records = Vec::new();
    for i in 0..4 {
        for (t, topic) in topics.iter().enumerate() {
            records.push(record(topic, None, &format!("{t} {i}")));
        }
    }
    publish(&*s.log, &records).await;
    let mut heard: HashMap<_, Vec<_>> = HashMap::new();
    let deliveries = take(&*consumer, 20).await;
    for delivery in &deliveries {
        let texts = heard.entry(delivery.topic.clone()).or_default();
        texts.push(text(delivery));
    }
    for (t, topic) in topics.iter().enumerate() {
        let wanted: Vec<_> = (0..4).map(|i| format!("{t} {i}")).collect();
        assert_eq!(heard[topic], wanted, "each topic in its order");
    }
    // Positions of different topics may look alike: each settles its own.
    ack(&*consumer, &deliveries).await;
    for topic in &topics {
        let info = crate::scene::describe(&*s.log, topic, &s.group).await;
        assert_eq!(info.pending, 0);
    }
    expect_quiet(&*consumer).await;
}

pub(crate) async fn a_busy_topic_starves_no_other(s: Scene) {
    let [busy, calm] = ["busy", "calm"].map(|label| s.another_topic(label));
    let wanted = vec![(busy.clone(), Start::Latest), (calm.clone(), Start::Latest)];
    let consumer = join(&*s.log, s.subscription().topics(wanted)).await;
    let mut records: Vec<_> = (0..300)
        .map(|i| record(&busy, None, &format!("{i}")))
        .collect();
    records.push(record(&calm, None, "calm"));
    publish(&*s.log, &records).await;
    let mut heard = Vec::new();
    while !heard.contains(&"calm".to_owned()) {
        assert!(
            heard.len() < 200,
            "200 of one topic before one of the other"
        );
        let deliveries = take(&*consumer, 1).await;
        ack(&*consumer, &deliveries).await;
        heard.push(text(&deliveries[0]));
    }
    assert_eq!(set(&heard).len(), heard.len(), "none twice");
}
