//! A primary that dies, is demoted, or comes back with less than it had.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidings_conformance::servers::{RedisOptions, RedisServer, Sentinels};
use tidings_transport::{Count, ErrorKind, Transport};
use tidings_transport_redis::{Redis, RedisConfig, SentinelConfig};

use crate::listener::{Listener, first_occurrences, publish};

const PATIENCE: Duration = Duration::from_secs(60);

async fn server(config: Vec<String>) -> RedisServer {
    let server = RedisServer::start(RedisOptions {
        config,
        ..RedisOptions::default()
    })
    .await;
    server.expect("redis-server is installed")
}

/// A primary, two replicas of it, and three sentinels.
async fn watched() -> (RedisServer, [RedisServer; 2], Sentinels) {
    let primary = server(vec!["repl-diskless-sync-delay 0".into()]).await;
    let replica = || server(vec![format!("replicaof 127.0.0.1 {}", primary.port())]);
    let replicas = [replica().await, replica().await];
    let sentinels = Sentinels::watch(&primary, replicas.len()).await;
    (primary, replicas, sentinels.expect("they find each other"))
}

fn behind(sentinels: &Sentinels) -> RedisConfig {
    let nodes = sentinels.ports().iter().map(|port| ("127.0.0.1", *port));
    let mut config = RedisConfig::default();
    config.sentinels = Some(SentinelConfig::new("events", nodes));
    config
}

async fn connect(config: RedisConfig) -> Arc<dyn Transport> {
    // On a busy machine an answer may take longer than a client waits; as a service it asks again.
    let end = Instant::now() + PATIENCE;
    loop {
        match Redis::connect(config.clone()).await {
            Ok(log) => return Arc::new(log),
            Err(error) if error.is_temporary() && Instant::now() < end => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(error) => panic!("the server does not answer: {error}"),
        }
    }
}

