//! A connection that comes back by itself, shared by all who call at once.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::RngExt;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, Pipeline, PushInfo, PushKind, RedisError, Value};
use tokio::time::Instant;

use crate::config::RedisConfig;
use crate::error::{Code, Failure};
use crate::script::Call;
use crate::server::Server;

/// One connection to the server, made when it is needed and made anew after it broke.
///
/// Nothing is ever sent twice: what was under way when a connection broke fails as
/// [`Failure::Lost`], and whoever sent it decides.
#[derive(Debug)]
pub(crate) struct Link {
    server: Server,
    address: String,
    connect_timeout: Duration,
    response_timeout: Duration,
    // A std mutex: it guards a clone, never an await.
    live: Mutex<Option<Live>>,
    /// Lets one task connect while others wait for what comes of it.
    connecting: tokio::sync::Mutex<Attempts>,
    attempts: AtomicU64,
}

#[derive(Debug, Clone)]
struct Live {
    connection: MultiplexedConnection,
    /// Which connection of its link it is, from 1.
    generation: u64,
    broken: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
struct Attempts {
    failed: u32,
    not_before: Option<Instant>,
    last: Option<Failure>,
}

/// The first pause after a failed attempt to connect; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A pause that doubles with each failure, of which a random half is left out so that clients do
/// not come back all at once.
pub(crate) fn pause(failures: u32) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(10));
    doubled
        .min(LONGEST_PAUSE)
        .mul_f64(rand::rng().random_range(0.5..=1.0))
}

impl Link {
    pub(crate) fn new(server: Server, config: &RedisConfig) -> Self {
        Self {
            server,
            address: config.address(),
            connect_timeout: config.connect_timeout,
            response_timeout: config.response_timeout,
            live: Mutex::new(None),
            connecting: tokio::sync::Mutex::default(),
            attempts: AtomicU64::new(0),
        }
    }

