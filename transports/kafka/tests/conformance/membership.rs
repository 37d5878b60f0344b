//! Members that come back under their name, and members that die.

use std::process::{Command, Stdio};
use std::time::Duration;

use tidings_transport::{Group, Start, Subscription, Topic, Transport};
use tidings_transport_kafka::{Kafka, KafkaConfig};
use tokio::time::timeout;

use crate::fixture::{config, connect, join, names, publish, record, take, text};
use crate::harness::start;

fn named(address: &str, instance: &str) -> KafkaConfig {
    let mut config = config(address, 1);
    config.instance = Some(instance.into());
    config
        .client
        .insert("session.timeout.ms".into(), "40000".into());
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn a_static_member_comes_back_to_what_it_had() {
    let broker = start().await;
    let log = connect(named(broker.address(), "worker-1")).await;
    let other = connect(named(broker.address(), "worker-2")).await;
    let (topic, group) = names("static");
    log.create_group(&topic, &group, &Start::Latest)
        .await
        .expect("a new group");
    publish(&log, &[record(&topic, "k", "one")]).await;
    let first = join(&log, &topic, &group).await;
    assert_eq!(text(&take(&*first, 1).await[0]), "one");
    let standby = join(&other, &topic, &group).await;
    first.close().await.expect("a consumer can stop");
    // Its name keeps its place.
    let waiting = timeout(Duration::from_secs(3), standby.next(1)).await;
    assert!(waiting.is_err(), "the other took over: {waiting:?}");
    let again = join(&log, &topic, &group).await;
    assert_eq!(text(&take(&*again, 1).await[0]), "one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_one_of_a_name_fences_the_first() {
    let broker = start().await;
    let log = connect(named(broker.address(), "worker")).await;
    let (topic, group) = names("fenced");
    log.create_group(&topic, &group, &Start::Latest)
        .await
        .expect("a new group");
    let first = join(&log, &topic, &group).await;
    publish(&log, &[record(&topic, "k", "one")]).await;
    take(&*first, 1).await;
    let second = join(&log, &topic, &group).await;
    let fenced = async {
        loop {
            if let Err(e) = first.next(1).await
                && !e.is_temporary()
            {
                return e;
            }
        }
    };
    let error = timeout(crate::fixture::PATIENCE, fenced)
        .await
        .expect("it is told");
    assert!(error.to_string().contains("instance"), "{error}");
    assert_eq!(text(&take(&*second, 1).await[0]), "one");
}

/// Where the process to be killed finds what it consumes.
const CHILD: &str = "TIDINGS_TEST_KAFKA_CHILD";

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_is_killed_is_replaced() {
    let broker = start().await;
    let log = connect(config(broker.address(), 1)).await;
    let (topic, group) = names("killed");
    log.create_group(&topic, &group, &Start::Latest)
        .await
        .expect("a new group");
    publish(&log, &[record(&topic, "k", "one")]).await;
    let this = std::env::current_exe().expect("this program has a path");
    let mut child = Command::new(this)
        .args(["membership::to_be_killed", "--exact", "--ignored"])
        .env(CHILD, format!("{} {topic} {group}", broker.address()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("this program runs");
    // It has begun when its attempt is known to the group.
    let begun = async {
        while log
            .groups(&topic)
            .await
            .map_or(0, |groups| groups[0].pending)
            == 0
        {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let begun = timeout(crate::fixture::PATIENCE, begun).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    begun.expect("the child takes the event");
    let second = join(&log, &topic, &group).await;
    let taken = take(&*second, 1).await;
    assert_eq!(text(&taken[0]), "one");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the process that another test kills"]
async fn to_be_killed() {
    let Ok(what) = std::env::var(CHILD) else {
        return;
    };
    let words: Vec<&str> = what.split(' ').collect();
    let mut config = config(words[0], 1);
    config
        .client
        .insert("session.timeout.ms".into(), "2000".into());
    let log = Kafka::connect(config).await.expect("a healthy broker");
    let topic = Topic::new(words[1]).expect("a valid name");
    let group = Group::new(words[2]).expect("a valid name");
    let consumer = log
        .subscribe(Subscription::new(group, topic))
        .await
        .expect("a new member");
    let held = take(&*consumer, 1).await;
    consumer
        .start(&held)
        .await
        .remove(0)
        .expect("it is in hand");
    std::future::pending::<()>().await;
}
