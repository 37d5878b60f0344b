//! Dead letters and records go to their group once more, and dead letters are removed.

use std::sync::Arc;
use std::time::Duration;

use tidings_transport::{
    DeadLetter, Delivery, ErrorKind, Key, Outcome, Position, Redelivery, Result, Stored, Subscriber,
};

use crate::scene::{
    PATIENCE, QUIET, SHORT_LEASE, Scene, ack, body_text, close, describe, document, drain,
    expect_kind, expect_quiet, join, next, pass, reason, settle, settled, start, take, take_one,
    text,
};

async fn letters(s: &Scene) -> Vec<DeadLetter> {
    let letters = s.log.dead_letters(&s.topic, &s.group, None, 100).await;
    letters.expect("the group is there")
}

async fn redeliver(s: &Scene, records: &[Redelivery]) -> Vec<Result<()>> {
    let results = s.log.redeliver(&s.topic, &s.group, records).await;
    assert_eq!(results.len(), records.len(), "one result for each");
    results
}

/// Redelivers dead letters, each of which must be taken.
async fn again(s: &Scene, letters: &[DeadLetter]) {
    let ids = letters.iter().map(|l| Redelivery::DeadLetter(l.id.clone()));
    for result in redeliver(s, &ids.collect::<Vec<_>>()).await {
        result.expect("the dead letter is there");
    }
}

async fn discard(s: &Scene, ids: &[Position]) -> Vec<Result<()>> {
    let results = s.log.discard(&s.topic, &s.group, ids).await;
    assert_eq!(results.len(), ids.len(), "one result for each");
    results
}

/// Publishes these and makes each a dead letter. Returns the letters, in order.
async fn bury<const N: usize>(
    s: &Scene,
    consumer: &dyn Subscriber,
    records: [(Option<&str>, &str); N],
) -> Vec<DeadLetter> {
    for (key, body) in records {
        crate::scene::publish(&*s.log, &[s.record(key, body)]).await;
        let delivery = take_one(consumer).await;
        assert_eq!(start(consumer, &delivery).await, 1);
        let outcome = Outcome::DeadLetter { reason: reason() };
        settled(consumer, &delivery, outcome).await;
    }
    letters(s).await
}

async fn park(consumer: &dyn Subscriber, delivery: &Arc<Delivery>, why: bool) {
    let outcome = Outcome::Park {
        key: None,
        reason: why.then(reason),
    };
    settled(consumer, delivery, outcome).await;
}

/// A record as a replay hands it on.
fn stored(position: &Position, key: Option<&str>, body: &str) -> Redelivery {
    Redelivery::Record(Stored {
        position: position.clone(),
        received: None,
        key: key.map(Key::new),
        body: document(body),
    })
}

pub(crate) async fn a_dead_letter_goes_to_its_group_alone(s: Scene) {
    s.make_group().await;
    let other = s.another_group("other");
    s.make(&other).await;
    let consumer = s.join().await;
    let buried = bury(&s, &*consumer, [(Some("a"), "a1"), (None, "n1")]).await;
    let hears = join(&*s.log, {
        let mut subscription = s.subscription();
        subscription.group = other.clone();
        subscription
    })
    .await;
    assert_eq!(drain(&*hears, 2).await, ["a1", "n1"]);
    assert!(buried.iter().all(|l| !l.redelivering));
    again(&s, &buried).await;
    // Asking twice hands out once.
    again(&s, &buried).await;
    assert!(letters(&s).await.iter().all(|l| l.redelivering));
    let mut held = take(&*consumer, 2).await;
    held.sort_by_key(text);
    let keys: Vec<_> = held
        .iter()
        .map(|d| d.key.as_ref().map(Key::as_str))
        .collect();
    assert_eq!(keys, [Some("a"), None]);
    for (delivery, letter) in held.iter().zip(&buried) {
        assert!(delivery.released);
        assert_eq!(delivery.position, letter.position);
        assert_eq!(
            (text(delivery), delivery.attempts),
            (body_text(&letter.body), 1)
        );
        assert_eq!(start(&*consumer, delivery).await, 2);
    }
    assert_eq!(
        letters(&s).await.len(),
        2,
        "they stay until they are settled"
    );
    ack(&*consumer, &held).await;
    expect_quiet(&*consumer).await;
    assert_eq!(letters(&s).await, []);
    expect_quiet(&*hears).await;
    let info = describe(&*s.log, &s.topic, &other).await;
    assert_eq!((info.pending, info.dead_letters), (0, 0));
}

