//! Many topics, many groups, much pending.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bytes::Bytes;
use tidings::{Bus, Handler, HandlerError, Message, Start, Topic};
use tidings_transport::{Body, Group, Key, Outcome, Record, Settlement, Subscription};

use crate::cost::Cost;
use crate::log::{Log, LogArg};
use crate::say;

/// An event of the demo's size.
fn document(n: usize) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"8353e8ea-e784-11f1-8511-{n:012x}","source":"/example/catalog/worker","type":"org.example.catalog.course.updated.v1","time":"2026-11-23T21:26:15.021067Z","datacontenttype":"application/json","minorversion":0,"sourcehost":"catalog-1","partitionkey":"course-{}","data":{{"n":{n},"course":{{"key":"course-v1:edX+Demo{}+2026","title":"An introduction to the demonstration of courses","organization":"edX","effort":6,"archived":false,"version":12}}}}}}"#,
        n % 1_000,
        n % 1_000
    )
}

pub fn record(topic: &str, n: usize) -> Record {
    Record {
        topic: Topic::new(topic).expect("the name is good"),
        key: Some(Key::new(format!("course-{}", n % 1_000))),
        body: Body::Document(Bytes::from(document(n))),
    }
}

pub async fn publish(bus: &Bus, topic: &str, events: usize) {
    let all: Vec<_> = (0..events).map(|n| record(topic, n)).collect();
    for records in all.chunks(1_000) {
        for result in bus.transport().publish(records).await {
            result.expect("it is stored");
        }
    }
}

struct Count(Arc<AtomicUsize>);

impl Handler for Count {
    async fn handle(&self, _: Message) -> Result<(), HandlerError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

pub async fn many_topics(log: LogArg, topics: usize, events: usize) {
    let log = Log::start(log).await;
    let names: Vec<String> = (0..topics).map(|n| format!("topic-{n}")).collect();
    for name in &names {
        publish(&log.bus, name, events).await;
    }
    let cost = Cost::begin();
    let heard = Arc::new(AtomicUsize::new(0));
    let consumer = log
        .bus
        .consumer("one")
        .topics(&names)
        .from(Start::Earliest)
        .max_events((topics * events) as u64)
        .handler(Count(heard.clone()));
    let running = tokio::spawn(consumer.run(std::future::pending()));
    while heard.load(Ordering::Relaxed) < topics * events / 2 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    let server = log.server();
    running.await.expect("no panic").expect("it goes on");
    say(&format!(
        "one consumer of {topics} topics, {events} events each: {}{server}",
        cost.so_far()
    ));
}

pub async fn many_groups(log: LogArg, groups: usize, events: usize) {
    let log = Log::start(log).await;
    publish(&log.bus, "courses", events).await;
    let cost = Cost::begin();
    let heard = Arc::new(AtomicUsize::new(0));
    let consumers: Vec<_> = (0..groups)
        .map(|n| {
            let consumer = log
                .bus
                .consumer(format!("group-{n}"))
                .topic("courses")
                .from(Start::Earliest)
                .max_events(events as u64)
                .handler(Count(heard.clone()));
            tokio::spawn(consumer.run(std::future::pending()))
        })
        .collect();
    while heard.load(Ordering::Relaxed) < groups * events / 2 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    let server = log.server();
    for consumer in consumers {
        consumer.await.expect("no panic").expect("it goes on");
    }
    say(&format!(
        "{groups} groups of a topic with {events} events: {}{server}",
        cost.so_far()
    ));
}

pub async fn much_pending(log: LogArg, events: usize) {
    let log = Log::start(log).await;
    publish(&log.bus, "courses", events).await;
    let transport = log.bus.transport();
    let (topic, group) = (Topic::new("courses"), Group::new("slow"));
    let (topic, group) = (topic.expect("a name"), group.expect("a name"));
    let subscription = Subscription::new(group, topic.clone()).start(&Start::Earliest);
    let subscription = subscription.lease(std::time::Duration::from_secs(600));
    // Each key has many: without order they need not wait for each other.
    let subscription = subscription.ordering(tidings::Ordering::None);
    let subscriber = transport.subscribe(subscription).await.expect("it joins");
    let cost = Cost::begin();
    let mut held = Vec::with_capacity(events);
    while held.len() < events {
        let batch = subscriber.next(1_000).await.expect("events");
        held.extend(batch.deliveries);
    }
    say(&format!(
        "{events} in hand: {}{}",
        cost.so_far(),
        log.server()
    ));
    let began = Instant::now();
    let info = transport
        .groups(&topic)
        .await
        .expect("it answers")
        .remove(0);
    say(&format!(
        "`groups` with {} pending: {:.1} ms",
        info.pending,
        began.elapsed().as_secs_f64() * 1_000.0
    ));
    let cost = Cost::begin();
    for some in held.chunks(1_000) {
        for renewed in subscriber.heartbeat(some).await {
            renewed.expect("it is ours");
        }
    }
    say(&format!("one heartbeat for all: {}", cost.so_far()));
    let cost = Cost::begin();
    for some in held.chunks(1_000) {
        let settle = |delivery: &Arc<_>| Settlement {
            delivery: Arc::clone(delivery),
            outcome: Outcome::Ack,
        };
        let settlements: Vec<_> = some.iter().map(settle).collect();
        for settled in subscriber.settle(&settlements).await {
            settled.expect("it is ours");
        }
    }
    say(&format!("all settled: {}{}", cost.so_far(), log.server()));
}
