//! What the client library tells of the brokers: once when they go, once when they are back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use tidings_transport::{Error, ErrorKind};
use tracing::{debug, error, info, warn};

use crate::acl::refusal;
use crate::error::{kind, reading};
use crate::librdkafka::in_our_words;

/// The same is told again after so long.
const AGAIN: Duration = Duration::from_secs(300);
/// Between two looks at whether brokers are back.
const PAUSE: Duration = Duration::from_secs(1);
/// How long such a look waits, and with it who closes the log meanwhile.
pub(crate) const LOOK: Duration = Duration::from_secs(1);

/// The brokers of a cluster, as all clients of one [`Kafka`](crate::Kafka) see them.
pub(crate) struct Brokers {
    address: String,
    /// Over which it asks whether they are back.
    asking: OnceLock<Weak<BaseConsumer<Plain>>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// None of them can be reached, and a thread looks whether they are back.
    away: bool,
    /// Why one of them cannot be reached, as told last.
    reason: String,
    /// What was told, and when.
    told: HashMap<(i32, String), Instant>,
    /// One of them has answered. Until then whoever connects is told, and nobody else.
    met: bool,
    /// What the library takes for a refusal of the credentials was none.
    unproven: bool,
}

impl Brokers {
    pub(crate) fn new(address: String) -> Arc<Self> {
        Arc::new(Self {
            address,
            asking: OnceLock::new(),
            state: Mutex::default(),
        })
    }

    pub(crate) fn ask_over(&self, asking: &Arc<BaseConsumer<Plain>>) {
        // Set once, where the clients are made.
        let _ = self.asking.set(Arc::downgrade(asking));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An error that belongs to no call.
    pub(crate) fn told(self: &Arc<Self>, error: &KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        let tells = code != Some(Code::AllBrokersDown) && refusal(error).is_none();
        let kind = match self.is_no_refusal(error) {
            true => ErrorKind::Unavailable,
            false => kind(error, false),
        };
        if tells && matches!(kind, ErrorKind::Unavailable | ErrorKind::Denied) {
            reason.clone_into(&mut self.state().reason);
        }
        let reason = in_our_words(reason);
        match code {
            // The end of a partition is asked for, and is no error.
            _ if matches!(error, KafkaError::PartitionEOF(_)) => {}
            _ if !self.state().met => debug!(address = %self.address, "{error}: {reason}"),
            Some(Code::PartitionEOF) => {}
            Some(Code::AllBrokersDown) => self.gone(),
            // Whoever called is told, and of what nobody called for nobody needs to hear.
            Some(_) if refusal(error).is_some() => {
                debug!(address = %self.address, "{error}: {reason}");
            }
            Some(code) if self.is_new(code, &reason) => match kind {
                // The library goes on trying, and so do the calls that need it.
                ErrorKind::Unavailable => info!(address = %self.address, "{error}: {reason}"),
                _ => error!(address = %self.address, "{error}: {reason}"),
            },
            _ => debug!(address = %self.address, "{error}: {reason}"),
        }
    }

    /// Whether this was not told of this broker a while ago.
    fn is_new(&self, code: Code, reason: &str) -> bool {
        let broker = reason.split(": ").next().unwrap_or_default().to_owned();
        let now = Instant::now();
        let told = &mut self.state().told;
        told.retain(|_, at| now.duration_since(*at) < AGAIN);
        told.insert((code as i32, broker), now).is_none()
    }

    /// Whether an error that says that the credentials were refused says more than the library knows:
    /// whoever makes tokens was away, or the connection broke off before there was an answer.
    pub(crate) fn is_no_refusal(&self, error: &KafkaError) -> bool {
        error.rdkafka_error_code() == Some(Code::Authentication) && self.state().unproven
    }

    /// As [`reading`](crate::error::reading), of an error that may be [none](Self::is_no_refusal) of the
    /// credentials.
    pub(crate) fn reading(&self, operation: &'static str, error: KafkaError) -> Error {
        match self.is_no_refusal(&error) {
            true => {
                let text = format!("Kafka: {}", self.reason());
                Error::new(ErrorKind::Unavailable, operation, text).with_source(error)
            }
            false => reading(operation, error),
        }
    }

    /// A connection has failed. Of one that a broker closes at once, which it does to whom it takes for
    /// another kind of client, there is no error.
    fn failed(&self, message: &str) {
        let reason = message
            .split_once("]: ")
            .map_or(message, |(_, reason)| reason);
        let mut state = self.state();
        reason.clone_into(&mut state.reason);
        // One that is refused is so while it is being made; what was asked over one that is gone has no
        // answer, which the library takes for a bad one.
        if !reason.contains("there is no token available") {
            state.unproven = reason.contains("in state DOWN");
        }
    }

    /// No token could be had: `… (CODE)`, where the code is of HTTP, or -1 without an answer.
    fn without_token(&self, message: &str) {
        let code = message.rsplit_once('(').and_then(|(_, code)| {
            let code = code.trim_end().strip_suffix(')')?;
            code.parse::<i32>().ok()
        });
        let is_away = |code| matches!(code, ..200 | 408 | 425 | 429 | 500..);
        self.state().unproven = code.is_some_and(is_away);
    }

    /// What the library logs by itself.
    pub(crate) fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match facility {
            "FAIL" => self.failed(message),
            "OIDC" => self.without_token(message),
            _ => {}
        }
        log(level, facility, message);
    }

