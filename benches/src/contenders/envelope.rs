//! The envelope of Tidings as a contender.

use tidings_contender::{Codec, CountingAllocator, Keys, Payload, samples, serve_codec};
use tidings_event::Event;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

struct Envelope {
    document: Vec<u8>,
}

impl Codec for Envelope {
    type Value = Event;

    fn new(payload: Payload) -> Self {
        let document = samples(payload, Keys::One)[0].document.to_vec();
        Self { document }
    }

    fn encoded(&self) -> Vec<u8> {
        self.document.clone()
    }

    fn decode(&self, bytes: &[u8]) -> Event {
        Event::from_json(bytes).expect("it is an event")
    }

    fn encode(&self, event: &Event) -> Vec<u8> {
        event.to_json()
    }
}

fn main() {
    serve_codec::<Envelope>();
}
