//! What a definition says is what is read.

use serde_json::json;
use tidings_catalog::{Catalog, FieldPath, Payload};
use tidings_event::Definitions;

use crate::folder::{COURSE_CREATED, catalog, folder, openedx};

const TYPE: &str = "org.example.catalog.course.created.v2";

#[test]
fn every_part_of_a_definition_is_read() {
    let catalog = catalog(&[("catalog/course.created.yaml", COURSE_CREATED)]).unwrap();
    let event = catalog.event(TYPE).unwrap();
    assert_eq!((event.minorversion, event.major()), (3, Some(2)));
    assert_eq!(event.name(), "org.example.catalog.course.created");
    assert_eq!(event.subject_and_action(), Some(("course", "created")));
    assert_eq!(event.title.as_deref(), Some("Course created"));
    let description = event.description.as_deref().unwrap();
    assert!(
        description.ends_with("first draft is saved."),
        "{description:?}"
    );
    let owner = event.owner.as_ref().unwrap();
    assert_eq!((&*owner.service, &*owner.subdomain), ("catalog", "catalog"));
    assert_eq!(owner.team.as_deref(), Some("content"));
    assert_eq!(event.key.as_ref().unwrap().as_str(), "course.course_key");
    assert_eq!(event.topics, ["courses"]);
    assert_eq!(event.payload.language(), "JSON Schema");

    let example = &event.examples[0];
    assert_eq!(example.title.as_deref(), Some("A draft"));
    assert!(event.payload.check(&example.data).is_empty());
    let deprecation = event.deprecation.as_ref().unwrap();
    assert_eq!(deprecation.since.to_string(), "2026-11-01");
    assert_eq!(deprecation.until.unwrap().to_string(), "2099-06-30");

    let consumer = &event.consumers[0];
    assert_eq!(consumer.attributes, ["time"]);
    assert_eq!(
        consumer.accepts[0].values,
        [json!("draft"), json!("published")]
    );
    for (field, read) in [
        ("course.title", true),
        ("course", true),
        ("course.state", true),
        ("tags", true),
        ("course.start", false),
        ("scores", false),
    ] {
        assert_eq!(consumer.reads(&FieldPath::from(field)), read, "{field}");
    }
    let email = FieldPath::from("created_by.email");
    assert_eq!(event.personal_data(&email).unwrap().kind, "username");
    assert!(event.personal_data(&FieldPath::from("course")).is_none());
    let previous = event
        .to_previous
        .as_ref()
        .unwrap()
        .apply(&example.data)
        .unwrap();
    assert_eq!(
        previous["course"],
        json!({"course_key": "course-v1:edX+DemoX+2026", "name": "Demonstration",
               "state": "draft", "org": "edX"})
    );
    assert_eq!(previous["author"], "ada");
    assert_eq!(event.allowances[0].rule, "past-tense");

    // What the bus asks for.
    let definition = catalog.definition(TYPE, Some(3)).unwrap();
    assert_eq!(
        definition.key_path.as_ref().unwrap().as_str(),
        "course.course_key"
    );
    assert!(catalog.definition(TYPE, Some(2)).is_none());
    assert_eq!(catalog.definition(TYPE, None).unwrap().minorversion, 3);
}

