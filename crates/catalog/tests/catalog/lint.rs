//! Every rule finds what it is for, and nothing in a definition that is right.

use tidings_catalog::lint::{self, Level, LintSettings, lint};

use crate::folder::catalog;

const GOOD: &str = "\
type: org.example.catalog.course.created.v1
title: Course created
description: A course was created. Sent once its first draft is saved.
owner: {service: catalog, subdomain: catalog}
key: key
topics: [courses]
schema:
  type: object
  required: [key, title]
  properties:
    key: {type: string}
    title: {type: string}
    state: {enum: [draft, published]}
examples:
  - data: {key: a, title: A}
consumers:
  - {service: search, reads: [title], accepts: {state: [draft, published]}}
";

/// The good definition with a text replaced.
fn with(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    GOOD.replacen(from, to, 1)
}

/// The codes that are found in these definitions.
fn codes_of(files: &[&str], settings: &LintSettings) -> Vec<&'static str> {
    let names: Vec<String> = (0..files.len()).map(|n| format!("{n}.yaml")).collect();
    let files: Vec<(&str, &str)> = names
        .iter()
        .map(String::as_str)
        .zip(files.iter().copied())
        .collect();
    let catalog = catalog(&files).unwrap();
    let report = lint(&catalog, settings);
    assert_eq!(report.definitions, files.len());
    let mut codes: Vec<_> = report.findings.iter().map(|finding| finding.rule).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

fn codes(files: &[&str]) -> Vec<&'static str> {
    codes_of(files, &LintSettings::default())
}

#[test]
fn a_good_definition_breaks_no_rule() {
    assert_eq!(codes(&[GOOD]), [""; 0]);
}

