//! A group is moved on purpose.

use tidings_transport::{Count, ErrorKind, Outcome, Position, Start};

use crate::scene::{
    Scene, close, drain, expect_kind, expect_quiet, heartbeat, pass, reason, settle, settled, take,
    take_one,
};

pub(crate) async fn seeking_forward_passes_over(s: Scene) {
    s.make_group().await;
    let [.., three, _] = s.publish(["one", "two", "three", "four"]).await;
    let consumer = s.join().await;
    assert_eq!(drain(&*consumer, 1).await, ["one"]);
    let seeked = s
        .log
        .seek(&s.topic, &s.group, &Start::After(three.clone()))
        .await
        .expect("the group is there");
    assert_ne!(seeked.before, seeked.after);
    assert_eq!(seeked.after, three);
    assert_eq!(s.describe().await.lag.events, Count::Exactly(1));
    assert_eq!(drain(&*consumer, 1).await, ["four"]);
    s.publish(["five"]).await;
    let seeked = s.log.seek(&s.topic, &s.group, &Start::Latest).await;
    seeked.expect("the group is there");
    s.publish(["six"]).await;
    assert_eq!(drain(&*consumer, 1).await, ["six"]);
    expect_quiet(&*consumer).await;
}

pub(crate) async fn seeking_back_hears_again(s: Scene) {
    s.make_group().await;
    let [one, ..] = s.publish(["one", "two"]).await;
    pass(std::time::Duration::from_millis(200)).await;
    let between = s.now();
    pass(std::time::Duration::from_millis(200)).await;
    s.publish(["three"]).await;
    let consumer = s.join().await;
    assert_eq!(drain(&*consumer, 3).await, ["one", "two", "three"]);
    let cases: [(_, &[&str]); 3] = [
        (Start::Earliest, &["one", "two", "three"]),
        (Start::After(one), &["two", "three"]),
        (Start::Time(between), &["three"]),
    ];
    for (to, wanted) in cases {
        // A consumer that waits is woken.
        let waiting = tokio::spawn({
            let (consumer, wanted) = (consumer.clone(), wanted.len());
            async move { drain(&*consumer, wanted).await }
        });
        pass(std::time::Duration::from_millis(50)).await;
        let seeked = s.log.seek(&s.topic, &s.group, &to).await;
        seeked.expect("the group is there");
        assert_eq!(waiting.await.expect("it is woken"), wanted, "{to:?}");
        expect_quiet(&*consumer).await;
    }
}

pub(crate) async fn seeking_forgets_what_is_in_flight(s: Scene) {
    s.make_group().await;
    s.publish(["one", "two"]).await;
    let consumer = s.join().await;
    let held = take(&*consumer, 2).await;
    let seeked = s.log.seek(&s.topic, &s.group, &Start::Latest).await;
    seeked.expect("the group is there");
    let info = s.describe().await;
    assert_eq!((info.pending, info.lag.events), (0, Count::Exactly(0)));
    expect_kind(heartbeat(&*consumer, &held[0]).await, ErrorKind::Stale);
    let started = consumer.start(&held).await;
    for result in started {
        expect_kind(result, ErrorKind::Stale);
    }
    let again = Outcome::Retry { at: None };
    expect_kind(settle(&*consumer, &held[0], again).await, ErrorKind::Stale);
    let acked = settle(&*consumer, &held[1], Outcome::Ack).await;
    expect_kind(acked, ErrorKind::Stale);
    expect_quiet(&*consumer).await;
}

pub(crate) async fn what_was_in_flight_comes_again_after_seeking_back(s: Scene) {
    s.make_group().await;
    s.publish(["one"]).await;
    let consumer = s.join().await;
    let older = take_one(&*consumer).await;
    let seeked = s.log.seek(&s.topic, &s.group, &Start::Earliest).await;
    seeked.expect("the group is there");
    let newer = take_one(&*consumer).await;
    expect_kind(
        settle(&*consumer, &older, Outcome::Ack).await,
        ErrorKind::Stale,
    );
    settled(&*consumer, &newer, Outcome::Ack).await;
    expect_quiet(&*consumer).await;
}

pub(crate) async fn seeking_leaves_dead_letters_alone(s: Scene) {
    s.make_group().await;
    s.publish_keyed([("a", "one"), ("b", "two")]).await;
    let consumer = s.join().await;
    let held = take(&*consumer, 2).await;
    let bury = Outcome::DeadLetter { reason: reason() };
    settled(&*consumer, &held[0], bury).await;
    let park = Outcome::Park {
        key: None,
        reason: Some(reason()),
    };
    settled(&*consumer, &held[1], park).await;
    let seeked = s.log.seek(&s.topic, &s.group, &Start::Latest).await;
    seeked.expect("the group is there");
    let info = s.describe().await;
    assert_eq!((info.dead_letters, info.parked_keys), (2, 1));
    close(&*consumer).await;
}

pub(crate) async fn seeking_nowhere_is_refused(s: Scene) {
    s.make_group().await;
    s.publish(["one"]).await;
    let nonsense = Start::After(Position::new("nonsense"));
    let seeked = s.log.seek(&s.topic, &s.group, &nonsense).await;
    expect_kind(seeked, ErrorKind::Invalid);
    let consumer = s.join().await;
    assert_eq!(drain(&*consumer, 1).await, ["one"], "nothing was moved");
}
