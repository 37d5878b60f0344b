//! Reading without a group.

use std::time::Duration;

use tidings_transport::{ErrorKind, Key, Position, Result, Retention, Start, Stored};

use crate::scene::{Scene, body_text, expect_kind, pass, take};

fn said(stored: Result<Vec<Stored>>) -> Vec<String> {
    let stored = stored.expect("the topic is there");
    stored.iter().map(|s| body_text(&s.body)).collect()
}

pub(crate) async fn reading_begins_where_it_is_told(s: Scene) {
    let [one, two] = s.publish_keyed([("a", "one"), ("b", "two")]).await;
    pass(Duration::from_millis(200)).await;
    let between = s.now();
    pass(Duration::from_millis(200)).await;
    let [three] = s.publish(["three"]).await;
    let cases: [(_, &[&str]); 6] = [
        (Start::Earliest, &["one", "two", "three"]),
        (Start::Time(between), &["three"]),
        (Start::After(one.clone()), &["two", "three"]),
        (Start::After(two.clone()), &["three"]),
        (Start::After(three.clone()), &[]),
        (Start::Latest, &[]),
    ];
    for (from, wanted) in cases {
        assert_eq!(
            said(s.log.read(&s.topic, &from, 10).await),
            wanted,
            "{from:?}"
        );
    }
    assert_eq!(
        said(s.log.read(&s.topic, &Start::Earliest, 2).await),
        ["one", "two"]
    );
    let after = |position: &Position| Start::After(position.clone());
    let ends: [(_, _, _, &[&str]); 7] = [
        (Start::Earliest, &two, 10, &["one", "two"]),
        (Start::Earliest, &two, 1, &["one"]),
        (Start::Earliest, &three, 10, &["one", "two", "three"]),
        (after(&one), &two, 10, &["two"]),
        (after(&two), &two, 10, &[]),
        (after(&two), &one, 10, &[]),
        (Start::Time(between), &two, 10, &[]),
    ];
    for (from, end, limit, wanted) in ends {
        let read = s.log.read_until(&s.topic, &from, end, limit).await;
        assert_eq!(said(read), wanted, "{limit} from {from:?} to {end}");
    }
    let stored = s.log.read(&s.topic, &Start::Earliest, 10).await;
    let stored = stored.expect("the topic is there");
    let positions: Vec<_> = stored.iter().map(|s| &s.position).collect();
    assert_eq!(positions, [&one, &two, &three]);
    let keys: Vec<_> = stored
        .iter()
        .map(|s| s.key.as_ref().map(Key::as_str))
        .collect();
    assert_eq!(keys, [Some("a"), Some("b"), None]);
    let nonsense = Start::After(Position::new("nonsense"));
    expect_kind(
        s.log.read(&s.topic, &nonsense, 10).await,
        ErrorKind::Invalid,
    );
    for _ in 0..30 {
        let [end] = s.publish(["end"]).await;
        let behind = after(&end);
        let reading = s.log.read_until(&s.topic, &behind, &end, 10);
        let (read, _) = tokio::join!(reading, s.publish(["later"]));
        assert!(said(read).is_empty(), "an end stands still");
    }
}

pub(crate) async fn reading_ends_where_it_is_told_behind_what_was_trimmed(s: Scene) {
    let [one, two, three, four, five] = s.publish(["one", "two", "three", "four", "five"]).await;
    let mut newest = Retention::default();
    (newest.max_len, newest.hard_max_len) = (Some(3), Some(3));
    let trimmed = s.log.trim(&s.topic, &newest).await;
    assert_eq!(trimmed.expect("it can be trimmed").removed, 2);
    let ends: [(_, _, &[&str]); 5] = [
        (&one, &two, &[]),
        (&one, &three, &["three"]),
        (&one, &four, &["three", "four"]),
        (&two, &four, &["three", "four"]),
        (&one, &five, &["three", "four", "five"]),
    ];
    for (from, end, wanted) in ends {
        let start = Start::After(from.clone());
        let read = s.log.read_until(&s.topic, &start, end, 10).await;
        assert_eq!(said(read), wanted, "behind {from} to {end}");
    }
}

