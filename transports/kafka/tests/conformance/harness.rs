//! A broker that is shared, or one that may be killed.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use nix::sys::signal::Signal;
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tidings_conformance::servers::{KafkaOptions, KafkaServer};
use tidings_conformance::{
    Crash, Cut, CutAt, DeadLetterRefusal, Faults, Foreign, Freeze, Harness, Removal, TopicRefusal,
    Wipe,
};
use tidings_transport::{Body, Field, Group, Topic, Transport};
use tidings_transport_kafka::{Kafka, KafkaConfig};
use tokio::sync::{Mutex, OnceCell};
use tokio::time::{sleep, timeout};

use crate::fixture::PATIENCE;

/// A broker, with topics of one partition: the suite asks for the order of a whole topic.
#[derive(Clone)]
pub struct OneBroker {
    server: Arc<Mutex<KafkaServer>>,
    address: String,
    /// Nobody else uses it: it may be killed.
    own: bool,
}

/// The broker that the cases share. It ends with the test process.
static SHARED: OnceCell<OneBroker> = OnceCell::const_new();

pub async fn start() -> OneBroker {
    let shared = SHARED.get_or_init(|| start_with(KafkaOptions::default()));
    let mut broker = shared.await.clone();
    broker.own = false;
    broker
}

pub async fn start_own() -> OneBroker {
    start_with(KafkaOptions {
        proxied: true,
        ..KafkaOptions::default()
    })
    .await
}

async fn start_with(options: KafkaOptions) -> OneBroker {
    let server = KafkaServer::start_with(options).await;
    let server = server.unwrap_or_else(|e| panic!("Kafka: {e}"));
    OneBroker {
        address: server.address(),
        server: Arc::new(Mutex::new(server)),
        own: true,
    }
}

impl OneBroker {
    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.address);
        config
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.client().create().expect("valid settings")
    }

    /// Sets how large the messages of a topic may be.
    async fn limit(&self, physical: &str, bytes: &str) {
        let topic = AlterConfig::new(ResourceSpecifier::Topic(physical));
        let change = topic
            .set("max.message.bytes", bytes)
            .set("cleanup.policy", "compact");
        let done = self
            .admin()
            .alter_configs([&change], &AdminOptions::new())
            .await;
        for result in done.expect("the broker answers") {
            result.expect("a setting that can be changed");
        }
        // The controller has it; the broker, which follows it, may be slow to.
        let has_it = async {
            while self.limit_of(physical).await.as_deref() != Some(bytes) {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, has_it).await.expect("the broker follows");
        // It tells what it will do a moment before it does.
        sleep(Duration::from_millis(200)).await;
    }

    async fn limit_of(&self, physical: &str) -> Option<String> {
        let topic = ResourceSpecifier::Topic(physical);
        let asked = self
            .admin()
            .describe_configs(&[topic], &AdminOptions::new())
            .await;
        let told = asked.expect("the broker answers").remove(0);
        let told = told.expect("a topic that is there");
        let entry = told.get("max.message.bytes")?;
        entry.value.clone()
    }
}

fn journal(topic: &Topic, group: &Group) -> String {
    format!("{topic}.dlq.{group}")
}

#[async_trait]
impl Harness for OneBroker {
    async fn open(&self) -> Arc<dyn Transport> {
        let mut config = KafkaConfig::new([self.address.clone()]);
        config.partitions = Some(1);
        // So that a frozen broker is noticed within the patience of the suite.
        config.response_timeout = Duration::from_secs(if self.own { 3 } else { 10 });
        // So that consumers learn soon that others come and go.
        config
            .client
            .insert("heartbeat.interval.ms".into(), "200".into());
        if self.own {
            let refresh = "topic.metadata.refresh.interval.ms".into();
            config.client.insert(refresh, "1000".into());
        }
        for _ in 0..10 {
            // One that has come up just now may need a while.
            if let Ok(kafka) = Kafka::connect(config.clone()).await {
                return Arc::new(kafka);
            }
        }
        panic!("the broker does not answer");
    }

