use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct ImportArgs {
    #[command(subcommand)]
    pub from: ImportFrom,
}

#[derive(Debug, Subcommand)]
pub enum ImportFrom {
    /// The events of the openedx-events package that a Python has installed
    Openedx(ImportOpenedxArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Files of events that the package no longer has are removed from the folder.

Example:
    tidings catalog import openedx --python venv/bin/python --out events/openedx")]
pub struct ImportOpenedxArgs {
    /// The Python that has openedx-events and fastavro
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    pub python: PathBuf,
    /// The folder to write to; it holds nothing else
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Write nothing, and fail if the folder is not what would be written
    #[arg(long)]
    pub check: bool,
}
