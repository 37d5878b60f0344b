//! What goes wrong with Redis, and what it is in the terms of the contract.

use std::sync::Arc;

use redis::RedisError;
use tidings_transport::{Error, ErrorKind};

/// A failure before it is known which operation it belongs to.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// No connection came about: nothing was sent.
    Connect { address: String, source: RedisError },
    /// The connection broke, or no answer came in time, with requests under way.
    Lost { address: String, source: RedisError },
    /// The server answered with an error: the command was not executed.
    Refused { code: Code, source: RedisError },
    /// The server answered with something else than the command is documented to return.
    Strange { what: &'static str },
}

/// The first word of an error of Redis, as far as the difference matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// The scripts are not (any more) in the server's cache.
    NoScript,
    /// The lease has passed to another consumer (our scripts say so).
    Stale,
    /// No such group, or no stream.
    NoGroup,
    /// A position after the end (our scripts say so).
    Beyond,
    /// Loading, replica, busy, without its replicas.
    Away,
    /// Out of memory, or the disk cannot be written.
    Full,
    /// Credentials or permissions.
    Denied,
    /// The key holds something else.
    WrongType,
    /// Anything else.
    Other,
}

/// What it means that no answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing: the operation can be repeated as it is.
    None,
    /// Something may have been written.
    Write,
}

const CODES: &[(&str, Code)] = &[
    ("NOSCRIPT", Code::NoScript),
    ("STALE", Code::Stale),
    ("NOGROUP", Code::NoGroup),
    ("BEYOND", Code::Beyond),
    ("LOADING", Code::Away),
    ("READONLY", Code::Away),
    ("MASTERDOWN", Code::Away),
    ("CLUSTERDOWN", Code::Away),
    ("TRYAGAIN", Code::Away),
    ("BUSY", Code::Away),
    ("UNBLOCKED", Code::Away),
    ("NOREPLICAS", Code::Away),
    ("OOM", Code::Full),
    ("MISCONF", Code::Full),
    ("NOAUTH", Code::Denied),
    ("WRONGPASS", Code::Denied),
    ("NOPERM", Code::Denied),
    ("WRONGTYPE", Code::WrongType),
];

impl Code {
    pub(crate) fn of(error: &RedisError) -> Self {
        if error.kind() == redis::ErrorKind::AuthenticationFailed {
            return Self::Denied;
        }
        Self::parse(error.code().unwrap_or(""), error.detail().unwrap_or(""))
    }

    /// Reads the first word, and in what a script was stopped by, the word after `-`: Redis 6
    /// wraps it into a sentence of its own.
    pub(crate) fn parse(code: &str, detail: &str) -> Self {
        let known = |word: &str| CODES.iter().find(|(w, _)| *w == word).map(|(_, c)| *c);
        if let Some(code) = known(code) {
            return code;
        }
        if code == "ERR" && detail.starts_with("max number of clients") {
            return Self::Away;
        }
        let wrapped = detail
            .split_whitespace()
            .find_map(|word| known(word.strip_prefix('-')?));
        wrapped.unwrap_or(Self::Other)
    }
}

impl Failure {
    pub(crate) fn code(&self) -> Option<Code> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Whether the server may have executed what was sent without our hearing of it.
    pub(crate) fn is_uncertain(&self) -> bool {
        matches!(self, Self::Lost { .. })
    }

    /// The error of an operation that only read, or can be repeated as it is.
    pub(crate) fn reading(self, operation: &'static str) -> Error {
        self.into_error(operation, Effect::None)
    }

    /// The error of an operation that may have written.
    pub(crate) fn writing(self, operation: &'static str) -> Error {
        self.into_error(operation, Effect::Write)
    }

