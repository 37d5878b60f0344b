//! What each verb does.

mod catalog;
mod check;
mod completions;
mod consume;
mod demo;
mod dlq;
mod doctor;
mod file;
mod groups;
mod man;
mod outbox;
mod publish;
mod relay;
mod replay;
mod seek;
mod tail;
mod topics;
mod trim;

use tidings_telemetry::Telemetry;

use crate::args::{Cli, Command};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::signals::Shutdown;

/// Runs the command in a runtime of its own.
pub fn run(cli: Cli, telemetry: Telemetry) -> Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::new(Exit::Failed, "cannot start threads").source(e))?;
    runtime.block_on(async {
        let shutdown = match cli.command {
            // They drain nothing: a signal ends them at once, in the middle of a question too.
            Command::Catalog(_) | Command::Completions(_) | Command::Man(_) => Shutdown::default(),
            _ => Shutdown::listen()?,
        };
        match cli.command {
            Command::Publish(args) => publish::run(args, shutdown, telemetry).await,
            Command::Consume(args) => consume::run(args, shutdown, telemetry).await,
            Command::Tail(args) => tail::run(args, shutdown).await,
            Command::Dlq(args) => dlq::run(args, shutdown).await,
            Command::Replay(args) => replay::run(args, shutdown).await,
            Command::Doctor(args) => doctor::run(args).await,
            Command::Topics(args) => topics::run(args).await,
            Command::Groups(args) => groups::run(args, shutdown).await,
            Command::Seek(args) => seek::run(args, shutdown).await,
            Command::File(args) => file::run(args, shutdown).await,
            Command::Trim(args) => trim::run(args, shutdown, telemetry).await,
            Command::Outbox(args) => outbox::run(args, shutdown).await,
            Command::Relay(args) => relay::run(args, shutdown, telemetry).await,
            Command::Catalog(args) => catalog::run(args),
            Command::Check(args) => check::run(args, shutdown).await,
            Command::Completions(args) => completions::run(args),
            Command::Man(args) => man::run(args),
            Command::Demo(args) => demo::run(args, shutdown).await,
            Command::DemoService(args) => demo::run_service(args, shutdown).await,
        }
    })
}
