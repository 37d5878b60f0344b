//! The relay, as `tidings relay` runs it.

use std::sync::Arc;
use std::time::Duration;

use tidings::{Backoff, Bus};
use tidings_outbox::{Database, Relay};

use super::witness::Witness;
use super::{asked_to_end, open};
use crate::args::RoleArgs;
use crate::words::Result;

pub async fn play(args: &RoleArgs) -> Result<()> {
    let working = async {
        let bus = open(&args.bus).await;
        let witness = Witness::new(bus.transport().clone(), args.plant, &args.ledger)?;
        let bus = Bus::new(Arc::new(witness), bus.address());
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
        relay.run(asked_to_end()).await?;
        Ok(())
    };
    tokio::select! {
        worked = working => worked,
        // Before it has begun to relay.
        () = asked_to_end() => Ok(()),
    }
}
