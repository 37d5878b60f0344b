//! The `tidings` command.
//!
//! `args` holds what a person types, `commands` what it does, `settings` where the bus comes
//! from, `output` how results are shown. Exit codes follow sysexits(3): see `exit`.

mod args;
mod bus;
mod children;
mod commands;
mod consent;
mod database;
mod exit;
mod failure;
mod input;
mod logging;
mod monitoring;
mod output;
mod settings;
mod signals;

use clap::error::ErrorKind;

use args::Cli;
use exit::Exit;

fn main() {
    let cli = match Cli::parse_arguments() {
        Ok(cli) => cli,
        Err(e) => {
            // The reader of a help text may have gone; there is nobody to tell.
            let _ = e.print();
            let exit = match e.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Ok,
                _ => Exit::Usage,
            };
            std::process::exit(exit.code());
        }
    };
    let format = cli.log.log_format;
    let result = match logging::start(&cli.log) {
        Ok(traces) => {
            let result = commands::run(cli, traces.telemetry());
            traces.end();
            result
        }
        Err(failure) => Err(failure),
    };
    let exit = result.unwrap_or_else(|failure| {
        logging::report(&failure, format);
        failure.exit()
    });
    // Not a return from main: a thread that still waits for standard input must not hold it up.
    std::process::exit(exit.code());
}