    fn faults(&self) -> Faults<'_> {
        let mut faults = Faults::default();
        if self.own {
            faults.crash = Some(self);
            faults.freeze = Some(self);
            faults.cut = Some(self);
            faults.wipe = Some(self);
        } else {
            faults.removal = Some(self);
            faults.foreign = Some(self);
            faults.dead_letter_refusal = Some(self);
            faults.topic_refusal = Some(self);
        }
        faults
    }
}

#[async_trait]
impl Crash for OneBroker {
    async fn kill(&self) {
        self.server.lock().await.kill();
    }

    async fn restart(&self) {
        let restarted = self.server.lock().await.restart().await;
        restarted.expect("it comes up again");
    }
}

#[async_trait]
impl Wipe for OneBroker {
    async fn restart_empty(&self) {
        let restarted = self.server.lock().await.restart_empty().await;
        restarted.expect("it comes up again");
    }
}

#[async_trait]
impl Freeze for OneBroker {
    async fn freeze(&self) {
        let server = self.server.lock().await;
        server.signal(Signal::SIGSTOP).expect("it runs");
    }

    async fn thaw(&self) {
        let server = self.server.lock().await;
        server.signal(Signal::SIGCONT).expect("it is stopped");
    }
}

#[async_trait]
impl Cut for OneBroker {
    async fn cut_next(&self, at: CutAt) {
        let server = self.server.lock().await;
        server
            .proxy()
            .expect("a broker that may be killed has one")
            .cut_next(at);
    }
}

#[async_trait]
impl Removal for OneBroker {
    async fn remove_oldest(&self, topic: &Topic, count: u64) {
        let count = i64::try_from(count).expect("fewer than a topic holds");
        let (name, config) = (topic.as_str().to_owned(), self.client());
        let low = tokio::task::spawn_blocking(move || {
            let asking: BaseConsumer = config.create().expect("valid settings");
            let marks = asking.fetch_watermarks(&name, 0, Duration::from_secs(30));
            marks.expect("the topic is there").0
        });
        let until = low.await.expect("no panic") + count;
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic.as_str(), 0, Offset::Offset(until))
            .expect("an offset");
        let removed = self
            .admin()
            .delete_records(&list, &AdminOptions::new())
            .await;
        let removed = removed.expect("the broker answers");
        assert_eq!(removed.elements()[0].offset(), Offset::Offset(until));
    }
}

#[async_trait]
impl Foreign for OneBroker {
    async fn write(&self, topic: &Topic) -> Body {
        let name = topic.as_str();
        let made = NewTopic::new(name, 1, TopicReplication::Fixed(1));
        // It may be there.
        let _ = self
            .admin()
            .create_topics([&made], &AdminOptions::new())
            .await;
        let header = Header {
            key: "x-what",
            value: Some(&b"\xff\x00"[..]),
        };
        let producer: FutureProducer = self.client().create().expect("valid settings");
        let value = b"\x00\xff this is no event";
        let record = FutureRecord::<[u8], [u8]>::to(name)
            .key(b"\xfe no text")
            .payload(value)
            .headers(OwnedHeaders::new().insert(header));
        let sent = producer.send(record, Duration::from_secs(30)).await;
        sent.expect("a healthy broker takes records");
        let field = |name: &str, value: &'static [u8]| Field {
            name: name.into(),
            value: value.into(),
        };
        Body::Fields(vec![
            field(Field::KEY, b"\xfe no text"),
            field("x-what", b"\xff\x00"),
            field(Field::VALUE, value),
        ])
    }
}

#[async_trait]
impl DeadLetterRefusal for OneBroker {
    async fn refuse(&self, topic: &Topic, group: &Group) {
        self.limit(&journal(topic, group), "1").await;
    }

    async fn allow(&self, topic: &Topic, group: &Group) {
        self.limit(&journal(topic, group), "1000000").await;
    }
}

#[async_trait]
impl TopicRefusal for OneBroker {
    async fn refuse(&self, topic: &Topic) {
        let topic = NewTopic::new(topic.as_str(), 1, TopicReplication::Fixed(1));
        let topic = topic.set("max.message.bytes", "1");
        let made = self
            .admin()
            .create_topics([&topic], &AdminOptions::new())
            .await;
        for result in made.expect("the broker answers") {
            result.expect("a new topic");
        }
    }
}
