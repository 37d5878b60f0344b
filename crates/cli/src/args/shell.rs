use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
    tidings completions bash > /etc/bash_completion.d/tidings
    tidings completions zsh > \"${fpath[1]}/_tidings\"
    tidings completions fish > ~/.config/fish/completions/tidings.fish")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Files of the same names are written anew, others are left alone.

Examples:
    tidings man --out /usr/local/share/man/man1
    tidings man --out man && man -l man/tidings-consume.1")]
pub struct ManArgs {
    /// The folder to write to, made where it is missing: a page for each command
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}
