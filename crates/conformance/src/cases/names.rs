//! Names, and what does not exist.

use std::time::Duration;

use tidings_transport::{
    ErrorKind, Group, Key, Outcome, Retention, Start, Subscription, Topic, Transport,
};

use crate::scene::{
    LONG_LEASE, Scene, body_text, drain, expect_kind, join, publish, reason, record, settled,
    take_one,
};

pub(crate) async fn names_as_long_and_odd_as_allowed_work(s: Scene) {
    let mut topic = format!("{}:/#%,;|~!$&=+<>^()@", s.topic);
    topic.push_str(&"x".repeat(Topic::MAX_LEN - topic.len()));
    let mut group = format!("{}:/#%,;|~!$&=+<>^()@", s.group);
    group.push_str(&"y".repeat(Group::MAX_LEN.saturating_sub(group.len())));
    let topic = Topic::new(topic).expect("as long as allowed");
    let group = Group::new(group).expect("as long as allowed");
    let subscription = Subscription::new(group.clone(), topic.clone())
        .lease(LONG_LEASE)
        .consumer("Zoë's worker {1}*\r\n");
    let consumer = join(&*s.log, subscription).await;
    publish(&*s.log, &[record(&topic, Some("k"), "one")]).await;
    let one = take_one(&*consumer).await;
    let park = Outcome::Park {
        key: None,
        reason: Some(reason()),
    };
    settled(&*consumer, &one, park).await;
    let letters = s.log.dead_letters(&topic, &group, None, 10).await;
    assert_eq!(letters.expect("the group is there").len(), 1);
    let released = s.log.release(&topic, &group, &Key::new("k")).await;
    assert_eq!(released.expect("the group is there"), 1);
    assert_eq!(drain(&*consumer, 1).await, ["one"]);
}

/// Logs derive names from these: none may run into another.
pub(crate) async fn names_do_not_run_into_each_other(s: Scene) {
    let base = s.topic.as_str();
    let pairs = [
        (base.to_owned(), "y:z".to_owned()),
        (format!("{base}:y"), "z".to_owned()),
        (base.to_owned(), "Y:z".to_owned()),
        (base.to_uppercase(), "y:z".to_owned()),
        (base.to_owned(), "dlq:y:z".to_owned()),
        (format!("{base}:dlq"), "y:z".to_owned()),
        (format!("{base}.dlq.y"), "z".to_owned()),
        (base.to_owned(), "%".to_owned()),
        (base.to_owned(), "_".to_owned()),
    ];
    let pairs = pairs.map(|(topic, group)| {
        let topic = Topic::new(topic).expect("a valid name");
        (topic, Group::new(group).expect("a valid name"))
    });
    for (topic, group) in &pairs {
        let made = s.log.create_group(topic, group, &Start::Latest).await;
        assert!(!made.expect("a new group can be made").existed);
    }
    for topic in pairs
        .iter()
        .map(|p| &p.0)
        .collect::<std::collections::BTreeSet<_>>()
    {
        publish(&*s.log, &[record(topic, Some("k"), topic.as_str())]).await;
    }
    for (topic, group) in &pairs {
        let subscription = Subscription::new(group.clone(), topic.clone()).lease(LONG_LEASE);
        let consumer = join(&*s.log, subscription).await;
        let delivery = take_one(&*consumer).await;
        assert_eq!(body_text(&delivery.body), topic.as_str());
        let park = Outcome::Park {
            key: None,
            reason: Some(reason()),
        };
        settled(&*consumer, &delivery, park).await;
    }
    for (topic, group) in &pairs {
        let letters = s.log.dead_letters(topic, group, None, 10).await;
        let letters = letters.expect("the group is there");
        assert_eq!(letters.len(), 1, "{topic} {group}");
        assert_eq!((&letters[0].topic, &letters[0].group), (topic, group));
        let parked = s.log.parked(topic, group).await;
        assert_eq!(parked.expect("the group is there").len(), 1);
    }
}

