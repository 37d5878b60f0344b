//! Nothing leaves the pending set but by success or a stored dead letter (6).

use std::time::Duration;

use tidings_transport::{
    Count, DeadLetter, ErrorKind, Key, Outcome, Reason, Settlement, Subscription,
};

use crate::scene::{
    LONG_LEASE, Scene, ack, body_text, close, drain, expect_kind, expect_quiet, join, pass,
    patiently, reason, settle, settled, start, take, take_one, text, texts,
};

pub(crate) async fn what_is_not_settled_comes_again(s: Scene) {
    s.make_group().await;
    s.publish(["one", "two"]).await;
    let first = s.join().await;
    let held = take(&*first, 2).await;
    // Neither starting a handler nor asking for more is an ack.
    start(&*first, &held[0]).await;
    expect_quiet(&*first).await;
    let info = s.describe().await;
    assert_eq!((info.pending, info.lag.events), (2, Count::Exactly(2)));
    ack(&*first, &held[1..]).await;
    close(&*first).await;
    let second = s.join().await;
    assert_eq!(drain(&*second, 1).await, ["one"]);
    expect_quiet(&*second).await;
}

pub(crate) async fn a_retry_comes_at_once(s: Scene) {
    s.make_group().await;
    s.publish(["one", "two"]).await;
    let consumer = s.join().await;
    let held = take(&*consumer, 2).await;
    assert_eq!(start(&*consumer, &held[0]).await, 1);
    settled(&*consumer, &held[0], Outcome::Retry { at: None }).await;
    ack(&*consumer, &held[1..]).await;
    let again = take_one(&*consumer).await;
    assert_eq!((text(&again).as_str(), again.attempts), ("one", 1));
    assert_eq!(again.position, held[0].position, "the same record");
    assert_eq!(start(&*consumer, &again).await, 2);
    ack(&*consumer, &[again]).await;
    expect_quiet(&*consumer).await;
}

pub(crate) async fn a_delayed_retry_comes_at_its_time(s: Scene) {
    s.make_group().await;
    s.publish(["one"]).await;
    let consumer = s.join().await;
    let delivery = take_one(&*consumer).await;
    assert_eq!(start(&*consumer, &delivery).await, 1);
    let at = s.now() + Duration::from_millis(1_200);
    settled(&*consumer, &delivery, Outcome::Retry { at: Some(at) }).await;
    assert_eq!(s.describe().await.lag.events, Count::Exactly(1));
    s.publish(["two"]).await;
    assert_eq!(drain(&*consumer, 1).await, ["two"], "others go on");
    let again = take_one(&*consumer).await;
    // The clocks of the log and of this case may be some milliseconds apart.
    let early = at.duration_since(s.now());
    assert!(early.as_millis() <= 20, "{early:?} too early");
    assert_eq!((text(&again).as_str(), again.attempts), ("one", 1));
    // A time that has passed is at once.
    let past = Some(s.now() - Duration::from_secs(3_600));
    settled(&*consumer, &again, Outcome::Retry { at: past }).await;
    assert_eq!(drain(&*consumer, 1).await, ["one"]);
}

pub(crate) async fn a_delay_is_refused_where_it_is_not_declared(s: Scene) {
    s.make_group().await;
    s.publish(["one"]).await;
    let consumer = s.join().await;
    let delivery = take_one(&*consumer).await;
    let at = Some(s.now() + Duration::from_secs(1));
    let refused = settle(&*consumer, &delivery, Outcome::Retry { at }).await;
    expect_kind(refused, ErrorKind::Unsupported);
    ack(&*consumer, &[delivery]).await;
}

async fn dead_letters(s: &Scene) -> Vec<DeadLetter> {
    s.log
        .dead_letters(&s.topic, &s.group, None, 100)
        .await
        .expect("the group is there")
}

