//! Tidings as a contender: a producer and a consumer as a service has them.

use tidings::{Bus, Key, Message, Ordering, Producer, Start};
use tidings_contender::{Contender, CountingAllocator, Publisher, Sample, Work, serve};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

struct Tidings {
    bus: Bus,
}

#[derive(Clone)]
struct Publishing(Producer);

impl Contender for Tidings {
    type Publisher = Publishing;

    async fn connect(url: &str) -> Self {
        let bus = tidings::open(url).await.expect("it connects");
        Self { bus }
    }

    async fn publisher(&self, _: &[String]) -> Publishing {
        Publishing(self.bus.producer().build().expect("a good producer"))
    }

    async fn consume(&self, streams: Vec<String>, group: String, work: Work) {
        let told = work.clone();
        let mut consumer = self
            .bus
            .consumer(group)
            .topics(streams)
            .from(Start::Earliest)
            .ordering(ordering())
            .concurrency(64);
        if work.holds() && work.events() > 0 {
            // As many handlers as there are keys: more is fetched while fewer events than that can
            // run, and so all of them come in hand.
            consumer = consumer.in_hand(work.events(), 1 << 30).concurrency(1_000);
        }
        let consumer = consumer.handler(move |message: Message| {
            let told = told.clone();
            async move {
                told.handle(message.event().id().as_bytes()).await;
                Ok(())
            }
        });
        let summary = consumer.run(async move { work.over().await }).await;
        summary.expect("it consumes");
    }
}

/// By key, unless the bench asks what that costs.
fn ordering() -> Ordering {
    match std::env::args().nth(1).as_deref() {
        None => Ordering::default(),
        Some("unordered") => Ordering::None,
        Some(other) => panic!("`{other}` is no ordering: leave it out, or say `unordered`"),
    }
}

impl Publisher for Publishing {
    async fn publish(&self, stream: &str, sample: &Sample) {
        let key = Some(Key::new(&sample.key));
        let published = self
            .0
            .publish_document(stream, key, sample.document.clone());
        published.await.expect("it is published");
    }
}

fn main() {
    serve::<Tidings>();
}