#[test]
fn every_rule_finds_what_it_is_for() {
    let sibling = |action: &str, more: &str| {
        with("course.created", &format!("course.{action}")).replace("key: key", more)
    };
    let second = GOOD.replace("created.v1", "created.v2");
    let ending = "deprecation: {since: 2026-11-01, until: 2027-01-01}\n";
    let cases: Vec<(&str, Vec<String>)> = vec![
        (
            "type-grammar",
            vec![with(
                "org.example.catalog.course.created.v1",
                "org.example.catalog.courseCreated.v1",
            )],
        ),
        (
            "subdomain-known",
            vec![with("subdomain: catalog", "subdomain: learning")],
        ),
        (
            "subject-meaning",
            vec![GOOD.into(), sibling("published", "key: title")],
        ),
        ("past-tense", vec![with("course.created", "course.create")]),
        (
            "one-owner",
            vec![
                format!("{GOOD}{ending}"),
                second.replace("service: catalog", "service: studio"),
            ],
        ),
        ("specific-action", vec![sibling("updated", "key: key")]),
        (
            "specific-action",
            vec![
                sibling("updated", "key: key")
                    .replace("state: {enum", "kind: {enum")
                    .replace("{state:", "{kind:"),
                sibling("published", "key: key"),
            ],
        ),
        (
            "callbacks",
            vec![
                with(
                    "title: {type: string}\n    state: {enum: [draft, published]}",
                    "title_url: {type: string, format: uri}",
                )
                .replace("required: [key, title]", "required: [key]")
                .replace("title: A}", "title_url: \"https://example.org/\"}")
                .replace(
                    "reads: [title], accepts: {state: [draft, published]}",
                    "reads: [title_url]",
                ),
            ],
        ),
        (
            "callbacks",
            vec![with(
                "title: A}",
                "title: \"https://s3.example.org/a?X-Amz-Signature=0\"}",
            )],
        ),
        (
            "size",
            vec![
                with(
                    "title: {type: string}",
                    "title: {type: string, maxLength: 70000}",
                )
                .replace("key: {type: string}", "key: {type: string, maxLength: 10}"),
            ],
        ),
        (
            "size",
            vec![with(
                "title: A}",
                &format!("title: {}}}", "A".repeat(64_000)),
            )],
        ),
        (
            "control-flow",
            vec![with(
                "    title:",
                "    send_email: {type: boolean}\n    title:",
            )],
        ),
        ("missing-key", vec![with("key: key\n", "")]),
        (
            "missing-key",
            vec![with("required: [key, title]", "required: [title]")],
        ),
        (
            "missing-key",
            vec![
                with("key: key\n", "key: kee\n")
                    .replace(
                        "examples:\n  - data: {key: a, title: A}",
                        "examples:\n  - data: {key: a, title: A, kee: a}",
                    )
                    .replace(
                        "  type: object\n",
                        "  type: object\n  additionalProperties: true\n",
                    ),
            ],
        ),
        (
            "missing-description",
            vec![with("title: Course created\n", "")],
        ),
        (
            "missing-example",
            vec![with("examples:\n  - data: {key: a, title: A}\n", "")],
        ),
        ("example-invalid", vec![with("title: A}", "title: 1}")]),
        (
            "unknown-keyword",
            vec![with(
                "required: [key, title]",
                "required: [key, title]\n  requird: [state]",
            )],
        ),
        (
            "unknown-keyword",
            vec![with(
                "title: {type: string}",
                "title: {type: string, nullable: true}",
            )],
        ),
        (
            "undeclared-field",
            vec![with("title: A}", "title: A, titel: B}")],
        ),
        (
            "pii-untagged",
            vec![with("    title:", "    email: {type: string}\n    title:")],
        ),
        (
            "unknown-field",
            vec![format!(
                "{GOOD}pii: [{{field: mail, kind: email, reason: r}}]\n"
            )],
        ),
        (
            "unknown-field",
            vec![format!("{GOOD}fields: {{titel: The title}}\n")],
        ),
        ("retirement-date", vec![GOOD.into(), second.clone()]),
        (
            "retirement-date",
            vec![
                format!("{GOOD}deprecation: {{since: 2026-11-01}}\n"),
                second,
            ],
        ),
        (
            "deprecation",
            vec![format!(
                "{GOOD}deprecation: {{since: 2026-11-01, until: 2026-10-01}}\n"
            )],
        ),
        (
            "deprecation",
            vec![format!(
                "{GOOD}deprecation: {{since: 2026-11-01, replaced_by: a.v2}}\n"
            )],
        ),
        (
            "timestamp-zone",
            vec![with(
                "    title:",
                "    created_at: {type: string}\n    title:",
            )],
        ),
        (
            "timestamp-zone",
            vec![with("title: A}", "title: \"2026-11-26T12:00:00\"}")],
        ),
        ("contract", vec![with("reads: [title]", "reads: [titel]")]),
        ("contract", vec![with("reads: [title]", "reads: [source]")]),
        (
            "contract",
            vec![with("reads: [title]", "reads: [title], minorversion: 1")],
        ),
        (
            "contract",
            vec![with("state: [draft, published]}}", "state: [draft]}}")],
        ),
        (
            "contract",
            vec![with(
                "reads: [title]",
                "reads: [title], attributes: [sourcehost]",
            )],
        ),
        (
            "mapping",
            vec![format!("{GOOD}to_previous: [{{drop: title}}]\n")],
        ),
        (
            "mapping",
            vec![
                format!("{GOOD}{ending}"),
                format!(
                    "{}to_previous: [{{rename: {{from: title, to: name}}}}]\n",
                    GOOD.replace("created.v1", "created.v2")
                ),
            ],
        ),
        (
            "allowance",
            vec![format!(
                "{GOOD}allow: [{{rule: missing-key, reason: none}}]\n"
            )],
        ),
        (
            "allowance",
            vec![format!(
                "{GOOD}allow: [{{rule: missing-kee, reason: none}}]\n"
            )],
        ),
    ];
    for (code, files) in &cases {
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        assert_eq!(codes(&files), [*code], "{}", files.last().unwrap());
    }
    for rule in lint::rules() {
        assert!(
            cases.iter().any(|(code, _)| *code == rule.code()),
            "{} is not tested",
            rule.code()
        );
    }
}

