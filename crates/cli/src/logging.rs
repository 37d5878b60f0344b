//! Logs, always on standard error.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::args::{LogArgs, LogFormat};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::colours_allowed;

/// Starts logging. RUST_LOG wins over `-v`.
pub fn start(args: &LogArgs) -> Result<()> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(directives) if !directives.trim().is_empty() => EnvFilter::try_new(&directives)
            .map_err(|e| {
                Failure::new(
                    Exit::Config,
                    format!("RUST_LOG={directives:?} is not a filter"),
                )
                .source(e)
                .remedy("write for example RUST_LOG=info or RUST_LOG=tidings_runtime=debug")
            })?,
        _ => EnvFilter::new(match args.verbose {
            0 => "warn",
            1 => "info",
            2 => {
                "info,tidings=debug,tidings_runtime=debug,tidings_transport_redis=debug,\
                  tidings_transport_sqlite=debug"
            }
            _ => "trace",
        }),
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    match args.log_format {
        LogFormat::Json => builder.json().flatten_event(true).init(),
        LogFormat::Text => builder
            .with_ansi(io::stderr().is_terminal() && colours_allowed())
            .with_target(args.verbose > 1)
            .init(),
    }
    Ok(())
}

/// Says why the command gave up, in the format of the logs.
pub fn report(failure: &Failure, format: LogFormat) {
    if failure.is_quiet() {
        return;
    }
    match format {
        LogFormat::Json => {
            tracing::error!(exit = failure.exit().code(), "{failure}");
        }
        LogFormat::Text => {
            let text = format!("error: {failure}");
            crate::output::to_stderr(&text);
        }
    }
}
