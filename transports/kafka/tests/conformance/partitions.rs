//! Topics of several partitions: shared, handed over, read, added.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rdkafka::admin::{AdminOptions, NewPartitions};
use tidings_transport::{Delivery, ErrorKind, Outcome, Settlement, Start, Subscriber, Transport};
use tidings_transport_kafka::Kafka;
use tokio::time::{sleep, timeout};

use crate::fixture::{
    PATIENCE, ack, config, connect, join, names, next, publish, record, take, text,
};
use crate::harness::start;

/// Handles one, unless it has passed to somebody else.
async fn handle(
    consumer: &dyn Subscriber,
    delivery: &Arc<Delivery>,
    heard: &Mutex<Vec<String>>,
) -> bool {
    heard.lock().expect("no panic").push(text(delivery));
    let Err(e) = ack(consumer, delivery).await else {
        return true;
    };
    assert_eq!(e.kind(), ErrorKind::Stale, "{e}");
    let mut heard = heard.lock().expect("no panic");
    // The other may have heard it before; what was put there last is one too many.
    let at = heard
        .iter()
        .rposition(|t| *t == text(delivery))
        .expect("it was put there");
    heard.remove(at);
    false
}

/// Settles whatever comes until everybody together has heard `wanted` texts.
async fn work(
    consumer: Arc<dyn Subscriber>,
    heard: Arc<Mutex<Vec<String>>>,
    wanted: usize,
) -> usize {
    let mut mine = 0;
    while heard.lock().expect("no panic").len() < wanted {
        let Ok(batch) = timeout(PATIENCE / 60, consumer.next(3)).await else {
            continue;
        };
        for delivery in batch.expect("a healthy broker").deliveries {
            mine += usize::from(handle(&*consumer, &delivery, &heard).await);
        }
    }
    mine
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_are_shared_and_handed_over_in_order() {
    let broker = start().await;
    let log = connect(config(broker.address(), 4)).await;
    let (topic, group) = names("shared");
    log.create_group(&topic, &group, &Start::Latest)
        .await
        .expect("a new group");
    let records: Vec<_> = (0..400)
        .map(|i| {
            record(
                &topic,
                &format!("k{}", i % 20),
                &format!("{} {i:03}", i % 20),
            )
        })
        .collect();
    publish(&log, &records).await;

    let first = join(&log, &topic, &group).await;
    let held = take(&*first, 20).await;
    let second = join(&log, &topic, &group).await;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let other = tokio::spawn(work(second.clone(), heard.clone(), 400));
    // While partitions move, what is in hand is settled or has passed to the other.
    for delivery in &held {
        handle(&*first, delivery, &heard).await;
    }
    work(first.clone(), heard.clone(), 400).await;
    assert!(
        other.await.expect("no panic") > 0,
        "the second had no partition"
    );

    let heard = heard.lock().expect("no panic").clone();
    assert_eq!(heard.len(), 400, "nothing was settled twice");
    let mut of_keys: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for text in &heard {
        let (key, number) = text.split_once(' ').expect("as published");
        of_keys.entry(key).or_default().push(number);
    }
    for (key, numbers) in of_keys {
        assert_eq!(numbers.len(), 20, "key {key}");
        assert!(numbers.is_sorted(), "key {key}: {numbers:?}");
    }
    for consumer in [first, second] {
        consumer.close().await.expect("a consumer can leave");
    }
    let info = log
        .groups(&topic)
        .await
        .expect("a healthy broker")
        .remove(0);
    assert_eq!(
        (info.pending, info.lag.events),
        (0, tidings_transport::Count::Exactly(0))
    );
}

/// A crash repeats what was not settled, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_settled_ahead_is_not_repeated() {
    let broker = start().await;
    let log = connect(config(broker.address(), 1)).await;
    let (topic, group) = names("ahead");
    log.create_group(&topic, &group, &Start::Latest)
        .await
        .expect("a new group");
    let records: Vec<_> = (0..50)
        .map(|i| record(&topic, &format!("k{i}"), &format!("{i}")))
        .collect();
    publish(&log, &records).await;
    let first = join(&log, &topic, &group).await;
    let held = take(&*first, 40).await;
    for delivery in held.iter().filter(|d| !["3", "17"].contains(&&*text(d))) {
        ack(&*first, delivery).await.expect("it is in hand");
    }
    drop(first);
    let second = join(&log, &topic, &group).await;
    let texts: Vec<_> = take(&*second, 12).await.iter().map(|d| text(d)).collect();
    assert_eq!(texts[..2], ["3", "17"]);
    assert_eq!(
        texts[2..],
        (40..50).map(|i| i.to_string()).collect::<Vec<_>>()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn all_partitions_are_read_page_by_page() {
    let broker = start().await;
    let log = connect(config(broker.address(), 3)).await;
    let (topic, group) = names("pages");
    let records: Vec<_> = (0..30)
        .map(|i| record(&topic, &format!("k{i}"), &format!("{i}")))
        .collect();
    publish(&log, &records).await;
    let all: BTreeSet<String> = (0..30).map(|i| i.to_string()).collect();

    let (mut from, mut read) = (Start::Earliest, Vec::new());
    loop {
        let page = log
            .read(&topic, &from, 7)
            .await
            .expect("the topic is there");
        let Some(last) = page.last() else { break };
        from = Start::After(last.position.clone());
        read.extend(page);
    }
    assert_eq!(read.len(), 30, "each once");
    let (mut before, mut back) = (None, Vec::new());
    loop {
        let page = log
            .read_back(&topic, before.as_ref(), 7)
            .await
            .expect("the topic is there");
        let Some(last) = page.last() else { break };
        before = Some(last.position.clone());
        back.extend(page);
    }
    assert_eq!(back.len(), 30, "each once, backwards");

    // A position of all partitions is one to seek to.
    log.create_group(&topic, &group, &Start::Latest)
        .await
        .expect("a new group");
    let to = Start::After(read[9].position.clone());
    log.seek(&topic, &group, &to)
        .await
        .expect("the position is there");
    let consumer = join(&log, &topic, &group).await;
    let mut heard: BTreeSet<String> = read[..10].iter().map(|s| document(&s.body)).collect();
    heard.extend(take(&*consumer, 20).await.iter().map(|d| text(d)));
    assert_eq!(heard, all);
}

/// Whoever shows the newest reads back to a place and goes on from there; a replay ends at the newest of its time.
#[tokio::test(flavor = "multi_thread")]
async fn a_place_found_backwards_is_one_to_go_on_from_and_to_end_at() {
    let broker = start().await;
    let log = connect(config(broker.address(), 3)).await;
    let (topic, group) = names("places");
    // One partition holds nothing.
    let first: Vec<_> = (0..12)
        .map(|i| record(&topic, ["a", "b"][i % 2], &format!("{i}")))
        .collect();
    for one in first.chunks(1) {
        publish(&log, one).await;
        // One millisecond is the grain of their order.
        sleep(Duration::from_millis(2)).await;
    }
    let back = log.read_back(&topic, None, 12).await.expect("it is there");
    assert_eq!(back.len(), 12);
    for (at, stored) in back.iter().enumerate() {
        let from = Start::After(stored.position.clone());
        let newer = log.read(&topic, &from, 20).await.expect("it is there");
        let newer: Vec<_> = newer.iter().map(|s| document(&s.body)).collect();
        let wanted: Vec<_> = back[..at].iter().rev().map(|s| document(&s.body)).collect();
        assert_eq!(newer, wanted, "behind {}", stored.position);
        let older = log.read_back(&topic, Some(&stored.position), 20).await;
        assert_eq!(older.expect("it is there").len(), 11 - at);
    }
    let end = &back[0].position;
    let later: Vec<_> = (12..42)
        .map(|i| record(&topic, &format!("k{i}"), &format!("{i}")))
        .collect();
    publish(&log, &later).await;
    let (mut from, mut read) = (Start::Earliest, Vec::new());
    loop {
        let page = log.read_until(&topic, &from, end, 5).await;
        let page = page.expect("it is there");
        let Some(last) = page.last() else { break };
        // Reading forwards and back, one position is as good as the other.
        let before = log.read_back(&topic, Some(&last.position), 50).await;
        read.extend(page.iter().map(|s| document(&s.body)));
        assert_eq!(before.expect("it is there").len(), read.len() - 1);
        from = Start::After(last.position.clone());
    }
    let wanted: Vec<_> = (0..12).map(|i| i.to_string()).collect();
    assert_eq!(read, wanted, "nothing that came later");
    // And the group that is made at that end hears each of the others.
    let from = Start::After(end.clone());
    let made = log.create_group(&topic, &group, &from).await;
    made.expect("a new group");
    let consumer = join(&log, &topic, &group).await;
    let heard = take(&*consumer, 30).await;
    let heard: BTreeSet<String> = heard.iter().map(|d| text(d)).collect();
    assert_eq!(heard, (12..42).map(|i| i.to_string()).collect());
}

fn document(body: &tidings_transport::Body) -> String {
    match body {
        tidings_transport::Body::Document(document) => String::from_utf8_lossy(document).into(),
        other => panic!("no document: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn added_partitions_are_heard_from_their_first_event_and_told() {
    let broker = start().await;
    let log = connect(config(broker.address(), 1)).await;
    let (topic, group) = names("added");
    log.create_group(&topic, &group, &Start::Latest)
        .await
        .expect("a new group");
    let consumer = join(&log, &topic, &group).await;
    publish(&log, &[record(&topic, "k", "before")]).await;
    let before = take(&*consumer, 1).await;
    ack(&*consumer, &before[0]).await.expect("it is in hand");

    let more = NewPartitions::new(topic.as_str(), 3);
    let made = broker
        .admin()
        .create_partitions([&more], &AdminOptions::new())
        .await;
    for result in made.expect("the broker answers") {
        result.expect("more partitions");
    }
    let producer: Kafka = connect(config(broker.address(), 1)).await;
    let records: Vec<_> = (0..30)
        .map(|i| record(&topic, &format!("k{i}"), &format!("{i}")))
        .collect();
    publish(&producer, &records).await;
    let mut heard = BTreeSet::new();
    while heard.len() < 30 {
        let batch = next(&*consumer, 10).await.expect("a healthy broker");
        assert_eq!(batch.gaps, [], "nothing was lost");
        for delivery in batch.deliveries {
            ack(&*consumer, &delivery).await.expect("it is in hand");
            heard.insert(text(&delivery));
        }
    }
    let findings = log.diagnose().await.expect("a healthy broker");
    let told = |f: &&tidings_transport::Finding| {
        f.code == "kafka-partitions-added" && f.what.contains(topic.as_str())
    };
    assert!(findings.iter().any(|f| told(&f)), "{findings:?}");
}

/// As far ahead of what is open as a commit can tell; and behind that enough that nothing more is fetched.
#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_room_is_told_when_there_is_some() {
    const AHEAD: usize = 8_192;
    let broker = start().await;
    let log = connect(config(broker.address(), 1)).await;
    let (topic, group) = names("room");
    let made = log.create_group(&topic, &group, &Start::Latest).await;
    made.expect("a new group");
    let records: Vec<_> = (0..AHEAD + 2_500)
        .map(|n| record(&topic, "k", &n.to_string()))
        .collect();
    for batch in records.chunks(500) {
        publish(&log, batch).await;
    }
    let consumer = join(&log, &topic, &group).await;
    let first = take(&*consumer, 1).await.remove(0);
    let mut left = AHEAD - 1;
    while left > 0 {
        let taken = take(&*consumer, left.min(100)).await;
        left -= taken.len();
        let settlements = taken.into_iter().map(|delivery| Settlement {
            delivery,
            outcome: Outcome::Ack,
        });
        for settled in consumer.settle(&settlements.collect::<Vec<_>>()).await {
            settled.expect("it is ours");
        }
    }
    let mut waiting = tokio::spawn({
        let consumer = consumer.clone();
        async move { take(&*consumer, 1).await }
    });
    let early = timeout(PATIENCE / 30, &mut waiting).await;
    assert!(early.is_err(), "there is no room");
    ack(&*consumer, &first).await.expect("it is ours");
    let next = waiting.await.expect("there is room");
    assert_eq!(text(&next[0]), AHEAD.to_string());
}
