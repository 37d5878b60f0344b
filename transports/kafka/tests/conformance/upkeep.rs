//! Groups on several topics are removed from one of them, and losses that nobody can count.

use rdkafka::admin::AdminOptions;
use tidings_transport::{Count, ErrorKind, Start, Topic, Transport};

use crate::fixture::{
    PATIENCE, ack, config, connect, join, names, next, publish, record, take, text,
};
use crate::harness::start;

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_removed_from_one_topic_of_two() {
    let broker = start().await;
    let log = connect(config(broker.address(), 2)).await;
    let (gone, group) = names("gone");
    let (stays, _) = names("stays");
    for topic in [&gone, &stays] {
        let made = log.create_group(topic, &group, &Start::Latest).await;
        made.expect("a new group");
        publish(
            &log,
            &[record(topic, "k", "one"), record(topic, "k", "two")],
        )
        .await;
        let consumer = join(&log, topic, &group).await;
        let taken = take(&*consumer, 1).await;
        ack(&*consumer, &taken[0]).await.expect("it is in hand");
        consumer.close().await.expect("a consumer can leave");
    }
    let working = join(&log, &stays, &group).await;
    let held = take(&*working, 1).await;
    assert_eq!(text(&held[0]), "two");
    let refused = log.remove_group(&gone, &group).await;
    let refused = refused.expect_err("it consumes another topic");
    assert_eq!(refused.kind(), ErrorKind::Invalid, "{refused}");
    working.close().await.expect("a consumer can leave");

    log.remove_group(&gone, &group)
        .await
        .expect("nobody consumes it");
    assert_eq!(log.groups(&gone).await.expect("the topic stays"), []);
    // Where it stays it is where it was.
    let working = join(&log, &stays, &group).await;
    assert_eq!(text(&take(&*working, 1).await[0]), "two");
    working.close().await.expect("a consumer can leave");
    // Made again it is a new one, in another process too.
    let other = connect(config(broker.address(), 2)).await;
    let made = other.create_group(&gone, &group, &Start::Latest).await;
    assert!(!made.expect("it is made").existed);
    publish(&log, &[record(&gone, "k", "three")]).await;
    let consumer = join(&log, &gone, &group).await;
    assert_eq!(text(&take(&*consumer, 1).await[0]), "three");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_was_made_anew_is_an_unknown_loss() {
    let broker = start().await;
    let log = connect(config(broker.address(), 1)).await;
    let (topic, group) = names("anew");
    publish(
        &log,
        &[record(&topic, "k", "one"), record(&topic, "k", "two")],
    )
    .await;
    let made = log.create_group(&topic, &group, &Start::Latest).await;
    made.expect("a new group");
    let told = log.topic(&topic).await.expect("the topic is there");
    let age = jiff::Timestamp::now().duration_since(told.last_received.expect("it has a time"));
    assert!(age.unsigned_abs() < PATIENCE * 10, "{age:?}");

    let admin = broker.admin();
    let removed = admin
        .delete_topics(&[topic.as_str()], &AdminOptions::new())
        .await;
    removed
        .expect("the broker answers")
        .remove(0)
        .expect("the topic is there");
    let other = connect(config(broker.address(), 1)).await;
    let again = record(&topic, "k", "again");
    while other
        .publish(std::slice::from_ref(&again))
        .await
        .remove(0)
        .is_err()
    {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let lost = async || {
        log.groups(&topic)
            .await
            .expect("the topic is there")
            .remove(0)
            .lost
    };
    assert_eq!(lost().await, Count::Unknown);
    let gap = log
        .losses(&topic, &group)
        .await
        .expect("the group is there");
    assert!(gap.expect("all of it is lost").cause.contains("made anew"));
    let noted = log.acknowledge_losses(&topic, &group).await;
    assert_eq!(noted.expect("the group is there"), Count::Unknown);
    assert_eq!(lost().await, Count::Exactly(0));
    // Whom it concerns is told all the same, and that counts no more.
    let consumer = join(&other, &topic, &group).await;
    let batch = next(&*consumer, 1).await.expect("a healthy broker");
    assert_eq!(batch.gaps[0].lost, Count::Unknown);
    assert_eq!(lost().await, Count::Exactly(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_brokers_refuse_names_the_setting() {
    let broker = start().await;
    let (topic, group) = names("refused");
    let mut wrong = config(broker.address(), 1);
    wrong
        .topic
        .insert("retention.minutes".into(), "soon".into());
    let mut many = config(broker.address(), 1);
    many.replication = Some(3);
    for (config, part, kind) in [
        (wrong, "topic.retention.minutes", ErrorKind::Invalid),
        // The others may come back.
        (many, "replication=3", ErrorKind::Unavailable),
    ] {
        let log = connect(config).await;
        let made = log.create_group(&topic, &group, &Start::Latest).await;
        let error = made.expect_err("it is refused");
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_too_near_to_that_of_another_topic_names_that() {
    let broker = start().await;
    let log = connect(config(broker.address(), 1)).await;
    let (topic, group) = names("near");
    let dotted = Topic::new(format!("{topic}.1")).expect("a name");
    let made = log.create_group(&dotted, &group, &Start::Latest).await;
    made.expect("the first of them");
    let other = Topic::new(format!("{topic}_1")).expect("a name");
    let published = log.publish(&[record(&other, "k", "one")]).await.remove(0);
    let error = published.expect_err("Kafka makes none beside it");
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    let said = format!("there is a topic {dotted}, ");
    assert!(error.to_string().contains(&said), "{error}");
}
