//! `tidings relay`

use std::sync::Arc;
use std::time::Duration;

use tidings::outbox::{Relay, RelayCounters, RelayCounts};
use tidings_telemetry::metrics::OutboxState;
use tidings_telemetry::{Metrics, Telemetry};
use tokio::time::sleep;

use crate::args::RelayArgs;
use crate::bus::Bus;
use crate::database::Site;
use crate::exit::Exit;
use crate::failure::Result;
use crate::monitoring::Monitoring;
use crate::output::{number, to_stderr};
use crate::signals::Shutdown;

/// How often the metrics are brought up to date.
const TELL: Duration = Duration::from_secs(1);

/// Publishes the rows of an outbox until asked to end.
pub async fn run(args: RelayArgs, shutdown: Shutdown, telemetry: Telemetry) -> Result<Exit> {
    let site = Site::find(&args.database)?;
    let monitoring = Monitoring::bind(&args.monitoring, telemetry).await?;
    let bus = Bus::open(&args.bus).await?;
    let telemetry = monitoring.telemetry();
    let bus = bus.with_telemetry(telemetry.clone());
    let _monitored = monitoring.start(&bus, Vec::new());
    let mut relay =
        Relay::new(site.database.clone(), bus.producer()).batch(args.batch.get(), 4 * 1024 * 1024);
    if let Some(age) = args.keep {
        relay = relay.keep(age);
    }
    if let Some(longest) = args.poll {
        relay = relay.poll(longest);
    }
    #[cfg(feature = "sabotage")]
    if let Some(bug) = args.sabotage {
        relay = relay.sabotage(bug);
    }
    let counters = relay.counters();
    let telling = telemetry
        .metrics()
        .cloned()
        .map(|metrics| tell(metrics, counters));
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
        "{} events published, {} refused",
        number(counts.published),
        number(counts.refused)
    ));
    Ok(Exit::Ok)
}

/// Keeps the metrics in step with the counters, for ever.
async fn tell(metrics: Metrics, counters: Arc<RelayCounters>) -> std::convert::Infallible {
    let mut told = RelayCounts::default();
    loop {
        let now = counters.snapshot();
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
