//! `tidings man`

mod command;
mod settings;

use std::fs;
use std::io;
use std::path::Path;

use clap::{Command, CommandFactory};

use crate::args::{Cli, ManArgs};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::to_stderr;
use crate::settings::FILE_NAME;

/// Writes a page for each command, and one for the settings.
pub fn run(args: ManArgs) -> Result<Exit> {
    let mut tidings = Cli::command().disable_help_subcommand(true);
    tidings.build();
    fs::create_dir_all(&args.out)
        .and_then(|()| write(&tidings, &args.out))
        .and_then(|()| fs::write(args.out.join(format!("{FILE_NAME}.5")), settings::page()))
        .map_err(|e| {
            let what = format!("cannot write pages to {}", args.out.display());
            Failure::new(Exit::Io, what)
                .source(e)
                .remedy("name a folder that can be written")
        })?;
    to_stderr(&format!("wrote the pages to {}", args.out.display()));
    Ok(Exit::Ok)
}

fn write(command: &Command, folder: &Path) -> io::Result<()> {
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        write(verb, folder)?;
    }
    let (name, page) = command::page(command)?;
    fs::write(folder.join(name), page)
}
