//! Trimming spares what is needed, and what is lost is said (8).

use std::time::Duration;

use tidings_transport::{Count, Retention, Subscriber, Trimmed};

use crate::scene::{
    LONG_LEASE, Losses, Scene, ack, close, drain, expect_quiet, hear_and_lose, join, next, pass,
    publish, take, texts,
};

/// Keeps this many of the newest.
fn keep(max_len: u64) -> Retention {
    let mut retention = Retention::default();
    retention.max_len = Some(max_len);
    retention
}

/// Keeps this many of the newest, whoever needs the others.
fn cap(hard_max_len: u64) -> Retention {
    let mut retention = Retention::default();
    retention.hard_max_len = Some(hard_max_len);
    retention
}

async fn trim(s: &Scene, retention: &Retention) -> Trimmed {
    let trimmed = s.log.trim(&s.topic, retention).await;
    trimmed.expect("the topic is there")
}

async fn publish_ten(s: &Scene) {
    let records: Vec<_> = (0..10).map(|i| s.record(None, &format!("{i}"))).collect();
    publish(&*s.log, &records).await;
}

async fn length(s: &Scene) -> u64 {
    crate::scene::describe_topic(&*s.log, &s.topic).await.length
}

pub(crate) async fn trim_spares_what_is_not_settled(s: Scene) {
    s.make_group().await;
    publish_ten(&s).await;
    let consumer = s.join().await;
    let held = take(&*consumer, 6).await;
    ack(&*consumer, &held[..4]).await;
    let trimmed = trim(&s, &keep(2)).await;
    let expected = Trimmed {
        removed: 4,
        spared: 4,
        needed_by: vec![s.group.clone()],
    };
    assert_eq!(trimmed, expected, "four are settled, two are in hand");
    assert_eq!(length(&s).await, 6);
    // No gap among them.
    assert_eq!(drain(&*consumer, 4).await, ["6", "7", "8", "9"]);
    close(&*consumer).await;
    let second = s.join().await;
    assert_eq!(drain(&*second, 2).await, ["4", "5"]);
    expect_quiet(&*second).await;
    assert_eq!(trim(&s, &keep(2)).await.removed, 4, "nobody needs them now");
    assert_eq!(s.describe().await.lost, Count::Exactly(0));
}

pub(crate) async fn the_slowest_group_is_spared(s: Scene) {
    let [fast, slow] = ["fast", "slow"].map(|label| s.another_group(label));
    s.make(&fast).await;
    s.make(&slow).await;
    publish_ten(&s).await;
    let trimmed = trim(&s, &keep(3)).await;
    assert_eq!(trimmed.needed_by, [fast.clone(), slow.clone()]);
    let join_as = |group: &tidings_transport::Group| {
        let mut subscription = s.subscription();
        subscription.group = group.clone();
        join(&*s.log, subscription)
    };
    let names = [fast.clone(), slow.clone()];
    let [fast, slow] = [join_as(&fast).await, join_as(&slow).await];
    drain(&*fast, 10).await;
    let trimmed = trim(&s, &keep(0)).await;
    assert_eq!((trimmed.removed, trimmed.spared), (0, 10));
    assert_eq!(trimmed.needed_by, names[1..]);
    assert_eq!(drain(&*slow, 10).await.len(), 10);
    let trimmed = trim(&s, &keep(0)).await;
    assert_eq!((trimmed.removed, trimmed.spared), (10, 0));
    assert_eq!(trimmed.needed_by, []);
    assert_eq!(length(&s).await, 0);
    // An empty topic goes on where it was.
    s.publish(["after"]).await;
    assert_eq!(drain(&*slow, 1).await, ["after"]);
}

