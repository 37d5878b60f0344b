//! Replays to one group.

use std::future::pending;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidings_event::NoDefinitions;
use tidings_runtime::{HandlerError, Message, Replay, ReplayError, Until};
use tidings_transport::{Count, Group, Key, Memory, Position, Start, Topic, Transport};
use tokio::time::Instant;

use crate::support::{CREATED, Handled, Journal, TOPIC, consuming, number, producer, publish};

fn topic() -> Topic {
    Topic::new(TOPIC).unwrap()
}

fn group(name: &str) -> Group {
    Group::new(name).unwrap()
}

fn replay(log: &Memory, to: &str) -> Replay {
    Replay::new(
        Arc::new(log.clone()),
        Arc::new(NoDefinitions),
        topic(),
        group(to),
    )
}

/// What a group hears until nothing comes, in order, and which of it is replayed.
async fn hear(log: &Memory, name: &str) -> (Journal, Vec<bool>) {
    let (journal, replayed) = (Journal::default(), Arc::new(Mutex::new(Vec::new())));
    let handler = {
        let (journal, replayed) = (journal.clone(), replayed.clone());
        move |message: Message| {
            let (journal, replayed) = (journal.clone(), replayed.clone());
            async move {
                journal.note(&message);
                replayed.lock().unwrap().push(message.is_replay());
                Handled::Ok(())
            }
        }
    };
    let builder =
        tidings_runtime::ConsumerBuilder::new(Arc::new(log.clone()), Arc::new(NoDefinitions), name);
    let builder = builder.topic(TOPIC).from(Start::Earliest).concurrency(1);
    let consumer = builder.until_idle(Duration::from_secs(60)).handler(handler);
    consumer.run(pending()).await.unwrap();
    let replayed = replayed.lock().unwrap().clone();
    (journal, replayed)
}

#[tokio::test(start_paused = true)]
async fn one_group_hears_it_and_no_other() {
    let log = Memory::new();
    publish(&producer(&log), &["a", "b", "a", "c", "a"]).await;
    for name in ["search", "mail"] {
        let (journal, replayed) = hear(&log, name).await;
        assert_eq!(journal.all().len(), 5);
        assert!(!replayed.contains(&true));
    }
    let asked = replay(&log, "search").keys([Key::new("a"), Key::new("c")]);
    let plan = asked.plan().await.unwrap();
    assert_eq!((plan.scanned, plan.matched, plan.unreadable), (5, 4, 0));
    assert_eq!(plan.keys, [(Key::new("a"), 3), (Key::new("c"), 1)].into());
    assert_eq!(plan.first.unwrap().0, Position::new("1"));
    assert_eq!(plan.last.unwrap().0, Position::new("5"));
    assert!(
        log.dead_letters(&topic(), &group("search"), None, 9)
            .await
            .unwrap()
            .is_empty()
    );

    let summary = asked.run(pending(), |_| {}).await.unwrap();
    assert!(summary.finished);
    assert_eq!(summary.progress.replayed, 4);
    let (journal, replayed) = hear(&log, "search").await;
    assert_eq!((journal.of("a"), journal.of("c")), (vec![0, 2, 4], vec![3]));
    assert_eq!(replayed, [true; 4]);
    let (journal, _) = hear(&log, "mail").await;
    assert_eq!(journal.all(), Vec::<usize>::new());
    let letters = log
        .dead_letters(&topic(), &group("search"), None, 9)
        .await
        .unwrap();
    assert!(letters.is_empty(), "they go as they are settled");
}

#[tokio::test(start_paused = true)]
async fn ranges_and_types_are_kept_to() {
    let log = Memory::new();
    publish(&producer(&log), &["a", "a", "a"]).await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let noon = log.read_back(&topic(), None, 1).await.unwrap()[0]
        .received
        .unwrap();
    let noon = noon + Duration::from_secs(60);
    publish(&producer(&log), &["a", "a", "a"]).await;
    hear(&log, "search").await;
    let matched = async |replay: Replay| replay.plan().await.unwrap().matched;
    let all = || replay(&log, "search");
    let at = |position: &str| Position::new(position);
    assert_eq!(matched(all()).await, 6);
    assert_eq!(matched(all().from(Start::Time(noon))).await, 3);
    assert_eq!(matched(all().until(Until::Time(noon))).await, 3);
    assert_eq!(
        matched(
            all()
                .from(Start::After(at("1")))
                .until(Until::Position(at("4")))
        )
        .await,
        3
    );
    assert_eq!(matched(all().until(Until::Position(at("6")))).await, 6);
    assert_eq!(matched(all().types([CREATED])).await, 6);
    assert_eq!(matched(all().types(["org.openedx.*"])).await, 6);
    assert_eq!(matched(all().types(["org.openedx.catalog"])).await, 0);
    let backwards = all()
        .from(Start::After(at("4")))
        .until(Until::Position(at("1")));
    let backwards = backwards.plan().await.unwrap_err();
    assert!(
        matches!(backwards, ReplayError::EndsBeforeItBegins { .. }),
        "{backwards}"
    );
    let nobody = replay(&log, "nobody").plan().await.unwrap_err();
    assert!(nobody.to_string().contains("no group nobody"), "{nobody}");
}

