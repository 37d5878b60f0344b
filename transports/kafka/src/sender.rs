//! The producer of a log, made anew when it is beyond help.

use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::config::{ClientConfig, FromClientConfigAndContext};
use rdkafka::error::KafkaResult;
use rdkafka::producer::Producer;

use crate::brokers::Brokers;
use crate::flight::{FlightProducer, Tower};

/// An idempotent producer that brokers once refused to number, for want of an ACL, or whose numbers
/// they lost, sends nothing more for as long as it lives. Another one takes its place.
pub(crate) struct Sender {
    config: ClientConfig,
    brokers: Arc<Brokers>,
    /// A std mutex: held for a look, and while another one is made.
    producer: Mutex<Arc<FlightProducer>>,
}

impl Sender {
    pub(crate) fn new(config: ClientConfig, brokers: Arc<Brokers>) -> KafkaResult<Self> {
        let producer = make(&config, &brokers)?;
        Ok(Self {
            config,
            brokers,
            producer: Mutex::new(producer),
        })
    }

    /// One that can send.
    pub(crate) fn producer(&self) -> KafkaResult<Arc<FlightProducer>> {
        let mut producer = self.producer.lock().unwrap_or_else(PoisonError::into_inner);
        if producer.client().fatal_error().is_some() {
            let fresh = make(&self.config, &self.brokers)?;
            let dead = std::mem::replace(&mut *producer, fresh);
            // It ends its own thread, and waits for that.
            std::thread::spawn(move || drop(dead));
        }
        Ok(producer.clone())
    }
}

fn make(config: &ClientConfig, brokers: &Arc<Brokers>) -> KafkaResult<Arc<FlightProducer>> {
    let tower = Tower(brokers.clone());
    FlightProducer::from_config_and_context(config, tower).map(Arc::new)
}
