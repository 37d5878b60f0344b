//! Exit codes, by sysexits(3).

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exit {
    /// All was done.
    Ok,
    /// Something failed that has no code of its own; `demo`: the tables differ.
    Failed,
    /// EX_USAGE: the command line breaks a rule.
    Usage,
    /// EX_DATAERR: an event of the input breaks a rule; the others were handled.
    Data,
    /// EX_NOINPUT: no such file, topic, group or position.
    NoInput,
    /// EX_UNAVAILABLE: the bus does not answer, or has no such ability.
    Unavailable,
    /// EX_IOERR: a file or a pipe failed.
    Io,
    /// EX_TEMPFAIL: try again later.
    TryAgain,
    /// EX_NOPERM: the bus refuses the credentials or the operation.
    Denied,
    /// EX_CONFIG: a setting is missing or wrong.
    Config,
    /// A signal ended it before its work was done.
    Signal(i32),
}

impl Exit {
    /// The code for the operating system.
    pub fn code(self) -> i32 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Usage => 64,
            Self::Data => 65,
            Self::NoInput => 66,
            Self::Unavailable => 69,
            Self::Io => 74,
            Self::TryAgain => 75,
            Self::Denied => 77,
            Self::Config => 78,
            Self::Signal(number) => 128 + number,
        }
    }
}

/// The part of `tidings --help` that says so.
pub const HELP: &str = "\
Exit codes:
    0  done
    1  failed in a way that has no code of its own
   64  the command line is wrong
   65  an event breaks a rule; the others were handled
   66  no such file, topic, group or position
   69  the bus does not answer, or has no such ability
   74  a file or a pipe failed
   75  failed for now, or its fate is unknown: try again
   77  the bus refuses the credentials or the operation
   78  a setting is missing or wrong
  130  ended by Ctrl-C before its work was done (143: by SIGTERM)";