pub(crate) async fn a_subscription_that_breaks_the_rules_is_refused(s: Scene) {
    let good = s.subscription();
    let twice = vec![
        (s.topic.clone(), Start::Latest),
        (s.topic.clone(), Start::Latest),
    ];
    for bad in [
        good.clone().topics(Vec::new()),
        good.clone().topics(twice),
        good.clone().lease(Duration::from_millis(99)),
    ] {
        expect_kind(s.log.subscribe(bad).await, ErrorKind::Invalid);
    }
    let topics = s
        .log
        .topics()
        .await
        .expect("a healthy log lists its topics");
    let made = topics.iter().any(|info| info.topic == s.topic);
    assert!(!made, "what was refused left no topic behind");
    for name in ["", "a b", "a{b", "a*", "ä", "a\n"] {
        expect_kind(Topic::new(name), ErrorKind::Invalid);
        expect_kind(Group::new(name), ErrorKind::Invalid);
    }
}

pub(crate) async fn what_does_not_exist_is_not_found(s: Scene) {
    let nowhere = s.another_topic("nowhere");
    expect_missing(&*s.log, &nowhere, &s.group).await;
    expect_kind(s.log.groups(&nowhere).await, ErrorKind::NotFound);
    let trimmed = s.log.trim(&nowhere, &Retention::default()).await;
    expect_kind(trimmed, ErrorKind::NotFound);
    if s.has(tidings_transport::Capability::Replay) {
        let read = s.log.read(&nowhere, &Start::Earliest, 1).await;
        expect_kind(read, ErrorKind::NotFound);
        let read = s.log.read_back(&nowhere, None, 1).await;
        expect_kind(read, ErrorKind::NotFound);
    }
    s.publish(["one"]).await;
    expect_missing(&*s.log, &s.topic, &s.group).await;
    let groups = s.log.groups(&s.topic).await.expect("the topic is there");
    assert_eq!(groups, [], "asking makes nothing");
    let topics = s
        .log
        .topics()
        .await
        .expect("a healthy log lists its topics");
    assert!(topics.iter().all(|info| info.topic != nowhere));
}

async fn expect_missing(log: &dyn Transport, topic: &Topic, group: &Group) {
    let seeked = log.seek(topic, group, &Start::Latest).await;
    expect_kind(seeked, ErrorKind::NotFound);
    let letters = log.dead_letters(topic, group, None, 1).await;
    expect_kind(letters, ErrorKind::NotFound);
    expect_kind(log.parked(topic, group).await, ErrorKind::NotFound);
    let released = log.release(topic, group, &Key::new("k")).await;
    expect_kind(released, ErrorKind::NotFound);
}

/// What a log does not declare it refuses without asking anybody.
pub(crate) async fn undeclared_abilities_are_refused_without_io(s: Scene) {
    use tidings_transport::{Body, Capability, Record};

    s.make_group().await;
    s.publish(["one"]).await;
    let consumer = s.join().await;
    let one = take_one(&*consumer).await;
    let crash = s.faults().crash.expect("needed");
    crash.kill().await;
    if !s.has(Capability::Replay) {
        let read = s.log.read(&s.topic, &Start::Earliest, 1).await;
        expect_kind(read, ErrorKind::Unsupported);
        let read = s.log.read_back(&s.topic, None, 1).await;
        expect_kind(read, ErrorKind::Unsupported);
    }
    if !s.has(Capability::Fields) {
        let record = Record {
            topic: s.topic.clone(),
            key: None,
            body: Body::Fields(Vec::new()),
        };
        let mut results = s.log.publish(&[record]).await;
        expect_kind(results.remove(0), ErrorKind::Unsupported);
    }
    if !s.has(Capability::Delay) {
        let at = Some(s.now());
        let retry = crate::scene::settle(&*consumer, &one, Outcome::Retry { at }).await;
        expect_kind(retry, ErrorKind::Unsupported);
    }
    crash.restart().await;
    let acked = crate::scene::patiently("settle", async || {
        match crate::scene::settle(&*consumer, &one, Outcome::Ack).await {
            Err(e) if e.kind() == ErrorKind::Stale => Ok(()),
            other => other,
        }
    });
    acked.await;
}
