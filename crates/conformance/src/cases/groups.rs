//! Every group hears everything, and only settling moves it (2).

use tidings_transport::{Capability, ErrorKind, Outcome, Start, Subscription};

use crate::scene::{
    LONG_LEASE, SHORT_LEASE, Scene, ack, close, drain, expect_kind, expect_quiet, join, reason,
    set, settled, take, take_one, texts, until,
};

pub(crate) async fn every_group_hears_everything(s: Scene) {
    let groups = ["a", "b", "c"].map(|label| s.another_group(label));
    for group in &groups {
        s.make(group).await;
    }
    let records: Vec<_> = (0..20).map(|i| s.record(None, &format!("{i}"))).collect();
    crate::scene::publish(&*s.log, &records).await;
    for group in groups {
        let subscription = Subscription::new(group, s.topic.clone()).lease(LONG_LEASE);
        let consumer = join(&*s.log, subscription).await;
        let heard = drain(&*consumer, 20).await;
        assert_eq!(set(heard), set((0..20).map(|i| i.to_string())));
        expect_quiet(&*consumer).await;
    }
}

/// What `event-bus-redis` got wrong: a second consumer moved the whole group to the end.
pub(crate) async fn joining_moves_nothing(s: Scene) {
    s.make_group().await;
    s.publish(["one", "two", "three", "four"]).await;
    let first = s.join_unordered(LONG_LEASE).await;
    assert_eq!(drain(&*first, 1).await, ["one"]);
    let held = take(&*first, 1).await;
    // Only then everybody sees the same position.
    s.describe_in_hand(1).await;

    let handle = s.open().await;
    let again = handle
        .create_group(&s.topic, &s.group, &Start::Latest)
        .await
        .expect("making a group again is harmless");
    assert!(again.existed);
    let mut seconds = Vec::new();
    for _ in 0..3 {
        let subscription = s
            .subscription()
            .ordering(tidings_transport::Ordering::None)
            .start(&Start::Latest);
        seconds.push(join(&*handle, subscription).await);
    }
    for second in &seconds {
        assert!(second.opened()[0].1.existed, "the group was there before");
        assert_eq!(second.opened()[0].1.position, again.position);
    }
    let mut rest = Vec::new();
    if s.has(Capability::Competing) {
        rest.extend(drain(&*seconds[0], 1).await);
        rest.extend(drain(&*seconds[1], 1).await);
    } else {
        rest.extend(drain(&*first, 2).await);
    }
    assert_eq!(rest, ["three", "four"]);
    ack(&*first, &held).await;
    assert_eq!(s.describe().await.pending, 0);
}

pub(crate) async fn restarting_moves_nothing(s: Scene) {
    s.make_group().await;
    s.publish(["one", "two", "three", "four"]).await;
    let first = s.join().await;
    assert_eq!(drain(&*first, 2).await, ["one", "two"]);
    close(&*first).await;
    drop(first);
    // Neither back to the beginning nor to the end.
    for from in [beginning(&s), Start::Latest] {
        let handle = s.open().await;
        let again = join(&*handle, s.subscription().start(&from)).await;
        assert!(again.opened()[0].1.existed);
        close(&*again).await;
    }
    let last = s.join().await;
    assert_eq!(drain(&*last, 2).await, ["three", "four"]);
    expect_quiet(&*last).await;
}

/// The earliest start that the log can do.
fn beginning(s: &Scene) -> Start {
    if s.has(Capability::Replay) {
        Start::Earliest
    } else {
        Start::Latest
    }
}

pub(crate) async fn a_settled_record_is_not_heard_again(s: Scene) {
    s.make_group().await;
    s.publish(["one", "two"]).await;
    let first = s.join().await;
    assert_eq!(drain(&*first, 2).await, ["one", "two"]);
    close(&*first).await;
    let handle = s.open().await;
    let second = join(&*handle, s.subscription()).await;
    expect_quiet(&*second).await;
    s.publish(["three"]).await;
    assert_eq!(drain(&*second, 1).await, ["three"]);
}

