//! What a person types; what it does stands in `commands`.

mod bus;
mod catalog;
mod check;
mod consume;
mod demo;
mod dlq;
mod doctor;
mod file;
mod groups;
mod monitoring;
mod outbox;
mod publish;
mod relay;
mod replay;
mod seek;
mod shell;
mod tail;
mod topics;
mod trim;
pub mod value;
mod verb;

pub use bus::BusArgs;
pub use catalog::{
    CatalogArgs, CatalogCommand, DiffArgs, DocsArgs, ExportArgs, ExportFormat, ImportArgs,
    ImportFrom, ImportOpenedxArgs, LintArgs, ListArgs, NewArgs, ShowArgs, WhichArgs, WhoArgs,
};
pub use check::CheckArgs;
pub use consume::{ConsumeArgs, OnFailureArg, OrderingArg};
pub use demo::{DemoArgs, DemoServiceArgs, PaceArgs, ServiceArg};
pub use dlq::{
    ChangeLettersArgs, DlqArgs, DlqCommand, ExportLettersArgs, FilterArgs, LettersArgs,
    ReleaseArgs, ShowLetterArgs,
};
pub use doctor::DoctorArgs;
pub use file::{BackupArgs, CheckFileArgs, CompactArgs, FileArgs, FileCommand};
pub use groups::{ChangeGroupArgs, CreateArgs, GroupsArgs, GroupsCommand};
pub use monitoring::MonitoringArgs;
pub use outbox::{
    ChooseArgs, DatabaseArgs, DatabaseOnlyArgs, OutboxArgs, OutboxCommand, PruneInboxArgs,
    RefusedArgs, RefusedCommand, StatusArgs,
};
pub use publish::{ModeArg, PublishArgs};
pub use relay::RelayArgs;
pub use replay::ReplayArgs;
pub use seek::{ConsentArgs, SeekArgs};
pub use shell::{CompletionsArgs, ManArgs};
pub use tail::TailArgs;
pub use topics::TopicsArgs;
pub use trim::{LimitArgs, TrimArgs};

use clap::builder::Styles;
use clap::builder::styling::AnsiColor;
use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::exit;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const AFTER_HELP: &str = "\
Where the bus comes from: --bus URL, before or behind the command; else the variable TIDINGS_BUS;
else `bus = \"…\"` in the file tidings.toml of the current folder. A password is safer in the
variable than on the command line, where other users of the machine can see it.
    memory:                          inside one process, for trying things out
    sqlite:PATH[?durability=normal]  one file, many processes, no server
    redis://[USER:PASSWORD@]HOST[:PORT][/DB], rediss://…, redis+sentinel://…
    kafka://HOST[:PORT],…, kafka+ssl://… where built with the feature kafka
Settings of a bus are query parameters: ?prefix=stage&wire=openedx

Try it:
    export TIDINGS_BUS=sqlite:bus.db
    tidings groups create --topic courses --group search
    tidings publish --topic courses --type org.example.catalog.course.created.v1 \\
        --service catalog --data '{\"id\":\"c-1\"}'
    tidings consume --topic courses --group search --until-idle 1s
    tidings groups";

const ENVIRONMENT: &str = "\
Environment:
    TIDINGS_BUS       the bus
    TIDINGS_CATALOG   folders of event definitions, with colons between them
    TIDINGS_SERVICE   the service that publishes and consumes here
    TIDINGS_DATABASE  the database of the outbox
    TIDINGS_METRICS   the address for Prometheus, as --metrics
    RUST_LOG          what is logged, wins over -v: info, tidings_runtime=debug
    OTEL_…            where traces go: OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318
    NO_COLOR          no colours";

/// Carries events between services: after the commit, in order, documented, and never silently
/// lost.
#[derive(Debug, Parser)]
#[command(
    name = "tidings",
    version,
    styles = STYLES,
    after_help = AFTER_HELP,
    after_long_help = format!("{AFTER_HELP}\n\n{ENVIRONMENT}\n\n{}", exit::HELP),
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100,
)]
pub struct Cli {
    #[command(flatten)]
    pub log: LogArgs,
    /// Not global in the sense of clap: a verb without a bus is to refuse it, not to show it.
    #[command(flatten)]
    bus: BusArgs,
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// What the process was started with.
    ///
    /// # Errors
    /// As clap has them; a request for help is one too.
    pub fn parse_arguments() -> Result<Self, clap::Error> {
        let mut cli = Self::try_parse()?;
        let before = std::mem::take(&mut cli.bus);
        let placed = cli.command.take_bus(before);
        placed.map_err(|(kind, what)| Self::command().error(kind, what))?;
        Ok(cli)
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Publish CloudEvents from files, standard input or the command line
    Publish(PublishArgs),
    /// Consume events as a member of a group: print them, or hand each to a command
    Consume(ConsumeArgs),
    /// Watch events go by, without a group and without a trace
    Tail(TailArgs),
    /// List, show, retry, release, discard or export what failed for good
    Dlq(DlqArgs),
    /// Hand a part of a topic to one group once more
    Replay(ReplayArgs),
    /// List the topics of the bus
    Topics(TopicsArgs),
    /// List groups: position, lag, pending, dead letters and losses; create or remove one
    Groups(GroupsArgs),
    /// Move a group back, to hear events again, or forward, to pass over them
    Seek(SeekArgs),
    /// Remove old events, sparing what groups have not settled
    Trim(TrimArgs),
    /// Back up, check or compact the file of a sqlite: bus
    File(FileArgs),
    /// Make and look after the tables of an outbox in your database
    Outbox(OutboxArgs),
    /// Publish what was committed to an outbox, in order, until it is stopped
    Relay(RelayArgs),
    /// Check event documents against the OEP-41 profile, for CI
    Check(CheckArgs),
    /// Look up, write and check definitions of events
    Catalog(CatalogArgs),
    /// Look for what endangers events on this bus, each finding with its remedy
    Doctor(DoctorArgs),
    /// Print a script for a shell, so that it completes commands and options
    Completions(CompletionsArgs),
    /// Write the manual pages
    Man(ManArgs),
    /// Show two services kept in step over one bus, one of them killed midway
    Demo(DemoArgs),
    /// A service of the demo, which starts it
    #[command(hide = true)]
    DemoService(DemoServiceArgs),
}

/// What is logged, always on standard error. Traces go to a collector over OTLP when the standard
/// variables ask for it, OTEL_EXPORTER_OTLP_ENDPOINT first of all.
#[derive(Debug, Args)]
pub struct LogArgs {
    /// Log more on standard error: -v progress, -vv details, -vvv everything; RUST_LOG wins
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Logging")]
    pub verbose: u8,
    /// Write logs and errors as `text`, lines for people, or `json`, one object a line
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        hide_possible_values = true,
        value_name = "FORMAT",
        help_heading = "Logging"
    )]
    pub log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LogFormat {
    /// Lines for people
    #[default]
    Text,
    /// One JSON object a line, for log collectors
    Json,
}

/// How results are written.
#[derive(Debug, Clone, Copy, Args)]
pub struct OutputArgs {
    /// Write JSON, one object a line, for programs
    #[arg(long)]
    pub json: bool,
}