    fn into_error(self, operation: &'static str, effect: Effect) -> Error {
        match self {
            Self::Connect { address, source } => {
                let (kind, advice) = connecting(&source);
                Error::new(
                    kind,
                    operation,
                    format!("no connection to {address}: {source}; {advice}"),
                )
                .with_source(source)
            }
            Self::Lost { address, source } => {
                let (kind, what) = match effect {
                    Effect::None => (ErrorKind::Unavailable, "try again"),
                    Effect::Write => (
                        ErrorKind::UnknownOutcome,
                        "it may or may not have been stored",
                    ),
                };
                Error::new(
                    kind,
                    operation,
                    format!("no answer from {address}: {source}; {what}"),
                )
                .with_source(source)
            }
            Self::Refused { code, source } => refused(operation, code, source),
            Self::Strange { what } => Error::new(
                ErrorKind::Corrupt,
                operation,
                format!(
                    "Redis answered with something else than {what}; is it a Redis of version 6.2 or later?"
                ),
            ),
        }
    }
}

/// What a connection failed for, and what to do.
fn connecting(source: &RedisError) -> (ErrorKind, &'static str) {
    use redis::ErrorKind as Kind;
    let tls = is_tls(source);
    match (Code::of(source), source.kind()) {
        (Code::Denied, _) => (ErrorKind::Denied, "check user and password"),
        (Code::Away | Code::Full, _) => (ErrorKind::Unavailable, "nothing was sent, try again"),
        (_, Kind::MasterNameNotFoundBySentinel) => (
            ErrorKind::Unavailable,
            "no sentinel knows a living primary of that name: wait for the fail-over, or check the name",
        ),
        (_, Kind::Server(_) | Kind::InvalidClientConfig) => {
            (ErrorKind::Invalid, "check the settings of the connection")
        }
        _ if tls => (
            ErrorKind::Invalid,
            "check the certificates, and whether it speaks TLS",
        ),
        _ => (ErrorKind::Unavailable, "nothing was sent, try again"),
    }
}

/// Whether certificates or the handshake of TLS are what failed.
fn is_tls(source: &RedisError) -> bool {
    // The client wraps what went wrong below it into an `Arc`.
    let below = std::error::Error::source(source)
        .and_then(|e| e.downcast_ref::<Arc<dyn std::error::Error + Send + Sync>>());
    below
        .and_then(|e| e.downcast_ref::<std::io::Error>())
        .and_then(std::io::Error::get_ref)
        .is_some_and(|e| e.is::<rustls::Error>())
}

fn refused(operation: &'static str, code: Code, source: RedisError) -> Error {
    // Redis repeats arguments of a command that it does not know: they may be payload.
    if source
        .detail()
        .is_some_and(|d| d.starts_with("unknown command"))
    {
        return Error::new(
            ErrorKind::Unsupported,
            operation,
            "the server does not know a command that this needs; Redis 6.2 or later is required",
        );
    }
    let text = match (source.code(), source.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        _ => source.to_string(),
    };
    let (kind, advice) = match code {
        Code::Stale => (ErrorKind::Stale, ""),
        Code::NoGroup | Code::Beyond => (ErrorKind::NotFound, ""),
        Code::Away | Code::NoScript => (ErrorKind::Unavailable, "; nothing was stored, try again"),
        Code::Full => (
            ErrorKind::Full,
            "; give Redis memory or disk, or trim topics",
        ),
        Code::Denied => (ErrorKind::Denied, "; check user, password and ACL rules"),
        Code::WrongType => (ErrorKind::Corrupt, "; use another name, or remove that key"),
        Code::Other => (ErrorKind::Failed, ""),
    };
    Error::new(kind, operation, format!("Redis refused: {text}{advice}")).with_source(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_also_within_what_redis_6_says_of_a_script() {
        assert_eq!(Code::parse("LOADING", "Redis is loading"), Code::Away);
        assert_eq!(
            Code::parse("ERR", "max number of clients reached"),
            Code::Away
        );
        let wrapped = "Error running script (call to f_8a): @user_script:5: @user_script: 5: \
                       -READONLY You can't write against a read only replica.";
        assert_eq!(Code::parse("ERR", wrapped), Code::Away);
        assert_eq!(Code::parse("ERR", "value is not an integer"), Code::Other);
    }
}
