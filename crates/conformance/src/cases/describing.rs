//! A log tells of itself, and telling changes nothing.

use std::time::Duration;

use tidings_transport::{Count, ErrorKind, Outcome, Retention, SchemaId};

use crate::scene::{
    Scene, ack, close, describe_topic, drain, expect_kind, join, pass, reason, settled, take, until,
};

pub(crate) async fn the_numbers_of_a_group_are_right(s: Scene) {
    s.make_group().await;
    let info = s.describe().await;
    let lag = (info.lag.events, info.lag.age);
    assert_eq!(lag, (Count::Exactly(0), Duration::ZERO));
    assert_eq!((info.pending, info.oldest_pending), (0, None));
    assert_eq!((info.dead_letters, info.parked_keys), (0, 0));
    assert_eq!(info.lost, Count::Exactly(0));

    let published = s.now();
    let [.., four, _, _] = s
        .publish_keyed([
            ("a", "1"),
            ("b", "2"),
            ("c", "3"),
            ("d", "4"),
            ("e", "5"),
            ("f", "6"),
        ])
        .await;
    pass(Duration::from_millis(300)).await;
    let info = s.describe().await;
    assert_eq!((info.lag.events, info.pending), (Count::Exactly(6), 0));
    assert!(info.lag.age >= Duration::from_millis(200), "{info:?}");

    let consumer = s.join().await;
    let held = take(&*consumer, 4).await;
    let info = s.describe_in_hand(4).await;
    assert_eq!(info.lag.events, Count::Exactly(6));
    assert_eq!(info.position, four, "what was handed out last");
    let oldest = info.oldest_pending.expect("four are in hand");
    let apart = oldest.duration_since(published).abs();
    assert!(apart < jiff::SignedDuration::from_secs(30), "{oldest}");

    ack(&*consumer, &held[..1]).await;
    let bury = Outcome::DeadLetter { reason: reason() };
    settled(&*consumer, &held[1], bury).await;
    let park = Outcome::Park {
        key: None,
        reason: Some(reason()),
    };
    settled(&*consumer, &held[2], park).await;
    let info = s.describe().await;
    assert_eq!((info.lag.events, info.pending), (Count::Exactly(3), 1));
    assert_eq!((info.dead_letters, info.parked_keys), (2, 1));
    ack(&*consumer, &held[3..]).await;
    drain(&*consumer, 2).await;
    let info = s.describe().await;
    let lag = (info.lag.events, info.lag.age);
    assert_eq!(lag, (Count::Exactly(0), Duration::ZERO));
    assert_eq!((info.pending, info.oldest_pending), (0, None));
}

/// What Redis itself gets wrong (redis #13957).
pub(crate) async fn lag_is_right_after_a_trim(s: Scene) {
    s.make_group().await;
    let late = s.another_group("late");
    s.publish(["1", "2", "3", "4", "5", "6", "7", "8"]).await;
    let consumer = s.join().await;
    drain(&*consumer, 5).await;
    let mut retention = Retention::default();
    retention.max_len = Some(1);
    let trimmed = s.log.trim(&s.topic, &retention).await;
    assert_eq!(trimmed.expect("the topic is there").removed, 5);
    assert_eq!(s.describe().await.lag.events, Count::Exactly(3));
    s.make(&late).await;
    s.publish(["9", "10"]).await;
    assert_eq!(s.describe().await.lag.events, Count::Exactly(5));
    let lag = crate::scene::describe(&*s.log, &s.topic, &late).await.lag;
    assert_eq!(lag.events, Count::Exactly(2));
    drain(&*consumer, 5).await;
    assert_eq!(s.describe().await.lag.events, Count::Exactly(0));
}

pub(crate) async fn the_numbers_of_a_topic_are_right(s: Scene) {
    s.make_group().await;
    let info = describe_topic(&*s.log, &s.topic).await;
    assert_eq!((info.length, info.first, info.last), (0, None, None));
    let before = s.now();
    let [one, _, three] = s.publish(["one", "two", "three"]).await;
    let info = describe_topic(&*s.log, &s.topic).await;
    assert_eq!(info.length, 3);
    assert_eq!((info.first, info.last), (Some(one), Some(three)));
    if let Some(received) = info.last_received {
        let apart = received.duration_since(before).abs();
        assert!(apart < jiff::SignedDuration::from_secs(30), "{received}");
    }
    let other = s.another_topic("other");
    crate::scene::publish(&*s.log, &[crate::scene::record(&other, None, "x")]).await;
    let topics = s
        .log
        .topics()
        .await
        .expect("a healthy log lists its topics");
    let names: Vec<_> = topics.iter().map(|t| t.topic.clone()).collect();
    assert!(names.contains(&s.topic) && names.contains(&other));
    assert!(names.is_sorted(), "by name: {names:?}");
    let one = s.log.topic(&other).await.expect("it is there");
    assert!(topics.contains(&one), "{one:?} is not among {topics:?}");
    let nowhere = s.log.topic(&s.another_topic("nowhere")).await;
    expect_kind(nowhere, ErrorKind::NotFound);
}

