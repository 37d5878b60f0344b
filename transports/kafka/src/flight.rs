//! Records on their way, and what becomes of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rdkafka::ClientContext;
use rdkafka::Message;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code};
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{
    BaseRecord, DeliveryResult, Producer, ProducerContext, PurgeConfig, ThreadedProducer,
};
use tidings_transport::{Error, ErrorKind, Result};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

use crate::brokers::Brokers;
use crate::client::Client;
use crate::error::{kind, no_answer, writing};

/// Partition and offset of a record that is stored.
pub(crate) type Place = (i32, i64);

/// A producer that tells flights what has become of their records.
pub(crate) type FlightProducer = ThreadedProducer<Tower>;

/// Records that were sent together. Whoever waits is woken once, when the last of them is stored or
/// has failed: a future for each would cost as many wakings across threads.
#[derive(Default)]
pub(crate) struct Flight {
    state: Mutex<State>,
    landed: Notify,
}

#[derive(Default)]
struct State {
    results: Vec<Option<KafkaResult<Place>>>,
    /// Sent, and neither stored nor failed.
    open: usize,
}

/// A record to send.
pub(crate) struct Outgoing<'a> {
    pub(crate) topic: &'a str,
    /// By its key, where nothing is said.
    pub(crate) partition: Option<i32>,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) headers: OwnedHeaders,
}

impl Flight {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a record, the next one of this flight.
    ///
    /// # Errors
    /// When it could not be queued; then it is not part of the flight.
    pub(crate) fn send(
        self: &Arc<Self>,
        producer: &FlightProducer,
        outgoing: Outgoing<'_>,
    ) -> KafkaResult<()> {
        let at = {
            let mut state = self.state();
            state.open += 1;
            state.results.push(None);
            state.results.len() - 1
        };
        let seat = Seat {
            flight: self.clone(),
            at,
        };
        let mut record = BaseRecord::with_opaque_to(outgoing.topic, Box::new(seat));
        record.partition = outgoing.partition;
        record.key = outgoing.key;
        record.payload = outgoing.value;
        let sent = producer.send(record.headers(outgoing.headers));
        sent.map_err(|(e, _)| {
            let mut state = self.state();
            state.open -= 1;
            state.results.pop();
            e
        })
    }

    fn land(&self, at: usize, result: KafkaResult<Place>) {
        let mut state = self.state();
        // Nobody waits for it any more where it comes too late.
        if let Some(slot) = state.results.get_mut(at) {
            *slot = Some(result);
        }
        state.open -= 1;
        if state.open == 0 {
            self.landed.notify_one();
        }
    }

    async fn all_landed(&self) {
        while self.state().open > 0 {
            self.landed.notified().await;
        }
    }
}

/// The place of a record in its flight.
pub(crate) struct Seat {
    flight: Arc<Flight>,
    at: usize,
}

/// Told by the client library, on the thread of its producer.
pub(crate) struct Tower(pub(crate) Arc<Brokers>);

impl ClientContext for Tower {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.0.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.told(&error, reason);
    }
}

impl ProducerContext for Tower {
    type DeliveryOpaque = Box<Seat>;

    fn delivery(&self, result: &DeliveryResult<'_>, seat: Box<Seat>) {
        let result = match result {
            Ok(message) => Ok((message.partition(), message.offset())),
            Err((e, _)) => Err(e.clone()),
        };
        seat.flight.land(seat.at, result);
    }
}

/// What the library says of a record that was given up tells nobody anything.
fn given_up(operation: &'static str, error: KafkaError) -> Error {
    let what = match error.rdkafka_error_code() {
        Some(Code::PurgeQueue) => "Kafka did not take it in time, so it was given up",
        Some(Code::PurgeInflight) => "Kafka did not answer in time, so it was given up",
        _ => return writing(operation, error),
    };
    Error::new(kind(&error, true), operation, what).with_source(error)
}

impl Client {
    /// Waits until the records of a flight are stored; where each of them is, in their order.
    ///
    /// After the deadline everything that is under way is given up at once. The library would give
    /// up one message after the other, and one behind it that still arrives would stand in the log
    /// before it.
    pub(crate) async fn landed(
        &self,
        producer: &FlightProducer,
        flight: &Flight,
        operation: &'static str,
    ) -> Vec<Result<Place>> {
        let deadline = Instant::now() + self.timeout();
        if timeout_at(deadline, flight.all_landed()).await.is_err() {
            let everything = PurgeConfig::default().queue().inflight();
            producer.purge(everything.non_blocking());
            // What is not told of then is in the results.
            let _ = timeout(self.timeout(), flight.all_landed()).await;
        }
        let results = std::mem::take(&mut flight.state().results);
        // Brokers that refuse a producer refuse everything that it was to send.
        let fatal = producer.client().fatal_error().map(|(code, _)| code);
        let refused = fatal.map(KafkaError::MessageProduction);
        let refused = refused.filter(|e| kind(e, true) == ErrorKind::Denied);
        let why = |e: KafkaError| match e.rdkafka_error_code() {
            Some(Code::PurgeQueue | Code::Fatal) => refused.clone().unwrap_or(e),
            _ => e,
        };
        let each = results.into_iter();
        each.map(|result| match result {
            Some(result) => result.map_err(|e| given_up(operation, why(e))),
            None => Err(no_answer(operation, ErrorKind::UnknownOutcome)),
        })
        .collect()
    }
}
