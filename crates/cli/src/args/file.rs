use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{BusArgs, ConsentArgs, OutputArgs};

#[derive(Debug, Args)]
pub struct FileArgs {
    #[command(subcommand)]
    pub command: FileCommand,
}

#[derive(Debug, Subcommand)]
pub enum FileCommand {
    /// Copy the file while others write to it
    Backup(BackupArgs),
    /// Look for damage, in the file and in what stands in it
    Check(CheckFileArgs),
    /// Give free space back to the disk
    Compact(CompactArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
The copy is a bus like any other: it holds what was committed when the copying began, with all
groups and their positions. It is complete and on the disk, or it is not there.

Examples:
    tidings file backup /backups/bus-$(date +%F).db")]
pub struct BackupArgs {
    /// Where to; must not exist
    #[arg(value_name = "FILE")]
    pub to: PathBuf,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub bus: BusArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Reads the whole file; others may go on writing. Exits with 65 when it finds damage.

Examples:
    tidings file check
    tidings file check --quick --bus sqlite:/backups/bus.db")]
pub struct CheckFileArgs {
    /// Do not compare indexes with tables, which takes most of the time
    #[arg(long)]
    pub quick: bool,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub bus: BusArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Space that trimming frees is used again by what comes, and given back by itself when it is more than a
quarter of the file. This gives back all of it, in small steps between those who write.

Examples:
    tidings file compact
    tidings file compact --rewrite --yes")]
pub struct CompactArgs {
    /// Write the whole file anew, with nobody else writing meanwhile: files of old versions need
    /// it once
    #[arg(long)]
    pub rewrite: bool,
    #[command(flatten)]
    pub consent: ConsentArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub bus: BusArgs,
}
