//! `tidings catalog`

mod annotation;
mod day;
mod diagnostic;
mod diff;
mod docs;
mod export;
mod import;
mod lint;
mod list;
mod new;
mod pick;
mod show;
mod state;
mod which;
mod who;

use crate::args::{CatalogArgs, CatalogCommand};
use crate::exit::Exit;
use crate::failure::Result;

/// Runs a verb of the catalog.
pub fn run(args: CatalogArgs) -> Result<Exit> {
    match args.command {
        CatalogCommand::New(args) => new::run(args),
        CatalogCommand::List(args) => list::run(&args),
        CatalogCommand::Show(args) => show::run(&args),
        CatalogCommand::Diff(args) => diff::run(&args),
        CatalogCommand::Docs(args) => docs::run(&args),
        CatalogCommand::Import(args) => import::run(&args),
        CatalogCommand::Export(args) => export::run(&args),
        CatalogCommand::Lint(args) => lint::run(&args),
        CatalogCommand::Who(args) => who::run(&args),
    }
}
