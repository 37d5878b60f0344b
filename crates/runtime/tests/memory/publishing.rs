//! Many callers at once, on a log that works on several batches.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidings_event::Event;
use tidings_runtime::{Backoff, PublishRetry};
use tidings_transport::{Body, Memory, Start, Topic, Transport};

use crate::faulty::{Faults, Faulty, Slow};
use crate::support::{CREATED, TOPIC, producing};

#[tokio::test(start_paused = true)]
async fn batches_are_under_way_at_once_and_keys_keep_their_order() {
    let slow = Slow {
        width: 3,
        under_way: Mutex::default(),
    };
    let log = Faulty::new(
        Memory::default(),
        Faults {
            slow: Some(slow),
            ..Faults::default()
        },
    );
    let mut retry = PublishRetry::default();
    retry.deadline = Duration::from_secs(3600);
    retry.backoff = Backoff::new(Duration::from_millis(5), Duration::from_millis(50));
    let producer = producing(Arc::new(log.clone()))
        .retry(retry)
        .batch(8, 1 << 20)
        .build()
        .unwrap();
    let mut callers = Vec::new();
    for caller in 0..16 {
        let producer = producer.clone();
        callers.push(tokio::spawn(async move {
            for round in 0..20 {
                // More than fits a batch, with keys twice, some of which other callers use meanwhile.
                let events = (0..12).map(|n| {
                    let key = (caller * 5 + n % 7) % 40;
                    let n = round * 12 + n;
                    let data = format!(r#"{{"course_key":"{key}","caller":{caller},"n":{n}}}"#);
                    producer.event(CREATED).data_json(data)
                });
                for result in producer.publish_all(events).await {
                    result.unwrap();
                }
            }
        }));
    }
    for caller in callers {
        caller.await.unwrap();
    }
    let topic = Topic::new(TOPIC).unwrap();
    let stored = log.log.read(&topic, &Start::Earliest, 10_000).await;
    let stored = stored.unwrap();
    assert_eq!(stored.len(), 16 * 20 * 12);
    let mut last: HashMap<(String, u64), u64> = HashMap::new();
    for stored in stored {
        let Body::Document(document) = &stored.body else {
            panic!("documents are published");
        };
        let event = Event::from_json(document).unwrap();
        let data = event.data().unwrap().as_json().unwrap();
        let data: serde_json::Value = serde_json::from_str(data).unwrap();
        let field = |name: &str| data[name].as_u64().unwrap();
        let key = stored.key.unwrap().as_str().to_owned();
        let before = last.insert((key, field("caller")), field("n"));
        assert!(before.is_none_or(|before| before < field("n")));
    }
    let slow = log.faults.slow.as_ref().unwrap();
    assert_eq!(slow.under_way.lock().unwrap().1, 3);
}