pub(crate) async fn a_group_survives_a_kill_of_the_log(s: Scene) {
    s.make_group().await;
    s.publish(["one", "two", "three"]).await;
    // Where consumers compete, the third is there for others while the lost consumer has its lease.
    let competing = s.has(Capability::Competing);
    let lease = if competing { LONG_LEASE } else { SHORT_LEASE };
    let first = join(&*s.log, s.subscription().lease(lease)).await;
    let heard = take(&*first, 2).await;
    assert_eq!(texts(&heard), ["one", "two"]);
    ack(&*first, &heard[..1]).await;
    let crash = s.faults().crash.expect("needed");
    crash.kill().await;
    drop(first);
    crash.restart().await;
    // A new handle: how the old ones recover is another case.
    let handle = s.open().await;
    until("the log lists the group again", async || {
        let groups = handle.groups(&s.topic).await.unwrap_or_default();
        groups.iter().any(|info| info.group == s.group)
    })
    .await;
    let info = crate::scene::describe(&*handle, &s.topic, &s.group).await;
    assert_eq!(info.lag.events, tidings_transport::Count::Exactly(2));
    let second = join(
        &*handle,
        s.subscription().ordering(tidings_transport::Ordering::None),
    )
    .await;
    match competing {
        true => assert_eq!(drain(&*second, 1).await, ["three"]),
        false => assert_eq!(drain(&*second, 2).await, ["two", "three"]),
    }
}

pub(crate) async fn a_removed_group_is_gone(s: Scene) {
    let other = s.another_group("other");
    s.make_group().await;
    s.make(&other).await;
    s.publish(["one", "two", "three"]).await;
    let consumer = s.join().await;
    let failing = take_one(&*consumer).await;
    let reason = reason();
    settled(&*consumer, &failing, Outcome::DeadLetter { reason }).await;
    take(&*consumer, 1).await;
    close(&*consumer).await;

    let removed = s.log.remove_group(&s.topic, &s.group).await;
    removed.expect("nobody consumes it");
    let groups = s.log.groups(&s.topic).await.expect("the topic stays");
    let names: Vec<_> = groups.into_iter().map(|info| info.group).collect();
    assert_eq!(names, std::slice::from_ref(&other));
    let letters = s.log.dead_letters(&s.topic, &s.group, None, 10).await;
    expect_kind(letters, ErrorKind::NotFound);
    let again = s.log.remove_group(&s.topic, &s.group).await;
    expect_kind(again, ErrorKind::NotFound);
    // One of that name is another, and knows nothing.
    let made = s.log.create_group(&s.topic, &s.group, &Start::Latest).await;
    assert!(!made.expect("it is made").existed);
    let info = s.describe().await;
    assert_eq!((info.pending, info.dead_letters), (0, 0));
    let consumer = s.join().await;
    s.publish(["four"]).await;
    assert_eq!(drain(&*consumer, 1).await, ["four"]);
    expect_quiet(&*consumer).await;
    let mut subscription = s.subscription();
    subscription.group = other;
    let unharmed = join(&*s.log, subscription).await;
    assert_eq!(
        drain(&*unharmed, 4).await,
        ["one", "two", "three", "four"],
        "the records stay"
    );
}

pub(crate) async fn a_group_that_is_consumed_is_not_removed(s: Scene) {
    s.make_group().await;
    s.publish(["one", "two"]).await;
    let consumer = s.join().await;
    let held = take(&*consumer, 1).await;
    let handle = s.open().await;
    let removed = handle.remove_group(&s.topic, &s.group).await;
    expect_kind(removed, ErrorKind::Invalid);
    ack(&*consumer, &held).await;
    assert_eq!(drain(&*consumer, 1).await, ["two"]);
}
