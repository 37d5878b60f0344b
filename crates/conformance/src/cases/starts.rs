//! A new group says where it starts (3).

use std::time::Duration;

use tidings_transport::{ErrorKind, Position, Start};

use crate::scene::{Scene, drain, expect_kind, expect_quiet, join, pass};

pub(crate) async fn a_group_made_before_its_first_consumer_hears_all(s: Scene) {
    // The topic does not exist yet.
    s.make_group().await;
    s.publish(["one"]).await;
    s.publish(["two", "three"]).await;
    let handle = s.open().await;
    let consumer = join(&*handle, s.subscription()).await;
    assert_eq!(drain(&*consumer, 3).await, ["one", "two", "three"]);
}

pub(crate) async fn latest_is_stored_when_the_group_is_made(s: Scene) {
    s.publish(["history"]).await;
    s.make_group().await;
    s.publish(["after create_group"]).await;
    let consumer = s.join().await;
    assert_eq!(drain(&*consumer, 1).await, ["after create_group"]);

    // The same for a group that its first consumer makes.
    let other = s.another_group("other");
    let mut subscription = s.subscription();
    subscription.group = other;
    let first = join(&*s.log, subscription.clone()).await;
    assert!(!first.opened()[0].1.existed);
    first.close().await.expect("a consumer can leave");
    s.publish(["while nobody listened"]).await;
    let second = join(&*s.log, subscription).await;
    assert_eq!(drain(&*second, 1).await, ["while nobody listened"]);
    expect_quiet(&*second).await;
}

pub(crate) async fn earliest_hears_history(s: Scene) {
    s.publish(["one", "two"]).await;
    let subscription = s.subscription().start(&Start::Earliest);
    let consumer = join(&*s.log, subscription).await;
    s.publish(["three"]).await;
    assert_eq!(drain(&*consumer, 3).await, ["one", "two", "three"]);
}

pub(crate) async fn a_time_hears_what_came_since(s: Scene) {
    let margin = Duration::from_millis(200);
    let beginning = s.now();
    pass(margin).await;
    s.publish(["one", "two"]).await;
    pass(margin).await;
    let between = s.now();
    pass(margin).await;
    s.publish(["three", "four"]).await;
    pass(margin).await;
    let end = s.now();
    let expected: [(_, &[&str]); 3] = [
        (beginning, &["one", "two", "three", "four"]),
        (between, &["three", "four"]),
        (end, &[]),
    ];
    for (i, (time, wanted)) in expected.into_iter().enumerate() {
        let mut subscription = s.subscription().start(&Start::Time(time));
        subscription.group = s.another_group(&i.to_string());
        let consumer = join(&*s.log, subscription).await;
        assert_eq!(drain(&*consumer, wanted.len()).await, wanted, "since {i}");
        if wanted.is_empty() {
            expect_quiet(&*consumer).await;
        }
    }
}

pub(crate) async fn a_position_hears_what_follows_it(s: Scene) {
    let [one, two, three] = s.publish(["one", "two", "three"]).await;
    let expected: [(_, &[&str]); 3] = [(one, &["two", "three"]), (two, &["three"]), (three, &[])];
    for (i, (position, wanted)) in expected.into_iter().enumerate() {
        let group = s.another_group(&i.to_string());
        let start = Start::After(position);
        let made = s.log.create_group(&s.topic, &group, &start).await;
        assert!(!made.expect("a position of this log").existed);
        let mut subscription = s.subscription();
        subscription.group = group;
        let consumer = join(&*s.log, subscription).await;
        assert_eq!(drain(&*consumer, wanted.len()).await, wanted, "after {i}");
        if wanted.is_empty() {
            expect_quiet(&*consumer).await;
        }
    }
}

pub(crate) async fn what_is_no_position_is_refused(s: Scene) {
    s.publish(["one"]).await;
    for nonsense in [
        "nonsense",
        "-",
        "1-2-3-4",
        "99999999999999999999999999999999",
        "é",
    ] {
        let start = Start::After(Position::new(nonsense));
        let made = s.log.create_group(&s.topic, &s.group, &start).await;
        expect_kind(made, ErrorKind::Invalid);
        let joined = s.log.subscribe(s.subscription().start(&start)).await;
        expect_kind(joined, ErrorKind::Invalid);
    }
    let groups = s.log.groups(&s.topic).await.expect("the topic is there");
    assert_eq!(groups, [], "what was refused left no group behind");
}

pub(crate) async fn a_consumer_is_told_what_it_found(s: Scene) {
    let there = s.another_topic("there");
    let made = s.log.create_group(&there, &s.group, &Start::Latest).await;
    let made = made.expect("a new group can be made");
    let topics = vec![
        (s.topic.clone(), Start::Latest),
        (there.clone(), Start::Latest),
    ];
    let consumer = join(&*s.log, s.subscription().topics(topics)).await;
    let opened = consumer.opened();
    assert_eq!(opened.len(), 2);
    assert_eq!([&opened[0].0, &opened[1].0], [&s.topic, &there]);
    assert!(!opened[0].1.existed, "nobody had made it here");
    assert!(opened[1].1.existed, "it was made here");
    assert_eq!(opened[1].1.position, made.position);
}
