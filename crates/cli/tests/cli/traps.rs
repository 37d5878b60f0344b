//! Traps that other event buses fell into, as a program runs.

use std::process::{Child, Stdio};
use std::time::Duration;

use rusqlite::Connection;
use tidings_conformance::servers::{RedisOptions, RedisServer};

use crate::site::{Site, terminate, wait};

/// Ends with the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How many commands of this kind the server has run.
fn calls(redis: &RedisServer, name: &str) -> u64 {
    let stats = redis.command(&["INFO", "commandstats"]).unwrap();
    let line = stats
        .lines()
        .find_map(|line| line.strip_prefix(&format!("cmdstat_{name}:calls=")));
    let count = line.and_then(|line| line.split(',').next());
    count.map_or(0, |count| count.parse().unwrap())
}

/// svix #1844: after a Redis that came back empty, NOGROUP was asked for every 10 ms, for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_gone_is_made_again_and_not_asked_for_in_a_loop() {
    let redis = RedisServer::start(RedisOptions::default()).await.unwrap();
    let (site, url) = (Site::new(), redis.url());
    let mut consume = site.command(&[
        "consume",
        "--topic",
        "courses",
        "--group",
        "g",
        "--bus",
        &url,
        "--exec",
        "touch heard",
    ]);
    let consume = consume.stdout(Stdio::null()).stderr(Stdio::null());
    let mut consumer = Killed(consume.spawn().unwrap());
    let groups = || {
        let told = site.run(&["groups", "--bus", &url, "--json"]);
        told.code == Some(0) && told.out.contains("\"g\"")
    };
    let soon = async || {
        for _ in 0..600 {
            if groups() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the group is not there");
    };
    soon().await;
    redis.command(&["FLUSHALL"]).unwrap();
    soon().await;
    let before = calls(&redis, "xreadgroup") + calls(&redis, "xgroup|create");
    tokio::time::sleep(Duration::from_secs(3)).await;
    let asked = calls(&redis, "xreadgroup") + calls(&redis, "xgroup|create") - before;
    assert!(asked < 60, "{asked} times in three seconds");
    // And it hears.
    site.feed(
        &["publish", "--topic", "courses", "--bus", &url],
        &crate::site::document(1),
    )
    .ok();
    for _ in 0..600 {
        if site.folder().join("heard").exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(site.folder().join("heard").exists());
    terminate(&consumer.0);
    wait(&mut consumer.0);
}

/// event-bus-redis: what was configured wrongly became a bus that silently did nothing.
#[test]
fn a_misconfiguration_stops_a_program_at_its_start() {
    let site = Site::new();
    let consume = ["consume", "--topic", "courses", "--group", "g"];
    let ends = |arguments: &[&str], code: i32, says: &str| {
        let ran = site.run(arguments).ends_with(code);
        assert!(ran.err.contains(says), "{arguments:?}: {}", ran.err);
        assert_eq!(ran.out, "");
    };
    for (bus, says) in [
        ("nats://localhost", "nats"),
        ("redis://localhost?prefx=a", "prefix"),
        ("redis://localhost?wire=opendx", "openedx"),
        ("", "bus"),
    ] {
        ends(&[&consume[..], &["--bus", bus]].concat(), 78, says);
        ends(&["publish", "--topic", "courses", "--bus", bus], 78, says);
        ends(
            &["relay", "--bus", bus, "--database", "sqlite:app.db"],
            78,
            says,
        );
    }
    let catalog = [&consume[..], &["--catalog", "missing"]].concat();
    ends(&catalog, 78, "missing");
    ends(&["relay"], 78, "TIDINGS_DATABASE");
    site.write("tidings.toml", "bsu = \"sqlite:bus.db\"");
    ends(&consume, 78, "bsu");
}

/// event-bus-redis: a consumer that could not do its work ended with 0, so that nobody started it
/// again.
#[test]
fn a_program_that_cannot_do_its_work_does_not_end_with_success() {
    let site = Site::new();
    site.publish(1);
    let fails = [
        "--from",
        "earliest",
        "--exec",
        "exit 1",
        "--on-failure",
        "stop",
    ];
    let consume = ["consume", "--topic", "courses", "--group", "g"];
    let ran = site.run(&[&consume[..], &fails].concat());
    assert!(ran.code != Some(0), "{}", ran.err);
    let away = ["--bus", "redis://127.0.0.1:1", "--give-up-after", "100ms"];
    site.run(&[&consume[..], &away].concat()).ends_with(69);
    site.run(&["outbox", "migrate", "--database", "sqlite:app.db"])
        .ok();
    let mut relay = site.command(&["relay", "--database", "sqlite:app.db"]);
    let relay = relay.stderr(Stdio::null()).spawn().unwrap();
    let mut relay = Killed(relay);
    let file = Connection::open(site.folder().join("app.db")).unwrap();
    file.busy_timeout(Duration::from_secs(30)).unwrap();
    let active = "SELECT count(*) FROM tidings_outbox_lease WHERE until_millis > 0";
    for _ in 0..600 {
        let held: i64 = file.query_row(active, [], |row| row.get(0)).unwrap();
        if held > 0 {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    file.execute_batch("DROP TABLE tidings_outbox").unwrap();
    wait(&mut relay.0);
    assert_eq!(relay.0.wait().unwrap().code(), Some(78));
}
