//! Many topics and groups in one process, and a server that is frozen or cut off.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tidings_conformance::servers::{Proxy, RedisOptions, RedisServer};
use tidings_transport::{
    Body, Group, Outcome, Record, Settlement, Start, Subscriber, Subscription, Topic, Transport,
};
use tidings_transport_redis::{Redis, RedisConfig};

const PATIENCE: Duration = Duration::from_secs(60);

async fn start() -> RedisServer {
    let server = RedisServer::start(RedisOptions::default()).await;
    server.expect("redis-server is installed")
}

async fn connect(port: u16) -> Arc<dyn Transport> {
    let mut config = RedisConfig::default();
    config.port = port;
    config.response_timeout = Duration::from_millis(500);
    Arc::new(Redis::connect(config).await.expect("the server answers"))
}

fn name(n: usize) -> Topic {
    Topic::new(format!("topic-{n}")).expect("the name is good")
}

async fn publish(log: &dyn Transport, topics: impl Iterator<Item = usize>) {
    let record = |n| Record {
        topic: name(n),
        key: None,
        body: Body::Document(Bytes::from(n.to_string())),
    };
    for result in log.publish(&topics.map(record).collect::<Vec<_>>()).await {
        result.expect("it is stored");
    }
}

/// Takes so many, and settles them.
async fn drain(subscriber: &dyn Subscriber, count: usize) {
    let end = Instant::now() + PATIENCE;
    let mut taken = 0;
    while taken < count {
        assert!(Instant::now() < end, "{taken} of {count} came");
        let Ok(batch) = tokio::time::timeout(PATIENCE, subscriber.next(100)).await else {
            panic!("{taken} of {count} came");
        };
        let deliveries = batch.expect("the server answers").deliveries;
        taken += deliveries.len();
        let settlements: Vec<_> = deliveries
            .into_iter()
            .map(|delivery| Settlement {
                delivery,
                outcome: Outcome::Ack,
            })
            .collect();
        for settled in subscriber.settle(&settlements).await {
            settled.expect("it is ours");
        }
    }
}

fn connections(server: &RedisServer) -> usize {
    let list = server.command(&["CLIENT", "LIST"]).expect("it answers");
    let from_outside = |line: &&str| line.contains("addr=127.0.0.1");
    list.lines().filter(from_outside).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_topics_need_no_more_connections_than_one() {
    const TOPICS: usize = 200;
    let server = start().await;
    let log = connect(server.port()).await;
    publish(&*log, 0..TOPICS).await;
    let group = Group::new("all").expect("the name is good");
    let topics = (0..TOPICS).map(|n| (name(n), Start::Earliest));
    let subscription = Subscription::new(group, name(0)).topics(topics.collect());
    let subscriber = log.subscribe(subscription).await.expect("it joins");
    drain(&*subscriber, TOPICS).await;
    assert!(connections(&server) <= 3, "{}", connections(&server));
    // And while it waits.
    let waiting = tokio::time::timeout(Duration::from_millis(500), subscriber.next(1)).await;
    assert!(waiting.is_err(), "nothing is left");
    publish(&*log, 0..TOPICS).await;
    drain(&*subscriber, TOPICS).await;
    assert!(connections(&server) <= 3, "{}", connections(&server));
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_groups_need_a_connection_each_at_most() {
    const GROUPS: usize = 50;
    let server = start().await;
    let log = connect(server.port()).await;
    publish(&*log, std::iter::repeat_n(0, 20)).await;
    let mut subscribers = Vec::new();
    for n in 0..GROUPS {
        let group = Group::new(format!("group-{n}")).expect("the name is good");
        let subscription = Subscription::new(group, name(0)).start(&Start::Earliest);
        subscribers.push(log.subscribe(subscription).await.expect("it joins"));
    }
    let draining = subscribers
        .iter()
        .map(|subscriber| drain(&**subscriber, 20));
    futures_util::future::join_all(draining).await;
    assert!(
        connections(&server) <= GROUPS + 2,
        "{}",
        connections(&server)
    );
    let groups = log.groups(&name(0)).await.expect("the topic is there");
    assert_eq!(groups.len(), GROUPS);
    assert!(groups.iter().all(|group| group.pending == 0), "{groups:?}");
}

/// Every call answers within its bound, however the server or the network is silent, and goes on by
/// itself when they are back.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_silent_blocks_nobody_beyond_the_bound() {
    let server = start().await;
    let proxy = Proxy::start(server.address()).expect("it listens");
    let log = connect(proxy.port()).await;
    publish(&*log, 0..1).await;
    let group = Group::new("all").expect("the name is good");
    let subscription = Subscription::new(group, name(0)).start(&Start::Earliest);
    let subscriber = log.subscribe(subscription).await.expect("it joins");
    drain(&*subscriber, 1).await;
    for frozen in [true, false] {
        match frozen {
            true => server.freeze().expect("it is frozen"),
            // Half open: what is sent goes nowhere, and nobody says so.
            false => proxy.stall(),
        }
        let began = Instant::now();
        let record = Record {
            topic: name(0),
            key: None,
            body: Body::Document(Bytes::from_static(b"during")),
        };
        let calls = async {
            let published = log.publish(std::slice::from_ref(&record)).await.remove(0);
            assert!(published.expect_err("nothing answers").is_temporary());
            assert!(
                log.ping()
                    .await
                    .expect_err("nothing answers")
                    .is_temporary()
            );
            let next = loop {
                match subscriber.next(1).await {
                    Ok(_) => {}
                    Err(error) => break error,
                }
            };
            assert!(next.is_temporary(), "{next}");
        };
        tokio::time::timeout(PATIENCE, calls)
            .await
            .expect("nobody waits for ever");
        // Several bounds of half a second each, on a machine that may be busy.
        assert!(began.elapsed() < PATIENCE / 2, "{:?}", began.elapsed());
        match frozen {
            true => server.thaw().expect("it goes on"),
            false => proxy.resume(),
        }
        let end = Instant::now() + PATIENCE;
        while let Err(error) = log.publish(std::slice::from_ref(&record)).await.remove(0) {
            assert!(error.is_temporary() && Instant::now() < end, "{error}");
        }
        let heard = async {
            loop {
                match subscriber.next(10).await {
                    Ok(batch) if !batch.deliveries.is_empty() => return batch,
                    Ok(_) => {}
                    Err(error) => assert!(error.is_temporary(), "{error}"),
                }
            }
        };
        let batch = tokio::time::timeout(PATIENCE, heard)
            .await
            .expect("it goes on");
        for delivery in batch.deliveries {
            let settlement = Settlement {
                delivery,
                outcome: Outcome::Ack,
            };
            let _ = subscriber.settle(&[settlement]).await;
        }
    }
}
