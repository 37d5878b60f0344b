//! While the broker is away: no commit moves a group back, and the log is told once.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidings_conformance::{Crash, Freeze};
use tidings_transport::{Count, Delivery, Start, Subscriber, Subscription, Transport};
use tokio::time::{sleep, timeout};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber as Tracing};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::fixture::{PATIENCE, ack, config, connect, join, names, publish, record, take};
use crate::harness::start_own;

/// The lines of the log, from `INFO` on, that name an address.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<(Level, String)>>>);

impl<S: Tracing> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        struct Text(String);
        impl Visit for Text {
            fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                self.0.push_str(&format!("{}={value:?} ", field.name()));
            }
        }
        if *event.metadata().level() <= Level::INFO {
            let mut text = Text(String::new());
            event.record(&mut text);
            let line = (*event.metadata().level(), text.0);
            self.0.lock().expect("no panic").push(line);
        }
    }
}

impl Lines {
    fn with(&self, address: &str, level: Level) -> Vec<String> {
        let lines = self.0.lock().expect("no panic");
        let of = lines
            .iter()
            .filter(|(l, text)| *l == level && text.contains(address));
        of.map(|(_, text)| text.clone()).collect()
    }

    async fn until(&self, address: &str, level: Level, part: &str) {
        let come = async {
            while !self
                .with(address, level)
                .iter()
                .any(|line| line.contains(part))
            {
                sleep(Duration::from_millis(50)).await;
            }
        };
        let come = timeout(PATIENCE, come).await;
        come.unwrap_or_else(|_| panic!("nobody said {part:?}: {:?}", self.0));
    }
}

async fn ack_at_last(consumer: &dyn Subscriber, delivery: &Arc<Delivery>) {
    let acked = async {
        while let Err(e) = ack(consumer, delivery).await {
            assert!(e.is_temporary(), "{e}");
        }
    };
    timeout(PATIENCE, acked).await.expect("the broker is back");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_commit_is_overtaken_and_the_outage_is_told_once() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::registry().with(lines.clone());
    tracing::subscriber::set_global_default(subscriber).expect("the first of this process");
    let broker = start_own().await;
    let mut settings = config(broker.address(), 1);
    let patient = connect(settings.clone()).await;
    let (topic, group) = names("absence");
    let made = patient.create_group(&topic, &group, &Start::Latest).await;
    made.expect("a new group");
    let records: Vec<_> = (0..6)
        .map(|i| record(&topic, &format!("k{i}"), &format!("{i}")))
        .collect();
    publish(&patient, &records).await;
    // It would tell of the outage as well.
    drop(patient);
    settings.response_timeout = Duration::from_secs(1);
    let log = connect(settings).await;
    let consumer = join(&log, &topic, &group).await;
    let held = take(&*consumer, 6).await;
    for (round, three) in held.chunks(3).enumerate() {
        broker.freeze().await;
        for delivery in three {
            // Nobody knows what becomes of it.
            let frozen = ack(&*consumer, delivery).await.expect_err("nobody answers");
            assert!(frozen.is_temporary(), "{frozen}");
        }
        broker.thaw().await;
        for delivery in three {
            ack_at_last(&*consumer, delivery).await;
        }
        // What was said before comes late, if ever; it counts for no longer than this.
        sleep(Duration::from_secs(2)).await;
        let left = (held.len() - 3 * (round + 1)) as u64;
        let settled = async {
            loop {
                let Ok(groups) = log.groups(&topic).await else {
                    continue;
                };
                if (groups[0].pending, groups[0].lag.events) == (left, Count::Exactly(left)) {
                    break;
                }
                sleep(Duration::from_millis(100)).await;
            }
        };
        timeout(PATIENCE / 4, settled)
            .await
            .expect("the group was moved back");
    }

    let address = broker.address();
    lines.0.lock().expect("no panic").clear();
    broker.kill().await;
    lines
        .until(address, Level::WARN, "no broker can be reached")
        .await;
    sleep(Duration::from_secs(2)).await;
    let warned = lines.with(address, Level::WARN);
    assert_eq!(warned.len(), 1, "{warned:?}");
    broker.restart().await;
    lines
        .until(address, Level::INFO, "can be reached again")
        .await;
    let errors = lines.with(address, Level::ERROR);
    assert_eq!(errors, Vec::<String>::new());
}

/// A group that takes long to answer must not be left by those who wait for it: each that leaves makes the
/// others wait once more.
#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_an_answer_beyond_its_lease_keeps_what_it_holds() {
    let lease = Duration::from_secs(3);
    let broker = start_own().await;
    let mut settings = config(broker.address(), 1);
    let session = ("session.timeout.ms".into(), "30000".into());
    settings.client.extend([session]);
    // This is about the lease and no other limit.
    settings.response_timeout = Duration::from_secs(30);
    let log = connect(settings).await;
    let (topic, group) = names("waiting");
    let made = log.create_group(&topic, &group, &Start::Latest).await;
    made.expect("a new group");
    let records = (0..3).map(|i| record(&topic, "k", &format!("{i}")));
    publish(&log, &records.collect::<Vec<_>>()).await;
    let subscription = Subscription::new(group, topic).lease(lease);
    let consumer = log.subscribe(subscription).await.expect("it joins");
    let held = take(&*consumer, 3).await;
    for (at, delivery) in held.iter().enumerate() {
        broker.freeze().await;
        let thawing = async {
            sleep(lease * 2).await;
            broker.thaw().await;
        };
        let asking = async {
            match at {
                0 => ack(&*consumer, delivery).await,
                1 => consumer.start(&held[1..]).await.remove(0).map(drop),
                _ => consumer.heartbeat(&held[1..]).await.remove(0),
            }
        };
        let (answer, ()) = tokio::join!(asking, thawing);
        answer.unwrap_or_else(|e| panic!("call {at}: {e}"));
    }
    for delivery in &held[1..] {
        ack(&*consumer, delivery).await.expect("it is ours");
    }
}
