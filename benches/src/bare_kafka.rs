//! The other side of the contests on Kafka: loops over `rdkafka` with the settings that Tidings has.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use rdkafka::config::{ClientConfig, FromClientConfig, FromClientConfigAndContext};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::{Header, Message, OwnedHeaders};
use rdkafka::producer::{
    BaseRecord, DeliveryResult, FutureProducer, FutureRecord, Producer, ProducerContext,
    ThreadedProducer,
};
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use crate::contest::rate;
use crate::latency::Timetable;
use crate::samples::{document, key};

/// What both contenders set for a producer, beside the library's defaults.
pub const PRODUCER: [(&str, &str); 6] = [
    ("enable.idempotence", "true"),
    ("partitioner", "murmur2_random"),
    ("compression.type", "lz4"),
    ("linger.ms", "1"),
    ("queue.buffering.max.messages", "1000000"),
    ("message.max.bytes", "10485760"),
];

fn client(brokers: &str, settings: &[(&str, &str)]) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    for (name, value) in settings {
        config.set(*name, *value);
    }
    config
}

/// The header of a structured event, by the Kafka binding of CloudEvents.
fn headers() -> OwnedHeaders {
    OwnedHeaders::new_with_capacity(1).insert(Header {
        key: "content-type",
        value: Some("application/cloudevents+json; charset=UTF-8"),
    })
}

/// How many are stored.
#[derive(Default)]
struct Stored {
    count: Mutex<usize>,
    more: Condvar,
}

impl Stored {
    fn count(&self) -> usize {
        *self.count.lock().expect("no panic")
    }

    fn wait_for(&self, wanted: usize) {
        let count = self.count.lock().expect("no panic");
        let waited = self.more.wait_while(count, |count| *count < wanted);
        drop(waited.expect("no panic"));
    }
}

impl ClientContext for Stored {}

impl ProducerContext for Stored {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        result.as_ref().expect("it is stored");
        *self.count.lock().expect("no panic") += 1;
        self.more.notify_one();
    }
}

/// Events a second of a loop that has at most `window` of them on their way.
pub fn publish(brokers: &str, topic: &str, events: usize, window: usize) -> f64 {
    let producer: ThreadedProducer<Stored> =
        ThreadedProducer::from_config_and_context(&client(brokers, &PRODUCER), Stored::default())
            .expect("the settings are good");
    let stored = producer.context();
    let samples: Vec<_> = (0..window).map(|n| (document(n), key(n))).collect();
    let run = |events: usize| {
        let before = stored.count();
        for n in 0..events {
            stored.wait_for((before + n + 1).saturating_sub(window));
            let (document, key) = &samples[n % window];
            let record = BaseRecord::to(topic).payload(document).key(key);
            let sent = producer.send(record.headers(headers()));
            sent.map_err(|(e, _)| e).expect("there is room");
        }
        stored.wait_for(before + events);
    };
    // It has connected, and knows the partitions.
    run(1);
    let began = Instant::now();
    run(events);
    rate(events, began.elapsed())
}

/// Events a second of so many tasks, each with one event at a time on its way.
pub async fn publish_concurrent(brokers: &str, topic: &str, events: usize, tasks: usize) -> f64 {
    let producer: FutureProducer =
        FutureProducer::from_config(&client(brokers, &PRODUCER)).expect("the settings are good");
    let topic: Arc<str> = topic.into();
    let run = |tasks: usize, each: usize| {
        let running: Vec<_> = (0..tasks)
            .map(|task| {
                let (producer, topic) = (producer.clone(), topic.clone());
                tokio::spawn(async move {
                    let (document, key) = (document(task), key(task));
                    for _ in 0..each {
                        let record = FutureRecord::to(&topic).payload(&document).key(&key);
                        let sent = producer.send(record.headers(headers()), Duration::ZERO);
                        sent.await.map_err(|(e, _)| e).expect("it is stored");
                    }
                })
            })
            .collect();
        async {
            for task in running {
                task.await.expect("no task panics");
            }
        }
    };
    run(1, 1).await;
    let began = Instant::now();
    run(tasks, events / tasks).await;
    rate(events, began.elapsed())
}

