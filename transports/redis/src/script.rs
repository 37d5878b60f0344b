//! What the server does in one step, as Lua scripts.

use std::sync::LazyLock;

use redis::{Arg, Cmd, ToRedisArgs, cmd};

use crate::names::Keys;

/// A script, and the name under which the server keeps it.
#[derive(Debug)]
pub(crate) struct Script {
    text: String,
    sha: String,
}

impl Script {
    fn new(text: &str) -> Self {
        let text = format!("{}\n{text}", include_str!("scripts/prelude.lua"));
        let sha = redis::Script::new(&text).get_hash().to_owned();
        Self { text, sha }
    }
}

/// One run of a script, with its keys and arguments.
#[derive(Debug)]
pub(crate) struct Call {
    script: &'static Script,
    command: Cmd,
}

impl Call {
    pub(crate) fn new(script: &'static Script, keys: &Keys) -> Self {
        Self::with_keys(script, keys, &[])
    }

    /// A run that touches keys of other groups, too.
    pub(crate) fn with_keys(script: &'static Script, keys: &Keys, more: &[String]) -> Self {
        let mut command = cmd("EVALSHA");
        command.arg(&script.sha).arg(keys.all().len() + more.len());
        command.arg(keys.all()).arg(more);
        Self { script, command }
    }

    pub(crate) fn arg(mut self, argument: impl ToRedisArgs) -> Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn push(&mut self, argument: impl ToRedisArgs) {
        self.command.arg(argument);
    }

    pub(crate) fn command(&self) -> &Cmd {
        &self.command
    }

    /// The same run for a server that does not have the script yet.
    pub(crate) fn with_text(&self) -> Cmd {
        let mut command = cmd("EVAL");
        command.arg(&self.script.text);
        for argument in self.command.args_iter().skip(2) {
            if let Arg::Simple(bytes) = argument {
                command.arg(bytes);
            }
        }
        command
    }
}

macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident = $file:literal;)*) => {$(
        $(#[$doc])*
        pub(crate) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(include_str!(concat!("scripts/", $file, ".lua"))));
    )*};
}

scripts! {
    OPEN = "open";
    RECOVER = "recover";
    LEASE = "lease";
    FETCH = "fetch";
    CLAIM = "claim";
    RELEASED = "released";
    START = "start";
    TOUCH = "touch";
    SETTLE = "settle";
    LEAVE = "leave";
    BURY = "bury";
    RELEASE = "release";
    PARKED = "parked";
    DEAD_LETTERS = "dead_letters";
    SEEK = "seek";
    GROUP = "group";
    TOPIC = "topic";
    COUNT = "count";
    NEED = "need";
    TRIM = "trim";
}
