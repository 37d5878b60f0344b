//! The rules, one a file.

mod avoid_callbacks;
mod cloudevents;
mod datacontenttype;
mod id_uuid1;
mod minorversion;
mod size;
mod source_form;
mod sourcehost;
mod specversion;
mod time_utc;
mod type_grammar;
mod type_past_tense;

use super::Rule;

pub use type_past_tense::is_past_tense;

pub(super) use cloudevents::RULE as CLOUDEVENTS;
pub(super) use size::RULE as SIZE;
pub(super) use specversion::RULE as SPECVERSION;

/// In the order in which they run and are reported.
static RULES: [&Rule; 12] = [
    &cloudevents::RULE,
    &specversion::RULE,
    &id_uuid1::RULE,
    &type_grammar::RULE,
    &type_past_tense::RULE,
    &source_form::RULE,
    &sourcehost::RULE,
    &minorversion::RULE,
    &time_utc::RULE,
    &datacontenttype::RULE,
    &size::RULE,
    &avoid_callbacks::RULE,
];

/// All rules.
pub fn rules() -> &'static [&'static Rule] {
    &RULES
}

/// The rule with a code, in any case.
pub fn rule(code: &str) -> Option<&'static Rule> {
    RULES
        .into_iter()
        .find(|rule| rule.code().eq_ignore_ascii_case(code))
}
