//! `tidings doctor` before a Redis as sites run it, with everything wrong with it.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tidings_conformance::servers::{AppendOnly, RedisOptions, RedisServer};

use crate::site::{Site, document, hidden};

async fn redis(append_only: AppendOnly, config: &[&str]) -> RedisServer {
    let config = config.iter().map(ToString::to_string).collect();
    RedisServer::start(RedisOptions {
        append_only,
        config,
        ..RedisOptions::default()
    })
    .await
    .unwrap()
}

fn codes(findings: &[Value]) -> Vec<&str> {
    findings
        .iter()
        .map(|f| f["code"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_is_no_log() {
    let redis = redis(
        AppendOnly::Off,
        &["maxmemory 100mb", "maxmemory-policy allkeys-lru"],
    )
    .await;
    let (site, url) = (Site::new(), redis.url());
    let bus = ["--bus", &url];
    let publish = |topic: &str, input: &str| {
        site.feed(&[&bus[..], &["publish", "--topic", topic]].concat(), input)
            .ok();
    };
    let create = |topic: &str, group: &str| {
        let group = ["groups", "create", "--topic", topic, "--group", group];
        site.run(&[&bus[..], &group].concat()).ok();
    };
    // Nobody listens to what is published, and nothing comes to where somebody listens.
    create("courses", "search");
    publish("stage-courses", &document(1));
    // A group whose consumer was killed with an event in its hands.
    create("users", "mail");
    publish("users", &document(2));
    let hang = [
        "consume", "--topic", "users", "--group", "mail", "--lease", "1s", "--exec",
    ];
    let mut child = site
        .command(&[&bus[..], &hang, &["touch begun; exec sleep 60"]].concat())
        .spawn()
        .unwrap();
    while !site.folder().join("begun").exists() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // Something that is no event of ours, nor of anybody whom we know.
    redis
        .command(&["XADD", "users", "*", "foo", "bar"])
        .unwrap();
    // A consumer counts as living for a while after its last sign of life.
    let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
    let ran = loop {
        let ran = site.run(&[&bus[..], &["doctor"]].concat()).ends_with(1);
        if ran.out.contains("pending-without-owner") || std::time::Instant::now() > end {
            break ran;
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    };
    hidden().bind(|| insta::assert_snapshot!("doctor_of_a_cache", ran.seen()));
    let json = site
        .run(&[&bus[..], &["doctor", "--json"]].concat())
        .ends_with(1)
        .json();
    assert!(codes(&json).contains(&"redis-eviction"), "{json:?}");
    assert!(
        json.iter()
            .all(|f| !f["remedy"].as_str().unwrap().is_empty()),
        "{json:?}"
    );
    // Another prefix than everybody's is told of too.
    let other = format!("{url}?prefix=prod");
    let json = site
        .run(&["doctor", "--json", "--bus", &other])
        .ends_with(1)
        .json();
    assert!(
        json.iter()
            .any(|f| f["what"].as_str().unwrap().contains("\"prod\"")),
        "{json:?}"
    );
    // And of topics that are not its own there is nothing to do for it.
    let foreign = |f: &Value| f["what"].as_str().unwrap().contains("of users");
    assert!(!json.iter().any(foreign), "{json:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_well() {
    let redis = redis(AppendOnly::Always, &["maxmemory-policy noeviction"]).await;
    let (site, url) = (Site::new(), redis.url());
    let ran = site.run(&["doctor", "--strict", "--bus", &url]).ok();
    assert_eq!(ran.out, "");
    assert!(
        ran.err.contains("nothing endangers events here"),
        "{}",
        ran.err
    );
    // The same server, seen by a machine whose clock is an hour ahead.
    let skewed = site
        .command(&["doctor", "--json", "--bus", &url])
        .env("LD_PRELOAD", faketime())
        .env("FAKETIME", "+3600s")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&skewed.stdout).into_owned();
    assert!(said.contains("redis-clock"), "{said}");
    assert!(said.contains("behind"), "{said}");
    assert_eq!(skewed.status.code(), Some(0), "a warning does not fail");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_may_not_look_is_told() {
    let user = "worker on >pw ~* &* +@all -info -config -time";
    let options = RedisOptions {
        users: vec![user.to_owned()],
        ..RedisOptions::default()
    };
    let redis = RedisServer::start(options).await.unwrap();
    let site = Site::new();
    let url = format!("redis://worker:pw@{}", redis.address());
    let json = site.run(&["doctor", "--json", "--bus", &url]).ok().json();
    let refused = json.iter().filter(|f| f["code"] == "redis-refuses-to-tell");
    assert_eq!(refused.count(), 6, "{json:?}");
}

fn faketime() -> PathBuf {
    let name = format!(
        "/usr/lib/{}-linux-gnu/faketime/libfaketime.so.1",
        std::env::consts::ARCH
    );
    let path = Path::new(&name);
    assert!(
        path.exists(),
        "{name} is missing: scripts/setup.sh test installs it"
    );
    path.to_owned()
}
