//! The codec of `apache-avro`: from Avro to JSON text and back, as Tidings does it.

use std::path::Path;

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use tidings_contender::{Codec, CountingAllocator, Payload, Recorded, serve_codec};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

struct Avro {
    schema: &'static Schema,
    reader: GenericDatumReader<'static>,
    writer: GenericDatumWriter<'static>,
    json: Vec<u8>,
}

impl Codec for Avro {
    type Value = Vec<u8>;

    fn new(payload: Payload) -> Self {
        let recorded = Recorded::of(payload);
        let catalog = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../catalog/openedx");
        let file = catalog.join(format!("{}.avsc", recorded.event_type()));
        let schema = std::fs::read_to_string(file).expect("the catalog has it");
        let schema = Schema::parse_str(&schema).expect("the schema is good");
        // Readers and writers borrow it, and this process has few.
        let schema: &'static Schema = Box::leak(Box::new(schema));
        let reader = GenericDatumReader::builder(schema).build();
        let writer = GenericDatumWriter::builder(schema).build();
        Self {
            schema,
            reader: reader.expect("the schema is good"),
            writer: writer.expect("the schema is good"),
            json: recorded.data(payload).into_bytes(),
        }
    }

    fn encoded(&self) -> Vec<u8> {
        self.encode(&self.json)
    }

    fn decode(&self, bytes: &[u8]) -> Vec<u8> {
        let value = self
            .reader
            .read_value(&mut &*bytes)
            .expect("the bytes are good");
        let value = serde_json::Value::try_from(value).expect("JSON can say it");
        serde_json::to_vec(&value).expect("JSON can say it")
    }

    fn encode(&self, json: &Vec<u8>) -> Vec<u8> {
        let value: serde_json::Value = serde_json::from_slice(json).expect("it is JSON");
        let value = Value::try_from(value).and_then(|value| value.resolve(self.schema));
        let value = value.expect("the data is good");
        self.writer
            .write_value_to_vec(value)
            .expect("the data is good")
    }
}

fn main() {
    serve_codec::<Avro>();
}
