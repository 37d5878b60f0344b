//! Running the rules.

use std::sync::Arc;

use super::finding::Draft;
use super::subject::{Index, Subject};
use super::{Allowed, Level, LintReport, LintSettings, rule, rules};
use crate::{Catalog, EventDefinition};

/// The code under which the exceptions of definitions are checked.
const ALLOWANCE: &str = "allowance";

/// Holds every definition of a catalog against every rule.
pub fn lint(catalog: &Catalog, settings: &LintSettings) -> LintReport {
    let index = Index::of(catalog);
    let mut report = LintReport::default();
    for event in catalog.events() {
        report.definitions += 1;
        judge(event, catalog, &index, settings, &mut report);
    }
    let place = |location: &crate::Location| {
        (
            location.path().to_owned(),
            location.span().map_or(0, |span| span.start),
        )
    };
    report
        .findings
        .sort_by_cached_key(|finding| place(&finding.location));
    report
}

fn judge(
    event: &Arc<EventDefinition>,
    catalog: &Catalog,
    index: &Index<'_>,
    settings: &LintSettings,
    report: &mut LintReport,
) {
    let fields = event.fields();
    let mut used = vec![false; event.allowances.len()];
    for rule in rules() {
        let level = settings.level(rule.code, rule.level);
        if level == Level::Off || rule.code == ALLOWANCE {
            continue;
        }
        let subject = Subject {
            catalog,
            event,
            fields: &fields,
            index,
            settings,
            rule: rule.code,
        };
        let allowance = event
            .allowances
            .iter()
            .position(|allowance| allowance.rule == rule.code);
        for draft in (rule.check)(&subject) {
            let finding = draft.finish(rule.code, level, event);
            match allowance {
                None => report.findings.push(finding),
                Some(at) => {
                    used[at] = true;
                    report.allowed.push(Allowed {
                        finding,
                        reason: event.allowances[at].reason.clone(),
                    });
                }
            }
        }
    }
    let Some(rule_of_allowances) = rule(ALLOWANCE) else {
        return;
    };
    let level = settings.level(ALLOWANCE, rule_of_allowances.level);
    for (at, allowance) in event.allowances.iter().enumerate() {
        let number = at.to_string();
        let location = event.locate(&["allow", &number, "rule"]);
        let known = rule(&allowance.rule);
        let off = known.is_some_and(|rule| settings.level(rule.code, rule.level) == Level::Off);
        let draft = match known {
            None => {
                let codes: Vec<&str> = rules().iter().map(|rule| rule.code).collect();
                let help = crate::source::nearest(&allowance.rule, &codes);
                Draft::new(
                    location,
                    format!("there is no rule `{}`", allowance.rule),
                    help,
                )
            }
            Some(_) if !used[at] && !off => Draft::new(
                location,
                format!("nothing here breaks the rule `{}`", allowance.rule),
                "take the exception out",
            ),
            Some(_) => continue,
        };
        if level != Level::Off {
            report.findings.push(draft.finish(ALLOWANCE, level, event));
        }
    }
}
