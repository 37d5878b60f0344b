use std::time::Duration;

use clap::{Args, ValueEnum};
use tidings_transport::Start;

use super::{BusArgs, ModeArg, MonitoringArgs, OutputArgs, value};

#[derive(Debug, Args)]
#[command(after_help = "\
Without --exec each event is printed as its CloudEvents JSON document, one a line, and acknowledged
when the line has been handed to standard output.

With --exec each event starts `sh -c CMD` with the document on standard input and TIDINGS_TYPE,
TIDINGS_ID, TIDINGS_SOURCE, TIDINGS_TOPIC, TIDINGS_POSITION, TIDINGS_GROUP, TIDINGS_KEY,
TIDINGS_ATTEMPT, for a replayed event TIDINGS_REPLAY=1, and for a traced one TRACEPARENT (and
TRACESTATE) in its environment. Exit code 0 acknowledges; 75 asks to try again later, up to --max-attempts times; 65 says that nobody can use
this event: it becomes a dead letter and holds up nothing; anything else is a failure for good, and
--on-failure says what becomes of the event and its key (see `tidings dlq --help`). A command that a
signal ended is tried again, as is one that was not found (127) or cannot be executed (126). A
command need not read its input, and may print what it likes.

When events of several different keys fail one after the other with 75 or by --timeout, and none
succeeds, everything seems to fail: then only one event at a time is tried, at growing distances
and without using up its attempts, until one succeeds.

With --json the summary at the end is one JSON object on standard error.

The first SIGTERM or Ctrl-C drains: running commands may go on for as long as --drain says, and are
then killed with all that they started; what is not done is given back. The second ends at once, and
what was in hand comes again after the lease.

To be asked to end is the ordinary end, and exits with 0; with --max or --until-idle it exits with
130 (Ctrl-C) or 143 (SIGTERM) when that was not reached. A reader that goes away, as in
`tidings consume … | head`, is an ordinary end too: lines that it did not take come again.

Examples:
    tidings consume --topic courses --group search
    tidings consume --topic courses --group search --from earliest --until-idle 2s | jq .data
    tidings consume --topic courses --topic users --group mail --exec ./send-mail --concurrency 8")]
pub struct ConsumeArgs {
    /// The topic; may be repeated
    #[arg(long, value_name = "TOPIC", required = true, value_parser = value::topic)]
    pub topic: Vec<String>,
    /// The group: its members share the events, each group hears all of them
    #[arg(long, value_name = "GROUP")]
    pub group: String,
    /// Where a new group begins: latest, earliest, an RFC 3339 time, or after a position. A group
    /// that exists goes on where it is [default: latest]
    #[arg(long, value_name = "START", value_parser = value::start)]
    pub from: Option<Start>,
    /// Run this for each event, by `sh -c`
    #[arg(long, value_name = "CMD")]
    pub exec: Option<String>,
    /// How many commands run at once; those of one key never do
    #[arg(long, value_name = "N", default_value_t = 1, requires = "exec",
          value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub concurrency: u16,
    /// End after this many events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max: Option<u64>,
    /// End when nothing has come for so long: 500ms, 2s, 1m
    #[arg(long, value_name = "DURATION", value_parser = value::positive_duration)]
    pub until_idle: Option<Duration>,
    /// `key`: events of one key stay in order. `none`: no order, all members compete
    #[arg(long, value_enum, default_value_t, value_name = "ORDERING")]
    pub ordering: OrderingArg,
    /// How long an event stays with a member that gives no sign of life
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = value::positive_duration)]
    pub lease: Duration,
    /// How long a command, or a line that nobody reads, may go on after the first SIGTERM or Ctrl-C
    #[arg(long, value_name = "DURATION", default_value = "25s", value_parser = value::duration)]
    pub drain: Duration,
    /// Hold events to the catalog first: `enforce` makes a payload without its schema, or a minor
    /// version below the contract of --service, a failure for good
    #[arg(long, value_enum, value_name = "MODE", default_value = "off")]
    pub validate: ModeArg,
    /// The service that consumes, by the name of its contracts in the catalog (else
    /// TIDINGS_SERVICE, else tidings.toml)
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
    /// What becomes of an event that failed for good
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "POLICY",
        help_heading = "Failures"
    )]
    pub on_failure: OnFailureArg,
    /// How often an event is tried, also by other members, before that is for good
    #[arg(long, value_name = "N", default_value_t = 8, help_heading = "Failures",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub max_attempts: u32,
    /// The longest that one attempt may take; the command is then killed, and it counts as 75
    #[arg(long, value_name = "DURATION", help_heading = "Failures",
          value_parser = value::positive_duration)]
    pub timeout: Option<Duration>,
    /// The longest that an event may fail before that is for good
    #[arg(long, value_name = "DURATION", help_heading = "Failures",
          value_parser = value::positive_duration)]
    pub retry_for: Option<Duration>,
    /// How many different keys must fail in a row before everything seems to fail; 0 is never
    #[arg(long, value_name = "N", default_value_t = 5, help_heading = "Failures")]
    pub breaker: u16,
    /// How many keys may be parked; then this member pauses until some are released or discarded
    #[arg(long, value_name = "N", default_value_t = 10_000, help_heading = "Failures",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub max_parked_keys: u32,
    /// End with 69 when the bus has been away for so long, from the start or later. Otherwise one
    /// that is away at the start ends the command, and one that goes away later is waited for
    #[arg(long, value_name = "DURATION", value_parser = value::positive_duration)]
    pub give_up_after: Option<Duration>,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub monitoring: MonitoringArgs,
    #[command(flatten)]
    pub bus: BusArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum OnFailureArg {
    /// Keep it as a dead letter; later events of its key wait behind it until the key is released
    #[default]
    ParkKey,
    /// Keep it as a dead letter, and go on with its key
    Skip,
    /// Give it back, and end with an error
    Stop,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum OrderingArg {
    /// Events of one key stay in order, one at a time
    #[default]
    Key,
    /// All members compete for everything
    None,
}
