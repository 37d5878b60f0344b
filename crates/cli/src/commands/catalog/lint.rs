//! `tidings catalog lint`

mod explain;

use std::io::{self, IsTerminal};

use miette::Severity;
use serde_json::{Value, json};
use tidings_catalog::lint::{self, Finding, Level, LintReport};
use tidings_catalog::{Catalog, Error};

use super::annotation::annotation;
use super::day::today;
use super::diagnostic::{self, Remark};
use crate::args::LintArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Output, Tone, number, to_stderr};
use crate::settings::NamedCatalogs;

/// Holds definitions against the rules.
pub fn run(args: &LintArgs) -> Result<Exit> {
    let output = Output::new(args.output);
    if let Some(code) = &args.explain {
        return explain::run(code, &output);
    }
    let given = [&args.folders[..], &args.catalog[..]].concat();
    let named = NamedCatalogs::resolve(&given)?;
    // In CI, a wrong folder must not look like a catalog without a mistake.
    if named.origin.is_none() {
        let what = "nobody names a catalog to check";
        return Err(Failure::new(Exit::Usage, what).remedy(
            "name a folder of definitions: tidings catalog lint DIR, TIDINGS_CATALOG, or \
             `catalog` in the tidings.toml of this folder",
        ));
    }
    let mut settings = named.lint.clone();
    settings.set_today(today()?);
    if !args.rule.is_empty() {
        let only = settings.only(&args.rule);
        only.map_err(|e| Failure::new(Exit::Usage, e.to_string()))?;
    }
    let catalog = match load(&named) {
        Ok(catalog) => catalog,
        Err(error) => return refuse(&error, args, &output),
    };
    if catalog.events().next().is_none() {
        let folders = named
            .folders
            .iter()
            .map(|folder| folder.display().to_string());
        let folders = folders.collect::<Vec<_>>().join(", ");
        let what = format!("there is no definition in {folders}");
        return Err(Failure::new(Exit::NoInput, what)
            .remedy("name the folder of a catalog, or begin one with `tidings catalog new`"));
    }
    let report = lint::lint(&catalog, &settings);
    for finding in &report.findings {
        tell(finding, args, &output)?;
    }
    if args.allowed {
        for allowed in &report.allowed {
            tell_allowed(&allowed.finding, &allowed.reason, &output)?;
        }
    }
    if !output.is_json() {
        to_stderr(&summary(&report));
    }
    let (errors, warnings) = (report.count(Level::Error), report.count(Level::Warning));
    Ok(match errors > 0 || args.strict && warnings > 0 {
        true => Exit::Data,
        false => Exit::Ok,
    })
}

fn load(named: &NamedCatalogs) -> Result<Catalog, Error> {
    let mut catalog = Catalog::empty();
    for folder in named.folders.iter().rev() {
        catalog = catalog.and(Catalog::from_folder(folder)?);
    }
    Ok(catalog)
}

/// A catalog that cannot be read is told in the form that was asked for.
fn refuse(error: &Error, args: &LintArgs, output: &Output) -> Result<Exit> {
    if !args.github && !output.is_json() {
        return Err(diagnostic::refused(error));
    }
    for problem in error.problems() {
        let place = problem.location().line_and_column();
        let help = problem.remedy().unwrap_or_default();
        if args.github {
            let message = format!("{}\n{help}", problem.message());
            let line = annotation(
                "error",
                "unreadable",
                problem.location(),
                message.trim_end(),
            );
            output.text(&line)?;
        } else {
            output.json(&json!({
                "rule": null,
                "level": "error",
                "event": null,
                "file": problem.location().path(),
                "line": place.map(|(line, _)| line),
                "column": place.map(|(_, column)| column),
                "message": problem.message(),
                "help": problem.remedy(),
            }))?;
        }
    }
    Ok(Exit::Data)
}

fn tell(finding: &Finding, args: &LintArgs, output: &Output) -> Result<()> {
    if args.github {
        let message = format!("{}\n{}", finding.message, finding.help);
        let level = finding.level.as_str();
        return output.text(&annotation(
            level,
            finding.rule,
            &finding.location,
            &message,
        ));
    }
    if output.is_json() {
        return output.json(&as_json(finding));
    }
    let message = format!("{}: {}", finding.rule, finding.message);
    let remark = Remark {
        severity: match finding.level {
            Level::Error => Severity::Error,
            _ => Severity::Warning,
        },
        message: &message,
        help: Some(&finding.help),
        location: &finding.location,
    };
    output.text(&format!("{}\n", remark.render(io::stdout().is_terminal())))
}

fn tell_allowed(finding: &Finding, reason: &str, output: &Output) -> Result<()> {
    if output.is_json() {
        let mut value = as_json(finding);
        value["allowed"] = json!(reason);
        return output.json(&value);
    }
    let allowed = output.paint(Tone::Faint, "allowed");
    output.text(&format!(
        "{}: {allowed}[{}]: {}\n  because: {reason}",
        finding.location, finding.rule, finding.message,
    ))
}

fn as_json(finding: &Finding) -> Value {
    let place = finding.location.line_and_column();
    json!({
        "rule": finding.rule,
        "level": finding.level.as_str(),
        "event": finding.event_type,
        "file": finding.location.path(),
        "line": place.map(|(line, _)| line),
        "column": place.map(|(_, column)| column),
        "message": finding.message,
        "help": finding.help,
    })
}

fn summary(report: &LintReport) -> String {
    let plural = |n: usize, one: &str| {
        format!(
            "{} {one}{}",
            number(n as u64),
            if n == 1 { "" } else { "s" }
        )
    };
    let mut text = format!(
        "{} checked: {}, {}",
        plural(report.definitions, "definition"),
        plural(report.count(Level::Error), "error"),
        plural(report.count(Level::Warning), "warning"),
    );
    if !report.allowed.is_empty() {
        text.push_str(&format!(
            ", {} allowed with a reason",
            number(report.allowed.len() as u64)
        ));
    }
    text
}
