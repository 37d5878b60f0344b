//! `tidings demo`

use crate::args::DemoArgs;
use crate::bus::Bus;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::signals::Shutdown;

/// Shows two services kept in step over one bus.
pub async fn run(args: DemoArgs, _shutdown: Shutdown) -> Result<Exit> {
    let bus = Bus::open(&args.bus).await?;
    Err(Failure::new(
        Exit::Failed,
        format!("the demo cannot run on {}", bus.shown()),
    ))
}
