//! The body of the fuzz target, on definitions that are almost right.

use crate::fuzz_bodies::definition;

const DEFINITION: &str = include_str!("course.created.yaml");

#[test]
fn whatever_is_missing_or_stands_twice_is_read_or_told() {
    let lines: Vec<&str> = DEFINITION.lines().collect();
    for at in 0..lines.len() {
        let (mut without, mut twice) = (lines.clone(), lines.clone());
        without.remove(at);
        twice.insert(at, lines[at]);
        for changed in [without, twice] {
            let changed = changed.join("\n");
            definition(changed.as_bytes());
            definition(format!("{DEFINITION}\n===\n{changed}").as_bytes());
            definition(format!("{changed}\n===\n{DEFINITION}").as_bytes());
        }
    }
}

#[test]
fn wherever_it_ends_it_is_read_or_told() {
    let ends = DEFINITION.char_indices().map(|(at, _)| at);
    for end in ends.step_by(5) {
        definition(&DEFINITION.as_bytes()[..end]);
    }
}
