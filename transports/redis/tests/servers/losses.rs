//! What others remove is reported, also where the server does not count (Redis 6.2); and a server that is
//! full.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tidings_conformance::servers::RedisServer;
use tidings_transport::{
    Batch, Count, ErrorKind, Gap, GroupInfo, Retention, Start, Subscriber, Subscription, Transport,
};
use tidings_transport_redis::{Redis, RedisConfig};

use crate::listener::{Listener, ack, group, publish, start, topic};

#[tokio::test]
async fn what_another_producer_trims_before_the_group_reads_it_is_a_gap() {
    let (server, log) = start().await;
    let log: Arc<dyn Transport> = Arc::new(log);

    publish(&*log, 0..5).await;
    let listener = Listener::start(Arc::clone(&log)).await;
    listener.wait_for(0..5).await;
    // What was heard and is not settled would be missed as well.
    let end = Instant::now() + PATIENCE;
    while described(&*log).await.pending > 0 {
        assert!(Instant::now() < end, "it never settles");
        tokio::time::sleep(LEASE / 20).await;
    }
    drop(listener);
    publish(&*log, 5..20).await;
    let trim = ["XTRIM", topic().as_str(), "MAXLEN", "3"].map(str::to_owned);
    let trim: Vec<&str> = trim.iter().map(String::as_str).collect();
    server.command(&trim).expect("it trims");

    let listener = Listener::start(log).await;
    let gap = listener.wait_for_a_gap().await;
    assert_eq!(listener.wait_for(17..20).await, [17, 18, 19]);
    // How many is known if the dropped consumer had time to tell what it was handed.
    assert!(
        [Count::Exactly(12), Count::Unknown].contains(&gap.lost),
        "{gap:?}"
    );
}

#[tokio::test]
async fn a_server_that_is_full_still_hands_out_what_it_has() {
    const EVENTS: usize = 60;
    let (server, log) = start().await;
    publish(&log, 0..EVENTS as u32).await;
    let subscription = Subscription::new(group(), topic()).start(&Start::Earliest);
    let subscriber = log.subscribe(subscription).await.expect("it subscribes");
    let mut handed = 0;
    while handed < EVENTS {
        let batch = subscriber.next(7).await.expect("it hands out");
        for started in subscriber.start(&batch.deliveries).await {
            started.expect("it is ours");
        }
        handed += batch.deliveries.len();
        ack(&*subscriber, batch.deliveries).await;
        // Less than it uses, from the first batch on.
        let full = ["CONFIG", "SET", "maxmemory", "1000000"];
        server.command(&full).expect("it is set");
    }
    let refused = log.publish(&[crate::listener::record(0)]).await.remove(0);
    assert!(refused.expect_err("it is full").is_temporary());
}

const LEASE: Duration = Duration::from_millis(700);
const PATIENCE: Duration = Duration::from_secs(60);

async fn join(log: &Redis) -> Arc<dyn Subscriber> {
    let subscription = Subscription::new(group(), topic()).start(&Start::Earliest);
    let joined = log.subscribe(subscription.lease(LEASE)).await;
    joined.expect("it joins")
}

async fn next(subscriber: &dyn Subscriber, max: usize) -> Batch {
    let batch = tokio::time::timeout(PATIENCE, subscriber.next(max)).await;
    batch
        .expect("something comes")
        .expect("the server hands out")
}

/// A consumer that is killed says nothing any more, and does not leave.
async fn kill(log: &Redis, subscriber: Arc<dyn Subscriber>) {
    std::mem::forget(subscriber);
    let end = Instant::now() + PATIENCE;
    while !described(log).await.consumers.is_empty() {
        assert!(Instant::now() < end, "its lease never ends");
        tokio::time::sleep(LEASE / 4).await;
    }
}

async fn described(log: &dyn Transport) -> GroupInfo {
    let end = Instant::now() + PATIENCE;
    let groups = loop {
        match log.groups(&topic()).await {
            // The first to ask after a crash may be told that the connection is gone.
            Err(error) if error.is_temporary() && Instant::now() < end => {
                tokio::time::sleep(LEASE / 4).await;
            }
            groups => break groups.expect("the topic is there"),
        }
    };
    let mut groups = groups.into_iter();
    groups
        .find(|info| info.group == group())
        .expect("it is listed")
}

/// Hears so many, and what is lost.
async fn hear(subscriber: &dyn Subscriber, count: usize) -> Vec<Gap> {
    let (mut heard, mut gaps) = (0, Vec::new());
    while heard < count || gaps.is_empty() {
        let batch = next(subscriber, 100).await;
        heard += batch.deliveries.len();
        gaps.extend(batch.gaps.iter().cloned());
        ack(subscriber, batch.deliveries).await;
    }
    assert_eq!(heard, count);
    gaps
}

fn counts(server: &RedisServer) -> bool {
    let info = server.command(&["INFO", "server"]).expect("it answers");
    !info.contains("redis_version:6.")
}

