use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{BusArgs, MonitoringArgs, OutputArgs, value};

#[derive(Debug, Args)]
#[command(after_help = "\
Input is one CloudEvents JSON document a line, or one JSON array of them. Documents are published
byte for byte, as they come. A bad line is reported with its number, the rule and the remedy; the
good ones go on, and the exit code is 65. A line that the bus did not take, or perhaps did, is
reported in the same way; the exit code is then 69 or 75, and sending it again keeps its id.

Examples:
    tidings publish --topic courses events.jsonl
    zcat events.jsonl.gz | tidings publish --topic courses --key-path course.id --json
    tidings publish --topic courses --atomic events.json
    tidings publish --topic courses --type org.example.catalog.course.created.v1 \\
        --service catalog --key c-1 --data '{\"id\":\"c-1\"}'
    tidings publish --topic courses --type org.example.catalog.course.created.v1 \\
        --service catalog --data @course.json")]
pub struct PublishArgs {
    /// The topic
    #[arg(long, value_name = "TOPIC", value_parser = value::topic)]
    pub topic: String,
    /// The key of every event: events of one key stay in order
    #[arg(long, value_name = "KEY", conflicts_with = "key_path")]
    pub key: Option<String>,
    /// Where the key stands in the data of each event, dotted: course.id
    #[arg(long, value_name = "PATH")]
    pub key_path: Option<String>,
    /// Check all events before publishing the first, and publish none if one is bad. Holds at most
    /// 256 MiB of input. A log that fails midway may still have taken a part: the receipts say which
    #[arg(long)]
    pub atomic: bool,
    /// What becomes of an event that breaks the OEP-41 profile [default: as the bus has it, enforce
    /// unless it writes the Open edX wire]
    #[arg(long, value_enum, value_name = "PROFILE")]
    pub profile: Option<ProfileArg>,
    /// Files; standard input when there is none, or `-`
    #[arg(value_name = "FILE", conflicts_with = "ty")]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub output: OutputArgs,
    // Behind what has no heading of its own.
    #[command(flatten)]
    pub stamp: StampArgs,
    #[command(flatten)]
    pub monitoring: MonitoringArgs,
    #[command(flatten)]
    pub bus: BusArgs,
}

/// Makes an event instead of reading one.
#[derive(Debug, Args)]
#[command(next_help_heading = "Make an event")]
pub struct StampArgs {
    /// Make an event of this type; id, time and the rest are filled in
    #[arg(id = "ty", long = "type", value_name = "TYPE")]
    pub ty: Option<String>,
    /// Its data as JSON; @FILE reads a file, - reads standard input; none if left out
    #[arg(long, value_name = "JSON", requires = "ty", allow_hyphen_values = true)]
    pub data: Option<String>,
    /// Its source, in full: /namespace/service/web
    #[arg(
        long,
        value_name = "SOURCE",
        requires = "ty",
        conflicts_with = "service"
    )]
    pub source: Option<String>,
    /// The service that says it; the source is made from it and the namespace of the type
    #[arg(long, value_name = "NAME", requires = "ty")]
    pub service: Option<String>,
    /// Its subject
    #[arg(long, value_name = "SUBJECT", requires = "ty")]
    pub subject: Option<String>,
    /// The minor version of its type
    #[arg(long, value_name = "N", requires = "ty")]
    pub minorversion: Option<u32>,
    /// A further attribute, as NAME=VALUE; may be repeated
    #[arg(long, value_name = "NAME=VALUE", requires = "ty", value_parser = value::pair)]
    pub extension: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProfileArg {
    /// Refuse it
    Enforce,
    /// Publish it and warn
    Warn,
    /// Publish it
    Off,
}
