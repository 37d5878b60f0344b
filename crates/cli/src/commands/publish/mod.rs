//! `tidings publish`

mod batch;
mod stamp;
mod stream;

use std::sync::Arc;

use bytes::Bytes;
use tidings::{KeyPath, Mode, Producer};

use crate::args::{ProfileArg, PublishArgs};
use crate::bus::Bus;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::signals::Shutdown;

use batch::Sender;

/// Publishes what stands in files, on standard input, or on the command line.
pub async fn run(args: PublishArgs, shutdown: Shutdown) -> Result<Exit> {
    let key_path = args.key_path.as_deref().map(key_path).transpose()?;
    let bus = Bus::open(&args.bus).await?;
    let producer = producer(&bus, &args)?;
    let sender = Sender::new(producer, &args, key_path);
    match &args.stamp.ty {
        Some(event_type) => {
            let event = stamp::event(event_type, &args)?;
            stamp::publish(sender, event).await
        }
        None => stream::publish(sender, &args, shutdown).await,
    }
}

fn producer(bus: &Bus, args: &PublishArgs) -> Result<Producer> {
    let mut builder = bus.producer();
    if let Some(profile) = args.profile {
        builder = builder.profile(match profile {
            ProfileArg::Enforce => Mode::Enforce,
            ProfileArg::Warn => Mode::Warn,
            ProfileArg::Off => Mode::Off,
        });
    }
    // The full name is checked before the first line is read.
    bus.topic(&args.topic)?;
    Ok(builder.build()?)
}

fn key_path(text: &str) -> Result<Arc<KeyPath>> {
    text.parse::<KeyPath>().map(Arc::new).map_err(|error| {
        Failure::new(Exit::Usage, format!("--key-path {text:?} is not a path"))
            .source(error)
            .remedy("write the names of members with dots between them: course.course_key")
    })
}

/// A document to publish, as it came.
type Document = Bytes;
