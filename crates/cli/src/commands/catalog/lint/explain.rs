//! What a rule asks for.

use serde_json::json;
use tidings_catalog::lint;

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Output, Tone};

/// Prints the page of a rule, or of all.
pub fn run(code: &str, output: &Output) -> Result<Exit> {
    if code == "all" {
        output.text(lint::page().trim_end())?;
        return Ok(Exit::Ok);
    }
    let Some(rule) = lint::rule(code) else {
        let codes: Vec<&str> = lint::rules().iter().map(|rule| rule.code()).collect();
        let nearest = codes
            .iter()
            .max_by(|a, b| strsim::jaro_winkler(a, code).total_cmp(&strsim::jaro_winkler(b, code)));
        let remedy = format!(
            "did you mean {}? The rules are: {}",
            nearest.unwrap_or(&"another"),
            codes.join(", ")
        );
        let what = format!("there is no rule {code:?}");
        return Err(Failure::new(Exit::Usage, what).remedy(remedy));
    };
    if output.is_json() {
        let settings = rule.settings().iter();
        output.json(&json!({
            "rule": rule.code(),
            "level": rule.level().as_str(),
            "docs": rule.docs(),
            "settings": settings.map(|s| json!({"name": s.name, "about": s.about}))
                .collect::<Vec<_>>(),
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
