//! The relay, through what happens to it.

use std::time::Duration;

use crate::on_every_database;
use crate::site::{Kind, Running, Site, event};

/// A row by plain SQL, as any program may insert it.
fn plain(topic: &str, key: &str, document: &str) -> String {
    format!(
        "INSERT INTO tidings_outbox (id, topic, event_key, event, created_at) VALUES \
         ('8353e8ea-e784-11f1-8511-0242ac130002', '{topic}', '{key}', '{document}', \
          CURRENT_TIMESTAMP)"
    )
}

fn document(n: i64, key: &str) -> String {
    format!(
        concat!(
            r#"{{"specversion":"1.0","id":"8353e8ea-e784-11f1-8511-{:012x}","#,
            r#""source":"/example/catalog/worker","type":"{}","minorversion":0,"#,
            r#""time":"2026-11-23T21:26:15.021067Z","datacontenttype":"application/json","#,
            r#""sourcehost":"vm","partitionkey":"{}","data":{{"n":{}}}}}"#,
        ),
        n,
        crate::site::TYPE,
        key,
        n
    )
}

on_every_database! {
    async fn rows_by_plain_sql_are_published(kind: Kind) {
        let site = Site::new(kind).await;
        let relay = Running::start(site.relay());
        relay.until("it is active", |counts| counts.active).await;
        site.sql(&plain("courses", "a", &document(7, "a"))).await;
        relay.until("it is published", |counts| counts.published == 1).await;
        relay.end().await.unwrap();
        assert_eq!(site.heard("courses").await, [("a".into(), 7)]);
    }

    async fn a_refused_row_holds_its_key_and_no_other(kind: Kind) {
        let site = Site::new(kind).await;
        let mut session = site.connect().await;
        session.sql(&plain("courses", "bad", "{no json")).await;
        session.sql(&plain("courses", "bad", &document(2, "bad"))).await;
        session.sql(&plain("courses", "good", &document(3, "good"))).await;
        session.sql(&plain("others", "bad", &document(4, "bad"))).await;
        let relay = Running::start(site.relay());
        relay.until("the others go on", |counts| counts.published == 2).await;
        session.sql(&plain("courses", "bad", &document(5, "bad"))).await;
        relay.until("later ones wait", |counts| counts.held == 2).await;
        relay.end().await.unwrap();
        let refused = site.database().refused(0, 10).await.unwrap();
        assert_eq!(refused.len(), 1);
        assert_eq!((refused[0].holds, refused[0].key.as_deref()), (2, Some("bad")));
        assert!(refused[0].reason.contains("JSON"), "{}", refused[0].reason);
        assert!(refused[0].refused_at.is_some());
        // Another relay knows of it, too.
        let relay = Running::start(site.relay());
        session.sql(&plain("courses", "bad", &document(6, "bad"))).await;
        relay.until("later ones wait", |counts| counts.held == 1).await;
        assert_eq!(site.heard("courses").await, [("good".into(), 3)]);
        // Retried in vain, it is refused again.
        assert_eq!(site.database().retry(&[refused[0].seq]).await.unwrap(), 1);
        relay.until("it is refused again", |counts| counts.refused == 1).await;
        // Mended, what it held follows in order.
        session.sql(&format!("UPDATE tidings_outbox SET event = '{}' WHERE event = '{{no json'",
                             document(1, "bad"))).await;
        assert_eq!(site.database().retry(&[refused[0].seq]).await.unwrap(), 1);
        relay.until("all follow", |counts| counts.published == 4).await;
        relay.end().await.unwrap();
        let heard = site.heard("courses").await;
        let of_key: Vec<i64> = heard.iter().filter(|(k, _)| k == "bad").map(|(_, n)| *n).collect();
        assert_eq!(of_key, [1, 2, 5, 6]);
        assert_eq!(site.rows().await, 0);
    }

    async fn thousands_of_refused_rows_in_front_block_nothing(kind: Kind) {
        const REFUSED: i64 = 5_000;
        let site = Site::new(kind).await;
        let numbers = match kind {
            Kind::Postgres => format!("FROM generate_series(1, {REFUSED}) AS n (n)"),
            Kind::Mariadb => format!("FROM (SELECT seq AS n FROM seq_1_to_{REFUSED}) AS n"),
            Kind::Sqlite => format!("FROM (WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL \
                SELECT n + 1 FROM n WHERE n < {REFUSED}) SELECT n FROM n)"),
        };
        let key = match kind {
            Kind::Mariadb => "concat('k-', n)",
            _ => "'k-' || n",
        };
        site.sql(&format!(
            "INSERT INTO tidings_outbox (id, topic, event_key, event, created_at, refused_at, \
             reason) SELECT 'a', 'courses', {key}, 'no JSON', CURRENT_TIMESTAMP, \
             CURRENT_TIMESTAMP, 'no JSON' {numbers}"
        )).await;
        let outbox = site.outbox();
        let mut events: Vec<_> = (0..1_500).map(|n| event(&outbox, "good", n)).collect();
        events.insert(700, event(&outbox, "k-7", 0));
        site.connect().await.enqueue(&outbox, events).await.unwrap();
        let relay = Running::start(site.relay().batch(100, 1 << 20));
        relay.until("the others go on", |c| c.published == 1_500 && c.held == 1).await;
        // A look at which of the thousands were released does not stop anything either.
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let more = vec![event(&outbox, "good", 1_500)];
        site.connect().await.enqueue(&outbox, more).await.unwrap();
        relay.until("it goes on", |c| c.published == 1_501).await;
        relay.end().await.unwrap();
        let heard = site.heard("courses").await;
        assert!(heard.iter().map(|(_, n)| *n).eq(0..=1_500), "out of order");
        let status = site.database().status().await.unwrap();
        assert_eq!((status.depth, status.refused, status.held), (0, REFUSED as u64, 1));
    }

    async fn a_discarded_row_lets_its_key_go_on(kind: Kind) {
        let site = Site::new(kind).await;
        let mut session = site.connect().await;
        session.sql(&plain("courses", "bad", "{no json")).await;
        session.sql(&plain("courses", "bad", &document(2, "bad"))).await;
        let relay = Running::start(site.relay());
        relay.until("it waits", |counts| counts.held == 1).await;
        relay.end().await.unwrap();
        let refused = site.database().refused(0, 10).await.unwrap();
        assert_eq!(site.database().discard(&[refused[0].seq]).await.unwrap(), 1);
        let relay = Running::start(site.relay());
        relay.until("it goes on", |counts| counts.published == 1).await;
        relay.end().await.unwrap();
        assert_eq!(site.heard("courses").await, [("bad".into(), 2)]);
    }

    async fn a_bus_that_is_down_costs_nothing_but_depth(kind: Kind) {
        let site = Site::new(kind).await;
        let outbox = site.outbox();
        site.bus.set_available(false);
        let relay = Running::start(site.relay());
        let mut session = site.connect().await;
        for n in 0..500 {
            session.enqueue(&outbox, vec![event(&outbox, &format!("c{}", n % 7), n)]).await.unwrap();
        }
        relay.until("it tries", |counts| counts.retried > 0).await;
        assert_eq!(relay.counts().published, 0);
        assert_eq!(site.database().status().await.unwrap().depth, 500);
        site.bus.set_available(true);
        relay.until("all are published", |counts| counts.published == 500).await;
        let counts = relay.end().await.unwrap();
        assert_eq!((counts.refused, counts.held), (0, 0));
        let heard = site.heard("courses").await;
        assert!(heard.iter().map(|(_, n)| *n).eq(0..500), "out of order");
    }

    async fn one_relay_is_active_and_another_takes_over(kind: Kind) {
        let site = Site::new(kind).await;
        let outbox = site.outbox();
        let first = Running::start(site.relay());
        first.until("it is active", |counts| counts.active).await;
        let second = Running::start(site.relay());
        let mut session = site.connect().await;
        session.enqueue(&outbox, vec![event(&outbox, "a", 1)]).await.unwrap();
        first.until("it publishes", |counts| counts.published == 1).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(second.counts().terms, 0, "both are active");
        first.end().await.unwrap();
        second.until("it takes over", |counts| counts.active).await;
        let third = Running::start(site.relay());
        second.die().await;
        third.until("it takes over from the dead", |counts| counts.active).await;
        session.enqueue(&outbox, vec![event(&outbox, "a", 2)]).await.unwrap();
        third.until("it publishes", |counts| counts.published == 1).await;
        third.end().await.unwrap();
    }

    async fn published_rows_are_kept_for_a_time(kind: Kind) {
        let site = Site::new(kind).await;
        let outbox = site.outbox();
        let mut session = site.connect().await;
        session.enqueue(&outbox, vec![event(&outbox, "a", 1)]).await.unwrap();
        let relay = Running::start(site.relay().keep(Duration::from_secs(3600)));
        relay.until("it is published", |counts| counts.published == 1).await;
        relay.end().await.unwrap();
        assert_eq!(site.rows().await, 0);
        let kept = "SELECT count(*) FROM tidings_outbox_published";
        assert_eq!(site.count(kept).await, 1);
        site.sql("UPDATE tidings_outbox_published SET published_at = '2026-01-01 00:00:00'").await;
        let relay = Running::start(site.relay().keep(Duration::from_secs(3600)));
        crate::site::eventually("it is forgotten", async || site.count(kept).await == 0).await;
        relay.end().await.unwrap();
    }

    async fn depth_and_age_are_seen(kind: Kind) {
        let site = Site::new(kind).await;
        let mut session = site.connect().await;
        session.sql(&plain("courses", "a", &document(1, "a"))).await;
        session.sql("UPDATE tidings_outbox SET created_at = '2026-01-01 00:00:00'").await;
        let status = site.database().status().await.unwrap();
        assert_eq!((status.depth, status.depth_exact, status.refused), (1, true, 0));
        assert!(status.oldest.unwrap() > Duration::from_secs(86_400), "{status:?}");
    }
}

