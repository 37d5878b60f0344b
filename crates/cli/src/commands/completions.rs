//! `tidings completions`

use clap::{Command, CommandFactory};

use crate::args::{Cli, CompletionsArgs};
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::Output;

/// Prints a script that completes commands, options and their values.
pub fn run(args: CompletionsArgs) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut visible(), "tidings", &mut script);
    Output::plain().write(&script)?;
    Ok(Exit::Ok)
}

/// The command without the verbs that are not for people: the scripts would offer them.
fn visible() -> Command {
    let all = Cli::command();
    let verbs = all.get_subcommands().filter(|verb| !verb.is_hide_set());
    Command::new("tidings")
        .version(env!("CARGO_PKG_VERSION"))
        .args(all.get_arguments().cloned())
        .subcommands(verbs.cloned())
}