#[test]
fn settings_change_levels_and_words() {
    let text = with("course.created", "course.create");
    let mut settings = LintSettings::default();
    settings
        .set_list("past-tense", "words", vec!["create".into()])
        .unwrap();
    assert_eq!(codes_of(&[&text], &settings), [""; 0]);
    let mut settings = LintSettings::default();
    settings.set_level("past-tense", Level::Off).unwrap();
    assert_eq!(codes_of(&[&text], &settings), [""; 0]);
    settings.set_level("past-tense", Level::Error).unwrap();
    let report = lint(&catalog(&[("a.yaml", &text)]).unwrap(), &settings);
    assert_eq!(report.count(Level::Error), 1);
    let mut settings = LintSettings::default();
    settings
        .set_list("subdomain-known", "known", vec!["learning".into()])
        .unwrap();
    assert_eq!(codes_of(&[GOOD], &settings), ["subdomain-known"]);

    let unknown = settings.set_level("past-tens", Level::Off).unwrap_err();
    assert!(
        unknown.to_string().contains("did you mean `past-tense`?"),
        "{unknown}"
    );
    let unknown = settings
        .set_list("past-tense", "word", Vec::new())
        .unwrap_err();
    assert!(
        unknown.to_string().contains("did you mean `words`?"),
        "{unknown}"
    );
}

#[test]
fn a_definition_excepts_itself_with_a_reason() {
    let text = format!(
        "{}allow:\n  - {{rule: missing-key, reason: Events of the whole site}}\n",
        with("key: key\n", "")
    );
    let report = lint(
        &catalog(&[("a.yaml", &text)]).unwrap(),
        &LintSettings::default(),
    );
    assert!(report.findings.is_empty());
    assert_eq!(report.allowed[0].finding.rule, "missing-key");
    assert_eq!(report.allowed[0].reason, "Events of the whole site");
}

#[test]
fn every_rule_has_its_documentation_and_the_page_is_made_of_it() {
    for rule in lint::rules() {
        let docs = rule.docs();
        assert!(docs.starts_with(&format!("# {}\n", rule.code())), "{docs}");
        for heading in [
            "\n## What it does\n",
            "\n## Why it matters\n",
            "\n## Example\n",
        ] {
            assert!(docs.contains(heading), "{}", rule.code());
        }
    }
    let page = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/guides/lint-rules.md"
    );
    let page = std::fs::read_to_string(page).unwrap_or_default();
    assert!(
        page == lint::page(),
        "write it anew: tidings catalog lint --explain all > docs/guides/lint-rules.md"
    );
}

fn messages(text: &str) -> Vec<(String, String)> {
    let catalog = catalog(&[("a.yaml", text)]).unwrap();
    let report = lint(&catalog, &LintSettings::default());
    let findings = report.findings.into_iter();
    findings
        .map(|finding| (finding.message, finding.help))
        .collect()
}

#[test]
fn a_keyword_is_found_at_every_depth_and_the_nearest_is_named() {
    for (from, to, keyword, help) in [
        (
            "required: [key, title]",
            "required: [key, title]\n  requird: [state]",
            "requird",
            "`required`?",
        ),
        (
            "title: {type: string}",
            "title: {type: string, maxLenght: 9}",
            "maxLenght",
            "`maxLength`?",
        ),
        (
            "title: {type: string}",
            "title: {anyOf: [{type: string, nullable: true}]}",
            "nullable",
            "type: [string, \"null\"]",
        ),
        (
            "title: {type: string}",
            "title: {type: string}\n    tags: {type: array, items: {type: object, \
             additionalproperties: false}}",
            "additionalproperties",
            "`additionalProperties`?",
        ),
        (
            "title: {type: string}",
            "title: {type: string, widget: area}",
            "widget",
            "`x-widget`",
        ),
    ] {
        let found = messages(&with(from, to));
        let [(message, remedy)] = found.as_slice() else {
            panic!("{to}: {found:?}");
        };
        assert!(message.contains(&format!("`{keyword}`")), "{message}");
        assert!(remedy.contains(help), "{remedy}");
    }
    // What is data is no schema, a field may be called like a keyword, and `x-` is one's own.
    for to in [
        "title: {type: string, default: {requird: 1}, examples: [{nullable: true}]}",
        "title: {type: string, x-widget: area}",
        "title: {type: string}\n    requird: {const: {nullable: 1}}",
    ] {
        assert_eq!(messages(&with("title: {type: string}", to)), [], "{to}");
    }
    let mut settings = LintSettings::default();
    let own = vec!["widget".to_owned()];
    settings
        .set_list("unknown-keyword", "keywords", own)
        .unwrap();
    let text = with(
        "title: {type: string}",
        "title: {type: string, widget: area}",
    );
    assert_eq!(codes_of(&[&text], &settings), [""; 0]);
}

