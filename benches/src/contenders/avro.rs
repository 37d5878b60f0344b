//! The Avro codec of Tidings as a contender: from Avro to JSON text and back.

use std::sync::Arc;

use tidings_catalog::Catalog;
use tidings_contender::{Codec, CountingAllocator, Payload, Recorded, serve_codec};
use tidings_event::Definitions;
use tidings_event::avro::{Schema, decode_to_json, encode_from_json};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

struct Avro {
    schema: Arc<Schema>,
    bytes: Vec<u8>,
}

impl Codec for Avro {
    type Value = Vec<u8>;

    fn new(payload: Payload) -> Self {
        let recorded = Recorded::of(payload);
        let definition = Catalog::openedx().definition(recorded.event_type(), None);
        let schema = definition.expect("it is defined").schema.clone();
        let schema = schema.expect("it has a schema");
        let data = recorded.data(payload);
        let bytes = encode_from_json(&schema, data.as_bytes()).expect("the data is good");
        Self { schema, bytes }
    }

    fn encoded(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    fn decode(&self, bytes: &[u8]) -> Vec<u8> {
        decode_to_json(&self.schema, bytes).expect("the bytes are good")
    }

    fn encode(&self, json: &Vec<u8>) -> Vec<u8> {
        encode_from_json(&self.schema, json).expect("the data is good")
    }
}

fn main() {
    serve_codec::<Avro>();
}
