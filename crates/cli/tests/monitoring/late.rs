//! A relay that starts before its database and its bus do.

use std::time::Duration;

use tidings_conformance::servers::{PostgresServer, RedisOptions, RedisServer};

use super::site::{Running, Site, get, until};

async fn ready(running: &Running, status: u16) -> String {
    let address = running.address();
    let ask = move || {
        until("readiness", || {
            let (is, text) = get(address, "/readyz");
            (is == status).then_some(text)
        })
    };
    tokio::task::spawn_blocking(ask).await.unwrap()
}

async fn says(running: &Running, text: &str) {
    for _ in 0..1_200 {
        if running.told().contains(text) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{text:?} is not in {}", running.told());
}

#[tokio::test(flavor = "multi_thread")]
async fn it_waits_for_its_bus_and_its_database_and_is_not_ready() {
    let mut redis = RedisServer::start(RedisOptions::default()).await.unwrap();
    let mut postgres = PostgresServer::start(&[]).await.unwrap();
    let (bus, database) = (redis.url(), postgres.url("postgres"));
    let site = Site::new();
    site.ok(&["outbox", "migrate", "--database", &database]);
    postgres.sql(
        "postgres",
        r#"INSERT INTO tidings_outbox (id, topic, event) VALUES
           ('8353e8ea-e784-11f1-8511-000000000001', 'courses',
            '{"specversion":"1.0","id":"8353e8ea-e784-11f1-8511-000000000001","source":"/example/catalog/worker","type":"org.example.catalog.course.created.v1","time":"2026-11-23T21:26:15Z","datacontenttype":"application/json","minorversion":0,"sourcehost":"vm","data":1}')"#,
    )
    .unwrap();
    redis.kill();
    postgres.kill();
    let relay = [
        "relay",
        "--database",
        &database,
        "--bus",
        &bus,
        "-v",
        "--metrics",
        "127.0.0.1:0",
    ];
    let running = site.start(&mut site.command(&relay));
    says(&running, "the bus does not answer; trying again").await;
    assert!(ready(&running, 503).await.contains("the bus"));
    redis.restart().await.unwrap();
    says(&running, "the database is away; waiting for it").await;
    assert!(ready(&running, 503).await.contains("the database"));
    assert_eq!(get(running.address(), "/healthz").0, 200);
    postgres.restart().await.unwrap();
    ready(&running, 200).await;
    says(&running, "relaying").await;
    for _ in 0..1_200 {
        if postgres
            .sql("postgres", "SELECT count(*) FROM tidings_outbox")
            .unwrap()
            == "0"
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let tail = [
        "tail",
        "--topic",
        "courses",
        "--no-follow",
        "--from",
        "earliest",
        "--bus",
        &bus,
    ];
    assert!(site.ok(&tail).contains("000000000001"));
    // Away once more, it is not ready, and comes back by itself.
    postgres.kill();
    assert!(ready(&running, 503).await.contains("the database"));
    postgres.restart().await.unwrap();
    ready(&running, 200).await;
}

#[test]
fn it_gives_up_when_it_is_told_to_and_at_once_on_what_waiting_does_not_mend() {
    let site = Site::new();
    let away = "postgres://app@127.0.0.1:1/app";
    let ends = |arguments: &[&str], code: i32, says: &str| {
        let ran = site.command(&[&["relay"], arguments].concat()).output();
        let ran = ran.unwrap();
        let told = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(code), "{arguments:?}: {told}");
        assert!(told.contains(says), "{told}");
    };
    let limit = ["--give-up-after", "300ms"];
    ends(
        &[&["--database", away][..], &limit].concat(),
        69,
        "is the database running?",
    );
    let bus = ["--bus", "redis://127.0.0.1:1", "--database", away];
    ends(&[&bus[..], &limit].concat(), 69, "127.0.0.1:1");
    ends(
        &["--bus", "redis://127.0.0.1:1?prefx=a", "--database", away],
        78,
        "prefix",
    );
}