pub(crate) async fn what_fails_again_stays_and_blocks_nothing(s: Scene) {
    s.make_group().await;
    let consumer = s.join().await;
    let buried = bury(&s, &*consumer, [(Some("a"), "a1")]).await;
    for round in 1..=2 {
        again(&s, &buried).await;
        let held = take_one(&*consumer).await;
        assert_eq!(start(&*consumer, &held).await, round + 1);
        match round {
            1 => park(&*consumer, &held, true).await,
            _ => {
                let outcome = Outcome::DeadLetter { reason: reason() };
                settled(&*consumer, &held, outcome).await;
            }
        }
        let left = letters(&s).await;
        assert_eq!(left.len(), 1);
        let state = (left[0].parked, left[0].redelivering, left[0].attempts);
        assert_eq!(state, (false, false, round + 1));
        assert_eq!(left[0].id, buried[0].id, "it keeps its place");
        assert_eq!(
            s.describe().await.parked_keys,
            0,
            "its successors have passed"
        );
    }
    s.publish_keyed([("a", "a2")]).await;
    assert_eq!(drain(&*consumer, 1).await, ["a2"]);
}

pub(crate) async fn those_of_one_key_come_one_at_a_time_in_order(s: Scene) {
    s.make_group().await;
    let consumer = s.join().await;
    let records = [
        (Some("a"), "a1"),
        (None, "n1"),
        (Some("a"), "a2"),
        (Some("b"), "b1"),
        (None, "n2"),
        (Some("a"), "a3"),
    ];
    let buried = bury(&s, &*consumer, records).await;
    let mut backwards = buried.clone();
    backwards.reverse();
    again(&s, &backwards).await;
    let mut first = take(&*consumer, 4).await;
    first.sort_by_key(text);
    let said: Vec<_> = first.iter().map(text).collect();
    assert_eq!(said, ["a1", "b1", "n1", "n2"]);
    expect_quiet(&*consumer).await;
    // Given back, it keeps its turn.
    settled(&*consumer, &first[0], Outcome::Retry { at: None }).await;
    let a1 = take_one(&*consumer).await;
    assert_eq!(text(&a1), "a1");
    ack(&*consumer, &[a1]).await;
    ack(&*consumer, &first[1..]).await;
    assert_eq!(drain(&*consumer, 2).await, ["a2", "a3"]);
    assert_eq!(letters(&s).await, []);
}

pub(crate) async fn a_record_goes_to_one_group_alone(s: Scene) {
    s.make_group().await;
    let other = s.another_group("other");
    s.make(&other).await;
    let [p1, p2, p3] = s
        .publish_keyed([("a", "a1"), ("a", "a2"), ("b", "b1")])
        .await;
    let consumer = s.join().await;
    while s.describe().await.lag.events != tidings_transport::Count::Exactly(0) {
        ack(&*consumer, &next(&*consumer, 10).await.deliveries).await;
    }
    let before = describe(&*s.log, &s.topic, &other).await;
    let records = [
        stored(&p1, Some("a"), "a1 once more"),
        stored(&p2, Some("a"), "a2 once more"),
        stored(&p3, None, "b1 once more"),
    ];
    for result in redeliver(&s, &records).await {
        result.expect("the log takes them");
    }
    let waiting = letters(&s).await;
    assert_eq!(waiting.len(), 3);
    for letter in &waiting {
        let state = (letter.redelivering, letter.parked, letter.attempts);
        assert_eq!(state, (true, false, 0));
        assert_eq!(letter.reason, None);
    }
    let mut held = take(&*consumer, 2).await;
    held.sort_by_key(text);
    let said: Vec<_> = held.iter().map(text).collect();
    assert_eq!(said, ["a1 once more", "b1 once more"]);
    assert_eq!((held[0].position.clone(), held[0].released), (p1, true));
    assert_eq!(start(&*consumer, &held[0]).await, 1);
    ack(&*consumer, &held).await;
    assert_eq!(drain(&*consumer, 1).await, ["a2 once more"]);
    assert_eq!(letters(&s).await, []);
    let after = describe(&*s.log, &s.topic, &other).await;
    assert_eq!(before.lag.events, after.lag.events);
    let topic = crate::scene::describe_topic(&*s.log, &s.topic).await;
    assert_eq!(topic.length, 3, "nothing is published");
}

