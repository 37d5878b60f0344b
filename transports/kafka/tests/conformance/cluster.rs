//! Three brokers, of which any one may die.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tidings_conformance::servers::KafkaCluster;
use tidings_transport::{ErrorKind, Start, Topic, Transport};
use tidings_transport_kafka::{Kafka, KafkaConfig};
use tokio::time::{sleep, timeout};

use crate::fixture::{PATIENCE, ack, join, names, record, text};

/// Publishes one event after the other until it is told to stop, each again until it is stored; how
/// many that were.
async fn publisher(log: Arc<Kafka>, topic: Topic, stop: Arc<AtomicBool>) -> usize {
    let mut number = 0;
    while !stop.load(Ordering::Acquire) {
        let event = record(&topic, &format!("k{}", number % 10), &format!("{number}"));
        let stored = async {
            while let Err(e) = log.publish(std::slice::from_ref(&event)).await.remove(0) {
                assert!(e.is_temporary(), "{e}");
            }
        };
        timeout(PATIENCE * 2, stored)
            .await
            .expect("two brokers of three are enough");
        number += 1;
        sleep(Duration::from_millis(5)).await;
    }
    number
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_is_killed_and_the_books_balance() {
    let cluster = KafkaCluster::start(3).await;
    let mut cluster = cluster.unwrap_or_else(|e| panic!("Kafka: {e}"));
    let mut config = KafkaConfig::new(cluster.addresses());
    config.partitions = Some(3);
    config.replication = Some(3);
    let log = Arc::new(Kafka::connect(config).await.expect("a healthy cluster"));
    let (topic, group) = names("cluster");
    log.create_group(&topic, &group, &Start::Latest)
        .await
        .expect("a new group");
    let findings = log.diagnose().await.expect("a healthy cluster");
    assert_eq!(findings, [], "nothing endangers this cluster");

    let stop = Arc::new(AtomicBool::new(false));
    let published = tokio::spawn(publisher(log.clone(), topic.clone(), stop.clone()));
    let consumer = join(&log, &topic, &group).await;
    let (mut first, mut seen) = (BTreeMap::<usize, Vec<usize>>::new(), BTreeSet::new());
    let (mut total, mut alive) = (None, None);
    let kills = tokio::spawn(async move {
        for node in 0..2 {
            sleep(Duration::from_secs(3)).await;
            cluster.node(node).kill();
            sleep(Duration::from_secs(3)).await;
            cluster
                .node(node)
                .restart()
                .await
                .expect("it comes up again");
        }
        stop.store(true, Ordering::Release);
        published.await.map(|published| (published, cluster))
    });
    let mut kills = Some(kills);
    let hear = async {
        while total != Some(seen.len()) {
            if kills.as_ref().is_some_and(|kills| kills.is_finished())
                && let Some(kills) = kills.take()
            {
                let (published, cluster) = kills.await.expect("no panic").expect("no panic");
                total = Some(published);
                alive = Some(cluster);
            }
            let Ok(batch) = timeout(Duration::from_secs(1), consumer.next(20)).await else {
                continue;
            };
            let batch = match batch {
                Ok(batch) => batch,
                Err(e) => {
                    assert!(e.is_temporary(), "{e}");
                    continue;
                }
            };
            assert_eq!(batch.gaps, [], "nothing was lost");
            for delivery in batch.deliveries {
                let number: usize = text(&delivery).parse().expect("as published");
                if seen.insert(number) {
                    first.entry(number % 10).or_default().push(number);
                }
                // What is not stored comes again.
                if let Err(e) = ack(&*consumer, &delivery).await {
                    assert!(e.is_temporary() || e.kind() == ErrorKind::Stale, "{e}");
                }
            }
        }
    };
    timeout(PATIENCE * 3, hear)
        .await
        .expect("everything is heard");
    drop(alive);
    for (key, numbers) in first {
        assert!(numbers.is_sorted(), "key {key}: {numbers:?}");
    }
}
