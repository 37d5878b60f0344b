//! `retention`: a list of tables, each a rule for topics.

use tidings::{Retention, RetentionPolicy};
use toml::{Table, Value};

use super::nearest;
use crate::args::value;

const KEYS: [&str; 5] = ["topics", "max-age", "max-len", "hard-max-len", "group-ttl"];

/// What is wrong with a rule.
pub struct Wrong {
    pub what: String,
    pub remedy: Option<String>,
}

impl From<String> for Wrong {
    fn from(what: String) -> Self {
        Self { what, remedy: None }
    }
}

/// Reads the list.
pub fn read(value: Option<&Value>) -> Result<RetentionPolicy, Wrong> {
    let mut policy = RetentionPolicy::default();
    let Some(value) = value else {
        return Ok(policy);
    };
    let Value::Array(rules) = value else {
        let kind = value.type_str();
        return Err(format!("retention must be a list of tables [[retention]], not {kind}").into());
    };
    for (i, rule) in rules.iter().enumerate() {
        let place = format!("rule {} of retention", i + 1);
        let Value::Table(rule) = rule else {
            return Err(format!("{place} must be a table, not {}", rule.type_str()).into());
        };
        if let Some(unknown) = rule.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(Wrong {
                what: format!("unknown key {unknown:?} in {place}"),
                remedy: Some(nearest(unknown, &KEYS)),
            });
        }
        let topics = match rule.get("topics") {
            Some(Value::String(topics)) => topics,
            Some(_) => return Err(format!("{place}: topics must be a string").into()),
            None => return Err(format!("{place} has no topics; for all write \"*\"").into()),
        };
        let limits = limits(rule).map_err(|e| format!("{place}: {e}"))?;
        policy = policy
            .rule(topics, limits)
            .map_err(|e| format!("{place}: {e}"))?;
    }
    Ok(policy)
}

fn limits(rule: &Table) -> Result<Retention, String> {
    let duration = |key: &str| match rule.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => {
            let length = value::long_duration(text).map_err(|e| format!("{key}: {e}"))?;
            Ok(Some(length))
        }
        Some(_) => Err(format!("{key} must be a duration such as \"30d\"")),
    };
    let number = |key: &str| match rule.get(key) {
        None => Ok(None),
        Some(Value::Integer(n)) if *n >= 0 => Ok(Some(n.unsigned_abs())),
        Some(_) => Err(format!("{key} must be a number from 0")),
    };
    let mut limits = Retention::default();
    limits.max_age = duration("max-age")?;
    limits.max_len = number("max-len")?;
    limits.hard_max_len = number("hard-max-len")?;
    if let Some(ttl) = duration("group-ttl")? {
        limits.group_ttl = ttl;
    }
    Ok(limits)
}