#[test]
fn an_attribute_of_avro_that_is_misspelled_is_found() {
    const TYPE: &str = "org.example.catalog.course.created.v1";
    let avro = |attribute: &str| {
        format!(
            r#"{{"type": "record", "name": "CloudEvent", "fields": [
            {{"name": "key", "type": "string", "{attribute}": "a"}}]}}"#
        )
    };
    let text = format!(
        "type: {TYPE}\ntitle: A\ndescription: A course was created. Sent once.\n\
         owner: {{service: catalog, subdomain: catalog}}\nkey: key\navro_file: a.avsc\n\
         examples:\n  - data: {{key: a}}\n"
    );
    for (attribute, found) in [("defualt", 1), ("default", 0), ("x-note", 0)] {
        let catalog = catalog(&[("a.yaml", &text), ("a.avsc", &avro(attribute))]).unwrap();
        let report = lint(&catalog, &LintSettings::default());
        let of_rule = report
            .findings
            .iter()
            .filter(|f| f.rule == "unknown-keyword");
        assert_eq!(of_rule.count(), found, "{attribute}: {:?}", report.findings);
    }
}

#[test]
fn an_example_may_hold_more_only_where_the_schema_is_open_on_purpose() {
    let example = |schema: &str, more: &str| {
        with(
            "state: {enum: [draft, published]}",
            &format!("state: {{enum: [draft, published]}}\n    {schema}"),
        )
        .replace("title: A}", &format!("title: A, {more}}}"))
    };
    for (schema, more, field) in [
        (
            "more: {properties: {a: {type: integer}}}",
            "more: {b: 1}",
            "b",
        ),
        (
            "more: {items: {properties: {aa: {type: integer}}}}",
            "more: [{aa: 1}, {ab: 1}]",
            "ab",
        ),
        (
            "more: {allOf: [{properties: {a: {}}}, {properties: {b: {}}}]}",
            "more: {a: 1, b: 1, c: 1}",
            "c",
        ),
        (
            "more: {$ref: '#/$defs/m'}\n  $defs: {m: {properties: {a: {}}}}",
            "more: {a: 1, b: 1}",
            "b",
        ),
    ] {
        let found = messages(&example(schema, more));
        let [(message, _)] = found.as_slice() else {
            panic!("{schema}: {found:?}");
        };
        assert!(message.contains(&format!("field `{field}`")), "{message}");
    }
    for (schema, more) in [
        (
            "more: {properties: {a: {}}, additionalProperties: true}",
            "more: {b: 1}",
        ),
        (
            "more: {additionalProperties: {type: integer}}",
            "more: {b: 1}",
        ),
        ("more: {patternProperties: {'^b': {}}}", "more: {b: 1}"),
        ("more: {type: object}", "more: {b: 1}"),
        (
            "more: {anyOf: [{properties: {a: {}}}, {properties: {b: {}}}]}",
            "more: {b: 1}",
        ),
    ] {
        assert_eq!(messages(&example(schema, more)), [], "{schema}");
    }
}
