//! What a log had acknowledged and lost with its machine is published again.

use std::sync::Arc;
use std::time::Duration;

use tidings_conformance::servers::{AppendOnly, RedisOptions, RedisServer};
use tidings_event::NoDefinitions;
use tidings_outbox::{ErrorKind, Relay};
use tidings_runtime::{Backoff, ProducerBuilder};
use tidings_transport::Transport;
use tidings_transport_redis::{Redis, RedisConfig};

use crate::on_every_database;
use crate::site::{Kind, Running, Site, event, heard_of};

const WINDOW: Duration = Duration::from_secs(600);

/// A log that is synced once a second, as most are.
struct Log {
    server: RedisServer,
    bus: Arc<Redis>,
}

impl Log {
    async fn start() -> Self {
        let options = RedisOptions {
            append_only: AppendOnly::EverySecond,
            ..RedisOptions::default()
        };
        let server = RedisServer::start(options).await.unwrap();
        let mut config = RedisConfig::default();
        config.port = server.port();
        let bus = Arc::new(Redis::connect(config).await.unwrap());
        Self { server, bus }
    }

    fn relay(&self, site: &Site) -> Relay {
        let producer = ProducerBuilder::new(self.bus.clone(), Arc::new(NoDefinitions));
        Relay::new(site.database(), producer)
            .standby(Duration::from_millis(100))
            .poll(Duration::from_millis(100))
            .backoff(Backoff::new(
                Duration::from_millis(20),
                Duration::from_millis(200),
            ))
            .resend(WINDOW)
    }

    /// The numbers of the events, as they stand in it.
    async fn numbers(&self) -> Vec<i64> {
        let heard = heard_of(&*self.bus, "courses").await;
        heard.into_iter().map(|(_, n)| n).collect()
    }
}

async fn enqueue(site: &Site, numbers: std::ops::RangeInclusive<i64>) {
    let outbox = site.outbox();
    let events = numbers.map(|n| event(&outbox, "edX+DemoX", n)).collect();
    let mut session = site.connect().await;
    session.begin().await;
    session.enqueue(&outbox, events).await.unwrap();
    session.commit().await;
}

fn first_occurrences(numbers: &[i64]) -> Vec<i64> {
    let mut first: Vec<i64> = Vec::new();
    for n in numbers {
        if !first.contains(n) {
            first.push(*n);
        }
    }
    first
}

on_every_database! {
    async fn what_the_log_lost_is_published_again(kind: Kind) {
        let site = Site::new(kind).await;
        let mut log = Log::start().await;
        enqueue(&site, 1..=3).await;
        let relay = Running::start(log.relay(&site));
        relay.until("the first", |counts| counts.published == 3).await;
        let synced = log.server.written().unwrap();
        enqueue(&site, 4..=6).await;
        relay.until("the others", |counts| counts.published == 6).await;

        // The relay works on: it sends the old ones before the new one.
        log.server.lose_power(synced).unwrap();
        enqueue(&site, 7..=7).await;
        log.server.restart().await.unwrap();
        relay.until("all of them", |counts| counts.published == 13).await;
        let numbers = log.numbers().await;
        assert_eq!(first_occurrences(&numbers), [1, 2, 3, 4, 5, 6, 7]);
        // The first ones were on the disk, unless it was so busy that they had not been written.
        assert!(numbers.ends_with(&[1, 2, 3, 4, 5, 6, 7]), "{numbers:?}");
        relay.end().await.unwrap();

        // The next relay finds the log that lost what the last one had published.
        log.server.lose_power(synced).unwrap();
        log.server.restart().await.unwrap();
        let left = log.numbers().await;
        assert!([1, 2, 3].starts_with(&left), "{left:?}");
        let relay = Running::start(log.relay(&site));
        relay.until("all of them", |counts| counts.published == 7).await;
        assert_eq!(first_occurrences(&log.numbers().await), [1, 2, 3, 4, 5, 6, 7]);
        relay.end().await.unwrap();

        // It has looked: the one after it need not.
        enqueue(&site, 8..=8).await;
        let relay = Running::start(log.relay(&site));
        relay.until("the new one", |counts| counts.published > 0).await;
        assert_eq!(relay.end().await.unwrap().published, 1);
    }
}

#[tokio::test]
async fn a_log_that_does_not_tell_of_its_process_is_refused() {
    let site = Site::new(Kind::Sqlite).await;
    assert_eq!(site.bus.process().await.unwrap(), None);
    let relay = site.relay().resend(WINDOW);
    let refused = relay.run(std::future::pending()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    assert!(refused.to_string().contains("resend"), "{refused}");
}