#[test]
fn fields_are_listed_with_what_the_schema_says() {
    let catalog = catalog(&[("a.yaml", COURSE_CREATED)]).unwrap();
    let fields = catalog.event(TYPE).unwrap().fields();
    let lines: Vec<String> = fields
        .iter()
        .map(|field| {
            format!(
                "{} | {}{} | {} | {} | {}",
                field.path,
                field.kind,
                if field.nullable { " or null" } else { "" },
                if field.required {
                    "required"
                } else {
                    "optional"
                },
                field.limits.join(", "),
                field.description.as_deref().unwrap_or("-"),
            )
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn schemas_stand_in_files_of_their_own() {
    let json = r#"{"type": "object", "properties": {"emoji": {"const": "\ud83d\ude00"}}}"#;
    let avro = r#"{"type": "record", "name": "A", "fields": [
        {"name": "a", "type": ["null", "long"], "default": null, "doc": "a number"},
        {"name": "next", "type": ["null", "A"]},
        {"name": "kinds", "type": {"type": "array", "items":
            {"type": "enum", "name": "K", "symbols": ["x", "y"]}}}]}"#;
    let owner = "owner: {service: a, subdomain: a}";
    let a = format!("type: a.json.v1\n{owner}\nschema_file: ../schemas/a.json\n");
    let b = format!("type: a.avro.v1\nminorversion: 2\n{owner}\navro_file: a.avsc\n");
    let catalog = catalog(&[
        ("one/a.yaml", &a),
        ("one/b.yaml", &b),
        ("one/a.avsc", avro),
        ("schemas/a.json", json),
        // An older minor version, for reading what was written with it.
        (
            "one/a.avro.v1@1.avsc",
            r#"{"type": "record", "name": "A", "fields": []}"#,
        ),
        (".git/ignored.yaml", "not: a definition"),
        ("README.md", "text"),
    ])
    .unwrap();
    assert_eq!(catalog.len(), 3);
    assert_eq!(catalog.events().len(), 2);
    let json = catalog.event("a.json.v1").unwrap();
    assert!(json.payload.check(&json!({"emoji": "😀"})).is_empty());
    let mismatch = &json.payload.check(&json!({"emoji": "secret"}))[0];
    assert_eq!(mismatch.pointer, "/emoji");
    assert!(!mismatch.message.contains("secret"), "{mismatch}");

    let avro = catalog.event("a.avro.v1").unwrap();
    assert_eq!(avro.minorversion, 2);
    let fields = avro.fields();
    let kinds: Vec<_> = fields.iter().map(|f| (f.path.as_str(), &*f.kind)).collect();
    assert_eq!(
        kinds,
        [
            ("a", "integer"),
            ("next", "object"),
            ("kinds", "list of string")
        ]
    );
    assert!(fields[0].nullable && !fields[0].required);
    assert_eq!(fields[0].description.as_deref(), Some("a number"));
    assert!(
        avro.payload
            .check(&json!({"a": 1, "next": null, "kinds": ["x"]}))
            .is_empty()
    );
    assert!(!avro.payload.check(&json!({"a": "one"})).is_empty());
    // Older minor versions are still read.
    assert!(
        catalog
            .definition("a.avro.v1", Some(1))
            .unwrap()
            .schema
            .is_some()
    );
    assert_eq!(
        catalog.definition("a.avro.v1", None).unwrap().minorversion,
        2
    );
}

#[test]
fn a_part_of_a_definition_is_found_in_its_file() {
    let folder = folder(&[("a.yaml", COURSE_CREATED)]);
    let catalog = Catalog::from_folder(folder.path()).unwrap();
    let event = catalog.event(TYPE).unwrap();
    let marked = |location: tidings_catalog::Location| {
        let span = location.span().unwrap();
        let (line, column) = location.line_and_column().unwrap();
        format!("{line}:{column} {}", &location.text().unwrap()[span])
    };
    assert_eq!(marked(event.locate(&[])), "1:1 type");
    assert_eq!(marked(event.locate(&["owner", "team"])), "6:47 team");
    assert_eq!(marked(event.locate(&["owner", "absent"])), "6:1 owner");
    let field = |path: &str| marked(event.locate_field(&FieldPath::from(path)));
    assert_eq!(field("created_by.email"), "20:9 email");
    assert_eq!(field("tags[].name"), "23:60 name");
    // Behind a reference: where that leads.
    assert_eq!(field("course.title"), "32:9 title");
}

#[test]
fn later_catalogs_win() {
    let one = catalog(&[("a.yaml", COURSE_CREATED)]).unwrap();
    let other = COURSE_CREATED.replace("title: Course created", "title: Another");
    let two = catalog(&[("b.yaml", &other)]).unwrap();
    let both = one.and(two);
    assert_eq!(both.event(TYPE).unwrap().title.as_deref(), Some("Another"));
    assert_eq!(both.replaced()[0].title.as_deref(), Some("Course created"));
}

#[test]
fn the_events_of_open_edx_are_definitions() {
    let catalog = Catalog::from_folder(openedx()).unwrap();
    let enrolled = "org.openedx.learning.course.enrollment.created.v1";
    let event = catalog.event(enrolled).unwrap();
    assert!(matches!(event.payload, Payload::Avro(_)));
    let fields = event.fields();
    assert!(
        fields
            .iter()
            .any(|f| f.path.as_str() == "enrollment.user.pii.email")
    );
}
