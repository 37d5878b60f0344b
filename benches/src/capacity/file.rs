//! A large file is as fast at its tail as a small one.

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tidings::{Bus, Start, Topic};
use tidings_transport::{Body, Group, Key, Outcome, Record, Settlement, Subscriber, Subscription};

use crate::cost::mib;
use crate::say;

const TOPICS: u64 = 10;
/// Bytes of a document.
const LONG: usize = 4_000;
const ROUNDS: usize = 200;

pub async fn large(gib: u64) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let small = measured(&folder.path().join("small.db"), 10 << 20).await;
    let large = measured(&folder.path().join("large.db"), gib << 30).await;
    say(&format!(
        "{:36} {:>12} {:>12}",
        "median of 200",
        "10 MiB",
        format!("{gib} GiB")
    ));
    for ((name, small), (_, large)) in small.iter().zip(&large) {
        let us = |time: &Duration| format!("{:.0} µs", time.as_secs_f64() * 1e6);
        say(&format!("{name:36} {:>12} {:>12}", us(small), us(large)));
    }
}

/// Makes a file of about this size, and does at its tail what services do.
async fn measured(path: &Path, bytes: u64) -> Vec<(&'static str, Duration)> {
    let url = format!("sqlite:{}", path.display());
    fill(&format!("{url}?durability=normal"), bytes).await;
    let size = std::fs::metadata(path).expect("a file").len();
    let began = Instant::now();
    let bus = tidings::open(&url).await.expect("it opens");
    bus.transport().ping().await.expect("it answers");
    say(&format!(
        "{:.0} MiB: opened within {:.1} ms",
        mib(size),
        began.elapsed().as_secs_f64() * 1e3
    ));
    let topic = Topic::new("topic-3").expect("a name");
    let group = Group::new("tail").expect("a name");
    let log = bus.transport();
    let subscription = Subscription::new(group, topic.clone()).start(&Start::Latest);
    let subscriber = log.subscribe(subscription).await.expect("it joins");
    let mut found = Vec::new();
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        times.push(time(log.read_back(&topic, None, 100)).await);
    }
    found.push(("read the last 100", median(&mut times)));
    for n in 0..ROUNDS as u64 {
        times.push(time(publish(&bus, n, 1)).await);
        let batch = subscriber.next(1).await.expect("an event");
        settle(&*subscriber, batch).await;
    }
    found.push(("publish one, on the disk", median(&mut times)));
    for n in 0..ROUNDS as u64 {
        publish(&bus, n, 1).await;
        times.push(
            time(async {
                let batch = subscriber.next(1).await.expect("an event");
                settle(&*subscriber, batch).await;
            })
            .await,
        );
    }
    found.push(("take it in hand, start, settle", median(&mut times)));
    for _ in 0..ROUNDS {
        times.push(time(log.topic(&topic)).await);
    }
    found.push(("describe the topics", median(&mut times)));
    for _ in 0..ROUNDS {
        times.push(time(log.groups(&topic)).await);
    }
    found.push(("describe the groups", median(&mut times)));
    let since = Start::Time(jiff::Timestamp::now() - Duration::from_secs(1));
    for _ in 0..ROUNDS {
        times.push(time(log.read(&topic, &since, 100)).await);
    }
    found.push(("read from a time near the end", median(&mut times)));
    found
}

async fn time<T>(work: impl Future<Output = T>) -> Duration {
    let began = Instant::now();
    work.await;
    began.elapsed()
}

fn median(times: &mut Vec<Duration>) -> Duration {
    times.sort();
    let median = times[times.len() / 2];
    times.clear();
    median
}

async fn settle(subscriber: &dyn Subscriber, batch: tidings_transport::Batch) {
    for started in subscriber.start(&batch.deliveries).await {
        started.expect("it is ours");
    }
    let settle = |delivery| Settlement {
        delivery,
        outcome: Outcome::Ack,
    };
    let settlements: Vec<_> = batch.deliveries.into_iter().map(settle).collect();
    for settled in subscriber.settle(&settlements).await {
        settled.expect("it is ours");
    }
}

async fn fill(url: &str, bytes: u64) {
    let bus = tidings::open(url).await.expect("it opens");
    let batches = bytes / (LONG as u64 * 1_000);
    let began = Instant::now();
    for n in 0..batches {
        publish(&bus, n * 1_000, 1_000).await;
    }
    say(&format!(
        "filled with {} events in {:.0} s",
        batches * 1_000,
        began.elapsed().as_secs_f64()
    ));
}

async fn publish(bus: &Bus, from: u64, count: u64) {
    let filler = "x".repeat(LONG - 400);
    let record = |n: u64| Record {
        topic: Topic::new(format!("topic-{}", if count == 1 { 3 } else { n % TOPICS }))
            .expect("a name"),
        key: Some(Key::new(format!("k-{}", n % 1_000))),
        body: Body::Document(Bytes::from(format!(
            r#"{{"specversion":"1.0","id":"8353e8ea-e784-11f1-8511-{n:012x}","source":"/example/catalog/worker","type":"org.example.catalog.course.updated.v1","time":"2026-11-23T21:26:15.021067Z","datacontenttype":"application/json","data":{{"filler":"{filler}"}}}}"#
        ))),
    };
    let records: Vec<_> = (from..from + count).map(record).collect();
    for result in bus.transport().publish(&records).await {
        result.expect("it is stored");
    }
}