pub(crate) async fn a_dead_letter_holds_everything(s: Scene) {
    s.make_group().await;
    let body = "{\"naïve\": \"\u{0}\u{ff}\"}";
    let [position] = s.publish_keyed([("Zoë", body)]).await;
    s.publish(["next"]).await;
    let subscription = s.subscription().consumer("catalog-worker");
    let consumer = join(&*s.log, subscription).await;
    for attempt in 1..=2 {
        let mut held = take(&*consumer, if attempt == 1 { 2 } else { 1 }).await;
        let delivery = held.remove(0);
        assert_eq!(start(&*consumer, &delivery).await, attempt);
        if attempt == 1 {
            settled(&*consumer, &delivery, Outcome::Retry { at: None }).await;
            ack(&*consumer, &held).await;
            continue;
        }
        let first_failure = s.now() - Duration::from_secs(60);
        let why = Reason::new("timeout", "no answer within 5 s").since(first_failure);
        let reason = why.clone();
        settled(&*consumer, &delivery, Outcome::DeadLetter { reason }).await;

        let letters = dead_letters(&s).await;
        let [letter] = &letters[..] else {
            panic!("one dead letter, not {letters:?}")
        };
        assert_eq!(letter.topic, s.topic);
        assert_eq!(letter.group, s.group);
        assert_eq!(letter.position, position);
        assert_eq!(letter.key.as_ref().map(Key::as_str), Some("Zoë"));
        assert_eq!(letter.attempts, 2);
        assert!(!letter.parked, "nothing waits behind it");
        assert_eq!(letter.consumer, "catalog-worker");
        assert_eq!(body_text(&letter.body), body);
        let stored = letter.reason.clone().expect("it failed");
        assert_eq!(
            (stored.class, stored.message),
            (why.class, why.message),
            "the reason as it was given"
        );
        // Logs may keep times by the millisecond.
        for (stored, given) in [
            (stored.first_failure, why.first_failure),
            (stored.last_failure, why.last_failure),
        ] {
            let apart = stored.duration_since(given).abs();
            assert!(apart.as_millis() <= 1, "{stored} for {given}");
        }
    }
    // The group has passed it.
    let info = s.describe().await;
    assert_eq!((info.pending, info.dead_letters), (0, 1));
    assert_eq!(info.lag.events, Count::Exactly(0));
    close(&*consumer).await;
    let again = s.join().await;
    expect_quiet(&*again).await;
}

/// What dapr got wrong: the dead letter was not stored and the message dropped anyway.
pub(crate) async fn a_dead_letter_that_cannot_be_stored_is_no_ack(s: Scene) {
    s.make_group().await;
    s.publish(["one", "two"]).await;
    let consumer = s.join().await;
    let held = take(&*consumer, 2).await;
    let fault = s.faults().dead_letter_refusal.expect("needed");
    fault.refuse(&s.topic, &s.group).await;
    let bury = |reason| Outcome::DeadLetter { reason };
    let refused = settle(&*consumer, &held[0], bury(reason())).await;
    refused.expect_err("the dead letter cannot be stored");
    let park = Outcome::Park {
        key: Some(Key::new("k")),
        reason: Some(reason()),
    };
    let refused = settle(&*consumer, &held[1], park).await;
    refused.expect_err("the dead letter cannot be stored");
    let info = s.describe_in_hand(2).await;
    assert_eq!(info.lag.events, Count::Exactly(2));
    fault.allow(&s.topic, &s.group).await;
    // Nothing changed: one can be settled still, the other given back.
    settled(&*consumer, &held[0], bury(reason())).await;
    close(&*consumer).await;
    let second = s.join().await;
    assert_eq!(drain(&*second, 1).await, ["two"]);
    let letters = dead_letters(&s).await;
    assert_eq!(letters.len(), 1);
    assert_eq!(body_text(&letters[0].body), "one");
}

