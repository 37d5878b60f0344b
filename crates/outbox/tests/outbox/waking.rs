//! How commits wake the relay on PostgreSQL, and that none does who need not: commits that notify
//! wait for each other.

use std::time::Duration;

use sqlx::postgres::PgListener;
use tidings_outbox::Sabotage;

use crate::site::{Kind, Running, Session, Site, eventually};

/// The lock that `schema.sql` names.
const SLEEP: i64 = 0x0074_6964_696e_6773 + 2;

const INSERT: &str = "INSERT INTO tidings_outbox (id, topic, event)
     VALUES ('00000000-0000-0000-0000-000000000000', 'courses', 'refused')";

/// A relay that looks again by itself once in an hour, so that it finds only what it is woken for.
fn start(site: &Site) -> Running {
    let relay = site.relay().poll(Duration::from_secs(3_600));
    Running::start(relay.sabotage(Sabotage::OnlyWoken))
}

async fn asleep(site: &Site) -> bool {
    let held = format!(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock'
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
         AND (classid::bigint << 32) + objid::bigint = {SLEEP}"
    );
    site.count(&held).await == 1
}

/// What is notified first from here on, when nothing else is: the mark.
async fn heard(site: &Site, listener: &mut PgListener) -> String {
    site.sql("NOTIFY tidings_outbox, 'mark'").await;
    listener.recv().await.unwrap().payload().to_owned()
}

async fn listener(site: &Site) -> PgListener {
    let mut listener = PgListener::connect(&site.url).await.unwrap();
    listener.listen("tidings_outbox").await.unwrap();
    listener
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_wakes_a_relay_that_sleeps() {
    let site = Site::new(Kind::Postgres).await;
    let relay = start(&site);
    eventually("it sleeps", || asleep(&site)).await;
    let mut listener = listener(&site).await;
    for n in 1..=3 {
        site.sql(INSERT).await;
        assert_eq!(heard(&site, &mut listener).await, "");
        assert_eq!(listener.recv().await.unwrap().payload(), "mark");
        relay.until("it looked", |counts| counts.refused == n).await;
        eventually("it sleeps again", || asleep(&site)).await;
    }
    relay.end().await.unwrap();
    assert!(!asleep(&site).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_commit_notifies_where_nobody_sleeps() {
    let site = Site::new(Kind::Postgres).await;
    let mut listener = listener(&site).await;
    site.sql(INSERT).await;
    assert_eq!(heard(&site, &mut listener).await, "mark");
    // A transaction that found the relay awake keeps it awake until it has ended.
    let mut slow = site.connect().await;
    slow.begin().await;
    slow.sql(INSERT).await;
    let relay = start(&site);
    relay.until("the first", |counts| counts.refused == 1).await;
    site.sql(INSERT).await;
    relay
        .until("the second", |counts| counts.refused == 2)
        .await;
    assert_eq!(heard(&site, &mut listener).await, "mark");
    assert!(!asleep(&site).await);
    slow.commit().await;
    relay
        .until("the slow one", |counts| counts.refused == 3)
        .await;
    eventually("it sleeps", || asleep(&site)).await;
    relay.end().await.unwrap();
}

/// Whatever becomes of the relay and of writers, no row waits for the hour to end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_row_is_left_to_the_next_look_of_its_own() {
    let site = Site::new(Kind::Postgres).await;
    let relay = start(&site);
    let writers = (0..4).map(|_| {
        let url = site.url.clone();
        tokio::spawn(async move {
            let mut session = Session::connect(Kind::Postgres, &url).await;
            for n in 0..200 {
                session.sql(INSERT).await;
                // Now and then the relay has the time to fall asleep.
                let pause = if n % 20 == 0 { 20 } else { 0 };
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    relay.until("all", |counts| counts.refused == 800).await;
    relay.end().await.unwrap();
}
