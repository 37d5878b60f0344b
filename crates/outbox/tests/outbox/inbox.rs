//! An event takes effect once.

use std::time::Duration;

use crate::on_every_database;
use crate::site::{Kind, Site};
use tidings_event::Event;
use tidings_outbox::{Inbox, Sighting};
use tidings_transport::Group;

fn inbox(group: &str) -> Inbox {
    Inbox::new(Group::new(group).unwrap())
}

fn event(id: &str) -> Event {
    let builder = Event::builder(crate::site::TYPE).source("/example/catalog/web");
    builder.id(id).build().unwrap()
}

on_every_database! {
    /// The trap of redpanda connect's `dedupe`: an id that was recorded before success made the
    /// redelivery of a failed event a duplicate, and the event was lost.
    async fn recorded_with_the_effect_or_not_at_all(kind: Kind) {
        let site = Site::new(kind).await;
        let (inbox, event) = (inbox("search"), event("one"));
        let mut session = site.connect().await;
        session.begin().await;
        assert_eq!(session.once(&inbox, &event).await.unwrap(), Sighting::Fresh);
        session.rollback().await;
        session.begin().await;
        assert_eq!(session.once(&inbox, &event).await.unwrap(), Sighting::Fresh);
        session.commit().await;
        session.begin().await;
        assert_eq!(session.once(&inbox, &event).await.unwrap(), Sighting::Seen);
        let other = super::inbox("mail");
        assert_eq!(session.once(&other, &event).await.unwrap(), Sighting::Fresh);
        session.commit().await;
    }

    async fn ids_are_compared_byte_by_byte_and_may_be_of_any_length(kind: Kind) {
        let site = Site::new(kind).await;
        let inbox = inbox("search");
        let mut session = site.connect().await;
        let long = "x".repeat(4_000);
        for id in ["a", "A", "á", "a ", &long, &format!("{long}y")] {
            let event = event(id);
            assert_eq!(session.once(&inbox, &event).await.unwrap(), Sighting::Fresh, "{id:?}");
            assert_eq!(session.once(&inbox, &event).await.unwrap(), Sighting::Seen, "{id:?}");
        }
    }

    async fn a_batch_is_answered_event_by_event(kind: Kind) {
        let site = Site::new(kind).await;
        let inbox = inbox("search");
        let mut session = site.connect().await;
        let events = |ids: &[&str]| -> Vec<Event> { ids.iter().map(|id| event(id)).collect() };
        use Sighting::{Fresh, Seen};
        for (ids, expected) in [
            (&["c", "a"][..], &[Fresh, Fresh][..]),
            (&["a", "c"], &[Seen, Seen]),
            (&["d", "a", "b", "b", "c"], &[Fresh, Seen, Fresh, Seen, Seen]),
            (&[], &[]),
        ] {
            session.begin().await;
            let answers = session.once_all(&inbox, &events(ids)).await.unwrap();
            assert_eq!(answers, expected, "{ids:?}");
            session.commit().await;
        }
        assert_eq!(site.count("SELECT count(*) FROM tidings_inbox").await, 4);
    }

    /// The second of two at once waits for the first, and then knows.
    async fn a_concurrent_duplicate_waits_for_the_first(kind: Kind) {
        let site = Site::new(kind).await;
        let inbox = inbox("search");
        for (id, commits, expected) in
            [("one", true, Sighting::Seen), ("two", false, Sighting::Fresh)]
        {
            let event = event(id);
            let (mut first, mut second) = (site.connect().await, site.connect().await);
            first.begin().await;
            assert_eq!(first.once(&inbox, &event).await.unwrap(), Sighting::Fresh);
            let waiting = tokio::spawn({
                let (inbox, event) = (inbox.clone(), event.clone());
                async move {
                    second.begin().await;
                    let answer = second.once(&inbox, &event).await;
                    second.commit().await;
                    answer
                }
            });
            tokio::time::sleep(Duration::from_millis(200)).await;
            assert!(!waiting.is_finished(), "it did not wait");
            match commits {
                true => first.commit().await,
                false => first.rollback().await,
            }
            assert_eq!(waiting.await.unwrap().unwrap(), expected);
        }
    }

    async fn pruning_goes_by_age_and_group(kind: Kind) {
        let site = Site::new(kind).await;
        let inbox = inbox("search");
        let mut session = site.connect().await;
        for id in ["old", "new"] {
            assert_eq!(session.once(&inbox, &event(id)).await.unwrap(), Sighting::Fresh);
        }
        assert_eq!(session.once(&super::inbox("mail"), &event("old")).await.unwrap(), Sighting::Fresh);
        session.sql("UPDATE tidings_inbox SET done_at = '2026-01-01 00:00:00' WHERE id = 'old'").await;
        let day = Duration::from_secs(86_400);
        assert_eq!(session.prune(&inbox, day).await.unwrap(), 1);
        assert_eq!(session.once(&inbox, &event("new")).await.unwrap(), Sighting::Seen);
        assert_eq!(site.count("SELECT count(*) FROM tidings_inbox").await, 2);
        assert_eq!(site.database().prune_inbox(day).await.unwrap(), 1);
    }
}

/// What the issue of duplicates may cost: a statement an event, or one for a whole batch.
async fn statements(kind: Kind, prepare: &str, count: &str) {
    const EVENTS: i64 = 50;
    let site = Site::new(kind).await;
    let inbox = inbox("search");
    let mut session = site.connect().await;
    let events = |from: i64| -> Vec<Event> {
        (from..from + EVENTS)
            .map(|n| event(&n.to_string()))
            .collect()
    };
    session.sql(prepare).await;
    session.begin().await;
    let before = session.number(count).await;
    for event in events(0).iter().chain(&events(0)) {
        let _ = session.once(&inbox, event).await.unwrap();
    }
    let each = session.number(count).await - before;
    assert_eq!(each, 2 * EVENTS, "the second time as the first");
    let fresh = session.once_all(&inbox, &events(EVENTS)).await.unwrap();
    let seen = session.once_all(&inbox, &events(EVENTS)).await.unwrap();
    assert!(fresh.iter().all(|sighting| *sighting == Sighting::Fresh));
    assert!(seen.iter().all(|sighting| *sighting == Sighting::Seen));
    assert_eq!(session.number(count).await - before - each, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_it_is_one_statement_an_event_and_one_a_batch() {
    statements(
        Kind::Postgres,
        "CREATE EXTENSION pg_stat_statements",
        "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements
         WHERE query LIKE '%tidings_inbox%' AND query NOT LIKE '%pg_stat_statements%'
           AND query NOT LIKE 'CREATE%'
           AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_mariadb_it_is_one_statement_an_event_and_one_a_batch() {
    statements(
        Kind::Mariadb,
        "SELECT 1",
        "SELECT CAST(variable_value AS SIGNED) FROM information_schema.session_status
         WHERE variable_name = 'COM_INSERT'",
    )
    .await;
}
