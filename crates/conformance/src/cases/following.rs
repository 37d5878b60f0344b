//! What follows a delivery starts together with its settlement (4, 5).

use std::sync::Arc;

use tidings_transport::{Delivery, ErrorKind, Follower, Outcome, Result, Settlement, Subscriber};

use crate::scene::{
    Scene, close, expect_kind, expect_quiet, reason, settled, start, take, take_one, texts,
};

/// Settles these by these outcomes and starts those behind them: one result each.
async fn follow<const S: usize, const F: usize>(
    consumer: &dyn Subscriber,
    settlements: [(&Arc<Delivery>, Outcome); S],
    followers: [(&Arc<Delivery>, usize); F],
) -> ([Result<()>; S], [Result<u32>; F]) {
    let settlements = settlements.map(|(delivery, outcome)| Settlement {
        delivery: delivery.clone(),
        outcome,
    });
    let followers = followers.map(|(delivery, behind)| Follower {
        delivery: delivery.clone(),
        behind,
    });
    let (settled, started) = consumer.settle_and_start(&settlements, &followers).await;
    (
        settled.try_into().expect("one result for each settlement"),
        started.try_into().expect("one result for each follower"),
    )
}

pub(crate) async fn what_follows_starts_with_the_settlement(s: Scene) {
    s.make_group().await;
    s.publish(["one", "two", "three", "four", "five"]).await;
    let consumer = s.join().await;
    let held = take(&*consumer, 5).await;
    for delivery in &held[..4] {
        assert_eq!(start(&*consumer, delivery).await, 1);
    }
    settled(&*consumer, &held[3], Outcome::Retry { at: None }).await;
    let four = take_one(&*consumer).await;

    let bury = Outcome::DeadLetter { reason: reason() };
    let settlements = [(&held[1], Outcome::Ack), (&held[2], bury)];
    let followers = [(&four, 1), (&held[4], 0)];
    let (settled, started) = follow(&*consumer, settlements, followers).await;
    for result in settled {
        result.expect("each is in hand");
    }
    let started = started.map(|started| started.expect("each is in hand"));
    assert_eq!(started, [2, 1], "each its own number, in the order given");
    // Nothing has to follow.
    let ([settled], []) = follow(&*consumer, [(&held[0], Outcome::Ack)], []).await;
    settled.expect("it is in hand");

    close(&*consumer).await;
    let second = s.join().await;
    let left = take(&*second, 2).await;
    assert_eq!(texts(&left), ["four", "five"], "the others are settled");
    assert_eq!([left[0].attempts, left[1].attempts], [2, 1]);
    let letters = s.log.dead_letters(&s.topic, &s.group, None, 10).await;
    assert_eq!(letters.expect("the group is there").len(), 1);
}

pub(crate) async fn a_stale_settlement_is_out_of_the_way(s: Scene) {
    s.make_group().await;
    s.publish(["one", "two", "three", "four"]).await;
    let consumer = s.join().await;
    let held = take(&*consumer, 4).await;
    settled(&*consumer, &held[0], Outcome::Ack).await;
    let settlements = [(&held[0], Outcome::Ack), (&held[1], Outcome::Ack)];
    let followers = [(&held[2], 0), (&held[3], 1)];
    let ([stale, settled], started) = follow(&*consumer, settlements, followers).await;
    expect_kind(stale, ErrorKind::Stale);
    settled.expect("the second is in hand");
    let started = started.map(|started| started.expect("each is in hand"));
    assert_eq!(started, [1, 1]);
}

pub(crate) async fn a_stale_follower_starts_nothing(s: Scene) {
    s.make_group().await;
    s.publish(["one", "two", "three", "four"]).await;
    let consumer = s.join().await;
    let held = take(&*consumer, 4).await;
    settled(&*consumer, &held[2], Outcome::Retry { at: None }).await;
    let three = take_one(&*consumer).await;
    assert_ne!(held[2].epoch, three.epoch, "each holding has an epoch");
    let settlements = [(&held[0], Outcome::Ack), (&held[1], Outcome::Ack)];
    let followers = [(&held[2], 0), (&held[3], 1)];
    let (settled, [stale, started]) = follow(&*consumer, settlements, followers).await;
    for result in settled {
        result.expect("each is in hand");
    }
    expect_kind(stale, ErrorKind::Stale);
    assert_eq!(started.expect("the fourth is in hand"), 1);

    close(&*consumer).await;
    let second = s.join().await;
    let left = take(&*second, 2).await;
    assert_eq!(texts(&left), ["three", "four"]);
    assert_eq!([left[0].attempts, left[1].attempts], [0, 1]);
    expect_quiet(&*second).await;
}

pub(crate) async fn what_is_not_settled_is_not_followed(s: Scene) {
    s.make_group().await;
    s.publish(["one", "two", "three", "four"]).await;
    let consumer = s.join().await;
    let held = take(&*consumer, 4).await;
    let fault = s.faults().dead_letter_refusal.expect("needed");
    fault.refuse(&s.topic, &s.group).await;
    let bury = Outcome::DeadLetter { reason: reason() };
    let settlements = [(&held[0], bury.clone()), (&held[1], Outcome::Ack)];
    let followers = [(&held[2], 0), (&held[3], 1)];
    let ([refused, acked], [held_back, started]) = follow(&*consumer, settlements, followers).await;
    let refused = refused.expect_err("the dead letter cannot be stored");
    assert_ne!(refused.kind(), ErrorKind::Stale, "{refused}");
    acked.expect("the second is in hand");
    let held_back = held_back.expect_err("what is before it is still in hand");
    assert!(held_back.is_temporary(), "{held_back}");
    assert_eq!(started.expect("it follows the second"), 1);
    fault.allow(&s.topic, &s.group).await;
    settled(&*consumer, &held[0], bury).await;
    // Later its start has the number that it would have had.
    assert_eq!(start(&*consumer, &held[2]).await, 1);
}
