//! Why a command gave up, in words for a person and a code for a script.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use tidings_transport::{Error as BusError, ErrorKind};

use crate::exit::Exit;

/// A command's result.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// What is wrong, and on a line of its own what to do about it, if anything.
pub fn with_remedy(what: String, remedy: &str) -> String {
    match remedy {
        "" => what,
        remedy => format!("{what}\n  help: {remedy}"),
    }
}

/// Why a command gave up.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    message: String,
    remedy: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Failure {
    /// What was tried and what came back.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            remedy: None,
            source: None,
        }
    }

    /// Ends with this code and says nothing: all was said before.
    pub fn quiet(exit: Exit) -> Self {
        Self::new(exit, "")
    }

    /// Adds what to do about it.
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Adds the error underneath.
    pub fn source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The code to end with.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Whether there is something to print.
    pub fn is_quiet(&self) -> bool {
        self.message.is_empty()
    }

    /// An error of a standard stream. A reader that went away is no failure of ours to report.
    pub fn stream(name: &str, error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::quiet(Exit::Ok);
        }
        Self::new(Exit::Io, format!("cannot write to {name}")).source(error)
    }

    /// The code for an error of the bus.
    pub fn exit_of(error: &BusError) -> Exit {
        match (error.kind(), error.operation()) {
            // Who is asked for schemas stands in the bus's URL, and in no argument.
            (ErrorKind::Invalid, "get_schema") => Exit::Config,
            // And so do the settings of the topics that are made.
            (ErrorKind::Invalid, "create topic") => Exit::Config,
            (kind, _) => Self::exit_of_kind(kind),
        }
    }

    /// The code for an error of which no more is known.
    pub fn exit_of_kind(kind: ErrorKind) -> Exit {
        match kind {
            ErrorKind::Unavailable | ErrorKind::Unsupported => Exit::Unavailable,
            ErrorKind::UnknownOutcome | ErrorKind::Full | ErrorKind::Stale => Exit::TryAgain,
            ErrorKind::NotFound => Exit::NoInput,
            ErrorKind::Invalid => Exit::Usage,
            ErrorKind::Denied => Exit::Denied,
            ErrorKind::Corrupt => Exit::Data,
            _ => Exit::Failed,
        }
    }
}

impl From<BusError> for Failure {
    fn from(error: BusError) -> Self {
        let exit = Self::exit_of(&error);
        let mut failure = Self::new(exit, error.to_string());
        failure.source = Some(error.into());
        failure
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.message.clone();
        let mut under = self.source.as_ref().map(|e| &**e as &dyn StdError);
        while let Some(cause) = under {
            // Some errors tell of what is underneath them, others leave that to us.
            let more = cause.to_string();
            if !text.contains(&more) {
                text.push_str(&format!(": {more}"));
            }
            under = cause.source();
        }
        f.write_str(&with_remedy(
            text,
            self.remedy.as_deref().unwrap_or_default(),
        ))
    }
}
