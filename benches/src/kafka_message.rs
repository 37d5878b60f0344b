//! Kafka: a message of `edx-event-bus-kafka` to an event, against the bare Avro.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use tidings::{Reading, WantedSchema};
use tidings_catalog::Catalog;
use tidings_conformance::servers::KafkaServer;
use tidings_contender::{Payload, Recorded};
use tidings_event::avro::{Schema, decode_to_json};
use tidings_event::openedx::{KafkaSchemas, encode, to_kafka};
use tidings_event::{Event, kafka::frame};
use tidings_runtime::Decoder;
use tidings_transport::{Body, Field, Part, SchemaRegistry, Topic};
use tidings_transport_kafka::{Kafka, KafkaConfig};
use tokio::runtime::Runtime;

use crate::contest::{Row, Unit, alone, contest};

/// A registry that has one schema, and told it before anything was measured.
struct One(String);

#[async_trait]
impl SchemaRegistry for One {
    async fn register(
        &self,
        _: &Topic,
        _: Part,
        _: &str,
        _: &str,
    ) -> tidings_transport::Result<u32> {
        Ok(1)
    }

    async fn schema(&self, id: u32) -> tidings_transport::Result<Option<String>> {
        Ok((id == 1).then(|| self.0.clone()))
    }
}

const ROUNDS: usize = 200_000;

/// The value of a message as the serializers of Confluent write it: frame, and a look-up of the schema that is
/// known, around the Avro.
pub fn decode_framed() -> Row {
    let numbered = Numbered::new();
    let value = numbered.value();
    contest(
        "kafka Confluent-Avro to JSON, schema cached",
        "bare Avro to JSON",
        Unit::Time,
        1.3,
        || {
            micros(&|| {
                let (id, avro) = frame::open(black_box(&value)).expect("it is in a frame");
                let schema = numbered.decoder.known(&WantedSchema::Registered(id));
                let json = decode_to_json(&schema.expect("it was asked for"), avro);
                black_box(json).expect("the bytes are good");
            })
        },
        || {
            micros(&|| {
                let json = decode_to_json(&numbered.schema, black_box(&numbered.avro));
                black_box(json).expect("the bytes are good");
            })
        },
    )
}

/// A whole message of `edx-event-bus-kafka` to an event: the attributes from its headers as well.
pub fn decode_numbered() -> Row {
    let numbered = Numbered::new();
    alone(
        "kafka message in Avro to an event, schema cached",
        Unit::Time,
        2.0,
        || {
            micros(&|| {
                let reading = numbered.decoder.read(black_box(&numbered.body));
                assert!(matches!(black_box(reading), Reading::Event(_)));
            })
        },
    )
}

fn micros(each: &dyn Fn()) -> f64 {
    let began = Instant::now();
    (0..ROUNDS).for_each(|_| each());
    began.elapsed().as_secs_f64() * 1e6 / ROUNDS as f64
}

/// A message, and who has read it once already.
struct Numbered {
    decoder: Decoder,
    body: Body,
    schema: Arc<Schema>,
    avro: Vec<u8>,
}

impl Numbered {
    fn new() -> Self {
        let runtime = Runtime::new().expect("a runtime starts");
        let server = runtime
            .block_on(KafkaServer::start())
            .expect("Kafka starts");
        let (body, schema, avro) = numbered();
        let decoder = runtime.block_on(async {
            let config = KafkaConfig::new([server.address()]);
            let kafka = Kafka::connect(config).await.expect("it connects");
            let kafka = kafka.with_schema_registry(Arc::new(One(schema.json().to_owned())));
            let decoder = Decoder::new(Arc::new(kafka), Arc::new(Catalog::openedx()));
            let resolved = decoder.resolve(&body).await.expect("it is told");
            assert!(matches!(resolved, Reading::Event(_)));
            decoder
        });
        Self {
            decoder,
            body,
            schema,
            avro,
        }
    }

    fn value(&self) -> Bytes {
        let Body::Fields(fields) = &self.body else {
            panic!("a message has fields");
        };
        let value = fields.iter().find(|field| &*field.name == Field::VALUE);
        value.expect("it has a value").value.clone()
    }
}

/// The median event of Open edX as a message, its schema, and its Avro.
fn numbered() -> (Body, Arc<Schema>, Vec<u8>) {
    let recorded = Recorded::of(Payload::Median);
    let event = Event::builder(recorded.event_type())
        .id("8353e8ea-e784-11f1-8511-0242ac120002")
        .source("/openedx/lms/web")
        .minorversion(0)
        .extension("sourcehost", "lms-1")
        .extension("sourcelib", "11.2.0")
        .extension("partitionkey", "course-v1:a+b+001")
        .data_json(recorded.data(Payload::Median))
        .build()
        .expect("the event is good");
    let entry = encode(&event, &Catalog::openedx()).expect("the event is good");
    let fields = entry
        .fields
        .iter()
        .map(|(name, value)| (&**name, &value[..]));
    let schemas = KafkaSchemas { value: 1, key: 2 };
    let message = to_kafka(fields, None, schemas).expect("it is an entry");
    let value = message.value.expect("it has one");
    let (_, avro) = frame::open(&value).expect("it is in a frame");
    let avro = avro.to_vec();
    let field = |name: &str, value| Field {
        name: name.into(),
        value,
    };
    let headers = message.headers.into_iter();
    let mut fields: Vec<_> = headers.map(|(name, value)| field(&name, value)).collect();
    fields.push(field(Field::VALUE, value));
    fields.extend(message.key.map(|key| field(Field::KEY, key)));
    (Body::Fields(fields), entry.schema, avro)
}
