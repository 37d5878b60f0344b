//! Events as standard input of a command.

use std::io;
use std::process::{ExitStatus, Stdio};

use tidings::{Handler, HandlerError, Message};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use crate::children::Running;
use crate::exit::Exit;

/// Runs a command for each event; its exit code is the verdict.
pub struct Exec {
    command: String,
}

impl Exec {
    /// Runs it by `sh -c`.
    pub fn new(command: String) -> Self {
        Self { command }
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
        command.spawn()
    }
}

impl Handler for Exec {
    async fn handle(&self, message: Message) -> Result<(), HandlerError> {
        let cannot = |e: io::Error| HandlerError::temporary(format!("cannot run the command: {e}"));
        let mut child = self.start(&message).map_err(cannot)?;
        let _running = child.id().map(Running::note);
        if let Some(mut stdin) = child.stdin.take() {
            let document = message.document();
            // A command may end without reading its input; its exit code says what that means.
            tokio::spawn(async move {
                let _ = stdin.write_all(&document).await;
            });
        }
        let status = child.wait().await.map_err(cannot)?;
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
        Some(code) => Err(HandlerError::permanent(format!(
            "the command exited with {code}"
        ))),
        // Killed, by whom ever: the event itself need not be at fault.
        None => Err(HandlerError::temporary(format!(
            "the command ended by {status}"
        ))),
    }
}