pub(crate) async fn trim_goes_by_age_and_by_length(s: Scene) {
    s.publish(["old 1", "old 2", "old 3"]).await;
    pass(Duration::from_millis(200)).await;
    let between = s.now();
    pass(Duration::from_millis(1_500)).await;
    s.publish(["new 1", "new 2"]).await;
    // The age grows while a slow log works.
    let by_age = |dry_run| {
        let mut by_age = Retention::default();
        let age = s.now().duration_since(between);
        by_age.max_age = Some(Duration::try_from(age).expect("between is past"));
        by_age.dry_run = dry_run;
        by_age
    };
    let mut expected = Trimmed {
        removed: 3,
        ..Trimmed::default()
    };
    assert_eq!(trim(&s, &by_age(true)).await, expected);
    assert_eq!(length(&s).await, 5, "a dry run removes nothing");
    assert_eq!(trim(&s, &by_age(false)).await, expected);
    assert_eq!(length(&s).await, 2);
    assert_eq!(trim(&s, &keep(2)).await, Trimmed::default());
    assert_eq!(trim(&s, &Retention::default()).await, Trimmed::default());
    expected.removed = 1;
    assert_eq!(trim(&s, &keep(1)).await, expected);
    assert_eq!(length(&s).await, 1);
}

/// Several processes may carry out the same rules.
pub(crate) async fn trims_at_once_remove_once(s: Scene) {
    s.make_group().await;
    for _ in 0..30 {
        publish_ten(&s).await;
    }
    let consumer = s.join().await;
    drain(&*consumer, 300).await;
    let rules = [keep(40), cap(40), keep(40), keep(40)];
    let trims = rules.iter().map(|rules| trim(&s, rules));
    let trimmed = futures_util::future::join_all(trims).await;
    let removed: u64 = trimmed.iter().map(|trimmed| trimmed.removed).sum();
    assert_eq!((length(&s).await, removed), (40, 260), "{trimmed:?}");
}

pub(crate) async fn an_idle_group_is_not_spared_and_told(s: Scene) {
    s.make_group().await;
    publish_ten(&s).await;
    let mut retention = keep(4);
    assert_eq!(trim(&s, &retention).await.removed, 0, "it may come back");
    pass(Duration::from_millis(1_500)).await;
    retention.group_ttl = Duration::from_millis(500);
    let trimmed = trim(&s, &retention).await;
    assert_eq!((trimmed.removed, trimmed.spared), (6, 0));
    let consumer = s.join().await;
    let (heard, losses) = hear_and_lose(&*consumer, 4).await;
    assert_eq!(heard, ["6", "7", "8", "9"]);
    losses.must_be_exactly(&s.topic, &s.group, 6);
}

pub(crate) async fn the_hard_cap_wins_and_is_reported_once(s: Scene) {
    let done = s.another_group("done");
    s.make_group().await;
    s.make(&done).await;
    publish_ten(&s).await;
    let mut subscription = s.subscription();
    subscription.group = done.clone();
    let settled = join(&*s.log, subscription).await;
    drain(&*settled, 10).await;

    let trimmed = trim(&s, &cap(4)).await;
    assert_eq!((trimmed.removed, trimmed.spared), (6, 0));
    let first = s.join_unordered(LONG_LEASE).await;
    let (heard, losses) = hear_and_lose(&*first, 4).await;
    assert_eq!(heard, ["6", "7", "8", "9"]);
    losses.must_be_exactly(&s.topic, &s.group, 6);
    // Once for the group, not for each consumer, and again only for a new loss.
    let second = s.join_unordered(LONG_LEASE).await;
    expect_quiet(&*second).await;
    close(&*first).await;
    close(&*second).await;
    let third = s.join().await;
    expect_quiet(&*third).await;
    // A group that had settled them has lost nothing.
    expect_quiet(&*settled).await;
    let lost = crate::scene::describe(&*s.log, &s.topic, &done).await.lost;
    assert_eq!(lost, Count::Exactly(0));
    let info = s.describe().await;
    assert_eq!(info.lost, Count::Exactly(6));
    assert_eq!((info.lag.events, info.pending), (Count::Exactly(0), 0));
}