pub(crate) async fn reading_back_begins_with_the_newest(s: Scene) {
    s.make_group().await;
    expect_nothing(&s).await;
    let [one, two] = s.publish_keyed([("a", "one"), ("b", "two")]).await;
    let [three] = s.publish(["three"]).await;
    let cases: [(_, _, &[&str]); 7] = [
        (None, 10, &["three", "two", "one"]),
        (None, 2, &["three", "two"]),
        (None, 0, &[]),
        (Some(&three), 10, &["two", "one"]),
        (Some(&three), 1, &["two"]),
        (Some(&two), 10, &["one"]),
        (Some(&one), 10, &[]),
    ];
    for (before, limit, wanted) in cases {
        let read = s.log.read_back(&s.topic, before, limit).await;
        assert_eq!(said(read), wanted, "{limit} before {before:?}");
    }
    let back = s.log.read_back(&s.topic, None, 10).await;
    let mut back = back.expect("the topic is there");
    back.reverse();
    let read = s.log.read(&s.topic, &Start::Earliest, 10).await;
    let read = read.expect("the topic is there");
    let facts = |s: &Stored| (s.position.clone(), s.received, s.key.clone());
    assert!(back.iter().map(facts).eq(read.iter().map(facts)));
    let nonsense = Position::new("nonsense");
    expect_kind(
        s.log.read_back(&s.topic, Some(&nonsense), 10).await,
        ErrorKind::Invalid,
    );
    let mut all = Retention::default();
    (all.max_len, all.hard_max_len) = (Some(0), Some(0));
    s.log.trim(&s.topic, &all).await.expect("it can be trimmed");
    expect_nothing(&s).await;
}

async fn expect_nothing(s: &Scene) {
    assert!(said(s.log.read_back(&s.topic, None, 10).await).is_empty());
}

pub(crate) async fn reading_leaves_no_trace(s: Scene) {
    s.make_group().await;
    s.publish(["one", "two", "three"]).await;
    let consumer = s.join().await;
    let held = take(&*consumer, 1).await;
    let before = s.describe_in_hand(1).await;
    let handle = s.open().await;
    for _ in 0..3 {
        let read = handle.read(&s.topic, &Start::Earliest, 10).await;
        assert_eq!(said(read).len(), 3);
        let read = handle.read_back(&s.topic, None, 10).await;
        assert_eq!(said(read).len(), 3);
    }
    let mut after = s.describe().await;
    // Time passes while one reads.
    after.lag.age = before.lag.age;
    assert_eq!(after, before);
    let groups = s.log.groups(&s.topic).await.expect("the topic is there");
    assert_eq!(groups.len(), 1, "reading makes no group");
    crate::scene::ack(&*consumer, &held).await;
    assert_eq!(crate::scene::drain(&*consumer, 2).await, ["two", "three"]);
}

pub(crate) async fn reading_is_refused_where_it_is_not_declared(s: Scene) {
    s.make_group().await;
    s.publish(["one"]).await;
    for from in [Start::Latest, Start::Earliest] {
        expect_kind(s.log.read(&s.topic, &from, 1).await, ErrorKind::Unsupported);
    }
    let read = s.log.read_back(&s.topic, None, 1).await;
    expect_kind(read, ErrorKind::Unsupported);
    let seeked = s.log.seek(&s.topic, &s.group, &Start::Earliest).await;
    expect_kind(seeked, ErrorKind::Unsupported);
    let subscription = {
        let mut subscription = s.subscription().start(&Start::Earliest);
        subscription.group = s.another_group("new");
        subscription
    };
    let joined = s.log.subscribe(subscription).await;
    expect_kind(joined, ErrorKind::Unsupported);
}
