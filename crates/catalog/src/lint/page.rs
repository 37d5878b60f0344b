//! The published page of the rules.

use std::fmt::Write;

use super::rules;

/// The page `docs/guides/lint-rules.md`, made of the headers of the rules.
pub fn page() -> String {
    let mut page = String::from(
        "# The rules of the catalog lint\n\n\
         This page is made from the rules themselves: `tidings catalog lint --explain all`. Levels and\n\
         words are set in `tidings.toml`, an exception in the definition, with a reason:\n\n\
         ```toml\n[lint]\npast-tense = \"off\"\n\
         subdomain-known = {level = \"error\", known = [\"catalog\", \"learning\"]}\n```\n\n\
         ```yaml\nallow:\n  - rule: missing-key\n    reason: Events of the whole site have no key\n```\n\n\
         | rule | level |\n|---|---|\n",
    );
    // Writing to a text does not fail.
    for rule in rules() {
        let _ = writeln!(page, "| [{0}](#{0}) | {1} |", rule.code, rule.level);
    }
    for rule in rules() {
        let docs = rule.docs().replace("\n## ", "\n### ");
        let _ = write!(page, "\n#{docs}\n");
        if !rule.settings.is_empty() {
            page.push_str("\n### Settings\n");
            for setting in rule.settings {
                let _ = writeln!(page, "* `{}`: {}", setting.name, setting.about);
            }
        }
    }
    page
}