/// Waits until a fact of `INFO replication` is as it should be.
async fn until(server: &RedisServer, is: impl Fn(&str) -> bool) {
    let end = Instant::now() + PATIENCE;
    loop {
        let info = server.command(&["INFO", "replication"]);
        // A busy machine may keep an answer back for longer than one waits for it.
        if info.as_ref().is_ok_and(|info| is(info)) {
            return;
        }
        assert!(Instant::now() < end, "still: {info:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn fact(info: &str, name: &str) -> Option<String> {
    let line = info
        .lines()
        .find_map(|line| line.trim().strip_prefix(name))?;
    line.strip_prefix(':').map(str::to_owned)
}

/// Waits until the replicas have everything that the primary has now.
async fn replicated(primary: &RedisServer, replicas: &[RedisServer]) {
    let info = primary.command(&["INFO", "replication"]).expect("it runs");
    let offset = fact(&info, "master_repl_offset").and_then(|n| n.parse::<u64>().ok());
    let offset = offset.expect("an offset");
    for replica in replicas {
        let has = |info: &str| {
            let at = fact(info, "slave_repl_offset").and_then(|n| n.parse::<u64>().ok());
            at.is_some_and(|at| at >= offset)
        };
        until(replica, has).await;
    }
}

#[tokio::test]
async fn a_killed_primary_is_followed_by_the_one_that_the_sentinels_choose() {
    let (mut primary, replicas, mut sentinels) = watched().await;
    let log = connect(behind(&sentinels)).await;
    let listener = Listener::start(Arc::clone(&log)).await;
    publish(&*log, 0..100).await;
    listener.wait_for(0..100).await;
    replicated(&primary, &replicas).await;
    // What a fail-over may cost is told before there is one.
    let finds = async || {
        let findings = log.diagnose().await.expect("it answers");
        findings
            .iter()
            .any(|found| found.code == "redis-unreplicated")
    };
    assert!(finds().await, "min-replicas-to-write is 0");
    let needed = ["CONFIG", "SET", "min-replicas-to-write", "1"];
    primary.command(&needed).expect("it is set");
    assert!(!finds().await, "min-replicas-to-write is 1");

    primary.kill();
    sentinels.kill(0);
    publish(&*log, 100..200).await;
    let heard = listener.wait_for(0..200).await;
    assert_eq!(first_occurrences(&heard), (0..200).collect::<Vec<_>>());

    // The old one comes back as it was, and is made a replica; nobody writes to it meanwhile.
    primary.restart().await.expect("it comes back");
    publish(&*log, 200..250).await;
    until(&primary, |info| info.contains("role:slave")).await;
    publish(&*log, 250..300).await;
    let heard = listener.wait_for(0..300).await;
    assert_eq!(first_occurrences(&heard), (0..300).collect::<Vec<_>>());
    // And who comes new finds the new one, although the first sentinel is down.
    connect(behind(&sentinels)).await;
}

#[tokio::test]
async fn a_name_that_no_sentinel_knows_says_so() {
    let (_primary, _replicas, sentinels) = watched().await;
    let mut config = behind(&sentinels);
    if let Some(sentinels) = &mut config.sentinels {
        sentinels.primary = "mymaster".into();
    }
    let error = Redis::connect(config).await.expect_err("no such name");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    let text = error.to_string();
    assert!(
        text.contains("/mymaster/0") && text.contains("check the name"),
        "{text}"
    );
}

#[tokio::test]
async fn a_demoted_primary_refuses_and_nothing_is_lost() {
    let primary = server(Vec::new()).await;
    let other = server(Vec::new()).await;
    let mut config = RedisConfig::default();
    config.port = primary.port();
    let log = connect(config).await;
    let listener = Listener::start(Arc::clone(&log)).await;
    publish(&*log, 0..20).await;
    listener.wait_for(0..20).await;

    // So that becoming a replica of it changes nothing.
    let port = primary.port().to_string();
    let follow = ["REPLICAOF", "127.0.0.1", &port];
    other.command(&follow).expect("it follows");
    replicated(&primary, std::slice::from_ref(&other)).await;
    other
        .command(&["REPLICAOF", "NO", "ONE"])
        .expect("it leads");
    let port = other.port().to_string();
    primary
        .command(&["REPLICAOF", "127.0.0.1", &port])
        .expect("it follows");
    let record = tidings_transport::Record {
        topic: crate::listener::topic(),
        key: None,
        body: tidings_transport::Body::Document("20".into()),
    };
    let refused = log.publish(&[record]).await.remove(0);
    let refused = refused.expect_err("a replica takes no writes");
    assert!(refused.is_temporary(), "{refused}");

    primary
        .command(&["REPLICAOF", "NO", "ONE"])
        .expect("it leads again");
    publish(&*log, 20..40).await;
    let heard = listener.wait_for(0..40).await;
    assert_eq!(first_occurrences(&heard), (0..40).collect::<Vec<_>>());
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(status.expect("cp runs").success());
}

/// Where the server keeps its append-only file: a folder from Redis 7 on.
fn appended(server: &RedisServer) -> std::path::PathBuf {
    let folder = server.folder().join("appendonlydir");
    match folder.exists() {
        true => folder,
        false => server.folder().join("appendonly.aof"),
    }
}

/// The sentinels choose a replica that has not heard of the last writes.
#[tokio::test]
async fn a_fail_over_to_a_replica_that_lags_is_told_of() {
    let (mut primary, replicas, sentinels) = watched().await;
    let log = connect(behind(&sentinels)).await;
    let listener = Listener::start(Arc::clone(&log)).await;
    publish(&*log, 0..25).await;
    listener.wait_for(0..25).await;
    replicated(&primary, &replicas).await;

    // From now on it takes no replica, and those that it has come too late.
    let deaf = ["ACL", "SETUSER", "default", "-psync", "-sync"];
    primary.command(&deaf).expect("it is set");
    let cut = ["CLIENT", "KILL", "TYPE", "replica"];
    primary.command(&cut).expect("they are cut off");
    publish(&*log, 25..60).await;
    listener.wait_for(0..60).await;

    primary.kill();
    publish(&*log, 60..80).await;
    let heard = listener.wait_for(60..80).await;
    let wanted: Vec<u32> = (0..80).collect();
    assert_eq!(first_occurrences(&heard), wanted);
    let gap = listener.wait_for_a_gap().await;
    assert_eq!(gap.lost, Count::Unknown, "{gap:?}");
    assert!(gap.cause.contains("earlier state"), "{gap:?}");
}

/// What a crash without the end of the append-only file looks like: the log and the position of the
/// group are those of a moment ago.
#[tokio::test]
async fn a_position_that_rolled_back_is_a_redelivery_and_not_a_loss() {
    let mut server = server(Vec::new()).await;
    let mut config = RedisConfig::default();
    config.port = server.port();
    let log = connect(config).await;
    let listener = Listener::start(Arc::clone(&log)).await;
    publish(&*log, 0..20).await;
    listener.wait_for(0..20).await;
    publish(&*log, 20..25).await;

    let aside = tempfile::tempdir().expect("a folder");
    let (kept, now) = (aside.path().join("kept"), appended(&server));
    copy(&now, &kept);
    publish(&*log, 25..60).await;
    listener.wait_for(0..60).await;

    server.kill();
    match now.is_dir() {
        true => std::fs::remove_dir_all(&now).expect("it is removed"),
        false => std::fs::remove_file(&now).expect("it is removed"),
    }
    copy(&kept, &now);
    server.restart().await.expect("it comes back");
    // 25 to 59 went with the server; its clients did not.
    publish(&*log, 60..80).await;
    let heard = listener.wait_for(60..80).await;
    let wanted: Vec<u32> = (0..80).collect();
    assert_eq!(first_occurrences(&heard), wanted);
    // What else had been there by then nobody can know, and that is said.
    let gap = listener.wait_for_a_gap().await;
    assert_eq!(gap.lost, Count::Unknown, "{gap:?}");
    assert!(gap.cause.contains("earlier state"), "{gap:?}");
}