pub(crate) async fn a_dead_letter_survives_a_kill_of_the_log(s: Scene) {
    s.make_group().await;
    s.publish(["one"]).await;
    let consumer = s.join().await;
    let one = take_one(&*consumer).await;
    let bury = Outcome::DeadLetter { reason: reason() };
    settled(&*consumer, &one, bury).await;
    let crash = s.faults().crash.expect("needed");
    crash.kill().await;
    drop(consumer);
    crash.restart().await;
    let handle = s.open().await;
    let letters = patiently("dead_letters", async || {
        handle.dead_letters(&s.topic, &s.group, None, 10).await
    })
    .await;
    assert_eq!(letters.len(), 1, "it was said to be stored");
    assert_eq!(body_text(&letters[0].body), "one");
}

/// What CAP got wrong: every replica retried, and all groups with them.
pub(crate) async fn only_the_failing_group_is_affected(s: Scene) {
    let [failing, healthy] = ["failing", "healthy"].map(|label| s.another_group(label));
    s.make(&failing).await;
    s.make(&healthy).await;
    s.publish(["one", "two"]).await;
    let subscribe = |group: &tidings_transport::Group| {
        Subscription::new(group.clone(), s.topic.clone()).lease(LONG_LEASE)
    };
    let bad = join(&*s.log, subscribe(&failing)).await;
    let held = take(&*bad, 2).await;
    settled(&*bad, &held[0], Outcome::Retry { at: None }).await;
    let reason = reason();
    settled(&*bad, &held[1], Outcome::DeadLetter { reason }).await;

    let good = join(&*s.log, subscribe(&healthy)).await;
    let heard = take(&*good, 2).await;
    assert_eq!(texts(&heard), ["one", "two"]);
    assert_eq!([heard[0].attempts, heard[1].attempts], [0, 0]);
    ack(&*good, &heard).await;
    expect_quiet(&*good).await;
    let letters = s.log.dead_letters(&s.topic, &healthy, None, 10).await;
    assert_eq!(letters.expect("the group is there"), []);
    // And the failing one still has its own work.
    assert_eq!(drain(&*bad, 1).await, ["one"]);
}

pub(crate) async fn a_batch_is_settled_one_by_one(s: Scene) {
    s.make_group().await;
    s.publish(["ack", "retry", "bury", "keep"]).await;
    let consumer = s.join().await;
    let held = take(&*consumer, 4).await;
    let reason = reason();
    let outcomes = [
        Outcome::DeadLetter { reason },
        Outcome::Ack,
        Outcome::Retry { at: None },
    ];
    let settlements: Vec<_> = [2, 0, 1]
        .into_iter()
        .zip(outcomes)
        .map(|(i, outcome): (usize, _)| Settlement {
            delivery: held[i].clone(),
            outcome,
        })
        .collect();
    for result in consumer.settle(&settlements).await {
        result.expect("each is in hand");
    }
    assert_eq!(drain(&*consumer, 1).await, ["retry"]);
    let letters = dead_letters(&s).await;
    assert_eq!(letters.len(), 1);
    assert_eq!(body_text(&letters[0].body), "bury");
    assert_eq!(s.describe().await.pending, 1, "one is still in hand");
}

pub(crate) async fn dead_letters_are_listed_by_pages(s: Scene) {
    s.make_group().await;
    s.publish(["1", "2", "3", "4", "5"]).await;
    let consumer = s.join().await;
    for delivery in take(&*consumer, 5).await {
        let reason = reason();
        settled(&*consumer, &delivery, Outcome::DeadLetter { reason }).await;
        // So that the log's clock tells them apart, if it orders them by time.
        pass(Duration::from_millis(2)).await;
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = s
            .log
            .dead_letters(&s.topic, &s.group, after.as_ref(), 2)
            .await
            .expect("the group is there");
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        assert!(seen.len() < 5, "the pages begin again");
        after = Some(last.id.clone());
        seen.extend(page.iter().map(|letter| body_text(&letter.body)));
    }
    assert_eq!(seen, ["1", "2", "3", "4", "5"], "oldest first");
}
