//! The relay, as `tidings relay` runs it.

use std::time::Duration;

use tidings::Backoff;
use tidings_outbox::{Database, Relay};
use tokio::time::sleep;
use tracing::warn;

use super::{asked_to_end, open};
use crate::args::RoleArgs;
use crate::words::Result;

pub async fn play(args: &RoleArgs) -> Result<()> {
    let working = async {
        let bus = open(&args.bus).await;
        loop {
            let mut relay = Relay::new(Database::new(&args.database)?, bus.producer())
                .standby(Duration::from_millis(200))
                .poll(Duration::from_millis(100))
                .backoff(Backoff::new(
                    Duration::from_millis(20),
                    Duration::from_millis(500),
                ));
            if let Some(bug) = args.plant.and_then(|bug| bug.in_relay()) {
                relay = relay.sabotage(bug);
            }
            match relay.run(asked_to_end()).await {
                Ok(_) => return Ok(()),
                // A database that is away at the start: a supervisor would start it again.
                Err(error) if error.is_temporary() => warn!(%error, "starting again"),
                Err(error) => return Err(error.into()),
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        worked = working => worked,
        // Before it has begun to relay.
        () = asked_to_end() => Ok(()),
    }
}
