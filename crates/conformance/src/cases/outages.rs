//! The log goes away and comes back (9).

use std::time::Duration;

use tidings_transport::{Capability, ErrorKind, Outcome, Start};

use crate::CutAt;
use crate::scene::{
    Losses, PATIENCE, Scene, body_text, drain, expect_temporary, join, next_patiently, pass,
    patiently, publish_patiently, settle, take_one, text, texts,
};

pub(crate) async fn an_outage_is_temporary_and_passes(s: Scene) {
    s.make_group().await;
    s.publish(["one"]).await;
    let consumer = s.join().await;
    let held = take_one(&*consumer).await;
    let crash = s.faults().crash.expect("needed");
    crash.kill().await;

    let lost = [s.record(None, "lost"), s.record(None, "too")];
    let results = tokio::time::timeout(PATIENCE, s.log.publish(&lost)).await;
    let results = results.expect("an answer in time");
    assert_eq!(results.len(), 2, "one result for each record");
    for result in results {
        let e = result.expect_err("the log is down");
        assert!(e.is_temporary(), "publish: {:?}: {e}", e.kind());
    }
    let one = std::slice::from_ref(&held);
    expect_temporary("next", consumer.next(1)).await;
    expect_temporary("settle", settle(&*consumer, &held, Outcome::Ack)).await;
    expect_temporary("start", async { consumer.start(one).await.remove(0) }).await;
    expect_temporary("heartbeat", async {
        consumer.heartbeat(one).await.remove(0)
    })
    .await;
    expect_temporary("ping", s.log.ping()).await;
    expect_temporary("topics", s.log.topics()).await;
    expect_temporary("groups", s.log.groups(&s.topic)).await;
    let group = s.another_group("new");
    let made = s.log.create_group(&s.topic, &group, &Start::Latest);
    expect_temporary("create_group", made).await;
    expect_temporary("subscribe", s.log.subscribe(s.subscription())).await;
    if s.has(Capability::Replay) {
        let read = s.log.read(&s.topic, &Start::Earliest, 10);
        expect_temporary("read", read).await;
    }

    crash.restart().await;
    // The same handles: nothing of ours is started again.
    publish_patiently(&*s.log, &s.record(None, "two")).await;
    let acked = patiently("settle", async || {
        match settle(&*consumer, &held, Outcome::Ack).await {
            Err(e) if e.kind() == ErrorKind::Stale => Ok(()),
            other => other,
        }
    });
    acked.await;
    let mut heard = Vec::new();
    while !heard.contains(&"two".to_owned()) {
        let batch = next_patiently(&*consumer).await;
        heard.extend(texts(&batch.deliveries));
        assert_eq!(batch.gaps, [], "nothing was lost");
    }
    patiently("ping", async || s.log.ping().await).await;
    let groups = s.log.groups(&s.topic).await.expect("the log is back");
    assert!(
        groups.iter().all(|g| g.group != group),
        "nothing was stored"
    );
}

pub(crate) async fn a_waiting_consumer_outlives_an_outage(s: Scene) {
    s.make_group().await;
    let consumer = s.join().await;
    let waiting = tokio::spawn({
        let consumer = consumer.clone();
        async move {
            // As long as it takes: two outages may be longer than anybody's patience.
            loop {
                match consumer.next(1).await {
                    Ok(batch) => {
                        assert_eq!(batch.gaps, [], "nothing was lost");
                        if let Some(first) = batch.deliveries.first() {
                            return text(first);
                        }
                    }
                    Err(e) => assert!(e.is_temporary(), "next: {:?}: {e}", e.kind()),
                }
                pass(Duration::from_millis(25)).await;
            }
        }
    });
    pass(Duration::from_millis(200)).await;
    let crash = s.faults().crash.expect("needed");
    for _ in 0..2 {
        crash.kill().await;
        pass(Duration::from_millis(500)).await;
        crash.restart().await;
        pass(Duration::from_millis(200)).await;
    }
    let handle = s.open().await;
    publish_patiently(&*handle, &s.record(None, "after")).await;
    let heard = tokio::time::timeout(PATIENCE, waiting).await;
    let heard = heard.expect("the log is back, and so is the consumer");
    assert_eq!(heard.expect("it waits through all that"), "after");
}