pub(crate) async fn a_second_loss_is_a_second_gap(s: Scene) {
    s.make_group().await;
    publish_ten(&s).await;
    trim(&s, &cap(7)).await;
    let consumer = s.join().await;
    let (heard, losses) = hear_and_lose(&*consumer, 7).await;
    assert_eq!(heard, ["3", "4", "5", "6", "7", "8", "9"]);
    losses.must_be_exactly(&s.topic, &s.group, 3);
    close(&*consumer).await;
    publish_ten(&s).await;
    trim(&s, &cap(5)).await;
    let consumer = s.join().await;
    let (heard, losses) = hear_and_lose(&*consumer, 5).await;
    assert_eq!(heard, ["5", "6", "7", "8", "9"]);
    losses.must_be_exactly(&s.topic, &s.group, 5);
    assert_eq!(s.describe().await.lost, Count::Exactly(8));
}

/// What `event-bus-redis` got wrong: a pending entry that was trimmed blocked all behind it.
pub(crate) async fn a_pending_record_that_was_trimmed_blocks_nothing(s: Scene) {
    s.make_group().await;
    publish_ten(&s).await;
    let first = s.join().await;
    let held = take(&*first, 3).await;
    assert_eq!(texts(&held), ["0", "1", "2"]);
    trim(&s, &cap(5)).await;
    // What it holds it may still settle; here it gives all of it up instead.
    close(&*first).await;
    let second = s.join().await;
    let (heard, mut losses) = hear_and_lose(&*second, 5).await;
    assert_eq!(heard, ["5", "6", "7", "8", "9"]);
    hear_the_rest(&*second, &mut losses, 5).await;
    losses.must_hold(&s.topic, &s.group, 5);
    let info = s.describe().await;
    assert_eq!((info.lag.events, info.pending), (Count::Exactly(0), 0));
}

/// Waits for gaps until they account for this many.
async fn hear_the_rest(consumer: &dyn Subscriber, losses: &mut Losses, lost: u64) {
    while !losses.may_be(lost) {
        let batch = next(consumer, 10).await;
        assert_eq!(texts(&batch.deliveries), Vec::<String>::new());
        losses.add(batch.gaps);
    }
}

pub(crate) async fn what_others_remove_is_reported(s: Scene) {
    s.make_group().await;
    publish_ten(&s).await;
    let removal = s.faults().removal.expect("needed");
    removal.remove_oldest(&s.topic, 6).await;
    let consumer = s.join().await;
    let (heard, losses) = hear_and_lose(&*consumer, 4).await;
    assert_eq!(heard, ["6", "7", "8", "9"]);
    losses.must_hold(&s.topic, &s.group, 6);
    // Everything, and while a consumer waits.
    publish_ten(&s).await;
    drain(&*consumer, 2).await;
    removal.remove_oldest(&s.topic, 14).await;
    s.publish(["after"]).await;
    // What a consumer had fetched before may still be heard: then it is not lost.
    let (mut heard, mut losses) = (Vec::new(), Losses::default());
    let missing = |heard: &[String]| 9 - u64::try_from(heard.len()).expect("few");
    while !heard.contains(&"after".to_owned()) || !losses.may_be(missing(&heard)) {
        let batch = next(&*consumer, 10).await;
        ack(&*consumer, &batch.deliveries).await;
        heard.extend(texts(&batch.deliveries));
        losses.add(batch.gaps);
    }
    losses.must_hold(&s.topic, &s.group, missing(&heard));
    expect_quiet(&*consumer).await;
}

pub(crate) async fn a_pending_record_that_others_removed_blocks_nothing(s: Scene) {
    s.make_group().await;
    publish_ten(&s).await;
    let first = s.join().await;
    take(&*first, 3).await;
    let removal = s.faults().removal.expect("needed");
    removal.remove_oldest(&s.topic, 2).await;
    close(&*first).await;
    let second = s.join().await;
    let (heard, mut losses) = hear_and_lose(&*second, 8).await;
    assert_eq!(heard, ["2", "3", "4", "5", "6", "7", "8", "9"]);
    hear_the_rest(&*second, &mut losses, 2).await;
    losses.must_hold(&s.topic, &s.group, 2);
    let info = s.describe().await;
    assert_eq!((info.lag.events, info.pending), (Count::Exactly(0), 0));
}

