//! What the client library tells of the brokers: once when they go, once when they are back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use tidings_transport::{Error, ErrorKind};
use tracing::{debug, error, info, warn};

use crate::acl::refusal;
use crate::cause::{Cause, broker_of};
use crate::error::{kind, reading};
use crate::librdkafka::in_our_words;

/// The same is told again after so long.
const AGAIN: Duration = Duration::from_secs(300);
/// Between two looks at whether brokers are back.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);
/// How long such a look waits, and with it who closes the log meanwhile.
const LOOK: Duration = Duration::from_secs(1);

/// The brokers of a cluster, as all clients of one [`Kafka`](crate::Kafka) see them.
pub(crate) struct Brokers {
    address: String,
    /// Over which it asks whether they are back; nothing once the log is closed.
    asking: Mutex<Weak<BaseConsumer<Plain>>>,
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
    /// What is behind that, and behind what the library takes for a refusal of the credentials.
    cause: Cause,
}

impl Brokers {
    pub(crate) fn new(address: String) -> Arc<Self> {
        Arc::new(Self {
            address,
            asking: Mutex::default(),
            state: Mutex::default(),
        })
    }

    /// Asks over this one, as long as somebody else has it.
    pub(crate) fn ask_over(&self, asking: &Arc<BaseConsumer<Plain>>) {
        *self.over() = Arc::downgrade(asking);
    }

    /// Nobody takes hold from now on of what was asked over: who closes it waits for those that have, and is
    /// the last one then, also where a thread of here sleeps meanwhile.
    pub(crate) fn close(&self) {
        *self.over() = Weak::new();
    }

    fn over(&self) -> MutexGuard<'_, Weak<BaseConsumer<Plain>>> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An error that belongs to no call.
    pub(crate) fn told(self: &Arc<Self>, error: &KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        let tells = code != Some(Code::AllBrokersDown) && refusal(error).is_none();
        let kind = self.kind(error);
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
        let broker = broker_of(reason).to_owned();
        let now = Instant::now();
        let told = &mut self.state().told;
        told.retain(|_, at| now.duration_since(*at) < AGAIN);
        told.insert((code as i32, broker), now).is_none()
    }

    /// Whether an error that says that the credentials were refused says more than the library knows:
    /// whoever makes tokens was away, or the connection broke off before there was an answer.
    pub(crate) fn is_no_refusal(&self, error: &KafkaError) -> bool {
        let authentication = error.rdkafka_error_code() == Some(Code::Authentication);
        authentication && self.state().cause != Cause::Refused
    }

    /// What kind of error it is to whoever asks for something.
    pub(crate) fn kind(&self, error: &KafkaError) -> ErrorKind {
        match self.is_no_refusal(error) {
            true => ErrorKind::Unavailable,
            false => kind(error, false),
        }
    }

    /// Whether a connection waits for tokens, which are asked for in the background.
    pub(crate) fn lacks_tokens(&self) -> bool {
        self.state().cause == Cause::NoTokens
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
        let (cause, reason) = Cause::of_connection(message);
        let mut state = self.state();
        reason.clone_into(&mut state.reason);
        state.cause = cause.unwrap_or(state.cause);
    }

    /// What the library logs by itself.
    pub(crate) fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match facility {
            "FAIL" => self.failed(message),
            "OIDC" => self.state().cause = Cause::of_tokens(message),
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
                let asking = brokers.over().upgrade();
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
                std::thread::sleep(BETWEEN_LOOKS);
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rdkafka::config::{ClientConfig, FromClientConfigAndContext};
    use rdkafka::consumer::BaseConsumer;

    use super::{Brokers, Plain};

    /// Who closes a client has to be its last owner, also when a thread wakes that looks for brokers.
    #[test]
    fn nobody_takes_hold_of_a_client_that_is_being_closed() {
        let brokers = Brokers::new("kafka://nowhere/".into());
        assert!(brokers.over().upgrade().is_none());
        let mut config = ClientConfig::new();
        config.set("group.id", "nobody");
        let asking = BaseConsumer::from_config_and_context(&config, Plain(brokers.clone()));
        let asking = Arc::new(asking.expect("a client"));
        brokers.ask_over(&asking);
        assert!(brokers.over().upgrade().is_some());
        brokers.close();
        assert!(brokers.over().upgrade().is_none());
        assert_eq!(Arc::strong_count(&asking), 1);
    }
}