pub(crate) async fn groups_are_listed_by_name(s: Scene) {
    for label in ["c", "a", "b"] {
        s.make(&s.another_group(label)).await;
    }
    let groups = s.log.groups(&s.topic).await.expect("the topic is there");
    let names: Vec<_> = groups.into_iter().map(|g| g.group).collect();
    let wanted = ["a", "b", "c"].map(|label| s.another_group(label));
    assert_eq!(names, wanted);
}

pub(crate) async fn living_consumers_are_named(s: Scene) {
    s.make_group().await;
    let [first, second] = ["worker-1", "worker-2"];
    let a = join(&*s.log, s.subscription().consumer(first)).await;
    let b = join(&*s.log, s.subscription().consumer(second)).await;
    // A log may learn of a consumer when it asks for the first time.
    let asking = tokio::spawn({
        let b = b.clone();
        async move { b.next(1).await }
    });
    s.publish(["one"]).await;
    let named = async |wanted: &[&str]| {
        until("the consumers that live are named", async || {
            let mut names = s.describe().await.consumers;
            names.sort();
            names == wanted
        })
        .await;
    };
    for result in a.heartbeat(&[]).await {
        result.expect("a beat in time");
    }
    named(&[first, second]).await;
    asking.abort();
    close(&*b).await;
    named(&[first]).await;
    close(&*a).await;
    named(&[]).await;
}

pub(crate) async fn observing_moves_nothing(s: Scene) {
    s.make_group().await;
    let [one, ..] = s.publish_keyed([("a", "1"), ("b", "2"), ("c", "3")]).await;
    let consumer = s.join().await;
    let held = take(&*consumer, 2).await;
    let park = Outcome::Park {
        key: None,
        reason: Some(reason()),
    };
    settled(&*consumer, &held[1], park).await;
    let handle = s.open().await;
    let look = async || {
        let mut groups = handle.groups(&s.topic).await.expect("the topic is there");
        // Time passes while one looks.
        groups.iter_mut().for_each(|g| g.lag.age = Duration::ZERO);
        (
            groups,
            describe_topic(&*handle, &s.topic).await,
            handle.dead_letters(&s.topic, &s.group, None, 10).await.ok(),
            handle.parked(&s.topic, &s.group).await.ok(),
        )
    };
    let before = look().await;
    for _ in 0..3 {
        handle.ping().await.expect("a healthy log answers");
        handle.diagnose().await.expect("a healthy log answers");
        let mut dry = Retention::default();
        (dry.hard_max_len, dry.dry_run) = (Some(0), true);
        let trimmed = handle.trim(&s.topic, &dry).await;
        assert_eq!(trimmed.expect("the topic is there").removed, 3);
        assert_eq!(look().await, before);
    }
    assert_eq!(held[0].position, one);
    ack(&*consumer, &held[..1]).await;
    assert_eq!(drain(&*consumer, 1).await, ["3"]);
}

pub(crate) async fn a_log_says_what_it_is(s: Scene) {
    let said = s.log.ping().await.expect("a healthy log answers");
    assert!(!said.trim().is_empty());
    for finding in s.log.diagnose().await.expect("a healthy log answers") {
        assert!(!finding.code.is_empty() && !finding.what.is_empty());
    }
    let declared: Vec<_> = s.log.capabilities().iter().collect();
    let again = s.open().await.capabilities();
    assert_eq!(again.iter().collect::<Vec<_>>(), declared);
}

pub(crate) async fn schemas_are_kept(s: Scene) {
    let store = s.log.schema_store().expect("needed");
    let id = |digit: &str| SchemaId::new(digit.repeat(64)).expect("64 hex digits");
    let schema = r#"{"type":"record","name":"Größe","fields":[]}"#;
    let unknown = store.get_schema(&id("0")).await;
    assert_eq!(unknown.expect("a healthy store answers"), None);
    for _ in 0..2 {
        store
            .put_schema(&id("a"), schema)
            .await
            .expect("storing twice is harmless");
    }
    let handle = s.open().await;
    let elsewhere = handle.schema_store().expect("every handle has it");
    let found = elsewhere.get_schema(&id("a")).await;
    assert_eq!(
        found.expect("a healthy store answers").as_deref(),
        Some(schema)
    );
}
