//! `tidings outbox`

mod refused;
mod status;

use serde_json::json;
use tidings_transport::Count;

use crate::args::{DatabaseOnlyArgs, OutboxArgs, OutboxCommand, PruneInboxArgs};
use crate::consent::Consent;
use crate::database::Site;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::{Output, counted, to_stderr};
use crate::signals::Shutdown;

/// What is done with the tables and their rows.
pub async fn run(args: OutboxArgs, shutdown: Shutdown) -> Result<Exit> {
    match args.command {
        OutboxCommand::Schema(args) => schema(&args),
        OutboxCommand::Migrate(args) => migrate(&args).await,
        OutboxCommand::Status(args) => status::run(args).await,
        OutboxCommand::Refused(args) => refused::run(args, shutdown).await,
        OutboxCommand::PruneInbox(args) => prune_inbox(args, shutdown).await,
    }
}

fn schema(args: &DatabaseOnlyArgs) -> Result<Exit> {
    let site = Site::find(&args.database)?;
    Output::plain().write(site.database.schema().as_bytes())?;
    Ok(Exit::Ok)
}

async fn migrate(args: &DatabaseOnlyArgs) -> Result<Exit> {
    let site = Site::find(&args.database)?;
    let migrated = site.database.migrate().await;
    migrated.map_err(|error| site.failure(error))?;
    to_stderr(&format!("{}: the tables are there", site.shown()));
    Ok(Exit::Ok)
}

async fn prune_inbox(args: PruneInboxArgs, shutdown: Shutdown) -> Result<Exit> {
    let consent = Consent::find(args.consent, "pruning deletes rows of the inbox")?;
    let site = Site::find(&args.database)?;
    let question = format!("Delete the inbox rows of {} that are so old?", site.shown());
    consent.obtain(&question, &shutdown).await?;
    let pruned = site.database.prune_inbox(args.older_than).await;
    let pruned = pruned.map_err(|error| site.failure(error))?;
    let output = Output::new(args.output);
    match output.is_json() {
        true => output.json(&json!({ "deleted": pruned }))?,
        false => output.text(&format!(
            "{} deleted",
            counted(Count::Exactly(pruned), "row")
        ))?,
    }
    Ok(Exit::Ok)
}