#[tokio::test(start_paused = true)]
async fn a_fresh_group_hears_the_range_and_then_what_came_since() {
    let log = Memory::new();
    publish(&producer(&log), &["a", "a", "a", "a"]).await;
    let asked = replay(&log, "fresh")
        .fresh()
        .until(Until::Position(Position::new("3")));
    asked.run(pending(), |_| {}).await.unwrap();
    publish(&producer(&log), &["a"]).await;
    let (journal, replayed) = hear(&log, "fresh").await;
    assert_eq!(journal.all(), [0, 1, 2, 3, 0]);
    assert_eq!(replayed, [true, true, true, false, false]);
    let again = asked.run(pending(), |_| {}).await.unwrap_err();
    assert!(matches!(again, ReplayError::GroupExists { .. }), "{again}");
}

#[tokio::test(start_paused = true)]
async fn it_is_throttled_and_goes_on_where_it_was_interrupted() {
    let log = Memory::new();
    let keys: Vec<String> = (0..1_000).map(|i| format!("k{}", i % 7)).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    publish(&producer(&log), &keys).await;
    let rate = NonZeroU32::new(50).unwrap();
    let began = Instant::now();
    let shutdown = tokio::time::sleep(Duration::from_secs(10));
    let mut seen = None;
    let asked = replay(&log, "fresh").fresh().rate(rate);
    let stopped = asked
        .run(shutdown, |progress| seen = Some(progress.clone()))
        .await
        .unwrap();
    assert!(!stopped.finished);
    assert_eq!(seen.as_ref(), Some(&stopped.progress));
    let done = stopped.progress.replayed;
    assert!((490..=510).contains(&done), "{done} in 10 s");
    // What is published meanwhile is not replayed: the group hears it as it is.
    publish(&producer(&log), &["new"]).await;
    let rest = replay(&log, "fresh")
        .fresh()
        .resume(stopped.progress.position.unwrap())
        .until(Until::Position(stopped.progress.end.unwrap()));
    let ended = rest.run(pending(), |_| {}).await.unwrap();
    assert!(ended.finished);
    assert_eq!(ended.progress.replayed + done, 1_000);
    assert!(began.elapsed() < Duration::from_secs(15));
    let (journal, replayed) = hear(&log, "fresh").await;
    assert_eq!(journal.all().len(), 1_001, "each once");
    assert_eq!(replayed.iter().filter(|r| **r).count(), 1_000);
    for key in 0..7 {
        assert!(journal.of(&format!("k{key}")).is_sorted());
    }
}

#[tokio::test(start_paused = true)]
async fn what_fails_again_is_a_dead_letter_and_parks_nothing() {
    let log = Memory::new();
    publish(&producer(&log), &["a", "a", "a"]).await;
    hear(&log, "search").await;
    replay(&log, "search").run(pending(), |_| {}).await.unwrap();
    let builder = consuming(Arc::new(log.clone())).until_idle(Duration::from_secs(60));
    let consumer = builder.handler(|message: Message| async move {
        match number(&message) {
            1 => Handled::Err(HandlerError::permanent("no title")),
            _ => Ok(()),
        }
    });
    consumer.run(pending()).await.unwrap();
    let info = log.groups(&topic()).await.unwrap().remove(0);
    assert_eq!((info.dead_letters, info.parked_keys), (1, 0));
    assert_eq!(info.lag.events, Count::Exactly(0));
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_waited_for() {
    let log = Memory::new();
    publish(&producer(&log), &["a"; 700]).await;
    hear(&log, "search").await;
    let away = {
        let log = log.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            log.set_available(false);
            tokio::time::sleep(Duration::from_secs(20)).await;
            log.set_available(true);
        }
    };
    let asked = replay(&log, "search").rate(NonZeroU32::new(100).unwrap());
    let (summary, ()) = tokio::join!(asked.run(pending(), |_| {}), away);
    assert_eq!(summary.unwrap().progress.replayed, 700);
    let (journal, _) = hear(&log, "search").await;
    assert_eq!(journal.all().len(), 700);
}
