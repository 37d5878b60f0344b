use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tidings::Mode;

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
        --service catalog --data @course.json
    tidings publish --catalog events --service catalog events.jsonl

With a catalog, events are held to it: an unknown type, the event of another service, or a payload
without its schema is refused. Topics and keys are those of the definitions, and an event whose
definition says `to_previous` is published in its earlier major version too, with one time.")]
pub struct PublishArgs {
    /// The topic [default: those of the definition of each type]
    #[arg(long, value_name = "TOPIC", value_parser = value::topic)]
    pub topic: Option<String>,
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
    pub profile: Option<ModeArg>,
    /// What becomes of an event that the catalog does not have, that another service owns, or whose
    /// payload has not its schema [default: enforce if a catalog is named, else off]
    #[arg(long, value_enum, value_name = "MODE")]
    pub validate: Option<ModeArg>,
    /// The service that publishes, held against the owners in the catalog (else TIDINGS_SERVICE, else
    /// tidings.toml, else owners are not looked at). With --type the source is made from it and
    /// the namespace of the type
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
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
    /// Its subject
    #[arg(long, value_name = "SUBJECT", requires = "ty")]
    pub subject: Option<String>,
    /// The minor version of its type [default: the newest of the definition, else 0]
    #[arg(long, value_name = "N", requires = "ty")]
    pub minorversion: Option<u32>,
    /// A further attribute, as NAME=VALUE; may be repeated
    #[arg(long, value_name = "NAME=VALUE", requires = "ty", value_parser = value::pair)]
    pub extension: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ModeArg {
    /// Refuse it
    Enforce,
    /// Let it pass and warn
    Warn,
    /// Let it pass
    Off,
}

impl From<ModeArg> for Mode {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::Enforce => Self::Enforce,
            ModeArg::Warn => Self::Warn,
            ModeArg::Off => Self::Off,
        }
    }
}
