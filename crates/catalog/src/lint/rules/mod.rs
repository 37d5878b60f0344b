//! The rules, one a file.

mod allowance;
mod callbacks;
mod contract;
mod control_flow;
mod deprecation;
mod example_invalid;
mod mapping;
mod missing_description;
mod missing_example;
mod missing_key;
mod one_owner;
mod past_tense;
mod pii_untagged;
mod retirement_date;
mod size;
mod specific_action;
mod subdomain_known;
mod subject_meaning;
mod timestamp_zone;
mod type_grammar;
mod undeclared_field;
mod unknown_field;
mod unknown_keyword;

use super::LintRule;

/// In the order in which they run.
static RULES: [&LintRule; 23] = [
    &type_grammar::RULE,
    &subdomain_known::RULE,
    &subject_meaning::RULE,
    &past_tense::RULE,
    &one_owner::RULE,
    &specific_action::RULE,
    &callbacks::RULE,
    &size::RULE,
    &control_flow::RULE,
    &missing_key::RULE,
    &missing_description::RULE,
    &missing_example::RULE,
    &unknown_keyword::RULE,
    &example_invalid::RULE,
    &undeclared_field::RULE,
    &pii_untagged::RULE,
    &unknown_field::RULE,
    &retirement_date::RULE,
    &deprecation::RULE,
    &timestamp_zone::RULE,
    &contract::RULE,
    &mapping::RULE,
    &allowance::RULE,
];

/// All rules.
pub fn rules() -> &'static [&'static LintRule] {
    &RULES
}

/// The rule with a code.
pub fn rule(code: &str) -> Option<&'static LintRule> {
    RULES.into_iter().find(|rule| rule.code() == code)
}
