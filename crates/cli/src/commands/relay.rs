//! `tidings relay`

use std::sync::Arc;
use std::time::Duration;

use tidings::outbox::{Relay, RelayCounters, RelayCounts};
use tidings_telemetry::metrics::OutboxState;
use tidings_telemetry::{Joining, Metrics, Telemetry};
use tidings_transport::Count;
use tokio::time::sleep;

use crate::args::RelayArgs;
use crate::bus::Bus;
use crate::database::Site;
use crate::exit::Exit;
use crate::failure::Result;
use crate::monitoring::Monitoring;
use crate::output::{counted, number, to_stderr};
use crate::settings::Settings;
use crate::signals::Shutdown;

/// How often the metrics are brought up to date.
const TELL: Duration = Duration::from_secs(1);
/// Longer than any process lives: 20 years.
const FOR_EVER: Duration = Duration::from_secs(20 * 365 * 24 * 3_600);

/// Publishes the rows of an outbox until asked to end.
pub async fn run(args: RelayArgs, shutdown: Shutdown, telemetry: Telemetry) -> Result<Exit> {
    let site = Site::find(&args.database)?;
    let monitoring = Monitoring::bind(&args.monitoring, telemetry).await?;
    let telemetry = monitoring.telemetry();
    let opening = telemetry.health().expect("it does not reach the bus");
    let settings = Settings::resolve(&args.bus)?;
    let patience = args.give_up_after.unwrap_or(FOR_EVER);
    let bus = tokio::select! {
        bus = Bus::open_patiently(&settings, Some(patience)) => bus?,
        () = shutdown.asked() => return Ok(Exit::Ok),
    };
    let reached = telemetry.health().expect("it does not reach the database");
    drop(opening);
    let bus = bus.with_telemetry(telemetry.clone());
    let _monitored = monitoring.start(&bus, Vec::new());
    let _retaining = bus.retain();
    let mut relay =
        Relay::new(site.database.clone(), bus.producer()).batch(args.batch.get(), 4 * 1024 * 1024);
    if let Some(age) = args.keep {
        relay = relay.keep(age);
    }
    if let Some(window) = args.resend {
        relay = relay.resend(window);
    }
    if let Some(longest) = args.poll {
        relay = relay.poll(longest);
    }
    if let Some(away) = args.give_up_after {
        relay = relay.give_up_after(away);
    }
    let counters = relay.counters();
    let telling = telemetry
        .metrics()
        .cloned()
        .map(|metrics| tell(metrics, counters, reached));
    let relaying = relay.run(shutdown.asked());
    let counts = match telling {
        None => relaying.await,
        Some(telling) => tokio::select! {
            counts = relaying => counts,
            never = telling => match never {},
        },
    };
    let counts = counts.map_err(|error| site.failure(error))?;
    to_stderr(&format!(
        "{} published, {} refused",
        counted(Count::Exactly(counts.published), "event"),
        number(counts.refused)
    ));
    Ok(Exit::Ok)
}

/// Keeps the metrics, and whether the process is ready, in step with the counters, for ever.
async fn tell(
    metrics: Metrics,
    counters: Arc<RelayCounters>,
    mut reached: Joining,
) -> std::convert::Infallible {
    let mut told = RelayCounts::default();
    loop {
        let now = counters.snapshot();
        match now.connected {
            true => reached.joined(),
            false => reached.leaving(),
        }
        metrics.outbox().relayed(now.published - told.published);
        metrics.outbox().refused(now.refused - told.refused);
        metrics.outbox().set(OutboxState {
            depth: now.depth,
            oldest: now.oldest,
            refused: now.refused_rows,
            active: now.active,
        });
        told = now;
        sleep(TELL).await;
    }
}