    /// Why a broker could not be reached, if one could not.
    pub(crate) fn reason(&self) -> String {
        in_our_words(&self.state().reason)
    }

    /// One of them has answered.
    pub(crate) fn met(&self) {
        self.state().met = true;
    }

    fn gone(self: &Arc<Self>) {
        let since = Instant::now();
        if std::mem::replace(&mut self.state().away, true) {
            return;
        }
        let (address, reason) = (&self.address, self.reason());
        let reason = Some(reason.as_str()).filter(|reason| !reason.is_empty());
        warn!(%address, reason, "no broker can be reached; trying again");
        let brokers = Arc::downgrade(self);
        std::thread::spawn(move || {
            while let Some(brokers) = brokers.upgrade() {
                let asking = brokers.asking.get().and_then(Weak::upgrade);
                let Some(asking) = asking else { return };
                if asking.fetch_metadata(Some(NOBODY), LOOK).is_ok() {
                    *brokers.state() = State {
                        met: true,
                        ..State::default()
                    };
                    let away = since.elapsed();
                    info!(address = %brokers.address, ?away, "brokers can be reached again");
                    return;
                }
                drop((brokers, asking));
                std::thread::sleep(PAUSE);
            }
        });
    }
}

/// A topic that nobody has: brokers answer soonest what they need not look up.
const NOBODY: &str = "tidings-nobody";

/// What the library logs by itself. Of connections it says each attempt, which its errors tell better.
fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    const CONNECTIONS: [&str; 8] = [
        "FAIL",
        "OIDC",
        "FATAL",
        "ERROR",
        "REQTMOUT",
        "SESSTMOUT",
        "GETPID",
        "OFFSET",
    ];
    use RDKafkaLogLevel as Level;
    match level {
        _ if CONNECTIONS.contains(&facility) => debug!("librdkafka: {facility}: {message}"),
        Level::Emerg | Level::Alert | Level::Critical | Level::Error => {
            error!("librdkafka: {facility}: {message}");
        }
        Level::Warning => warn!("librdkafka: {facility}: {message}"),
        Level::Notice | Level::Info => info!("librdkafka: {facility}: {message}"),
        Level::Debug => debug!("librdkafka: {facility}: {message}"),
    }
}

/// The context of a client that belongs to no group.
#[derive(Clone)]
pub(crate) struct Plain(pub(crate) Arc<Brokers>);

impl ClientContext for Plain {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.0.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.told(&error, reason);
    }
}

impl ConsumerContext for Plain {}
