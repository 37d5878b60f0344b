//! The table `[lint]`: a level for a rule, or a table with its level and its words.

use tidings_catalog::lint::{Level, LintSettings};
use toml::Value;

/// Reads the table; the error is a sentence for a person.
pub fn read(value: Option<&Value>) -> Result<LintSettings, String> {
    let mut settings = LintSettings::default();
    let Some(value) = value else {
        return Ok(settings);
    };
    let Value::Table(rules) = value else {
        return Err(format!("lint must be a table, not {}", value.type_str()));
    };
    for (code, value) in rules {
        match value {
            Value::String(text) => set_level(&mut settings, code, text)?,
            Value::Table(table) => {
                for (name, value) in table {
                    match (name.as_str(), value) {
                        ("level", Value::String(text)) => set_level(&mut settings, code, text)?,
                        (name, value) => {
                            let words = words(code, name, value)?;
                            let set = settings.set_list(code, name, words);
                            set.map_err(|e| format!("lint: {e}"))?;
                        }
                    }
                }
            }
            other => {
                return Err(format!(
                    "lint.{code} must be a level such as \"warning\", or a table, not {}",
                    other.type_str()
                ));
            }
        }
    }
    Ok(settings)
}

fn set_level(settings: &mut LintSettings, code: &str, text: &str) -> Result<(), String> {
    let level: Level = text.parse().map_err(|e| format!("lint.{code}: {e}"))?;
    settings
        .set_level(code, level)
        .map_err(|e| format!("lint: {e}"))
}

fn words(code: &str, name: &str, value: &Value) -> Result<Vec<String>, String> {
    let words = value.as_array().map(|items| {
        items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
    });
    words
        .flatten()
        .ok_or_else(|| format!("lint.{code}.{name} must be a list of strings"))
}
