//! `tidings dlq`

mod change;
mod export;
mod list;
mod release;
mod selection;
mod show;

use crate::args::{DlqArgs, DlqCommand};
use crate::exit::Exit;
use crate::failure::Result;
use crate::signals::Shutdown;

use change::Verb;

/// Lists, shows, retries, releases, discards or exports dead letters.
pub async fn run(args: DlqArgs, shutdown: Shutdown) -> Result<Exit> {
    match args.command {
        DlqCommand::List(args) => list::run(args).await,
        DlqCommand::Show(args) => show::run(args).await,
        DlqCommand::Retry(args) => change::run(Verb::Retry, args, &shutdown).await,
        DlqCommand::Release(args) => release::run(args, &shutdown).await,
        DlqCommand::Discard(args) => change::run(Verb::Discard, args, &shutdown).await,
        DlqCommand::Export(args) => export::run(args).await,
    }
}
