//! The suite on the log in memory.

use std::sync::Arc;

use async_trait::async_trait;
use tidings_conformance::{Crash, Faults, Foreign, Harness, Removal, conformance_tests};
use tidings_transport::{Body, Field, Memory, Record, Topic, Transport};

struct InMemory(Memory);

async fn start() -> InMemory {
    InMemory(Memory::new())
}

#[async_trait]
impl Harness for InMemory {
    async fn open(&self) -> Arc<dyn Transport> {
        Arc::new(self.0.clone())
    }

    fn faults(&self) -> Faults<'_> {
        let mut faults = Faults::default();
        faults.crash = Some(self);
        faults.removal = Some(self);
        faults.foreign = Some(self);
        faults
    }
}

#[async_trait]
impl Removal for InMemory {
    async fn remove_oldest(&self, topic: &Topic, count: u64) {
        let count = usize::try_from(count).expect("fewer than a topic holds");
        assert_eq!(self.0.drop_records(topic, count), count);
    }
}

/// It has no process of its own, but can be away like one.
#[async_trait]
impl Crash for InMemory {
    async fn kill(&self) {
        self.0.set_available(false);
    }

    async fn restart(&self) {
        self.0.set_available(true);
    }
}

#[async_trait]
impl Foreign for InMemory {
    async fn write(&self, topic: &Topic) -> Body {
        let body = Body::Fields(vec![Field {
            name: "payload".into(),
            value: (&[0u8, 0xff, b'{'][..]).into(),
        }]);
        let record = Record {
            topic: topic.clone(),
            key: None,
            body: body.clone(),
        };
        self.0.publish(&[record]).await[0]
            .as_ref()
            .expect("a log in memory takes fields");
        body
    }
}

conformance_tests!(start);
