//! `tidings publish`

mod batch;
mod stamp;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use tidings::{KeyPath, Mode, Producer};
use tidings_telemetry::Telemetry;
use tidings_transport::Topic;

use crate::args::PublishArgs;
use crate::bus::Bus;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::monitoring::Monitoring;
use crate::settings::NamedCatalogs;
use crate::signals::Shutdown;

use batch::Sender;

/// A batch that the bus does not take is given up long before.
const STUCK_AFTER: Duration = Duration::from_secs(120);

/// Publishes what stands in files, on standard input, or on the command line.
pub async fn run(args: PublishArgs, shutdown: Shutdown, telemetry: Telemetry) -> Result<Exit> {
    let key_path = args.key_path.as_deref().map(key_path).transpose()?;
    check_topic(&args)?;
    let monitoring = Monitoring::bind(&args.monitoring, telemetry).await?;
    let bus = Bus::open(&args.bus).await?;
    let bus = bus.with_telemetry(monitoring.telemetry());
    let topic = topic(&bus, &args)?;
    let producer = producer(&bus, &args)?;
    let pulse = bus.telemetry().health().pulse("publish", STUCK_AFTER);
    let _monitored = monitoring.start(&bus, topic.into_iter().collect());
    let sender = Sender::new(producer, &args, key_path, pulse);
    match &args.stamp.ty {
        Some(event_type) => {
            let event = stamp::event(event_type, &args, &bus)?;
            stamp::publish(sender, event).await
        }
        None => stream::publish(sender, &args, shutdown).await,
    }
}

/// The full topic, if one is named: its name is checked before the first line is read.
fn topic(bus: &Bus, args: &PublishArgs) -> Result<Option<Topic>> {
    match &args.topic {
        Some(topic) => Ok(Some(bus.topic(topic)?)),
        None => Ok(None),
    }
}

/// Somebody has to say where events go; this is known before the bus is.
fn check_topic(args: &PublishArgs) -> Result<()> {
    let catalogs = NamedCatalogs::resolve(&args.bus.catalog)?;
    if args.topic.is_some() || catalogs.origin.is_some() {
        return Ok(());
    }
    let what = "no topic is named, and no catalog whose definitions say where events go";
    Err(Failure::new(Exit::Usage, what).remedy("name one: --topic courses, or --catalog events"))
}

fn producer(bus: &Bus, args: &PublishArgs) -> Result<Producer> {
    let mut builder = bus.producer();
    if let Some(profile) = args.profile {
        builder = builder.profile(profile.into());
    }
    match args.validate {
        Some(mode) => builder = builder.validation(mode.into()),
        None if bus.names_catalog() => builder = builder.validation(Mode::Enforce),
        None => {}
    }
    if let Some(service) = stamp::identity(args, bus) {
        builder = builder.service(service);
    }
    builder.build().map_err(|error| {
        let what = "these settings of the bus cannot be used to publish";
        Failure::new(Exit::Config, what).source(error)
    })
}

fn key_path(text: &str) -> Result<Arc<KeyPath>> {
    text.parse::<KeyPath>()
        .map(Arc::new)
        .map_err(|error| Failure::new(Exit::Usage, "--key-path cannot be used").source(error))
}
