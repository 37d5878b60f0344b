mod diff;
mod docs;
mod export;
mod import;
mod lint;
mod list;
mod new;
mod show;

pub use diff::DiffArgs;
pub use docs::DocsArgs;
pub use export::{ExportArgs, ExportFormat};
pub use import::{ImportArgs, ImportFrom, ImportOpenedxArgs};
pub use lint::LintArgs;
pub use list::ListArgs;
pub use new::NewArgs;
pub use show::{ShowArgs, WhoArgs};

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct CatalogArgs {
    #[command(subcommand)]
    pub command: CatalogCommand,
}

#[derive(Debug, Subcommand)]
pub enum CatalogCommand {
    /// Write the definition of a new event
    New(NewArgs),
    /// List the events
    List(ListArgs),
    /// Show what is known of an event
    Show(ShowArgs),
    /// Show who emits an event, on which topics, and who reads what of it
    Who(WhoArgs),
    /// Hold definitions against the rules of OEP-41 and of good events, for CI
    Lint(LintArgs),
    /// Tell what a change breaks, with an event that shows it, for CI
    Diff(DiffArgs),
    /// Write a site that tells people which events there are and how to use them
    Docs(DocsArgs),
    /// Make definitions of what others have
    Import(ImportArgs),
    /// Write schemas or an AsyncAPI document, for validators and code generators
    Export(ExportArgs),
}

/// Which definitions.
#[derive(Debug, Clone, Default, Args)]
pub struct WhichArgs {
    /// A folder of event definitions, may be repeated; the first that has a type wins (else
    /// TIDINGS_CATALOG, else tidings.toml, else the events of Open edX, which are built in)
    #[arg(long, value_name = "DIR", help_heading = "Catalog")]
    pub catalog: Vec<PathBuf>,
    /// Add the events of Open edX, which are built in
    #[arg(long, help_heading = "Catalog")]
    pub openedx: bool,
}