/// The alarm is for consumers that died: it must not wait until they come back.
#[tokio::test]
async fn what_a_dead_consumers_group_lost_shows_at_once_and_is_counted_once() {
    let (server, log) = start().await;
    publish(&log, 0..5).await;
    let first = join(&log).await;
    let batch = next(&*first, 5).await;
    assert_eq!(batch.deliveries.len(), 5);
    ack(&*first, batch.deliveries).await;
    kill(&log, first).await;
    publish(&log, 5..20).await;
    assert_eq!(described(&log).await.lost, Count::Exactly(0));
    let topic = topic();
    let trim = ["XTRIM", topic.as_str(), "MAXLEN", "3"];
    server.command(&trim).expect("it trims");
    let lost = match counts(&server) {
        true => Count::Exactly(12),
        false => Count::Unknown,
    };
    assert_eq!(described(&log).await.lost, lost);
    let told = log.losses(&topic, &group()).await.expect("it is there");
    assert!(told.expect("lost").cause.contains("others"));
    let second = join(&log).await;
    let gaps = hear(&*second, 3).await;
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!(gaps[0].lost, lost);
    assert_eq!(described(&log).await.lost, lost);
}

/// Redis 7.0 does not write down what it counts as read: after a crash its count stands where it was set last.
#[tokio::test]
async fn what_was_read_before_a_crash_of_the_server_is_not_lost() {
    let (mut server, log) = start().await;
    publish(&log, 0..5).await;
    let first = join(&log).await;
    let batch = next(&*first, 5).await;
    ack(&*first, batch.deliveries).await;
    first.close().await.expect("it leaves");
    let name = topic();
    let (stream, of) = (name.as_str(), group());
    let last = described(&log).await.position;
    let count = [
        "XGROUP",
        "SETID",
        stream,
        of.as_str(),
        last.as_str(),
        "ENTRIESREAD",
        "5",
    ];
    if counts(&server) {
        server.command(&count).expect("it is set");
    }
    publish(&log, 5..10).await;
    let second = join(&log).await;
    let batch = next(&*second, 5).await;
    ack(&*second, batch.deliveries).await;
    kill(&log, second).await;
    server.kill();
    server.restart().await.expect("it comes back");
    assert_eq!(described(&log).await.lost, Count::Exactly(0));
    publish(&log, 10..15).await;
    let third = join(&log).await;
    let batch = next(&*third, 5).await;
    assert_eq!(
        (batch.deliveries.len(), batch.gaps.len()),
        (5, 0),
        "{:?}",
        batch.gaps
    );
    assert_eq!(described(&log).await.lost, Count::Exactly(0));
}

/// The same on a server that is full when it comes back, so that nobody can note down that its count is
/// astray: with the next read it moves on from where it stood.
#[tokio::test]
async fn what_was_read_before_a_crash_is_not_lost_on_a_server_that_is_full() {
    let (mut server, log) = start().await;
    publish(&log, 0..5).await;
    let first = join(&log).await;
    let batch = next(&*first, 5).await;
    ack(&*first, batch.deliveries).await;
    // It tells what it was handed when it looks for more.
    publish(&log, 5..6).await;
    let batch = next(&*first, 1).await;
    ack(&*first, batch.deliveries).await;
    publish(&log, 6..12).await;
    let mut handed = 0;
    while handed < 6 {
        let batch = next(&*first, 6 - handed).await;
        handed += batch.deliveries.len();
        ack(&*first, batch.deliveries).await;
    }
    kill(&log, first).await;
    server.kill();
    server.restart().await.expect("it comes back");
    assert_eq!(described(&log).await.lost, Count::Exactly(0));
    publish(&log, 12..22).await;
    let second = join(&log).await;
    let full = |bytes| ["CONFIG", "SET", "maxmemory", bytes];
    server.command(&full("1")).expect("it is set");
    let (mut handed, mut gaps) = (0, Vec::new());
    while handed < 10 {
        let batch = next(&*second, 2).await;
        handed += batch.deliveries.len();
        gaps.extend(batch.gaps.iter().cloned());
        ack(&*second, batch.deliveries).await;
    }
    server.command(&full("0")).expect("it is set");
    publish(&log, 22..23).await;
    gaps.extend(next(&*second, 1).await.gaps.iter().cloned());
    assert!(gaps.is_empty(), "{gaps:?}");
    assert_eq!(described(&log).await.lost, Count::Exactly(0));
}

