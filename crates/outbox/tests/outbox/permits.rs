//! A log that does not permit a topic: no row is at fault, and nobody has to bring it back.

use std::sync::Arc;
use std::time::Duration;

use tidings_conformance::servers::{RedisOptions, RedisServer};
use tidings_event::NoDefinitions;
use tidings_outbox::Relay;
use tidings_runtime::{Backoff, ProducerBuilder};
use tidings_transport_redis::{Redis, RedisConfig};

use crate::on_every_database;
use crate::site::{Kind, Running, Site, event, heard_of};

const TOPIC: &str = "courses";

/// A Redis whose user may write to `others` and not to `courses`.
struct Log {
    server: RedisServer,
    bus: Arc<Redis>,
}

impl Log {
    async fn start() -> Self {
        let options = RedisOptions {
            users: vec!["relay on >pw ~others ~tidings:* &* +@all".to_owned()],
            ..RedisOptions::default()
        };
        let server = RedisServer::start(options).await.unwrap();
        let mut config = RedisConfig::default();
        config.port = server.port();
        config.username = Some("relay".to_owned());
        config.password = Some("pw".to_owned());
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
    }

    fn permit(&self) {
        let rule = ["ACL", "SETUSER", "relay", "~courses"];
        self.server.command(&rule).unwrap();
    }

    async fn heard(&self, topic: &str) -> Vec<(String, i64)> {
        // By the user who may: reading is not what is tested.
        let mut config = RedisConfig::default();
        config.port = self.server.port();
        heard_of(&Redis::connect(config).await.unwrap(), topic).await
    }
}

async fn enqueue(site: &Site, of: &[(&str, i64)]) {
    let outbox = site.outbox();
    let events = of.iter().map(|(key, n)| event(&outbox, key, *n)).collect();
    site.connect().await.enqueue(&outbox, events).await.unwrap();
}

/// A row without a key, for a topic.
async fn bare(site: &Site, topic: &str, n: i64) {
    let document = format!(
        concat!(
            r#"{{"specversion":"1.0","id":"8353e8ea-e784-11f1-8511-{:012x}","#,
            r#""source":"/example/catalog/worker","type":"{}","minorversion":0,"#,
            r#""time":"2026-11-23T21:26:15.021067Z","datacontenttype":"application/json","#,
            r#""sourcehost":"vm","data":{{"n":{}}}}}"#,
        ),
        n,
        crate::site::TYPE,
        n
    );
    site.sql(&format!(
        "INSERT INTO tidings_outbox (id, topic, event, created_at) VALUES \
         ('8353e8ea-e784-11f1-8511-0242ac130002', '{topic}', '{document}', CURRENT_TIMESTAMP)"
    ))
    .await;
}

on_every_database! {
    async fn a_topic_that_is_not_permitted_waits_and_follows(kind: Kind) {
        let site = Site::new(kind).await;
        let log = Log::start().await;
        enqueue(&site, &[("a", 1), ("a", 2), ("b", 3), ("a", 4)]).await;
        bare(&site, TOPIC, 5).await;
        let relay = Running::start(log.relay(&site));
        bare(&site, "others", 6).await;
        relay.until("other topics go on", |counts| counts.published == 1).await;
        relay.until("it tries", |counts| counts.retried > 6).await;
        // It is seen, with its reason, by whoever looks.
        let refused = site.database().refused(0, 10).await.unwrap();
        assert!(refused.iter().all(|row| row.reason.contains("NOPERM")), "{refused:?}");
        assert_eq!(relay.counts().refused, 0, "nothing is refused for good");
        let counts = relay.end().await.unwrap();
        assert_eq!(counts.published, 1);

        // Nor does another relay give it up.
        let relay = Running::start(log.relay(&site));
        relay.until("it tries", |counts| counts.retried > 0).await;
        enqueue(&site, &[("a", 7), ("c", 8)]).await;
        log.permit();
        relay.until("all follow", |counts| counts.published == 7).await;
        relay.end().await.unwrap();
        let heard = log.heard(TOPIC).await;
        let of = |key: &str| -> Vec<i64> {
            heard.iter().filter(|(k, _)| k == key).map(|(_, n)| *n).collect()
        };
        assert_eq!((of("a"), of("b")), (vec![1, 2, 4, 7], vec![3]), "{heard:?}");
        assert_eq!((of("c"), of("")), (vec![8], vec![5]), "{heard:?}");
        assert_eq!(site.rows().await, 0);
    }
}
