//! Passwords, ACL rules, TLS with a private authority and client certificates.

use std::sync::Arc;

use tidings_conformance::servers::{Certificates, RedisOptions, RedisServer};
use tidings_transport::{Error, ErrorKind, Retention, Transport};
use tidings_transport_redis::{Redis, RedisConfig};

use crate::listener::{Listener, group, publish, topic};

/// The ACL rule of `docs/guides/on-redis.md`, for topics with the prefix `prod`.
fn rule_of_the_guide() -> String {
    let guide = include_str!("../../../../docs/guides/on-redis.md");
    let rule = guide
        .lines()
        .find_map(|line| line.strip_prefix("ACL SETUSER "));
    let rule = rule.expect("the guide names a rule").trim();
    rule.to_owned()
}

async fn start(options: RedisOptions) -> (RedisServer, RedisConfig) {
    let server = RedisServer::start(options).await;
    let server = server.expect("redis-server is installed");
    let mut config = RedisConfig::default();
    config.port = server.port();
    (server, config)
}

/// Everything that a service and its operator do.
async fn works(config: RedisConfig) {
    let log: Arc<dyn Transport> = Arc::new(Redis::connect(config).await.expect("it connects"));
    let listener = Listener::start(Arc::clone(&log)).await;
    publish(&*log, 0..10).await;
    listener.wait_for(0..10).await;
    log.topics().await.expect("topics are listed");
    log.groups(&topic()).await.expect("groups are listed");
    log.dead_letters(&topic(), &group(), None, 10)
        .await
        .expect("dead letters are listed");
    log.trim(&topic(), &Retention::default())
        .await
        .expect("it trims");
    log.diagnose().await.expect("it diagnoses");
    log.ping().await.expect("it answers");
}

async fn refused(config: RedisConfig) -> Error {
    let error = Redis::connect(config).await.expect_err("it is refused");
    assert!(!error.to_string().contains("s3cret"), "{error}");
    error
}

#[tokio::test]
async fn a_password_and_a_database_number() {
    let (server, mut config) = start(RedisOptions {
        password: Some("s3cret".into()),
        ..RedisOptions::default()
    })
    .await;
    assert_eq!(refused(config.clone()).await.kind(), ErrorKind::Denied);
    config.password = Some("not the s3cret".into());
    assert_eq!(refused(config.clone()).await.kind(), ErrorKind::Denied);
    config.password = Some("s3cret".into());
    config.db = 3;
    works(config.clone()).await;
    let keys = server.command(&["INFO", "keyspace"]).expect("it answers");
    assert!(keys.contains("db3:") && !keys.contains("db0:"), "{keys}");
    config.db = 99;
    assert_eq!(refused(config).await.kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_unix_socket() {
    let (server, mut config) = start(RedisOptions::default()).await;
    config.port = 1;
    config.socket = Some(server.socket());
    works(config).await;
}

#[tokio::test]
async fn a_user_who_may_do_what_the_guide_says() {
    let rule = rule_of_the_guide();
    let (user, _) = rule.split_once(' ').expect("a name and rules");
    let (server, mut config) = start(RedisOptions {
        users: vec![rule.replace(">PASSWORD", ">s3cret")],
        ..RedisOptions::default()
    })
    .await;
    config.username = Some(user.to_owned());
    config.password = Some("s3cret".into());
    works(config.clone()).await;
    let others = ["XADD", "jobs", "*", "a", "b"];
    server.command(&others).expect("it is added");
    let log = Redis::connect(config.clone()).await.expect("it connects");
    let topics = log.topics().await.expect("topics are listed");
    let names: Vec<&str> = topics.iter().map(|info| info.topic.as_str()).collect();
    assert_eq!(names, ["prod-courses"]);
    server
        .command(&["ACL", "LOG", "RESET"])
        .expect("it forgets");

    // And nothing else: what belongs to others is refused by name.
    let log = Redis::connect(config).await.expect("it connects");
    server
        .command(&["SET", "session:1", "x"])
        .expect("it is set");
    let elsewhere = tidings_transport::Topic::new("stage-courses").expect("a name");
    let error = log
        .read(&elsewhere, &tidings_transport::Start::Earliest, 1)
        .await
        .expect_err("another prefix");
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    let log = server.command(&["ACL", "LOG"]).expect("it answers");
    let mut lines = log.lines();
    let mut refused = Vec::new();
    while let Some(line) = lines.next() {
        // On Redis 6.2 the rule leaves out CLIENT, which only tells the server who connects.
        refused.extend(
            (line == "object")
                .then(|| lines.next())
                .flatten()
                .filter(|o| *o != "client"),
        );
    }
    assert_eq!(refused.first(), Some(&"stage-courses"), "{log}");
    assert_eq!(refused.len(), 1, "{log}");
}

#[tokio::test]
async fn tls_with_a_private_authority_and_client_certificates() {
    let folder = tempfile::tempdir().expect("a folder");
    let certificates = Certificates::generate(folder.path()).expect("openssl is installed");
    let (_server, mut config) = start(RedisOptions {
        tls: Some(certificates.clone()),
        config: vec!["tls-auth-clients yes".into()],
        ..RedisOptions::default()
    })
    .await;
    // Plain text where TLS is spoken.
    assert!(Redis::connect(config.clone()).await.is_err());
    config.tls = true;
    // The public authorities have not signed it.
    let error = refused(config.clone()).await;
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    config.ca_file = Some(certificates.ca);
    // The server wants to see a certificate.
    assert!(Redis::connect(config.clone()).await.is_err());
    config.cert_file = Some(certificates.client_cert);
    config.key_file = Some(certificates.client_key);
    works(config.clone()).await;
    // A name that the certificate does not hold.
    config.host = "127.0.0.2".into();
    assert!(Redis::connect(config).await.is_err());
}