/// What both contenders set for a consumer, beside the library's defaults.
const CONSUMER: [(&str, &str); 4] = [
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("auto.offset.reset", "earliest"),
    ("partition.assignment.strategy", "cooperative-sticky"),
];

fn consumer(brokers: &str, topic: &str, group: &str) -> BaseConsumer {
    let mut config = client(brokers, &CONSUMER);
    config.set("group.id", group);
    let consumer = BaseConsumer::from_config(&config).expect("the settings are good");
    consumer.subscribe(&[topic]).expect("the name is good");
    consumer
}

/// The offsets behind what was handled, by partition.
#[derive(Default)]
struct Handled(BTreeMap<i32, i64>);

impl Handled {
    fn note(&mut self, message: &impl Message) {
        // What any consumer must do at least: look at the document.
        assert!(message.payload().is_some_and(|value| !value.is_empty()));
        self.0.insert(message.partition(), message.offset() + 1);
    }

    fn commit(&mut self, consumer: &BaseConsumer, topic: &str) {
        if self.0.is_empty() {
            return;
        }
        let mut list = TopicPartitionList::new();
        for (partition, next) in std::mem::take(&mut self.0) {
            list.add_partition_offset(topic, partition, Offset::Offset(next))
                .expect("the offset is good");
        }
        let sent = consumer.commit(&list, CommitMode::Sync);
        sent.expect("it is stored");
    }
}

/// Events a second of a loop that reads a batch and commits it, from the first event on.
pub fn read_and_commit(
    (brokers, topic, group): (&str, &str, &str),
    events: usize,
    batch: usize,
) -> f64 {
    let consumer = consumer(brokers, topic, group);
    let (mut seen, mut began) = (0, None);
    let mut handled = Handled::default();
    while seen < events {
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            began.get_or_insert_with(Instant::now);
            handled.note(&message.expect("the server answers"));
            seen += 1;
            if seen % batch == 0 || seen == events {
                handled.commit(&consumer, topic);
            }
        }
    }
    rate(events, began.expect("it began").elapsed())
}

/// From a producer to a loop that reads and commits.
pub async fn latency(brokers: &str, topic: &str) -> Timetable {
    let producer: FutureProducer =
        FutureProducer::from_config(&client(brokers, &PRODUCER)).expect("the settings are good");
    let timetable = Timetable::default();
    let reader = consumer(brokers, topic, &format!("{topic}-group"));
    let (told, name) = (timetable.clone(), topic.to_owned());
    let reading = tokio::task::spawn_blocking(move || {
        let mut handled = Handled::default();
        while !told.is_over() {
            // Everything that is there, and one commit of that.
            let mut next = reader.poll(Duration::from_millis(100));
            while let Some(message) = next {
                let message = message.expect("the server answers");
                told.handled(number(message.payload().expect("a document")));
                handled.note(&message);
                next = reader.poll(Duration::ZERO);
            }
            handled.commit(&reader, &name);
        }
    });
    let topic = topic.to_owned();
    let publish = |n: usize| {
        let (producer, topic) = (producer.clone(), topic.clone());
        tokio::spawn(async move {
            let (document, key) = (document(n), key(n));
            let record = FutureRecord::to(&topic).payload(&document).key(&key);
            let sent = producer.send(record.headers(headers()), Duration::ZERO);
            sent.await.map_err(|(e, _)| e).expect("it is stored");
        });
    };
    timetable.run(publish).await;
    reading.await.expect("no panic");
    timetable
}

/// Which event a document of [`crate::samples`] is.
fn number(document: &[u8]) -> usize {
    let head = r#"{"specversion":"1.0","id":"8353e8ea-e784-11f1-8511-"#.len();
    let digits = std::str::from_utf8(&document[head..head + 12]).expect("it is text");
    usize::from_str_radix(digits, 16).expect("a number")
}
