//! Whatever is lost to a group is reported, each way of losing in each way of reporting: to the
//! consumer, as metrics, in `tidings groups`. And it blocks nothing.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tidings::telemetry::{Metrics, Telemetry};
use tidings::{Count, Gap, Message, Start, Topic};
use tidings_conformance::servers::{AppendOnly, RedisOptions, RedisServer};

use super::site::{Site, TYPE};

/// What may be said of a loss.
#[derive(Debug, Clone, Copy)]
enum Said {
    Exactly(u64),
    /// The log cannot know: unknown, or a lower bound.
    Unsure,
}

/// A way in which a group loses what it has not read: of ten events it has settled four.
struct Loss {
    name: &'static str,
    lose: fn(&Stage),
    said: Said,
    /// How many of the ten are left to be heard.
    left: usize,
}

struct Stage {
    site: Site,
    redis: Option<RedisServer>,
    bus: String,
}

impl Stage {
    fn tidings(&self, arguments: &[&str]) -> String {
        self.site.ok(&[arguments, &["--bus", &self.bus]].concat())
    }

    fn redis(&self, command: &[&str]) -> String {
        let server = self.redis.as_ref().expect("a case of Redis");
        server.command(command).unwrap_or_else(|e| e.to_string())
    }

    fn sqlite(&self, sql: &str) {
        let db = rusqlite::Connection::open(self.site.folder().join("bus.db")).unwrap();
        db.execute_batch(sql).unwrap();
    }
}

fn own_hard_cap(stage: &Stage) {
    let cap = ["--hard-max-len", "3", "--yes"];
    stage.tidings(&[&["trim", "--topic", "courses"][..], &cap].concat());
}

const OF_REDIS: [Loss; 4] = [
    Loss {
        name: "the hard cap of our own retention",
        lose: own_hard_cap,
        said: Said::Exactly(3),
        left: 3,
    },
    Loss {
        name: "a producer that trims by MAXLEN as it publishes",
        lose: |stage| {
            let add = ["XADD", "courses", "MAXLEN", "3", "*", "ce", "not an event"];
            stage.redis(&add);
        },
        said: Said::Exactly(4),
        left: 2,
    },
    Loss {
        name: "somebody who trims by MINID",
        lose: |stage| {
            let first = stage.redis(&["XREVRANGE", "courses", "+", "-", "COUNT", "3"]);
            let is_id = |line: &&str| line.chars().all(|c| c.is_ascii_digit() || c == '-');
            let third = first.lines().filter(is_id).nth(2).expect("an id");
            stage.redis(&["XTRIM", "courses", "MINID", third]);
        },
        said: Said::Exactly(3),
        left: 3,
    },
    Loss {
        name: "the eviction, or deletion, of the topic alone",
        lose: |stage| {
            stage.redis(&["DEL", "courses"]);
        },
        said: Said::Unsure,
        left: 0,
    },
];

const OF_SQLITE: [Loss; 3] = [
    Loss {
        name: "the hard cap of our own retention",
        lose: own_hard_cap,
        said: Said::Exactly(3),
        left: 3,
    },
    Loss {
        name: "somebody who deletes rows",
        lose: |stage| stage.sqlite("DELETE FROM events WHERE seq <= 7"),
        said: Said::Exactly(3),
        left: 3,
    },
    Loss {
        name: "somebody who deletes rows in the middle",
        lose: |stage| stage.sqlite("DELETE FROM events WHERE seq IN (6, 8)"),
        said: Said::Exactly(2),
        left: 4,
    },
];

/// Redis before 7 does not count what was added, so what others took is of unknown size.
fn counts(bus: &str) -> bool {
    !bus.contains("Redis 6.")
}

