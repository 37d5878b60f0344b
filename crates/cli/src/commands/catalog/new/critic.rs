//! Answers held against the rules of the lint, before anything is written.

use tidings_catalog::lint::{self, Finding, Level, LintSettings};
use tidings_catalog::{Catalog, Draft, Error};

use crate::output::to_stderr;
use crate::settings::NamedCatalogs;

/// What an answer is worth.
pub enum Verdict {
    /// It can be taken.
    Good,
    /// It can be taken; a rule advises against it.
    Doubtful(String),
    /// It cannot be taken.
    Wrong(String),
}

/// Holds a draft against the rules, among the definitions that there are.
pub struct Critic {
    around: Catalog,
    settings: LintSettings,
}

impl Critic {
    /// Among the definitions of the catalog that is named, by its settings.
    pub fn of(named: &NamedCatalogs) -> Self {
        let mut around = Catalog::empty();
        // A folder that is not there yet is made with the first definition.
        for folder in named.folders.iter().rev().filter(|folder| folder.is_dir()) {
            match Catalog::from_folder(folder) {
                Ok(found) => around = around.and(found),
                Err(error) => to_stderr(&format!(
                    "note: {} cannot be read, so the new definition is looked at alone: {error}",
                    folder.display()
                )),
            }
        }
        Self {
            around,
            settings: named.lint.clone(),
        }
    }

    /// Whether a type can be given to a new definition.
    pub fn of_type(&self, event_type: &str) -> Verdict {
        if let Some(known) = self.around.event(event_type) {
            let next = match known.major() {
                Some(major) => format!("{}.v{}", known.name(), major + 1),
                None => "another type".to_owned(),
            };
            let path = known.path().display();
            return Verdict::Wrong(format!(
                "it is defined already, in {path}: edit that, or begin {next}"
            ));
        }
        let subdomain = self.subdomain_in(event_type);
        let draft = Draft::new(event_type, "a", subdomain);
        self.judge(&draft, &["type-grammar", "past-tense", "specific-action"])
    }

    /// The part of a type that is a subdomain which the catalog has, or else the first behind two
    /// parts of reverse DNS: `catalog` of `org.example.catalog.course.created.v1`.
    pub fn subdomain_in(&self, event_type: &str) -> String {
        let parts = || event_type.split('.').skip(2);
        let known = |part: &&str| self.around.events().any(|e| e.subdomain() == Some(part));
        let part = parts().find(known).or_else(|| parts().next());
        part.unwrap_or_default().to_owned()
    }

    /// Holds a draft against some rules.
    pub fn judge(&self, draft: &Draft, rules: &[&str]) -> Verdict {
        match self.findings(draft, rules) {
            Err(error) => Verdict::Wrong(problems(&error)),
            Ok(findings) => {
                let wrong = findings.iter().any(|finding| finding.level == Level::Error);
                let told: Vec<String> = findings.iter().map(told).collect();
                match (wrong, told.is_empty()) {
                    (true, _) => Verdict::Wrong(told.join("; ")),
                    (false, false) => Verdict::Doubtful(told.join("; ")),
                    (false, true) => Verdict::Good,
                }
            }
        }
    }

    /// What rules say of a draft; all of them, if none is named.
    pub fn findings(&self, draft: &Draft, rules: &[&str]) -> Result<Vec<Finding>, Error> {
        let name = format!("{}.yaml", draft.event_type);
        let own = Catalog::from_texts([(name, draft.to_yaml())])?;
        let mut settings = self.settings.clone();
        if !rules.is_empty() {
            let rules: Vec<String> = rules.iter().map(|&rule| rule.to_owned()).collect();
            settings.only(&rules).expect("these rules are known");
        }
        let report = lint::lint(&self.around.clone().and(own), &settings);
        let findings = report.findings.into_iter();
        Ok(findings
            .filter(|finding| finding.event_type == draft.event_type)
            .collect())
    }
}

/// What a finding says, in one line.
pub fn told(finding: &Finding) -> String {
    format!("{} ({}): {}", finding.message, finding.rule, finding.help)
}

fn problems(error: &Error) -> String {
    let problem = |problem: &tidings_catalog::Problem| match problem.remedy() {
        Some(remedy) => format!("{}: {remedy}", problem.message()),
        None => problem.message().to_owned(),
    };
    let problems: Vec<String> = error.problems().iter().map(problem).collect();
    problems.join("; ")
}