/// The trap of watermill #311: a cursor would have passed by the row that commits late. SQLite has
/// one writer at a time, so that a lower number cannot commit after a higher one.
async fn late(kind: Kind) {
    let site = Site::new(kind).await;
    let outbox = site.outbox();
    let relay = Running::start(site.relay());
    let (mut slow, mut quick) = (site.connect().await, site.connect().await);
    slow.begin().await;
    slow.enqueue(&outbox, vec![event(&outbox, "slow", 1)])
        .await
        .unwrap();
    for n in 2..300 {
        quick
            .enqueue(&outbox, vec![event(&outbox, "quick", n)])
            .await
            .unwrap();
    }
    relay
        .until("the others do not wait", |counts| counts.published == 298)
        .await;
    slow.commit().await;
    relay
        .until("the late one follows", |counts| counts.published == 299)
        .await;
    relay.end().await.unwrap();
    assert_eq!(
        site.heard("courses").await.last(),
        Some(&("slow".into(), 1))
    );
    assert_eq!(site.rows().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_a_row_that_commits_late_is_not_skipped() {
    late(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_mariadb_a_row_that_commits_late_is_not_skipped() {
    late(Kind::Mariadb).await;
}

/// A look that begins behind what was seen passes by the row that commits late, and takes the
/// next of its key, which had waited for it, before it.
async fn late_before_next(kind: Kind) {
    let site = Site::new(kind).await;
    let outbox = site.outbox();
    site.sql("CREATE TABLE locks (name VARCHAR(20) PRIMARY KEY, n BIGINT)")
        .await;
    site.sql("INSERT INTO locks VALUES ('slow', 0)").await;
    let relay = Running::start(site.relay());
    let (mut late, mut next) = (site.connect().await, site.connect().await);
    let mut filler = site.connect().await;
    let lock = "UPDATE locks SET n = n + 1 WHERE name = 'slow'";
    let (mut n, mut total) = (0, 0);
    for _ in 0..60 {
        late.begin().await;
        late.sql(lock).await;
        late.enqueue(&outbox, vec![event(&outbox, "slow", n + 1)])
            .await
            .unwrap();
        // Later numbers are seen before the late row is there.
        for _ in 0..4 {
            filler
                .enqueue(&outbox, vec![event(&outbox, "quick", 0)])
                .await
                .unwrap();
        }
        total += 4;
        relay
            .until("the others do not wait", |c| c.published >= total - 1)
            .await;
        let following = async {
            next.begin().await;
            next.sql(lock).await;
            next.enqueue(&outbox, vec![event(&outbox, "slow", n + 2)])
                .await
                .unwrap();
            next.commit().await;
        };
        let filling = async {
            for _ in 0..4 {
                filler
                    .enqueue(&outbox, vec![event(&outbox, "quick", 0)])
                    .await
                    .unwrap();
            }
        };
        tokio::join!(following, filling, late.commit());
        (n, total) = (n + 2, total + 6);
    }
    relay
        .until("all are published", |counts| counts.published == total)
        .await;
    relay.end().await.unwrap();
    let heard = site.heard("courses").await;
    let slow = heard
        .iter()
        .filter(|(key, _)| key == "slow")
        .map(|(_, n)| *n);
    assert!(slow.clone().eq(1..=n), "{:?}", slow.collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_a_row_that_commits_late_stays_before_the_next_of_its_key() {
    late_before_next(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_mariadb_a_row_that_commits_late_stays_before_the_next_of_its_key() {
    late_before_next(Kind::Mariadb).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_from_before_the_clock_was_set_back_keeps_nobody_out() {
    let site = Site::new(Kind::Sqlite).await;
    let lease = "INSERT INTO tidings_outbox_lease (name, holder, epoch, until_millis) VALUES \
                 ('relay', 'one that is gone', 1, 9999999999999)";
    site.sql(lease).await;
    let relay = Running::start(site.relay());
    relay.until("it is active", |counts| counts.active).await;
    relay.end().await.unwrap();
}
