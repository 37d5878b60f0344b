//! Bad definitions are refused with the place and the remedy.

use tidings_catalog::ErrorKind;

use crate::folder::{catalog, refusal};

fn one(text: &str) -> String {
    refusal(&[("a.yaml", text)])
}

const HEAD: &str = "type: org.example.a.thing.made.v1\nowner: {service: a, subdomain: a}\n";

fn with(text: &str) -> String {
    one(&format!("{HEAD}schema: {{type: object}}\n{text}"))
}

#[test]
fn what_is_missing_is_named() {
    insta::assert_snapshot!(one("title: A thing was made\n"));
    insta::assert_snapshot!(one(HEAD));
    insta::assert_snapshot!(one(""));
    insta::assert_snapshot!(one("- a\n- b\n"));
}

#[test]
fn unknown_keys_name_the_nearest() {
    insta::assert_snapshot!(with("descripton: A thing\ncolour: red\n"));
    insta::assert_snapshot!(one(
        "type: a.v1\nowner: {service: a, subdomian: a}\nschema: {}\n"
    ));
}

#[test]
fn wrong_values_are_pointed_at() {
    insta::assert_snapshot!(with(concat!(
        "minorversion: -1\n",
        "title: 12\n",
        "key: course..id\n",
        "topics: courses\n",
        "examples: [{title: no data}]\n",
        "pii: [{field: a}]\n",
        "deprecation: {since: soon}\n",
        "consumers: [{service: s, reads: [a], attributes: [time, source]}]\n",
        "to_previous: [{rename: {from: a}}, {drop: a, copy: {}}]\n",
        "allow: [{rule: past-tense}]\n",
    )));
}

#[test]
fn schemas_are_checked() {
    insta::assert_snapshot!(one(&format!(
        "{HEAD}schema:\n  type: object\n  properties:\n    a: {{type: text}}\n"
    )));
    insta::assert_snapshot!(one(&format!(
        "{HEAD}schema: {{$ref: \"https://example.org/schema.json\"}}\n"
    )));
    insta::assert_snapshot!(one(&format!("{HEAD}schema: {{}}\navro_file: a.avsc\n")));
    insta::assert_snapshot!(one(&format!("{HEAD}avro_file: missing.avsc\n")));
    let text = format!("{HEAD}schema_file: a.json\n");
    insta::assert_snapshot!(refusal(&[
        ("a.yaml", &text),
        ("a.json", "{\n  \"type\": }")
    ]));
    let text = format!("{HEAD}avro_file: a.avsc\n");
    insta::assert_snapshot!(refusal(&[("a.yaml", &text), ("a.avsc", "{}")]));
}

#[test]
fn broken_yaml_is_pointed_at() {
    insta::assert_snapshot!(one("type: [a\nowner: b\n"));
    insta::assert_snapshot!(one("type: a\ntype: b\n"));
    insta::assert_snapshot!(one("type: a\n---\ntype: b\n"));
    insta::assert_snapshot!(one("title: Müller & Söhne\n\u{9}type: a\n"));
}

#[test]
fn aliases_do_not_blow_up() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{items}]\n"));
    }
    let refusal = one(&text);
    assert!(refusal.contains("more than 100000 values"), "{refusal}");
    let deep = format!(
        "{}a: b\n",
        (0..80)
            .map(|n| format!("{}a:\n", " ".repeat(n)))
            .collect::<String>()
            + &" ".repeat(80)
    );
    assert!(
        one(&deep).contains("nested more than 64 deep"),
        "{}",
        one(&deep)
    );
}

#[test]
fn two_files_of_one_type_are_a_conflict() {
    let text = format!("{HEAD}schema: {{}}\n");
    let newer = format!("{HEAD}minorversion: 1\nschema: {{}}\n");
    insta::assert_snapshot!(refusal(&[("a.yaml", &text), ("b.yaml", &newer)]));
    let error = catalog(&[("a.yaml", &text), ("b.yaml", &newer)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
}