/// What is new of a key and what comes again are never in hand together, where the log sees to
/// that.
pub(crate) async fn a_key_has_one_in_hand_also_then(s: Scene) {
    s.make_group().await;
    let consumer = s.join().await;
    let buried = bury(&s, &*consumer, [(Some("a"), "a1")]).await;
    s.publish_keyed([("a", "a2"), ("a", "a3")]).await;
    let a2 = take_one(&*consumer).await;
    again(&s, &buried).await;
    expect_quiet(&*consumer).await;
    ack(&*consumer, &[a2]).await;
    let a1 = take_one(&*consumer).await;
    assert_eq!(text(&a1), "a1", "the elder comes first");
    expect_quiet(&*consumer).await;
    s.publish_keyed([("a", "a4")]).await;
    ack(&*consumer, &[a1]).await;
    assert_eq!(drain(&*consumer, 2).await, ["a3", "a4"]);
}

pub(crate) async fn what_cannot_be_redelivered_is_refused(s: Scene) {
    s.make_group().await;
    let consumer = s.join().await;
    let buried = bury(&s, &*consumer, [(None, "n1"), (None, "n2")]).await;
    for result in discard(&s, &[buried[0].id.clone()]).await {
        result.expect("it is there");
    }
    s.publish_keyed([("a", "a1")]).await;
    park(&*consumer, &take_one(&*consumer).await, true).await;
    let all = letters(&s).await;
    let parked = all.iter().find(|l| l.parked).expect("a1 is parked");
    let ids = [&buried[0].id, &parked.id, &buried[1].id];
    let asked = ids.map(|id| Redelivery::DeadLetter(id.clone()));
    let mut results = redeliver(&s, &asked).await.into_iter();
    let mut result = || results.next().expect("one result for each");
    expect_kind(result(), ErrorKind::NotFound);
    expect_kind(result(), ErrorKind::Invalid);
    result().expect("the third is a dead letter");
    assert_eq!(drain(&*consumer, 1).await, ["n2"]);
    expect_quiet(&*consumer).await;
    let nobody = s.another_group("nobody");
    let mut results = s.log.redeliver(&s.topic, &nobody, &asked).await;
    expect_kind(results.remove(0), ErrorKind::NotFound);
    let ids = std::slice::from_ref(&parked.id);
    let mut results = s.log.discard(&s.topic, &nobody, ids).await;
    expect_kind(results.remove(0), ErrorKind::NotFound);
}

pub(crate) async fn a_dead_consumers_redelivered_record_passes_on(s: Scene) {
    s.make_group().await;
    let first = join(&*s.log, s.subscription().lease(SHORT_LEASE)).await;
    let buried = bury(&s, &*first, [(Some("a"), "a1"), (None, "n1")]).await;
    again(&s, &buried).await;
    for delivery in take(&*first, 2).await {
        assert_eq!(start(&*first, &delivery).await, 2);
    }
    drop(first);
    let second = s.join().await;
    let mut held = take(&*second, 2).await;
    held.sort_by_key(text);
    let said: Vec<_> = held.iter().map(|d| (text(d), d.attempts)).collect();
    assert_eq!(said, [("a1".to_owned(), 2), ("n1".to_owned(), 2)]);
    ack(&*second, &held).await;
    assert_eq!(letters(&s).await, []);
}

