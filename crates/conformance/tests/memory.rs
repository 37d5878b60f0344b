//! The suite on the log in memory.

use std::sync::Arc;

use async_trait::async_trait;
use tidings_conformance::{Faults, Harness, Removal, conformance_tests};
use tidings_transport::{Memory, Topic, Transport};

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
        faults.removal = Some(self);
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

conformance_tests!(start);
