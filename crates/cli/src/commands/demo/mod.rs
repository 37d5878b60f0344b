//! Two services on one bus, one of them killed midway: do they end with the same data?
//!
//! [`stage`] is where it takes place, [`show`] how it goes, [`plan`] who is killed when,
//! [`verdict`] how it ends. The services are processes of the same program: [`discovery`] and
//! [`lms`], each with a database of its own.

mod course;
mod database;
mod discovery;
mod happening;
mod lms;
mod plan;
mod process;
mod seed;
mod service;
mod show;
mod stage;
mod verdict;
mod view;

pub use service::run as run_service;

use crate::args::DemoArgs;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::Output;
use crate::signals::Shutdown;
use show::Show;
use stage::Stage;

/// The group that lms consumes as.
const GROUP: &str = "lms";

/// Runs the demo.
pub async fn run(args: DemoArgs, shutdown: Shutdown) -> Result<Exit> {
    let stage = Stage::set(&args).await?;
    let plan = match args.chaos.kills {
        None => plan::midway(args.seconds),
        Some(kills) => plan::random(stage.seed(), args.seconds, kills),
    };
    let view = view::of(Output::new(args.output));
    Show::begin(stage, view)?
        .play(args.seconds, plan, &shutdown)
        .await
}
