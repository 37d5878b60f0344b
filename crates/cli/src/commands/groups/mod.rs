//! `tidings groups`, which lists them, and what makes, changes and removes one

mod change;
mod create;
mod list;

use crate::args::{GroupsArgs, GroupsCommand};
use crate::exit::Exit;
use crate::failure::Result;
use crate::signals::Shutdown;
use change::Verb;

/// Lists groups, or does something to one.
pub async fn run(args: GroupsArgs, shutdown: Shutdown) -> Result<Exit> {
    match args.command {
        Some(GroupsCommand::Create(create)) => create::run(create).await,
        Some(GroupsCommand::Acknowledge(args)) => {
            change::run(Verb::Acknowledge, args, &shutdown).await
        }
        Some(GroupsCommand::Remove(args)) => change::run(Verb::Remove, args, &shutdown).await,
        None => list::run(args).await,
    }
}
