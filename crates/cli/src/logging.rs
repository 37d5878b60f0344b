//! Logs, always on standard error.

use std::io::{self, IsTerminal};

use tidings_telemetry::SPANS;
use tracing::Metadata;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::args::{LogArgs, LogFormat};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::monitoring::Traces;
use crate::output::{colours_allowed, stderr_is_json};

/// Starts logging, where RUST_LOG wins over `-v`, and traces, if the environment asks for them.
pub fn start(args: &LogArgs) -> Result<Traces> {
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
            // What a database says of a statement, the command says of what it wanted to do.
            0 => "warn,sqlx=error",
            1 => "info,sqlx=warn",
            2 => {
                "info,tidings=debug,tidings_runtime=debug,tidings_transport_redis=debug,\
                  tidings_transport_sqlite=debug"
            }
            _ => "trace",
        }),
    };
    let traces = Traces::from_env()?;
    // Spans are for traces: as a prefix of log lines they would only repeat their fields.
    let no_spans = filter_fn(|what: &Metadata<'_>| what.target() != SPANS);
    let lines = fmt::layer().with_writer(io::stderr);
    let lines = match args.log_format {
        LogFormat::Json => {
            stderr_is_json();
            lines.json().flatten_event(true).boxed()
        }
        LogFormat::Text => lines
            .with_ansi(io::stderr().is_terminal() && colours_allowed())
            .with_target(args.verbose > 1)
            .boxed(),
    };
    tracing_subscriber::registry()
        .with(lines.with_filter(filter.and(no_spans)))
        .with(traces.otlp().map(|otlp| otlp.layer()))
        .init();
    Ok(traces)
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