#[tokio::test]
async fn what_our_hard_cap_takes_from_a_dead_consumer_is_said_once_with_its_cause() {
    let (_server, log) = start().await;
    publish(&log, 0..30).await;
    let first = join(&log).await;
    let mut held = 0;
    while held < 20 {
        held += next(&*first, 20 - held).await.deliveries.len();
    }
    kill(&log, first).await;
    let mut cap = Retention::default();
    cap.hard_max_len = Some(5);
    let trimmed = log.trim(&topic(), &cap).await.expect("the topic is there");
    assert_eq!(trimmed.removed, 25);
    assert_eq!(described(&log).await.lost, Count::Exactly(25));
    let told = log.losses(&topic(), &group()).await.expect("it is there");
    let told = told.expect("25 are lost");
    assert!(told.cause.contains("hard cap"), "{told:?}");
    let second = join(&log).await;
    let gaps = hear(&*second, 5).await;
    assert_eq!(gaps.len(), 1, "once: {gaps:?}");
    assert_eq!(gaps[0].lost, Count::Exactly(25));
    assert!(gaps[0].cause.contains("hard cap"), "{gaps:?}");
    assert_eq!(described(&log).await.lost, Count::Exactly(25));
}

#[tokio::test]
async fn a_server_that_is_full_can_be_consumed_anew_and_trimmed() {
    let (server, log) = start().await;
    publish(&log, 0..60).await;
    let first = join(&log).await;
    let batch = next(&*first, 10).await;
    let begun = batch.deliveries.len();
    ack(&*first, batch.deliveries).await;
    first.close().await.expect("it leaves");
    let full = ["CONFIG", "SET", "maxmemory", "1000000"];
    server.command(&full).expect("it is set");
    let refused = log.publish(&[crate::listener::record(0)]).await.remove(0);
    assert_eq!(refused.expect_err("it is full").kind(), ErrorKind::Full);

    let second = join(&log).await;
    let batch = next(&*second, 10).await;
    let heard = begun + batch.deliveries.len();
    for started in second.start(&batch.deliveries).await {
        started.expect("it is ours");
    }
    ack(&*second, batch.deliveries).await;
    second.close().await.expect("it leaves");
    // What makes room must not be refused for lack of it; and what it costs is kept.
    let mut cap = Retention::default();
    cap.hard_max_len = Some(4);
    let trimmed = log.trim(&topic(), &cap).await.expect("it trims");
    assert_eq!(trimmed.removed, 56);
    let lost = described(&log).await.lost;
    assert_eq!(lost, Count::Exactly(56 - heard as u64));
}

#[tokio::test]
async fn a_group_whose_stream_is_gone_is_listed_and_told() {
    let (server, log) = start().await;
    publish(&log, 0..6).await;
    let first = join(&log).await;
    let batch = next(&*first, 6).await;
    ack(&*first, batch.deliveries).await;
    first.close().await.expect("it leaves");
    server.command(&["DEL", topic().as_str()]).expect("it goes");
    let topics = log.topics().await.expect("the server answers");
    let found: Vec<_> = topics
        .iter()
        .map(|info| (&info.topic, info.length))
        .collect();
    assert_eq!(found, [(&topic(), 0)]);
    assert_eq!(described(&log).await.lost, Count::Unknown);
    let mut keep = Retention::default();
    keep.max_len = Some(0);
    let trimmed = log.trim(&topic(), &keep).await.expect("it is known");
    assert_eq!(trimmed.removed, 0);
    publish(&log, 6..8).await;
    let trimmed = log.trim(&topic(), &keep).await.expect("it is known");
    assert_eq!(trimmed.needed_by, [group()], "it will hear them");
    let second = join(&log).await;
    assert_eq!(hear(&*second, 2).await.len(), 1);
    assert_eq!(described(&log).await.lost, Count::Unknown);
    second.close().await.expect("it leaves");
    // Without stream and groups there is no topic.
    let removed = log.remove_group(&topic(), &group()).await;
    removed.expect("nobody consumes it");
    server.command(&["DEL", topic().as_str()]).expect("it goes");
    assert_eq!(log.topics().await.expect("the server answers"), []);
    let keys = server.command(&["KEYS", "*"]).expect("it answers");
    assert_eq!(keys.trim(), "", "nothing is left behind");
}

/// A name that is hidden from this user is not a name that does not exist.
#[tokio::test]
async fn what_a_user_may_not_see_is_denied() {
    let (server, log) = start().await;
    publish(&log, 0..1).await;
    let user = [
        "ACL",
        "SETUSER",
        "app",
        "on",
        ">secret",
        "~stage-*",
        "~tidings:*",
        "+@all",
    ];
    server.command(&user).expect("it is made");
    let mut config = RedisConfig::default();
    config.port = server.port();
    config.username = Some("app".into());
    config.password = Some("secret".into());
    let limited = Redis::connect(config).await.expect("the server answers");
    let refused = limited.topic(&topic()).await.expect_err("it is not theirs");
    assert_eq!(refused.kind(), ErrorKind::Denied, "{refused}");
    let refused = limited
        .groups(&topic())
        .await
        .expect_err("it is not theirs");
    assert_eq!(refused.kind(), ErrorKind::Denied, "{refused}");
}
