//! `tidings catalog import`

use std::fs;
use std::io;
use std::process::Command;

use crate::args::{ImportArgs, ImportFrom, ImportOpenedxArgs};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::to_stderr;

/// The program that made the definitions that are built in.
const PROGRAM: &str = include_str!("../../../../../catalog/openedx/regenerate.py");
/// The exceptions from the lint that it writes into them.
const EXCEPTIONS: &str = include_str!("../../../../../catalog/openedx/exceptions.json");

/// Imports definitions.
pub fn run(args: &ImportArgs) -> Result<Exit> {
    match &args.from {
        ImportFrom::Openedx(args) => openedx(args),
    }
}

fn openedx(args: &ImportOpenedxArgs) -> Result<Exit> {
    let cannot = |e| Failure::new(Exit::Io, "cannot write the importer").source(e);
    let folder = tempfile::tempdir().map_err(cannot)?;
    let program = folder.path().join("regenerate.py");
    fs::write(&program, PROGRAM).map_err(cannot)?;
    fs::write(folder.path().join("exceptions.json"), EXCEPTIONS).map_err(cannot)?;
    let python = args.python.display();
    let mut command = Command::new(&args.python);
    command.arg(&program).arg(&args.out);
    if args.check {
        command.arg("--check");
    }
    let output = command.output().map_err(|e| {
        let exit = match e.kind() {
            io::ErrorKind::NotFound => Exit::NoInput,
            _ => Exit::Unavailable,
        };
        Failure::new(exit, format!("cannot run {python}"))
            .source(e)
            .remedy("name the Python that has openedx-events: --python venv/bin/python")
    })?;
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("ModuleNotFoundError") {
        let missing = said.lines().last().unwrap_or_default().to_owned();
        let what = format!("{python} lacks a package: {missing}");
        return Err(Failure::new(Exit::Unavailable, what)
            .remedy("install openedx-events and fastavro into it, or name another with --python"));
    }
    if !said.trim().is_empty() {
        to_stderr(said.trim_end());
    }
    to_stderr(String::from_utf8_lossy(&output.stdout).trim_end());
    match (output.status.success(), args.check) {
        (true, _) => Ok(Exit::Ok),
        (false, true) if output.status.code() == Some(1) && said.contains("differs: ") => {
            Ok(Exit::Data)
        }
        (false, _) => Err(Failure::new(Exit::Failed, format!("{python} failed"))),
    }
}
