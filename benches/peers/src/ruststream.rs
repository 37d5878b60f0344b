//! `ruststream` over Redis, by `ruststream-fred`. Settings: `.pipeline()`, with which it settles what one
//! read brought in one round trip, and 64 workers.

use std::num::NonZeroUsize;

use bytes::BytesMut;
use ruststream::{Broker, OutgoingMessage, Publisher as _};
use ruststream_fred::stream::prelude::*;
use ruststream_fred::{ConnectedRedisBroker, RedisPublisher, StreamStart};
use serde::Deserialize;
use tidings_contender::{Contender, CountingAllocator, Publisher, Sample, Work, serve};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

struct Rust {
    url: String,
    connected: ConnectedRedisBroker,
}

#[derive(Clone)]
struct Publishing(RedisPublisher);

/// What a handler asks for, of what is there.
#[derive(Debug, Deserialize)]
struct Document {
    id: String,
}

struct Handling(Work);

impl Handle<Document, (), (), PipelineContext> for Handling {
    async fn handle(
        &self,
        document: &Document,
        _: &(),
        _: &mut Context<'_, PipelineContext>,
    ) -> Result<(), HandlerOutcome> {
        self.0.handle(document.id.as_bytes()).await;
        Ok(())
    }
}

impl Contender for Rust {
    type Publisher = Publishing;

    async fn connect(url: &str) -> Self {
        let connected = RedisBroker::standalone(url).connect().await;
        Self {
            url: url.to_owned(),
            connected: connected.expect("it connects"),
        }
    }

    async fn publisher(&self, _: &[String]) -> Publishing {
        Publishing(self.connected.publisher())
    }

    async fn consume(&self, streams: Vec<String>, group: String, work: Work) {
        let workers = NonZeroUsize::new(64).expect("not zero");
        let told = work.clone();
        let app = RustStream::new(AppInfo::new("bench", "0.1.0")).with_broker(
            RedisBroker::standalone(self.url.as_str()),
            move |broker| {
                for stream in streams {
                    let source = RedisStream::new(stream)
                        .group(group.clone())
                        .start_id(StreamStart::Beginning);
                    let handler = subscriber(source, Handling(told.clone()));
                    broker.include(handler.pipeline().workers(workers).build());
                }
            },
        );
        app.run_until(work.over()).await.expect("it consumes");
    }
}

impl Publisher for Publishing {
    async fn publish(&self, stream: &str, sample: &Sample) {
        let document: &[u8] = &sample.document;
        let message = OutgoingMessage::with_payload(stream, BytesMut::from(document));
        self.0
            .publish(message, Default::default())
            .await
            .expect("it is stored");
    }
}

fn main() {
    serve::<Rust>();
}