pub(crate) async fn redeliveries_survive_reopening(s: Scene) {
    s.make_group().await;
    let first = s.join().await;
    let buried = bury(&s, &*first, [(Some("a"), "a1")]).await;
    close(&*first).await;
    drop(first);
    again(&s, &buried).await;
    let record = stored(&buried[0].position, Some("a"), "a1 once more");
    for result in redeliver(&s, &[record]).await {
        result.expect("the log takes it");
    }
    let handle = s.open().await;
    let second = join(&*handle, s.subscription()).await;
    assert_eq!(drain(&*second, 2).await, ["a1", "a1 once more"]);
}

pub(crate) async fn redelivery_wakes_a_waiting_consumer(s: Scene) {
    s.make_group().await;
    let consumer = s.join().await;
    let buried = bury(&s, &*consumer, [(Some("a"), "a1")]).await;
    let waiting = tokio::spawn(async move { text(&take_one(&*consumer).await) });
    pass(Duration::from_millis(100)).await;
    again(&s, &buried).await;
    let woken = tokio::time::timeout(PATIENCE, waiting).await;
    assert_eq!(woken.expect("in time").expect("it is woken"), "a1");
}

pub(crate) async fn discarding_removes_for_good(s: Scene) {
    s.make_group().await;
    let consumer = s.join().await;
    let buried = bury(&s, &*consumer, [(None, "n1"), (Some("b"), "b1")]).await;
    s.publish_keyed([("a", "a1")]).await;
    park(&*consumer, &take_one(&*consumer).await, true).await;
    let a1 = letters(&s).await.pop().expect("a1 is parked");
    let ids = [buried[0].id.clone(), a1.id.clone()];
    for result in discard(&s, &ids).await {
        result.expect("they are there");
    }
    for result in discard(&s, &ids).await {
        expect_kind(result, ErrorKind::NotFound);
    }
    let left: Vec<_> = letters(&s).await.into_iter().map(|l| l.id).collect();
    assert_eq!(left, [buried[1].id.clone()]);
    let info = s.describe().await;
    assert_eq!(
        (info.dead_letters, info.parked_keys),
        (1, 0),
        "the key is clear"
    );
    // Nothing waits any more: what comes now is not parked.
    s.publish_keyed([("a", "a2")]).await;
    let a2 = take_one(&*consumer).await;
    let follow = Outcome::Park {
        key: None,
        reason: None,
    };
    expect_kind(settle(&*consumer, &a2, follow).await, ErrorKind::NotParked);
    ack(&*consumer, &[a2]).await;
}

pub(crate) async fn discarding_one_of_a_parked_key_leaves_the_others(s: Scene) {
    s.make_group().await;
    let consumer = s.join().await;
    s.publish_keyed([("a", "a1"), ("a", "a2"), ("a", "a3")])
        .await;
    park(&*consumer, &take_one(&*consumer).await, true).await;
    while let Ok(batch) = tokio::time::timeout(QUIET, consumer.next(10)).await {
        let batch = batch.expect("a healthy log hands out records");
        for delivery in &batch.deliveries {
            park(&*consumer, delivery, false).await;
        }
    }
    let all = letters(&s).await;
    for result in discard(&s, &[all[0].id.clone()]).await {
        result.expect("it is there");
    }
    assert_eq!(s.describe().await.parked_keys, 1, "two still wait");
    let released = s.log.release(&s.topic, &s.group, &Key::new("a")).await;
    assert_eq!(released.expect("the group is there"), 2);
    assert_eq!(drain(&*consumer, 2).await, ["a2", "a3"]);
}

pub(crate) async fn discarding_what_is_in_hand_makes_it_stale(s: Scene) {
    s.make_group().await;
    let consumer = s.join().await;
    let buried = bury(&s, &*consumer, [(Some("a"), "a1"), (Some("a"), "a2")]).await;
    again(&s, &buried).await;
    let a1 = take_one(&*consumer).await;
    for result in discard(&s, &[buried[0].id.clone()]).await {
        result.expect("it is there");
    }
    let late = settle(&*consumer, &a1, Outcome::Ack).await;
    expect_kind(late, ErrorKind::Stale);
    assert_eq!(drain(&*consumer, 1).await, ["a2"]);
    assert_eq!(letters(&s).await, []);
}
