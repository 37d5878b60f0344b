//! Where groups start, how they move, and what a log tells of them (guarantees 2 and 3).

use std::time::Duration;

use jiff::Timestamp;
use tidings_transport::{
    Count, ErrorKind, Group, Key, Memory, Ordering, Outcome, Position, Record, Retention, Start,
    Subscription, Topic, Transport,
};
use tokio::time::sleep;

use crate::help::{
    ack, group, info, join, kind, poll, publish, record, settle, take, texts, topic,
};

#[tokio::test(start_paused = true)]
async fn a_group_starts_where_it_says_and_stays_where_it_is() {
    let log = Memory::new();
    let positions = publish(&log, &[(None, "a"), (None, "b")]).await;
    sleep(Duration::from_secs(5)).await;
    let first = log.read(&topic(), &Start::Earliest, 9).await.unwrap()[0].received;
    let between = first.unwrap() + Duration::from_secs(1);
    publish(&log, &[(None, "c")]).await;
    let starts = [
        (Start::Latest, "3"),
        (Start::Earliest, "0"),
        (Start::Time(between), "2"),
        (Start::Time(between + Duration::from_secs(3600)), "3"),
        (Start::After(positions[0].clone()), "1"),
    ];
    for (i, (start, at)) in starts.iter().enumerate() {
        let group = Group::new(format!("g{i}")).unwrap();
        let opened = log.create_group(&topic(), &group, start).await.unwrap();
        assert_eq!((opened.existed, opened.position.as_str()), (false, *at));
        let again = log.create_group(&topic(), &group, &Start::Earliest).await;
        let again = again.unwrap();
        assert_eq!((again.existed, again.position.as_str()), (true, *at));
    }
    let beyond = Start::After(Position::new("9"));
    let nonsense = Start::After(Position::new("1700-0"));
    for (start, expected) in [
        (beyond, ErrorKind::NotFound),
        (nonsense, ErrorKind::Invalid),
    ] {
        let made = log.create_group(&topic(), &group(), &start).await;
        assert_eq!(kind(made), expected);
    }
    let read = log.read(&topic(), &Start::Time(between), 9).await.unwrap();
    assert_eq!(read.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn latest_counts_from_the_making_of_the_group_also_before_the_topic() {
    let log = Memory::new();
    let made = log.create_group(&topic(), &group(), &Start::Latest).await;
    assert!(!made.unwrap().existed);
    publish(&log, &[(None, "a")]).await;
    let consumer = join(&log, Ordering::Key).await;
    assert!(consumer.opened()[0].1.existed);
    assert_eq!(texts(&take(&consumer).await), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_second_consumer_moves_nothing() {
    let log = Memory::new();
    publish(&log, &[(None, "a"), (None, "b")]).await;
    let first = join(&log, Ordering::Key).await;
    let held = take(&first).await;
    let second = join(&log, Ordering::Key).await;
    assert_eq!(second.opened()[0].1.position.as_str(), "2");
    assert!(take(&second).await.is_empty());
    let info = info(&log).await;
    assert_eq!((info.pending, info.lag.events), (2, Count::Exactly(2)));
    assert_eq!(info.consumers, ["worker", "worker"]);
    let foreign = settle(&second, &held[0], Outcome::Ack).await;
    assert_eq!(kind(foreign), ErrorKind::Stale);
    ack(&first, &held[0]).await;
    ack(&first, &held[1]).await;
    let twice = settle(&first, &held[1], Outcome::Ack).await;
    assert_eq!(kind(twice), ErrorKind::Stale);
}

#[tokio::test(start_paused = true)]
async fn seeking_back_replays_and_forgets_what_was_in_hand() {
    let log = Memory::new();
    publish(&log, &[(None, "1"), (None, "2")]).await;
    let consumer = join(&log, Ordering::Key).await;
    let held = take(&consumer).await;
    ack(&consumer, &held[0]).await;
    let seeked = log.seek(&topic(), &group(), &Start::Earliest).await;
    let seeked = seeked.unwrap();
    assert_eq!((seeked.before.as_str(), seeked.after.as_str()), ("2", "0"));
    let late = settle(&consumer, &held[1], Outcome::Ack).await;
    assert_eq!(kind(late), ErrorKind::Stale);
    assert_eq!(texts(&take(&consumer).await), ["1", "2"]);
    log.drop_records(&topic(), 1);
    let to = Start::After(Position::new("0"));
    log.seek(&topic(), &group(), &to).await.unwrap();
    let batch = poll(&consumer).await;
    assert_eq!(batch.gaps[0].lost, Count::Exactly(1));
    assert_eq!(texts(&batch.deliveries), ["2"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_not_found() {
    let log = Memory::new();
    let (t, g) = (topic(), group());
    let no_topic = [
        kind(log.read(&t, &Start::Earliest, 1).await),
        kind(log.groups(&t).await),
        kind(log.trim(&t, &Retention::default()).await),
    ];
    assert_eq!(no_topic, [ErrorKind::NotFound; 3]);
    publish(&log, &[(None, "a")]).await;
    let no_group = [
        kind(log.seek(&t, &g, &Start::Latest).await),
        kind(log.parked(&t, &g).await),
        kind(log.dead_letters(&t, &g, None, 1).await),
        kind(log.release(&t, &g, &Key::new("k")).await),
    ];
    assert_eq!(no_group, [ErrorKind::NotFound; 4]);
}

#[tokio::test(start_paused = true)]
async fn a_busy_topic_does_not_starve_another() {
    let log = Memory::new();
    let quiet = Topic::new("quiet").unwrap();
    let topics = vec![(topic(), Start::Earliest), (quiet.clone(), Start::Earliest)];
    let subscription = Subscription::new(group(), topic()).topics(topics);
    let consumer = log.subscribe(subscription).await.unwrap();
    publish(&log, &[(None, "x"); 50]).await;
    let hello = Record {
        topic: quiet.clone(),
        ..record(None, "hello")
    };
    log.publish(&[hello]).await.remove(0).unwrap();
    let mut seen = Vec::new();
    for _ in 0..2 {
        seen.extend(consumer.next(5).await.unwrap().deliveries);
    }
    assert!(seen.iter().any(|d| d.topic == quiet));
}

#[tokio::test(start_paused = true)]
async fn times_follow_the_clock_of_the_leases() {
    let log = Memory::new();
    let before = Timestamp::now();
    sleep(Duration::from_secs(3600)).await;
    publish(&log, &[(None, "a")]).await;
    let stored = log.read(&topic(), &Start::Earliest, 1).await.unwrap();
    let received = stored[0].received.unwrap();
    assert!(received.duration_since(before).as_secs() >= 3599);
    sleep(Duration::from_secs(60)).await;
    let made = log.create_group(&topic(), &group(), &Start::Earliest).await;
    made.unwrap();
    assert!(info(&log).await.lag.age >= Duration::from_secs(60));
}
