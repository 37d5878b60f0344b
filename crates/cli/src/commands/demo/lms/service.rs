//! The process: consumes what happens to courses, and keeps its copy in step.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use tidings::{HandlerError, Message};
use tokio::task::spawn_blocking;
use tracing::info;

use super::store::Store;
use crate::args::DemoServiceArgs;
use crate::bus::Bus;
use crate::commands::demo::course::Course;
use crate::commands::demo::{GROUP, database};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::signals::Shutdown;

/// What the events of discovery say.
#[derive(Deserialize)]
struct Said {
    course: Course,
}

/// Consumes until it is asked to end.
pub async fn run(args: &DemoServiceArgs, shutdown: &Shutdown) -> Result<()> {
    let bus = Bus::open(&args.bus).await?;
    let store = Store::open(&args.database).map_err(|e| database::failed(&args.database, e))?;
    let store = Arc::new(Mutex::new(store));
    let consumer = bus
        .consumer(GROUP)
        .topic(&args.topic)
        .lease(args.pace.lease)
        .concurrency(8)
        .handler(move |message| apply(store.clone(), message));
    let summary = consumer
        .run(shutdown.asked())
        .await
        .map_err(|e| Failure::new(Exit::Failed, "lms cannot go on").source(e))?;
    info!(delivered = summary.counts.delivered, "asked to end");
    Ok(())
}

/// Lets an event take effect, once: the bus may hand it over again, the inbox tells.
async fn apply(
    store: Arc<Mutex<Store>>,
    message: Message,
) -> std::result::Result<(), HandlerError> {
    let applied = spawn_blocking(move || {
        let event = message.event();
        let Some(data) = event.data().and_then(|d| d.as_json()) else {
            return Err(HandlerError::permanent("the event has no JSON data"));
        };
        let said: Said = serde_json::from_str(data)
            .map_err(|e| HandlerError::permanent(format!("the event tells of no course: {e}")))?;
        let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
        let effect = store.apply(event.source(), event.id(), message.attempt(), &said.course)?;
        tracing::debug!(id = event.id(), ?effect, "applied");
        Ok(())
    });
    applied.await?
}
