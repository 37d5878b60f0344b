//! A database that is killed, a connection that is cut, while events flow.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::site::{Kind, Running, Session, Site, event};
use tidings_conformance::servers::{MariadbServer, PgBouncer, PostgresServer, Proxy};
use tidings_outbox::ErrorKind;

/// Everything that was committed is on the bus, first occurrences in order.
async fn complete(site: &Site, committed: &[i64]) {
    let mut seen: Vec<i64> = Vec::new();
    for (_, n) in site.heard("courses").await {
        if !seen.contains(&n) {
            seen.push(n);
        }
    }
    assert!(seen.is_sorted(), "out of order: {seen:?}");
    let lost: Vec<_> = committed.iter().filter(|n| !seen.contains(n)).collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
}

/// Commits one event after the other while the server comes and goes; those that were confirmed.
async fn write(kind: Kind, url: String, site: &Site, stop: Arc<AtomicBool>) -> Vec<i64> {
    let outbox = site.outbox();
    let (mut committed, mut n) = (Vec::new(), 0);
    'connections: while !stop.load(Ordering::Relaxed) {
        let Ok(mut session) = Session::try_connect(kind, &url).await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        while !stop.load(Ordering::Relaxed) {
            n += 1;
            if session
                .enqueue(&outbox, vec![event(&outbox, "a", n)])
                .await
                .is_err()
            {
                continue 'connections;
            }
            committed.push(n);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    committed
}

async fn restarts(kind: Kind, server: &mut Server) {
    let site = Site::over(kind, server.database("app"));
    site.database().migrate().await.unwrap();
    let relay = Running::start(site.relay());
    relay.until("it is active", |counts| counts.active).await;
    let stop = Arc::new(AtomicBool::new(false));
    let writing = write(kind, site.url.clone(), &site, stop.clone());
    let disturbing = async {
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(400)).await;
            server.kill_and_restart().await;
        }
        tokio::time::sleep(Duration::from_millis(400)).await;
        stop.store(true, Ordering::Relaxed);
    };
    let (committed, ()) = tokio::join!(writing, disturbing);
    let end = std::time::Instant::now() + Duration::from_secs(60);
    while site.rows().await > 0 {
        assert!(std::time::Instant::now() < end, "{:?}", relay.counts());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let counts = relay.end().await.unwrap();
    assert!(counts.terms > 1, "{counts:?}");
    complete(&site, &committed).await;
}

enum Server {
    Postgres(PostgresServer),
    Mariadb(MariadbServer),
}

impl Server {
    fn database(&self, name: &str) -> String {
        match self {
            Self::Postgres(server) => server.create_database(name).unwrap(),
            Self::Mariadb(server) => server.create_database(name).unwrap(),
        }
    }

    async fn kill_and_restart(&mut self) {
        match self {
            Self::Postgres(server) => server.restart().await.unwrap(),
            Self::Mariadb(server) => server.restart().await.unwrap(),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_postgres_is_waited_for() {
    let server = PostgresServer::start(&[]).await.unwrap();
    restarts(Kind::Postgres, &mut Server::Postgres(server)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_mariadb_is_waited_for() {
    let server = MariadbServer::start(&[]).await.unwrap();
    restarts(Kind::Mariadb, &mut Server::Mariadb(server)).await;
}

async fn cuts(kind: Kind) {
    let direct = Site::new(kind).await;
    let address = direct.url.split(['@', '/']).nth(3).unwrap();
    let proxy = Proxy::start(address.parse().unwrap()).unwrap();
    let url = direct
        .url
        .replace(address, &format!("127.0.0.1:{}", proxy.port()));
    let through = Site::over(kind, url);
    let relay = Running::start(through.relay());
    relay.until("it is active", |counts| counts.active).await;
    let outbox = direct.outbox();
    let mut session = direct.connect().await;
    let mut committed = Vec::new();
    for n in 0..200 {
        session
            .enqueue(&outbox, vec![event(&outbox, "a", n)])
            .await
            .unwrap();
        committed.push(n);
        match n {
            40 | 120 => proxy.cut(),
            80 => proxy.cut_replies_after(300),
            _ => tokio::time::sleep(Duration::from_millis(2)).await,
        }
    }
    let end = std::time::Instant::now() + Duration::from_secs(60);
    while direct.rows().await > 0 {
        assert!(std::time::Instant::now() < end, "{:?}", relay.counts());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let counts = relay.end().await.unwrap();
    assert!(counts.outages > 0, "{counts:?}");
    complete(&through, &committed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_connection_to_postgres_is_made_again() {
    cuts(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_connection_to_mariadb_is_made_again() {
    cuts(Kind::Mariadb).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_is_refused_with_the_remedy() {
    let server = PostgresServer::start(&["fsync=off"]).await.unwrap();
    let direct = Site::over(Kind::Postgres, server.create_database("app").unwrap());
    direct.database().migrate().await.unwrap();
    let pooler = PgBouncer::start(&server).await.unwrap();
    for _ in 0..3 {
        let pooled = Site::over(Kind::Postgres, pooler.url("app"));
        let ended = pooled.relay().run(std::future::pending()).await;
        let error = ended.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Pooler, "{error}");
        assert!(
            error.to_string().contains("server's own address"),
            "{error}"
        );
    }
    // Services may use it: a transaction stays with one connection to the server.
    let outbox = direct.outbox();
    let mut session = Session::connect(Kind::Postgres, &pooler.url("app")).await;
    session.begin().await;
    session
        .enqueue(&outbox, vec![event(&outbox, "a", 1)])
        .await
        .unwrap();
    session.commit().await;
    let relay = Running::start(direct.relay());
    relay
        .until("it is published", |counts| counts.published == 1)
        .await;
    relay.end().await.unwrap();
}
