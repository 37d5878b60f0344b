//! `export`: documents that other programs read.

use std::fs;

use serde_json::{Value, json};

use crate::docs::everything;
use crate::node::nothing_wrong;
use crate::site::Site;

#[test]
fn asyncapi_is_what_its_own_parser_takes() {
    let site = everything();
    let arguments = [
        "export",
        "--format",
        "asyncapi",
        "--openedx",
        "--release",
        "1.4.0",
        "--out",
    ];
    for file in ["all.yaml", "all.json"] {
        site.catalog(&[&arguments[..], &[file]].concat()).ok();
    }
    let document: Value = serde_json::from_str(&site.read("all.json")).unwrap();
    assert_eq!(document["asyncapi"], "3.0.0");
    assert_eq!(document["info"]["version"], "1.4.0");
    assert_eq!(document["channels"]["courses"]["address"], "courses");
    assert_eq!(document["channels"]["learning.."]["address"], Value::Null);
    let received = &document["operations"]["search.receive.courses"];
    let message = "#/channels/courses/messages/org.example.catalog.course.created.v2";
    assert_eq!(received["messages"], json!([{"$ref": message}]));
    let printed = site
        .catalog(&[
            "export",
            "--format",
            "asyncapi",
            "--openedx",
            "--release",
            "1.4.0",
            "--out",
            "-",
        ])
        .ok();
    assert_eq!(printed.out, site.read("all.yaml"));

    // Both forms say the same, and each is right.
    let path = |file: &str| site.path().join(file).to_str().unwrap().to_owned();
    let Some(said) = nothing_wrong("asyncapi.mjs", &[&path("all.yaml"), &path("all.json")]) else {
        return;
    };
    let said: Vec<Value> = said
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert_eq!(said[0], said[1]);
    assert_eq!(said[0]["messages"], 77);
    // A parser that takes everything would take this too.
    let text = site.read("all.json");
    site.write(
        "wrong.json",
        &text.replace("\"action\": \"receive\"", "\"action\": \"hear\""),
    );
    let output = crate::node::run("asyncapi.mjs", &[&path("wrong.json")]).unwrap();
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn json_schemas_are_schemas_and_say_what_the_definitions_say() {
    let site = everything();
    let export = |out| {
        site.catalog(&[
            "export",
            "--format",
            "jsonschema",
            "--openedx",
            "--out",
            out,
        ])
        .ok()
    };
    export("one.schema.json");
    export("each");
    let bundle: Value = serde_json::from_str(&site.read("one.schema.json")).unwrap();
    assert!(jsonschema::meta::is_valid(&bundle));
    let judge = jsonschema::options().offline().build(&bundle).unwrap();
    let event = |data: Value| {
        let ty = "org.openedx.learning.course.enrollment.created.v1";
        json!({"specversion": "1.0", "id": "1", "source": "/a", "type": ty, "data": data})
    };
    let shown = site
        .catalog(&["show", "--json", "learning.course.enrollment.created"])
        .ok();
    let mut example = shown.json()[0]["examples"][0]["data"].clone();
    assert!(judge.is_valid(&event(example.clone())));
    example["enrollment"]["is_active"] = json!("yes");
    assert!(!judge.is_valid(&event(example)));
    assert!(!judge.is_valid(
        &json!({"specversion": "1.0", "id": "1", "source": "/a", "type": "no.such", "data": {}})
    ));

    let mut files = vec![site.path().join("one.schema.json")];
    for entry in fs::read_dir(site.path().join("each")).unwrap() {
        files.push(entry.unwrap().path());
    }
    assert_eq!(files.len(), 78);
    let files: Vec<&str> = files.iter().map(|path| path.to_str().unwrap()).collect();
    nothing_wrong("schemas.mjs", &files);
}

#[test]
fn what_cannot_be_written_is_refused() {
    let site = Site::new(&[]);
    let ran = site
        .catalog(&["export", "--format", "asyncapi", "--out", "folder"])
        .ends_with(64);
    assert!(
        ran.err.contains("ends neither in .yaml nor in .json"),
        "{}",
        ran.err
    );
    let ran = site.catalog(&["export", "--out", "-"]).ends_with(64);
    assert!(
        ran.err.contains("help: name it: --out schemas"),
        "{}",
        ran.err
    );
    let ran = site
        .catalog(&["export", "--format", "asyncapi", "--out", "none/a.yaml"])
        .ends_with(74);
    assert!(ran.err.contains("cannot write none/a.yaml"), "{}", ran.err);
}
