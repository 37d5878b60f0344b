//! `tidings catalog diff`

use std::io::{self, IsTerminal};

use serde_json::json;
use tidings_catalog::evolution::{Change, ChangeReport, Severity, diff};
use tidings_transport::Count;

use super::annotation::annotation;
use super::{day, diagnostic, state};
use crate::args::DiffArgs;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::{Output, Tone, counted, number, to_stderr};
use crate::settings::NamedCatalogs;

/// Holds a newer state of a catalog against an older one.
pub fn run(args: &DiffArgs) -> Result<Exit> {
    let output = Output::new(args.output);
    let folders = NamedCatalogs::resolve(&args.catalog)?.folders;
    let old = state::load(&args.old, &folders)?;
    let new = match &args.new {
        Some(new) => state::load(new, &folders)?,
        None => state::now(&args.old, &folders)?,
    };
    let report = diff(&old, &new, args.mode.into(), day::today()?);
    let shown = |change: &&Change| args.all || change.severity > Severity::Compatible;
    for change in report
        .changes
        .iter()
        .filter(|change| output.is_json() || shown(change))
    {
        match (output.is_json(), args.github) {
            (true, _) => output.json(&as_json(change))?,
            (false, true) => output.text(&github(change))?,
            (false, false) => output.text(&text(change, &output))?,
        }
    }
    if !output.is_json() {
        to_stderr(&summary(&report));
    }
    Ok(match report.severity() {
        Severity::Compatible | Severity::Notice => Exit::Ok,
        Severity::Undecided | Severity::Breaking => Exit::Data,
    })
}

fn text(change: &Change, output: &Output) -> String {
    let severity = match change.severity {
        Severity::Breaking => miette::Severity::Error,
        Severity::Undecided => miette::Severity::Warning,
        Severity::Compatible | Severity::Notice => miette::Severity::Advice,
    };
    let message = format!("{}: {}", change.event_type, change.message);
    let remark = diagnostic::Remark {
        severity,
        message: &message,
        help: change.help.as_deref(),
        location: &change.location,
    };
    let mut text = remark.render(io::stdout().is_terminal());
    if !change.consumers.is_empty() {
        let breaks = output.paint(Tone::Bad, "breaks:");
        text.push_str(&format!("\n  {breaks} {}", change.consumers.join(", ")));
    }
    if let Some(witness) = &change.witness {
        text.push_str(&format!("\n  for example: {witness}"));
    }
    text.push('\n');
    text
}

fn github(change: &Change) -> String {
    let level = match change.severity {
        Severity::Breaking => "error",
        Severity::Undecided => "warning",
        Severity::Compatible | Severity::Notice => "notice",
    };
    let mut message = change.message.clone();
    if let Some(help) = &change.help {
        message.push_str(&format!("\n{help}"));
    }
    if !change.consumers.is_empty() {
        message.push_str(&format!("\nbreaks: {}", change.consumers.join(", ")));
    }
    if let Some(witness) = &change.witness {
        message.push_str(&format!("\nfor example: {witness}"));
    }
    annotation(level, &change.event_type, &change.location, &message)
}

fn as_json(change: &Change) -> serde_json::Value {
    let place = change.location.line_and_column();
    json!({
        "event": change.event_type,
        "kind": change.kind.as_str(),
        "severity": change.severity.as_str(),
        "field": change.path.as_ref().map(|path| path.as_str()),
        "message": change.message,
        "help": change.help,
        "witness": change.witness,
        "consumers": change.consumers,
        "file": change.location.path(),
        "line": place.map(|(line, _)| line),
        "column": place.map(|(_, column)| column),
    })
}

fn summary(report: &ChangeReport) -> String {
    let count = |severity| {
        report
            .changes
            .iter()
            .filter(|c| c.severity == severity)
            .count() as u64
    };
    let mut text = format!(
        "{} compared: {} breaking, {} compatible",
        counted(Count::Exactly(report.compared as u64), "definition"),
        number(count(Severity::Breaking)),
        number(count(Severity::Compatible)),
    );
    for (severity, what) in [
        (Severity::Undecided, "not decided"),
        (Severity::Notice, "to know of"),
    ] {
        if count(severity) > 0 {
            text.push_str(&format!(", {} {what}", number(count(severity))));
        }
    }
    text
}