async fn consume(bus: &tidings::Bus, max: Option<u64>) -> (u64, Vec<Gap>) {
    let gaps = Arc::new(Mutex::new(Vec::new()));
    let told = gaps.clone();
    let mut consumer = bus
        .consumer("search")
        .topic("courses")
        .from(Start::Earliest)
        .lease(Duration::from_secs(2))
        .until_idle(Duration::from_secs(1))
        .on_gap(move |gap: &Gap| told.lock().unwrap().push(gap.clone()));
    if let Some(max) = max {
        consumer = consumer.max_events(max);
    }
    let consumer = consumer.handler(async |_: Message| Ok(()));
    let summary = consumer.run(std::future::pending()).await.unwrap();
    let gaps = gaps.lock().unwrap().clone();
    (summary.counts.delivered, gaps)
}

async fn is_reported(loss: &Loss, stage: &Stage) {
    let name = loss.name;
    let metrics = Metrics::new();
    let bus = tidings::open(&stage.bus).await.unwrap();
    let bus = bus.with_telemetry(Telemetry::default().with_metrics(metrics.clone()));
    let server = bus.transport().ping().await.unwrap();
    let publish = |count: usize| {
        for n in 0..count {
            let data = format!("{{\"n\":{n}}}");
            let event = ["--type", TYPE, "--service", "catalog", "--data", &data];
            stage.tidings(&[&["publish", "--topic", "courses"][..], &event].concat());
        }
    };
    publish(10);
    let (heard, gaps) = consume(&bus, Some(4)).await;
    assert_eq!((heard, gaps.len()), (4, 0), "{name}");
    (loss.lose)(stage);
    publish(2);

    // At once, before anybody consumes: the alarm is for those who died.
    let lost = || {
        let told = stage.tidings(&["groups", "--json"]);
        let group: Value = serde_json::from_str(told.lines().next().unwrap()).unwrap();
        group["lost"] != 0 || group["lost_is"] != "exact"
    };
    assert!(lost(), "{name}");

    // Never blocking: what is left is heard, and what comes.
    let (heard, gaps) = consume(&bus, None).await;
    assert_eq!(heard as usize, loss.left + 2, "{name}: {gaps:?}");
    // The consumer is told, once, of this topic and group, and why.
    let [gap] = &gaps[..] else {
        panic!("{name}: {gaps:?}")
    };
    assert_eq!(
        (gap.topic.as_str(), gap.group.as_str()),
        ("courses", "search"),
        "{name}"
    );
    assert!(!gap.cause.is_empty(), "{name}");
    let by_ourselves = loss.name.contains("our own");
    let exact = match loss.said {
        Said::Exactly(n) if counts(&server) || by_ourselves => {
            assert_eq!(gap.lost, Count::Exactly(n), "{name}");
            true
        }
        _ => {
            assert!(!matches!(gap.lost, Count::Exactly(_)), "{name}: {gap:?}");
            false
        }
    };
    // In `tidings groups`, from now on.
    let told = stage.tidings(&["groups", "--json"]);
    let group: Value = serde_json::from_str(told.lines().next().unwrap()).unwrap();
    match (exact, loss.said) {
        (true, Said::Exactly(n)) => assert_eq!(group["lost"], n, "{name}: {group}"),
        _ => assert_ne!(group["lost_is"], "exact", "{name}: {group}"),
    }
    assert_eq!(group["lag_events"], json!(0), "{name}: {group}");
    // As metrics: of the consumer, and of whoever watches the log.
    let text = metrics.encode();
    let counted = "tidings_gaps_total{group=\"search\",topic=\"courses\"} 1";
    assert!(text.contains(counted), "{name}: {text}");
    let topic = Topic::new("courses").unwrap();
    let groups = bus.transport().groups(&topic).await.unwrap();
    metrics.groups().set(&[(topic, groups)]);
    let exactness = format!(
        "tidings_group_lost_exact{{group=\"search\",topic=\"courses\"}} {}",
        u8::from(exact)
    );
    let text = metrics.encode();
    assert!(text.contains(&exactness), "{name}: {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_lost_on_redis_is_reported() {
    for loss in OF_REDIS {
        let options = RedisOptions {
            append_only: AppendOnly::Off,
            ..RedisOptions::default()
        };
        let server = RedisServer::start(options).await.unwrap();
        let stage = Stage {
            site: Site::new(),
            bus: server.url(),
            redis: Some(server),
        };
        is_reported(&loss, &stage).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_lost_on_a_file_is_reported() {
    for loss in OF_SQLITE {
        let site = Site::new();
        let stage = Stage {
            bus: format!("sqlite:{}", site.folder().join("bus.db").display()),
            site,
            redis: None,
        };
        is_reported(&loss, &stage).await;
    }
}

/// How a server loses everything, what it knew of groups included. Then only a consumer that lives
/// through it can tell.
#[derive(Debug, Clone, Copy)]
enum Emptied {
    Evicted,
    Flushed,
    RestartedWithoutPersistence,
}

async fn empty(server: &mut RedisServer, how: Emptied) {
    let command = |command: &[&str]| server.command(command);
    match how {
        Emptied::Evicted => {
            command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-random"]).unwrap();
            command(&["CONFIG", "SET", "maxmemory", "1"]).unwrap();
            // Whoever writes makes the server look for room.
            while command(&["EXISTS", "courses"]).unwrap() == "1" {
                let _ = command(&["SET", "another", "value"]);
            }
            command(&["CONFIG", "SET", "maxmemory", "0"]).unwrap();
        }
        Emptied::Flushed => drop(command(&["FLUSHALL"]).unwrap()),
        Emptied::RestartedWithoutPersistence => server.restart_empty().await.unwrap(),
    }
}

async fn is_told_by_whom_lived_through(how: Emptied) {
    let options = RedisOptions {
        append_only: AppendOnly::Off,
        ..RedisOptions::default()
    };
    let mut server = RedisServer::start(options).await.unwrap();
    let url = server.url();
    let metrics = Metrics::new();
    let bus = tidings::open(&url).await.unwrap();
    let bus = bus.with_telemetry(Telemetry::default().with_metrics(metrics.clone()));
    let gaps = Arc::new(Mutex::new(Vec::new()));
    let told = gaps.clone();
    let consumer = bus
        .consumer("search")
        .topic("courses")
        .from(Start::Earliest)
        .on_gap(move |gap: &Gap| told.lock().unwrap().push(gap.clone()))
        .handler(async |_: Message| Ok(()));
    let counts = consumer.counters();
    let running = tokio::spawn(consumer.run(std::future::pending()));
    let site = Site::new();
    let publish = || {
        let event = ["--type", TYPE, "--service", "catalog", "--data", "{}"];
        let publish = ["publish", "--topic", "courses", "--bus", &url];
        site.ok(&[&publish[..], &event].concat());
    };
    let until = async |what: &str, holds: &dyn Fn() -> bool| {
        let end = std::time::Instant::now() + Duration::from_secs(60);
        while !holds() {
            assert!(
                std::time::Instant::now() < end,
                "{how:?}: {what}: {:?}",
                counts.snapshot()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    publish();
    until("the first event", &|| counts.snapshot().delivered == 1).await;
    empty(&mut server, how).await;
    // It goes on by itself.
    publish();
    until("the second event", &|| counts.snapshot().delivered >= 2).await;
    until("the gap", &|| !gaps.lock().unwrap().is_empty()).await;
    let found = gaps.lock().unwrap().clone();
    assert!(
        !matches!(found[0].lost, Count::Exactly(_)),
        "{how:?}: {found:?}"
    );
    let counted = "tidings_gaps_total{group=\"search\",topic=\"courses\"}";
    assert!(metrics.encode().contains(counted), "{how:?}");
    let told = site.ok(&["groups", "--json", "--bus", &url]);
    let group: Value = serde_json::from_str(told.lines().next().unwrap()).unwrap();
    assert_ne!(group["lost_is"], "exact", "{how:?}: {group}");
    running.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lost_everything_is_reported() {
    for how in [
        Emptied::Evicted,
        Emptied::Flushed,
        Emptied::RestartedWithoutPersistence,
    ] {
        is_told_by_whom_lived_through(how).await;
    }
}
