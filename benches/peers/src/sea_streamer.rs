//! `sea-streamer` over Redis. Settings: a load-balanced group, as several consumers need; `Rolling`, which
//! its documentation recommends for at-least-once; pages of 100. Its consumer is a stream of messages,
//! handled one by one, as its examples do.

use sea_streamer_redis::{
    AutoCommit, AutoStreamReset, RedisConsumerOptions, RedisProducer, RedisStreamer,
};
use sea_streamer_types::{
    Buffer, Consumer, ConsumerGroup, ConsumerMode, ConsumerOptions, Message, Producer, StreamKey,
    Streamer,
};
use tidings_contender::{Contender, CountingAllocator, Publisher, Sample, Work, serve};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

struct SeaStreamer(RedisStreamer);

#[derive(Clone)]
struct Producing(RedisProducer);

impl Contender for SeaStreamer {
    type Publisher = Producing;

    async fn connect(url: &str) -> Self {
        let url = url.parse().expect("the URL is good");
        let connected = RedisStreamer::connect(url, Default::default()).await;
        Self(connected.expect("it connects"))
    }

    async fn publisher(&self, _: &[String]) -> Producing {
        let producer = self.0.create_generic_producer(Default::default()).await;
        Producing(producer.expect("it connects"))
    }

    async fn consume(&self, streams: Vec<String>, group: String, work: Work) {
        let mut options = RedisConsumerOptions::new(ConsumerMode::LoadBalanced);
        options
            .set_auto_stream_reset(AutoStreamReset::Earliest)
            .set_auto_commit(AutoCommit::Rolling)
            .set_batch_size(100)
            .set_mkstream(true);
        let group = options.set_consumer_group(ConsumerGroup::new(group));
        group.expect("a group may be set");
        let keys: Vec<StreamKey> = streams.into_iter().map(key).collect();
        let consumer = self.0.create_consumer(&keys, options).await;
        let consumer = consumer.expect("it joins");
        let over = work.over();
        tokio::pin!(over);
        loop {
            let message = tokio::select! {
                () = &mut over => break,
                message = consumer.next() => message.expect("the server answers"),
            };
            work.handle(message.message().as_bytes()).await;
            consumer.ack(&message).expect("it is ours");
        }
        consumer.end().await.expect("it leaves");
    }
}

impl Publisher for Producing {
    async fn publish(&self, stream: &str, sample: &Sample) {
        let document: &[u8] = &sample.document;
        let sent = self.0.send_to(&key(stream.to_owned()), document);
        sent.expect("it is sent").await.expect("it is stored");
    }
}

fn key(stream: String) -> StreamKey {
    StreamKey::new(stream).expect("a good name")
}

fn main() {
    serve::<SeaStreamer>();
}