pub(crate) async fn a_dead_consumers_removed_record_blocks_nothing(s: Scene) {
    s.make_group().await;
    publish_ten(&s).await;
    let subscription = s.subscription().lease(crate::scene::SHORT_LEASE);
    let first = join(&*s.log, subscription).await;
    take(&*first, 3).await;
    let removal = s.faults().removal.expect("needed");
    removal.remove_oldest(&s.topic, 2).await;
    drop(first);
    let second = s.join().await;
    let (mut heard, mut losses) = hear_and_lose(&*second, 8).await;
    heard.sort();
    assert_eq!(heard, ["2", "3", "4", "5", "6", "7", "8", "9"]);
    hear_the_rest(&*second, &mut losses, 2).await;
    losses.must_hold(&s.topic, &s.group, 2);
    assert_eq!(s.describe().await.pending, 0);
}

/// The alarm must not sleep until the consumer that is dead comes back.
pub(crate) async fn what_others_remove_shows_before_anybody_hears(s: Scene) {
    s.make_group().await;
    publish_ten(&s).await;
    let first = s.join().await;
    drain(&*first, 2).await;
    close(&*first).await;
    assert_eq!(s.describe().await.lost, Count::Exactly(0));
    let removal = s.faults().removal.expect("needed");
    removal.remove_oldest(&s.topic, 6).await;
    let lost = s.describe().await.lost;
    assert!(
        [Count::Exactly(4), Count::Unknown].contains(&lost),
        "four were lost, not {lost}"
    );
    assert_eq!(s.describe().await.lost, lost, "looking counts nothing");
    let told = s.log.losses(&s.topic, &s.group).await;
    if let Some(told) = told.expect("the group is there") {
        assert_eq!(told.lost, lost);
        assert!(!told.cause.is_empty(), "people want to know why");
    }
    let second = s.join().await;
    let (heard, losses) = hear_and_lose(&*second, 4).await;
    assert_eq!(heard, ["6", "7", "8", "9"]);
    losses.must_hold(&s.topic, &s.group, 4);
    assert_eq!(s.describe().await.lost, lost, "it is counted once");
}

pub(crate) async fn losses_are_acknowledged(s: Scene) {
    s.make_group().await;
    publish_ten(&s).await;
    let losses = async || s.log.losses(&s.topic, &s.group).await;
    assert_eq!(losses().await.expect("the group is there"), None);
    trim(&s, &cap(4)).await;
    let told = losses().await.expect("the group is there");
    let told = told.expect("six were lost");
    assert_eq!(told.lost, Count::Exactly(6));
    assert!(!told.cause.is_empty(), "people want to know why");
    let acknowledged = async || s.log.acknowledge_losses(&s.topic, &s.group).await;
    let noted = acknowledged().await;
    assert_eq!(noted.expect("the group is there"), Count::Exactly(6));
    assert_eq!(s.describe().await.lost, Count::Exactly(0));
    assert_eq!(losses().await.expect("the group is there"), None);
    // Whom it concerns is told all the same.
    let consumer = s.join().await;
    let (heard, gaps) = hear_and_lose(&*consumer, 4).await;
    assert_eq!(heard, ["6", "7", "8", "9"]);
    gaps.must_be_exactly(&s.topic, &s.group, 6);
    assert_eq!(s.describe().await.lost, Count::Exactly(0));
    let noted = acknowledged().await;
    assert_eq!(noted.expect("the group is there"), Count::Exactly(0));
    // A new loss counts from there.
    publish_ten(&s).await;
    trim(&s, &cap(7)).await;
    assert_eq!(s.describe().await.lost, Count::Exactly(3));
    let nobody = s.another_group("nobody");
    let noted = s.log.acknowledge_losses(&s.topic, &nobody).await;
    crate::scene::expect_kind(noted, tidings_transport::ErrorKind::NotFound);
}
