//! One file, two processes: one publishes in batches, the other consumes.

use std::env;
use std::process::Command;
use std::time::Instant;

use bytes::Bytes;
use tidings_transport::{
    Body, Group, Key, Outcome, Record, Settlement, Start, Subscription, Topic,
};
use tokio::runtime::Runtime;

use crate::contest::{Row, Unit, alone, rate};
use crate::samples::{document, key};

const EVENTS: usize = 200_000;
const BATCH: usize = 500;

/// Events a second from the first publish to the last settlement, with full durability.
pub fn publish_and_consume() -> Row {
    alone(
        "sqlite publish, another process consumes",
        Unit::Rate,
        50_000.0,
        || {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let url = format!(
                "sqlite:{}?durability=full",
                folder.path().join("bus.sqlite").display()
            );
            Runtime::new()
                .expect("a runtime starts")
                .block_on(consume(&url))
        },
    )
}

async fn consume(url: &str) -> f64 {
    let bus = tidings::open(url).await.expect("it opens");
    let subscriber = bus
        .transport()
        .subscribe(
            Subscription::new(
                Group::new("bench").expect("the name is good"),
                Topic::new("courses").expect("the name is good"),
            )
            .start(&Start::Earliest),
        )
        .await
        .expect("it subscribes");
    let began = Instant::now();
    let mut writer = Command::new(env::current_exe().expect("this program"))
        .args(["--write", url, &EVENTS.to_string()])
        .spawn()
        .expect("the writer starts");
    let mut seen = 0;
    while seen < EVENTS {
        let batch = subscriber.next(BATCH).await.expect("the file answers");
        for started in subscriber.start(&batch.deliveries).await {
            started.expect("it is ours");
        }
        seen += batch.deliveries.len();
        let settlements: Vec<Settlement> = batch
            .deliveries
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
    let figure = rate(seen, began.elapsed());
    assert!(writer.wait().expect("the writer ends").success());
    figure
}

/// The other process.
pub fn write(url: &str, events: usize) {
    Runtime::new().expect("a runtime starts").block_on(async {
        let bus = tidings::open(url).await.expect("it opens");
        let topic = Topic::new("courses").expect("the name is good");
        for start in (0..events).step_by(BATCH) {
            let records: Vec<Record> = (start..events.min(start + BATCH))
                .map(|n| Record {
                    topic: topic.clone(),
                    key: Some(Key::new(key(n))),
                    body: Body::Document(Bytes::from(document(n))),
                })
                .collect();
            for result in bus.transport().publish(&records).await {
                result.expect("it is published");
            }
        }
    });
}
