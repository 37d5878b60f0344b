//! How to hear of an event.

use maud::{Markup, html};
use serde_json::Value;
use tidings_catalog::EventDefinition;

use crate::site::code;

/// Programs that are compiled and run by the tests as they stand, with these words in them.
const RUST: &str = include_str!("../subscribe/rust.rs");
const PYTHON: &str = include_str!("../subscribe/python.py");
const DJANGO: &str = include_str!("../subscribe/django.py");

pub(super) fn blocks(event: &EventDefinition) -> Markup {
    let topic = event.topics.first().map_or("TOPIC", String::as_str);
    // A string of JSON is one of Rust and of Python where it has no escapes by number.
    let filled = |program: &str| {
        let literal = |text: &str| Value::from(text).to_string();
        let (head, rest) = program.split_once("\n\n").unwrap_or(("", program));
        debug_assert!(head.starts_with(['#', '/', '"']), "a remark comes first");
        rest.replace("\"TOPIC\"", &literal(topic))
            .replace("\"TYPE\"", &literal(&event.event_type))
    };
    let selected = shell(&format!(
        "select(.type == {}) | .data",
        Value::from(&*event.event_type)
    ));
    let command = format!(
        "tidings consume --topic {} --group GROUP \\\n  | jq {selected}",
        shell(topic)
    );
    html! {
        p {
            @match (event.topics.as_slice(), &event.owner) {
                ([], Some(owner)) => {
                    "The definition names no topic: ask " (owner.team.as_ref().unwrap_or(&owner.service))
                    " which one carries it, and put it in the place of " code { "TOPIC" } ". "
                }
                ([], None) => { "The definition names no topic: put it in the place of " code { "TOPIC" } ". " }
                ([_], _) => {}
                (several, _) => { "It is published to " (several.len()) " topics; one is enough. " }
            }
            code { "GROUP" } " is the name of your service: its processes share the events, and every group hears \
            all of them. " code { "TIDINGS_BUS" } " is the URL of the bus."
        }
        div.ways {
            div { h3 { "On the command line" } (code::block("the command", &command)) }
            div { h3 { "Django" } (code::block("the receiver in Django", &filled(DJANGO))) }
            div { h3 { "Python" } (code::block("the consumer in Python", &filled(PYTHON))) }
            div { h3 { "Rust" } (code::block("the consumer in Rust", &filled(RUST))) }
        }
    }
}

/// A word of the shell, quoted where it has to be.
fn shell(word: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
    match !word.is_empty() && word.chars().all(safe) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}
