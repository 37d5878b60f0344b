//! Levels and words that a site sets.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{Level, rule, rules};
use crate::source::nearest;

/// Which level each rule has, and what it takes as given.
#[derive(Debug, Clone, Default)]
pub struct LintSettings {
    levels: BTreeMap<&'static str, Level>,
    lists: BTreeMap<(&'static str, &'static str), Vec<String>>,
    today: Option<Date>,
}

/// A setting that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}; {remedy}")]
pub struct InvalidSetting {
    what: String,
    remedy: String,
}

impl LintSettings {
    /// Sets the level of a rule.
    ///
    /// # Errors
    /// When there is no such rule.
    pub fn set_level(&mut self, code: &str, level: Level) -> Result<(), InvalidSetting> {
        self.levels.insert(known(code)?, level);
        Ok(())
    }

    /// Sets a list of words of a rule.
    ///
    /// # Errors
    /// When there is no such rule, or it has no such list.
    pub fn set_list(
        &mut self,
        code: &str,
        name: &str,
        words: Vec<String>,
    ) -> Result<(), InvalidSetting> {
        let code = known(code)?;
        let names: Vec<&str> = rule(code)
            .map_or(&[][..], |r| r.settings)
            .iter()
            .map(|s| s.name)
            .collect();
        let Some(name) = names.iter().find(|known| **known == name) else {
            let mut all = vec!["level"];
            all.extend(&names);
            return Err(InvalidSetting {
                what: format!("the rule {code:?} has no setting {name:?}"),
                remedy: nearest(name, &all),
            });
        };
        let name = rule(code)
            .and_then(|r| r.settings.iter().find(|s| s.name == *name))
            .map_or("", |setting| setting.name);
        self.lists.insert((code, name), words);
        Ok(())
    }

    /// Says which day it is. Without it no last day is over.
    pub fn set_today(&mut self, today: Date) {
        self.today = Some(today);
    }

    /// Leaves only these rules on.
    ///
    /// # Errors
    /// When there is no such rule.
    pub fn only(&mut self, codes: &[String]) -> Result<(), InvalidSetting> {
        let wanted: Vec<&str> = codes
            .iter()
            .map(|code| known(code))
            .collect::<Result<_, _>>()?;
        for rule in rules().iter().filter(|rule| !wanted.contains(&rule.code)) {
            self.levels.insert(rule.code, Level::Off);
        }
        Ok(())
    }

    pub(super) fn today(&self) -> Option<Date> {
        self.today
    }

    pub(super) fn level(&self, code: &'static str, default: Level) -> Level {
        self.levels.get(code).copied().unwrap_or(default)
    }

    pub(super) fn list(&self, code: &'static str, name: &str) -> &[String] {
        let found = self
            .lists
            .iter()
            .find(|((rule, list), _)| *rule == code && *list == name);
        found.map_or(&[], |(_, words)| words.as_slice())
    }
}

fn known(code: &str) -> Result<&'static str, InvalidSetting> {
    rule(code).map(|rule| rule.code).ok_or_else(|| {
        let codes: Vec<&str> = rules().iter().map(|rule| rule.code).collect();
        InvalidSetting {
            what: format!("there is no lint rule {code:?}"),
            remedy: nearest(code, &codes).replace("the keys are", "the rules are"),
        }
    })
}
