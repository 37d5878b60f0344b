//! What the tests share.

use std::sync::{Arc, Mutex};

use tidings_event::{Emitter, NoDefinitions, Role};
use tidings_runtime::{ConsumerBuilder, HandlerError, Message, Producer, ProducerBuilder, Route};
use tidings_transport::{Memory, Start, Transport};

pub const CREATED: &str = "org.openedx.catalog.course.created.v1";
pub const TOPIC: &str = "course-catalog";

/// A producer of `CREATED` to `TOPIC`, keyed by `course_key`.
pub fn producer(log: &Memory) -> Producer {
    producing(Arc::new(log.clone())).build().unwrap()
}

pub fn producing(log: Arc<dyn Transport>) -> ProducerBuilder {
    ProducerBuilder::new(log, Arc::new(NoDefinitions))
        .emitter(Emitter::new("openedx", "discovery", Role::Web).unwrap())
        .route(CREATED, Route::to(TOPIC).key_path("course_key").unwrap())
}

/// A consumer of `TOPIC` from its beginning that ends when everything is done.
pub fn consuming(log: Arc<dyn Transport>) -> ConsumerBuilder {
    ConsumerBuilder::new(log, Arc::new(NoDefinitions), "search")
        .topic(TOPIC)
        .from(Start::Earliest)
}

/// Publishes events with these keys, numbered.
pub async fn publish(producer: &Producer, keys: &[&str]) {
    let events = keys.iter().enumerate().map(|(n, key)| {
        let data = format!(r#"{{"course_key":"{key}","n":{n}}}"#);
        producer.event(CREATED).data_json(data)
    });
    for result in producer.publish_all(events).await {
        result.unwrap();
    }
}

/// The number that `publish` put into a message.
pub fn number(message: &Message) -> usize {
    let data = message.event().data().unwrap().as_json().unwrap();
    let number = data.split("\"n\":").nth(1).unwrap();
    number.trim_end_matches('}').parse().unwrap()
}

/// Remembers what handlers did, in order.
#[derive(Clone, Default)]
pub struct Journal(Arc<Mutex<Vec<(String, usize)>>>);

impl Journal {
    pub fn note(&self, message: &Message) {
        let key = message.key().map_or("", |k| k.as_str()).to_owned();
        self.0.lock().unwrap().push((key, number(message)));
    }

    pub fn all(&self) -> Vec<usize> {
        self.0.lock().unwrap().iter().map(|(_, n)| *n).collect()
    }

    pub fn of(&self, key: &str) -> Vec<usize> {
        let all = self.0.lock().unwrap();
        all.iter()
            .filter(|(k, _)| k == key)
            .map(|(_, n)| *n)
            .collect()
    }

    pub fn sorted(&self) -> Vec<usize> {
        let mut all = self.all();
        all.sort_unstable();
        all
    }
}

pub type Handled = Result<(), HandlerError>;
