//! Events as standard input of a command.

use std::io;
use std::process::{ExitStatus, Output, Stdio};

use tidings::{Handler, HandlerError, Message};
use tidings_telemetry::{Telemetry, TraceContext};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tracing::Span;

use crate::children::Running;
use crate::exit::Exit;
use crate::failure::{Failure, Result};

/// Runs a command for each event; its exit code is the verdict.
pub struct Exec {
    command: String,
    telemetry: Telemetry,
}

/// What OpenTelemetry calls the trace context in the environment of a process.
const TRACEPARENT: &str = "TRACEPARENT";
const TRACESTATE: &str = "TRACESTATE";

/// What `sh` answers when a program is no program, and when there is none.
const NOT_EXECUTABLE: i32 = 126;
const NOT_FOUND: i32 = 127;

impl Exec {
    /// Runs it by `sh -c`.
    ///
    /// # Errors
    /// When `sh` does not understand it, or does not find the program that it begins with: no
    /// event is to fail by that.
    pub async fn new(command: String, telemetry: Telemetry) -> Result<Self> {
        let parsed = shell(&["-n", "-c", &command]).await?;
        if !parsed.status.success() {
            let said = String::from_utf8_lossy(&parsed.stderr).trim().to_owned();
            let what = format!("--exec is no command that sh understands: {said}");
            return Err(Failure::new(Exit::Usage, what)
                .remedy("look at its quotes, or put it into a script"));
        }
        if let Some(program) = program(&command) {
            const FIND: &str =
                r#"case $1 in */*) test -x "$1" -a ! -d "$1" ;; *) command -v "$1" ;; esac"#;
            let found = shell(&["-c", FIND, "sh", program]).await?;
            if !found.status.success() {
                let what = format!("--exec: there is no program {program:?}");
                return Err(Failure::new(Exit::Config, what)
                    .remedy("give its path, or put its folder into PATH; it must be executable"));
            }
        }
        Ok(Self { command, telemetry })
    }

    fn start(&self, message: &Message) -> io::Result<Child> {
        let event = message.event();
        let mut command = Command::new("sh");
        command
            .args(["-c", &self.command])
            .stdin(Stdio::piped())
            // A group of its own: Ctrl-C at the terminal asks us to drain, not the command to end.
            .process_group(0)
            .kill_on_drop(true)
            .env("TIDINGS_TYPE", event.event_type())
            .env("TIDINGS_ID", event.id())
            .env("TIDINGS_SOURCE", event.source())
            .env("TIDINGS_TOPIC", message.topic().as_str())
            .env("TIDINGS_POSITION", message.position().as_str())
            .env("TIDINGS_GROUP", message.group().as_str())
            .env("TIDINGS_ATTEMPT", message.attempt().to_string());
        match message.is_replay() {
            true => command.env("TIDINGS_REPLAY", "1"),
            false => command.env_remove("TIDINGS_REPLAY"),
        };
        match message.key() {
            Some(key) => command.env("TIDINGS_KEY", key.as_str()),
            None => command.env_remove("TIDINGS_KEY"),
        };
        // What this process was started with is not the trace of the event.
        command.env_remove(TRACEPARENT).env_remove(TRACESTATE);
        if let Some(context) = self.trace(message) {
            command.env(TRACEPARENT, context.traceparent);
            command.envs(context.tracestate.map(|state| (TRACESTATE, state)));
        }
        command.spawn()
    }

    /// The attempt, if it is traced, else what the event carries.
    fn trace(&self, message: &Message) -> Option<TraceContext> {
        let propagation = self.telemetry.propagation();
        propagation
            .and_then(|propagation| propagation.inject(&Span::current()))
            .or_else(|| TraceContext::of(message.event()))
    }
}

async fn shell(arguments: &[&str]) -> Result<Output> {
    let mut sh = Command::new("sh");
    let ran = sh.args(arguments).stdin(Stdio::null()).output().await;
    ran.map_err(|e| Failure::new(Exit::Config, "--exec needs sh, which cannot be run").source(e))
}

/// The word that a command begins with, if it is plain: what the shell makes of others only shows
/// when it runs.
fn program(command: &str) -> Option<&str> {
    let word = command.split_ascii_whitespace().next()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./+:,@".contains(c);
    word.chars().all(plain).then_some(word)
}

impl Handler for Exec {
    async fn handle(&self, message: Message) -> Result<(), HandlerError> {
        let cannot = |e: io::Error| HandlerError::temporary(format!("cannot run the command: {e}"));
        let mut child = self.start(&message).map_err(cannot)?;
        let running = child.id().map(Running::note);
        if let Some(mut stdin) = child.stdin.take() {
            let document = message.document();
            // A command may end without reading its input; its exit code says what that means.
            tokio::spawn(async move {
                let _ = stdin.write_all(&document).await;
            });
        }
        let status = child.wait().await.map_err(cannot)?;
        if let Some(running) = running {
            running.ended();
        }
        verdict(status)
    }
}

fn verdict(status: ExitStatus) -> Result<(), HandlerError> {
    match status.code() {
        Some(0) => Ok(()),
        Some(code) if code == Exit::TryAgain.code() => Err(HandlerError::temporary(
            "the command exited with 75: try again",
        )),
        Some(code) if code == Exit::Data.code() => Err(HandlerError::poison(
            "the command exited with 65: nobody can use this event",
        )),
        // The site is at fault, not the event: a new version is being put in place, say.
        Some(NOT_FOUND) => Err(HandlerError::temporary(
            "the command exited with 127: a program was not found",
        )),
        Some(NOT_EXECUTABLE) => Err(HandlerError::temporary(
            "the command exited with 126: a program cannot be executed",
        )),
        Some(code) => Err(HandlerError::permanent(format!(
            "the command exited with {code}"
        ))),
        // Killed, by whom ever: the event itself need not be at fault.
        None => Err(HandlerError::temporary(format!(
            "the command ended by {status}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::program;

    #[test]
    fn only_a_plain_first_word_is_looked_for() {
        assert_eq!(program("./send-mail --now"), Some("./send-mail"));
        assert_eq!(program("  jq .data"), Some("jq"));
        for shell in ["A=1 jq .", "$HOME/x", "(x)", "'my script'", "~/x", ""] {
            assert_eq!(program(shell), None, "{shell}");
        }
    }
}
