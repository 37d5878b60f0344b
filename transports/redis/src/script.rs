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
    /// Puts the parts that a script needs before it.
    fn new(parts: &[&str], text: &str) -> Self {
        let text = parts
            .iter()
            .copied()
            .chain([text])
            .collect::<Vec<_>>()
            .join("\n");
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

/// Each script with the files of `scripts/parts` that it uses, in an order in which each part
/// finds those that it uses itself. What a script does not need it does not pay for.
macro_rules! scripts {
    ($($name:ident = $file:literal [$($part:literal)*];)*) => {$(
        pub(crate) static $name: LazyLock<Script> = LazyLock::new(|| {
            let parts = [
                include_str!("scripts/parts/keys.lua"),
                $(include_str!(concat!("scripts/parts/", $part, ".lua"))),*
            ];
            Script::new(&parts, include_str!(concat!("scripts/", $file, ".lua")))
        });
    )*};
}

scripts! {
    OPEN = "open" ["clock" "ids" "facts" "groups" "room" "losses" "count" "starts" "bell" "stood" "index" "recreate"];
    RECOVER = "recover" ["clock" "ids" "facts" "groups" "room" "losses" "starts" "bell" "stood" "index" "recreate"];
    LEASE = "lease" ["clock" "owner" "room"];
    LOOK = "look" ["ids" "facts" "groups" "owner" "room" "losses" "account" "first_starts"];
    FETCH = "fetch" ["ids" "facts" "groups" "room" "losses" "account"];
    CLAIM = "claim" ["ids" "facts" "groups" "owner" "room" "losses" "gone" "first_starts"];
    RELEASED = "released" ["ids" "owner" "room" "losses" "parking" "redelivery"];
    START = "start" ["ids" "facts" "owner" "parking" "redelivery" "first_starts"];
    TOUCH = "touch" ["ids" "facts" "owner"];
    SETTLE = "settle" ["ids" "facts" "owner" "room" "losses" "parking" "redelivery" "first_starts" "bell"];
    LEAVE = "leave" ["ids" "facts" "groups" "owner" "room" "losses" "account" "gone" "first_starts" "bell"];
    BURY = "bury" ["clock"];
    RELEASE = "release" ["clock" "groups" "parking" "bell"];
    PARKED = "parked" ["groups" "parking"];
    DEAD_LETTERS = "dead_letters" ["groups" "parking" "redelivery"];
    REDELIVER = "redeliver" ["clock" "groups" "parking" "redelivery" "bell"];
    DISCARD = "discard" ["clock" "groups" "parking" "redelivery" "bell"];
    SEEK = "seek" ["clock" "ids" "facts" "groups" "room" "losses" "count" "starts" "bell"];
    GROUP = "group" ["clock" "ids" "facts" "groups" "room" "losses" "account" "gone" "stood" "count"];
    ACKNOWLEDGE = "acknowledge" ["clock" "ids" "facts" "groups" "room" "losses" "account" "gone" "stood"];
    REMOVE_GROUP = "remove_group" ["clock" "ids" "facts" "groups" "stood"];
    TOPIC = "topic" ["ids" "facts" "groups"];
    COUNT = "count" [];
    NEED = "need" ["clock" "ids" "facts" "groups" "stood"];
    TRIM = "trim" ["ids" "facts" "groups" "room" "losses" "stood"];
}
