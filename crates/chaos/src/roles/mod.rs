//! The processes of a run. Each ends when its standard input does, which is also when the run dies.

mod consumer;
mod relay;
mod witness;
mod writer;

use std::time::Duration;

use tidings::Bus;
use tokio::io::AsyncReadExt;
use tracing::warn;

use crate::args::{Role, RoleArgs};
use crate::words::Result;

/// Plays a role until standard input ends.
pub async fn play(args: &RoleArgs) -> Result<()> {
    match args.role {
        Role::Writer => writer::play(args).await,
        Role::Relay => relay::play(args).await,
        Role::Consumer => consumer::play(args).await,
    }
}

/// Completes when standard input ends.
async fn asked_to_end() {
    let mut nothing = [0];
    while tokio::io::stdin()
        .read(&mut nothing)
        .await
        .is_ok_and(|n| n > 0)
    {}
}

/// Opens the bus, which may be away just now: a supervisor would start us again as well.
async fn open(url: &str) -> Bus {
    loop {
        match tidings::open(url).await {
            Ok(bus) => return bus,
            Err(error) => warn!(%error, "the bus is away"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