    /// Another connection to the same server.
    pub(crate) fn another(&self) -> Self {
        Self {
            server: self.server.clone(),
            address: self.address.clone(),
            connect_timeout: self.connect_timeout,
            response_timeout: self.response_timeout,
            live: Mutex::new(None),
            connecting: tokio::sync::Mutex::default(),
            attempts: AtomicU64::new(0),
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Sends one command. An answer that is an error is `Err`.
    pub(crate) async fn command(&self, command: &Cmd) -> Result<Value, Failure> {
        self.command_within(command, Duration::ZERO).await
    }

    /// Sends a command that the server may hold back for so long.
    pub(crate) async fn command_within(
        &self,
        command: &Cmd,
        held_back: Duration,
    ) -> Result<Value, Failure> {
        let mut live = self.live().await?;
        let sent = live.connection.send_packed_command(command);
        let answer = tokio::time::timeout(self.response_timeout + held_back, sent).await;
        match answer {
            Ok(Ok(value)) => self.answer(&live, value),
            Ok(Err(e)) => Err(self.failure(&live, e)),
            Err(_) => Err(self.silence(&live)),
        }
    }

    /// Sends commands in one go. Each has an answer of its own; `Err` means all of them.
    pub(crate) async fn pipeline(
        &self,
        commands: &Pipeline,
    ) -> Result<Vec<Result<Value, Failure>>, Failure> {
        let count = commands.len();
        if count == 0 {
            return Ok(Vec::new());
        }
        let mut live = self.live().await?;
        let sent = live.connection.send_packed_commands(commands, 0, count);
        match tokio::time::timeout(self.response_timeout, sent).await {
            Ok(Ok(values)) if values.len() == count => {
                let answers = values.into_iter().map(|v| self.answer(&live, v));
                Ok(answers.collect())
            }
            Ok(Ok(_)) => Err(Failure::Strange {
                what: "one answer for each command",
            }),
            Ok(Err(e)) => Err(self.failure(&live, e)),
            Err(_) => Err(self.silence(&live)),
        }
    }

    /// Runs commands in one step of the server (`MULTI`). Each has an answer of its own.
    pub(crate) async fn transaction(
        &self,
        mut commands: Pipeline,
    ) -> Result<Vec<Result<Value, Failure>>, Failure> {
        const WHAT: &str = "one answer for each command of a transaction";
        let count = commands.len();
        commands.atomic();
        let mut live = self.live().await?;
        // MULTI and each command have an answer before that of EXEC, which holds all.
        let sent = live
            .connection
            .send_packed_commands(&commands, count + 1, 1);
        let answer = match tokio::time::timeout(self.response_timeout, sent).await {
            Ok(Ok(mut values)) => values.pop(),
            Ok(Err(e)) => return Err(self.failure(&live, e)),
            Err(_) => return Err(self.silence(&live)),
        };
        match answer {
            Some(Value::Array(values)) if values.len() == count => {
                let answers = values.into_iter().map(|v| self.answer(&live, v));
                Ok(answers.collect())
            }
            _ => Err(Failure::Strange { what: WHAT }),
        }
    }

    /// Changes when the connection is made anew: then the server may have forgotten scripts.
    pub(crate) fn generation(&self) -> u64 {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let usable = live.as_ref().filter(|l| !l.broken.load(Ordering::Acquire));
        usable.map_or(0, |live| live.generation)
    }

    /// Runs a script.
    pub(crate) async fn script(&self, call: Call) -> Result<Value, Failure> {
        match self.command(call.command()).await {
            // It was not executed: sent again with its text, which the server then keeps.
            Err(f) if f.code() == Some(Code::NoScript) => self.command(&call.with_text()).await,
            other => other,
        }
    }

    /// Runs scripts in one go.
    pub(crate) async fn scripts(
        &self,
        calls: Vec<Call>,
    ) -> Result<Vec<Result<Value, Failure>>, Failure> {
        let calls = match <[Call; 1]>::try_from(calls) {
            Ok([call]) => return Ok(vec![self.script(call).await]),
            Err(calls) => calls,
        };
        let mut commands = Pipeline::with_capacity(calls.len());
        for call in &calls {
            commands.add_command(call.command().clone());
        }
        let mut answers = self.pipeline(&commands).await?;
        for (answer, call) in answers.iter_mut().zip(&calls) {
            if answer.as_ref().err().and_then(Failure::code) == Some(Code::NoScript) {
                *answer = self.command(&call.with_text()).await;
            }
        }
        Ok(answers)
    }

    fn answer(&self, live: &Live, value: Value) -> Result<Value, Failure> {
        match value {
            Value::ServerError(error) => Err(self.failure(live, error.into())),
            value => Ok(value),
        }
    }

    fn failure(&self, live: &Live, source: RedisError) -> Failure {
        let source = why_aborted(source);
        let answered = source.code().is_some();
        if !answered {
            live.broken.store(true, Ordering::Release);
            return Failure::Lost {
                address: self.address.clone(),
                source,
            };
        }
        if matches!(source.code(), Some("READONLY" | "MASTERDOWN")) {
            // Its name, or the sentinels, may lead to another machine by now.
            live.broken.store(true, Ordering::Release);
        }
        Failure::Refused {
            code: Code::of(&source),
            source,
        }
    }

    fn silence(&self, live: &Live) -> Failure {
        // Later answers on it would come too late for everybody.
        live.broken.store(true, Ordering::Release);
        Failure::Lost {
            address: self.address.clone(),
            source: std::io::Error::from(std::io::ErrorKind::TimedOut).into(),
        }
    }

    fn usable(&self) -> Option<Live> {
        // What it guards is replaced as a whole, so a panic elsewhere leaves it whole.
        let mut slot = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        slot.take_if(|live| live.broken.load(Ordering::Acquire));
        slot.clone()
    }

    async fn live(&self) -> Result<Live, Failure> {
        if let Some(live) = self.usable() {
            return Ok(live);
        }
        let seen = self.attempts.load(Ordering::Acquire);
        let mut attempts = self.connecting.lock().await;
        if let Some(live) = self.usable() {
            return Ok(live);
        }
        if self.attempts.load(Ordering::Acquire) != seen
            && let Some(failure) = &attempts.last
        {
            // Somebody tried while this call waited for its turn.
            return Err(failure.clone());
        }
        if let Some(at) = attempts.not_before {
            tokio::time::sleep_until(at).await;
        }
        let result = self.open().await;
        self.attempts.fetch_add(1, Ordering::Release);
        match result {
            Ok(live) => {
                *attempts = Attempts::default();
                *self.live.lock().unwrap_or_else(PoisonError::into_inner) = Some(live.clone());
                Ok(live)
            }
            Err(source) => {
                let failure = Failure::Connect {
                    address: self.address.clone(),
                    source,
                };
                attempts.failed += 1;
                attempts.not_before = Some(Instant::now() + pause(attempts.failed));
                attempts.last = Some(failure.clone());
                Err(failure)
            }
        }
    }

    async fn open(&self) -> Result<Live, RedisError> {
        let broken = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&broken);
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.connect_timeout))
            // Timeouts are ours: the blocking connection waits longer than the others.
            .set_response_timeout(None)
            .set_push_sender(move |push: PushInfo| {
                if push.kind == PushKind::Disconnection {
                    flag.store(true, Ordering::Release);
                }
                Ok::<(), ()>(())
            });
        let connection = async {
            let client = self.server.find().await?;
            client
                .get_multiplexed_async_connection_with_config(&config)
                .await
        };
        // Neither the sentinels nor the greeting have a timeout that is ours.
        let connection = tokio::time::timeout(self.connect_timeout, connection).await;
        let connection =
            connection.map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))??;
        Ok(Live {
            connection,
            generation: self.attempts.load(Ordering::Acquire) + 1,
            broken,
        })
    }
}

/// A transaction is aborted when the server refuses one of its commands: for that one's reason.
fn why_aborted(source: RedisError) -> RedisError {
    if source.code() != Some("EXECABORT") {
        return source;
    }
    let refusals = source.clone().into_server_errors();
    match refusals.as_deref() {
        Some([(_, refusal), ..]) => refusal.clone().into(),
        _ => source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stay_bounded() {
        for failures in 1..100 {
            let pause = pause(failures);
            assert!(
                pause >= FIRST_PAUSE / 2 && pause <= LONGEST_PAUSE,
                "{pause:?}"
            );
        }
        assert!(pause(100) >= LONGEST_PAUSE / 2);
    }
}
