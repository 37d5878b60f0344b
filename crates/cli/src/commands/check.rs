//! `tidings check`

use tidings_catalog::Catalog;
use tidings_event::profile::{self, Severity};
use tidings_event::{Limits, json};
use tidings_runtime::{CATALOG_RULES, catalog_violations};
use tidings_transport::Count;

use crate::args::CheckArgs;
use crate::bus::catalog;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::input::{Feed, Item, Problem, Source, feed};
use crate::output::{Output, Tone, counted, number, to_stderr};
use crate::settings::NamedCatalogs;
use crate::signals::Shutdown;

/// Checks documents against the profile, and against a catalog if one is named.
pub async fn run(args: CheckArgs, shutdown: Shutdown) -> Result<Exit> {
    let output = Output::new(args.output);
    if let Some(code) = &args.explain {
        return explain(code, &output);
    }
    let rules = Rules::of(&args)?;
    let mut input = feed(Source::named(&args.files))?;
    let mut tally = Tally::default();
    let mut unread = None;
    loop {
        let fed = tokio::select! {
            fed = input.recv() => fed,
            () = shutdown.asked() => return Ok(shutdown.exit()),
        };
        match fed {
            None => break,
            Some(Feed::Items(items, _)) => {
                for item in &items {
                    tally.note(item, &rules, &output)?;
                }
            }
            Some(Feed::Failed(failure)) => {
                to_stderr(&format!("error: {failure}"));
                unread = Some(failure.exit());
            }
        }
    }
    if !output.is_json() {
        to_stderr(&tally.summary());
    }
    Ok(unread.unwrap_or(
        match tally.errors > 0 || args.strict && tally.warnings > 0 {
            true => Exit::Data,
            false => Exit::Ok,
        },
    ))
}

/// What events are held to.
struct Rules {
    catalog: Option<Catalog>,
    service: Option<String>,
}

impl Rules {
    fn of(args: &CheckArgs) -> Result<Self> {
        let named = NamedCatalogs::resolve(&args.catalog)?;
        let catalog = named.origin.map(|origin| catalog(&named.folders, &origin));
        Ok(Self {
            catalog: catalog.transpose()?,
            service: args.service.clone(),
        })
    }

    fn judge(&self, item: &Item) -> Vec<Problem> {
        let document = match &item.document {
            Ok(document) => document,
            Err(unreadable) => return vec![(*unreadable).into()],
        };
        let event = match json::decode(document, &Limits::default()) {
            Ok(event) => event,
            Err(error) => return vec![Problem::from(&error)],
        };
        let mut violations = profile::check(&event, document.len());
        if let Some(catalog) = &self.catalog {
            violations.extend(catalog_violations(catalog, self.service.as_deref(), &event));
        }
        violations.into_iter().map(Problem::from).collect()
    }
}

#[derive(Debug, Default)]
struct Tally {
    events: u64,
    bad: u64,
    errors: u64,
    warnings: u64,
}

impl Tally {
    fn note(&mut self, item: &Item, rules: &Rules, output: &Output) -> Result<()> {
        self.events += 1;
        let problems = rules.judge(item);
        for problem in &problems {
            match problem.severity {
                Severity::Error => self.errors += 1,
                Severity::Warning => self.warnings += 1,
            }
            match output.is_json() {
                true => output.json(&problem.as_json(&item.place))?,
                false => output.text(&problem.text(&item.place, output))?,
            }
        }
        self.bad += u64::from(problems.iter().any(|p| p.severity == Severity::Error));
        Ok(())
    }

    fn summary(&self) -> String {
        let counted = |n, noun| counted(Count::Exactly(n), noun);
        format!(
            "{} checked: {} with {}, {}",
            counted(self.events, "event"),
            number(self.bad),
            counted(self.errors, "error"),
            counted(self.warnings, "warning"),
        )
    }
}

fn explain(code: &str, output: &Output) -> Result<Exit> {
    if let Some((code, rule)) = CATALOG_RULES.iter().find(|(known, _)| *known == code) {
        match output.is_json() {
            true => output.json(&serde_json::json!({
                "code": code,
                "severity": Severity::Error.as_str(),
                "rule": rule,
                "docs": null,
            }))?,
            false => {
                output.text(&output.paint(Tone::Strong, code))?;
                output.text(&format!("\nWith a catalog: {rule}."))?;
            }
        }
        return Ok(Exit::Ok);
    }
    let Some(rule) = profile::rule(code) else {
        let of_catalogs = CATALOG_RULES.iter().map(|(code, _)| *code);
        let codes = profile::rules().iter().map(|rule| rule.code());
        let codes: Vec<&str> = codes.chain(of_catalogs).collect();
        let nearest = codes
            .iter()
            .max_by(|a, b| strsim::jaro_winkler(a, code).total_cmp(&strsim::jaro_winkler(b, code)));
        return Err(
            Failure::new(Exit::Usage, format!("there is no rule {code:?}")).remedy(format!(
                "did you mean {}? The rules are: {}",
                nearest.unwrap_or(&"another"),
                codes.join(", ")
            )),
        );
    };
    if output.is_json() {
        output.json(&serde_json::json!({
            "code": rule.code(),
            "severity": rule.severity().as_str(),
            "rule": rule.statement(),
            "docs": rule.docs(),
        }))?;
        return Ok(Exit::Ok);
    }
    for line in rule.docs().lines() {
        let line = match line.starts_with('#') {
            true => output.paint(Tone::Strong, line.trim_start_matches('#').trim_start()),
            false => line.to_owned(),
        };
        output.text(&line)?;
    }
    Ok(Exit::Ok)
}
