//! A version begins beside another, and ends.

use jiff::civil::{Date, date};
use tidings_catalog::evolution::{Mode, Severity, diff};
use tidings_catalog::lint::{Level, LintSettings, lint};

use crate::folder::catalog;

const V1: &str = "\
type: org.example.catalog.course.created.v1
title: Course created
description: A course was created. Sent once its first draft is saved.
owner: {service: catalog, subdomain: catalog}
key: key
schema:
  type: object
  required: [key, title]
  properties: {key: {type: string}, title: {type: string}}
examples: [{data: {key: a, title: A}}]
consumers: [{service: search, reads: [title]}]
";
const ENDS: &str = "deprecation: {since: 2026-01-01, until: 2026-06-30}\n";
const MADE: &str = "to_previous: [{rename: {from: name, to: title}}]\n";

fn v2() -> String {
    let text = V1.replace("created.v1", "created.v2");
    text.replace("title: {type", "name: {type")
        .replace("[key, title]", "[key, name]")
        .replace("title: A", "name: A")
        .replace("reads: [title]", "reads: [name]")
}

/// What the lint says on a day, with the remedy.
fn linted(files: &[(&str, &str)], today: Option<Date>) -> Vec<(Level, String, String)> {
    let mut settings = LintSettings::default();
    if let Some(today) = today {
        settings.set_today(today);
    }
    let report = lint(&catalog(files).unwrap(), &settings);
    let findings = report.findings.into_iter();
    findings
        .map(|f| (f.level, format!("{}: {}", f.rule, f.message), f.help))
        .collect()
}

#[test]
fn a_definition_that_outlives_its_last_day_is_found() {
    let (old, new) = (format!("{V1}{ENDS}"), format!("{}{MADE}", v2()));
    let alone = [("v1.yaml", old.as_str())];
    assert_eq!(linted(&alone, None), []);
    assert_eq!(linted(&alone, Some(date(2026, 6, 30))), []);
    let message = "deprecation: the last day, 2026-06-30, is over, and it is still declared to be \
                   consumed by `search`";
    let found = |help: &str| vec![(Level::Warning, message.to_owned(), help.to_owned())];
    assert_eq!(
        linted(&alone, Some(date(2026, 7, 1))),
        found("take the definition out, or write a later day")
    );
    let both = [("v1.yaml", old.as_str()), ("v2.yaml", new.as_str())];
    assert_eq!(
        linted(&both, Some(date(2026, 7, 1))),
        found(
            "take the definition out, and `to_previous` of org.example.catalog.course.created.v2 \
             with it; or write a later day"
        )
    );
}

#[test]
fn a_new_major_that_does_not_make_the_old_one_is_told() {
    let old = format!("{V1}{ENDS}");
    let told = |new: &str, today: Date| -> Vec<(Severity, String)> {
        let before = catalog(&[("v1.yaml", V1)]).unwrap();
        let after = catalog(&[("v1.yaml", &old), ("v2.yaml", new)]).unwrap();
        let report = diff(&before, &after, Mode::Oep41, today);
        let of_new = report
            .changes
            .iter()
            .filter(|c| c.event_type.ends_with("v2"));
        of_new.map(|c| (c.severity, c.message.clone())).collect()
    };
    let new = (Severity::Compatible, "the event is new".to_owned());
    let both = "org.example.catalog.course.created.v1 is not made of it: until 2026-06-30, its \
                producer has to publish both";
    let day = date(2026, 6, 30);
    assert_eq!(
        told(&v2(), day),
        [new.clone(), (Severity::Notice, both.to_owned())]
    );
    assert_eq!(
        told(&format!("{}{MADE}", v2()), day),
        std::slice::from_ref(&new)
    );
    assert_eq!(told(&v2(), date(2026, 7, 1)), [new]);
}

#[test]
fn created_is_vague_beside_an_event_that_says_how() {
    let registered = V1.replace("course.created", "course.registered");
    let found = linted(&[("a.yaml", V1), ("b.yaml", &registered)], None);
    let messages: Vec<&str> = found.iter().map(|(_, message, _)| &**message).collect();
    assert_eq!(
        messages,
        ["specific-action: `created` says little, and there is also `registered`"]
    );
    // What comes later in a life does not make it vague.
    let published = V1.replace("course.created", "course.published");
    assert_eq!(linted(&[("a.yaml", V1), ("b.yaml", &published)], None), []);
}