/// A missing group is never made anew at the end: what came since would be lost silently.
pub(crate) async fn a_log_restarted_empty_is_heard_from_its_beginning(s: Scene) {
    s.make_group().await;
    s.publish(["one", "two", "three"]).await;
    let consumer = s.join().await;
    assert_eq!(drain(&*consumer, 1).await, ["one"]);
    s.faults().wipe.expect("needed").restart_empty().await;
    let handle = s.open().await;
    for text in ["four", "five"] {
        publish_patiently(&*handle, &s.record(None, text)).await;
    }
    let mut heard = Vec::new();
    let mut losses = Losses::default();
    while heard.len() < 2 || !losses.any() {
        let batch = next_patiently(&*consumer).await;
        for delivery in &batch.deliveries {
            // The group may still be forming again, which is an outage.
            let settled = patiently("settle", async || {
                match settle(&*consumer, delivery, Outcome::Ack).await {
                    // A log that forgot its members too takes back what it handed out until then,
                    // and hands it out again.
                    Err(error) if error.kind() == ErrorKind::Stale => Ok(false),
                    other => other.map(|()| true),
                }
            });
            if settled.await {
                heard.push(text(delivery));
            }
        }
        losses.add(batch.gaps);
    }
    assert_eq!(heard, ["four", "five"]);
    losses.must_be_unknown(&s.topic, &s.group);
    crate::scene::expect_quiet(&*consumer).await;
    // And so for a consumer that joins afterwards: the group is there.
    publish_patiently(&*handle, &s.record(None, "six")).await;
    consumer.close().await.expect("a consumer can leave");
    let second = join(&*handle, s.subscription()).await;
    assert!(second.opened()[0].1.existed);
    assert_eq!(drain(&*second, 1).await, ["six"]);
}

/// What was settled since the consumer last asked may come again: at least once. What was settled
/// before may not, and nothing may be missing.
pub(crate) async fn a_lost_group_goes_on_where_it_was(s: Scene) {
    s.make_group().await;
    let consumer = s.join().await;
    for text in ["one", "two", "three", "four"] {
        s.publish([text]).await;
        assert_eq!(drain(&*consumer, 1).await, [text]);
    }
    s.publish(["five"]).await;
    let fault = s.faults().group_loss.expect("needed");
    fault.destroy_group(&s.topic, &s.group).await;
    s.publish(["six"]).await;
    let mut heard = Vec::new();
    while !heard.contains(&"six".to_owned()) {
        let batch = next_patiently(&*consumer).await;
        heard.extend(texts(&batch.deliveries));
    }
    assert!(heard.ends_with(&["five".into(), "six".into()]), "{heard:?}");
    assert!(
        !heard.contains(&"one".into()),
        "from the beginning: {heard:?}"
    );
}

pub(crate) async fn a_silent_log_is_an_outage(s: Scene) {
    s.make_group().await;
    let consumer = s.join().await;
    let freeze = s.faults().freeze.expect("needed");
    freeze.freeze().await;
    let record = s.record(None, "during");
    let results = tokio::time::timeout(PATIENCE, s.log.publish(&[record])).await;
    let mut results = results.expect("nobody waits for ever");
    let fate = results.remove(0).expect_err("nothing answered");
    assert!(fate.is_temporary(), "{fate}");
    expect_temporary("ping", s.log.ping()).await;
    freeze.thaw().await;
    publish_patiently(&*s.log, &s.record(None, "after")).await;
    let mut heard = Vec::new();
    while !heard.contains(&"after".to_owned()) {
        let batch = next_patiently(&*consumer).await;
        assert_eq!(batch.gaps, [], "nothing was lost");
        heard.extend(texts(&batch.deliveries));
    }
    if fate.kind() != ErrorKind::UnknownOutcome {
        assert_eq!(heard, ["after"], "{:?} says: not stored", fate.kind());
    }
}

pub(crate) async fn broken_connections_lose_nothing(s: Scene) {
    s.make_group().await;
    let cut = s.faults().cut.expect("needed");
    // What an answer that never arrived had handed out comes after the lease at the latest.
    let subscription = s.subscription().lease(Duration::from_secs(1));
    let consumer = join(&*s.log, subscription).await;
    let mut heard = std::collections::HashSet::new();
    for round in 0..12 {
        let at = [CutAt::Request, CutAt::Answer][round % 2];
        let wanted = format!("{round}");
        if round % 3 == 0 {
            cut.cut_next(at).await;
        }
        publish_patiently(&*s.log, &s.record(None, &wanted)).await;
        if round % 3 == 1 {
            cut.cut_next(at).await;
        }
        while !heard.contains(&wanted) {
            let batch = next_patiently(&*consumer).await;
            assert_eq!(batch.gaps, [], "nothing was lost");
            if round % 3 == 2 {
                cut.cut_next(at).await;
            }
            for delivery in &batch.deliveries {
                heard.insert(body_text(&delivery.body));
                patiently("settle", async || {
                    match settle(&*consumer, delivery, Outcome::Ack).await {
                        // The answer to the first attempt was lost.
                        Err(e) if e.kind() == ErrorKind::Stale => Ok(()),
                        other => other,
                    }
                })
                .await;
            }
        }
    }
    // Nothing is left hanging: what came twice is acked twice.
    let since = tokio::time::Instant::now();
    while s.describe().await.pending > 0 {
        assert!(since.elapsed() < PATIENCE, "something stays pending");
        let waiting = tokio::time::timeout(crate::scene::QUIET, consumer.next(10)).await;
        if let Ok(Ok(batch)) = waiting {
            crate::scene::ack(&*consumer, &batch.deliveries).await;
        }
    }
}
