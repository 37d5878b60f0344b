//! Edits as people make them, and what the comparison says of each.
//!
//! | column | meaning |
//! |---|---|
//! | B | who knows the new schema reads what was written by the old: `+` yes, `-` no, `?` not proven |
//! | F | who knows the old schema reads what is written by the new |
//! | R | a field that was declared is no longer there |
//!
//! Under OEP-41 an edit is allowed within a major version if B and F hold and R does not. Every
//! `-` is proven by a payload that the writer may write and the reader refuses.

use serde_json::{Value, json};
use tidings_catalog::evolution::{Break, Comparison, Verdict, compare};
use tidings_catalog::{Catalog, Payload};
use tidings_event::avro::encode_from_json;

use crate::avro_edits::{AVRO_EDITS, AVRO_PAIRS, AVRO_TYPE, Edit, wrapped};
use crate::folder::openedx;

fn object<'v>(schema: &'v mut Value, pointer: &str) -> &'v mut serde_json::Map<String, Value> {
    schema
        .pointer_mut(pointer)
        .unwrap()
        .as_object_mut()
        .unwrap()
}

fn set(schema: &mut Value, pointer: &str, key: &str, value: Value) {
    object(schema, pointer).insert(key.into(), value);
}

fn enrollment() -> Value {
    json!({
        "type": "object",
        "required": ["user", "course", "mode", "is_active"],
        "properties": {
            "user": {"$ref": "#/$defs/user"},
            "course": {
                "type": "object",
                "required": ["course_key"],
                "properties": {
                    "course_key": {"type": "string", "maxLength": 255},
                    "display_name": {"type": "string"},
                    "start": {"type": ["string", "null"], "format": "date-time"},
                },
            },
            "mode": {"enum": ["audit", "honor", "verified"]},
            "is_active": {"type": "boolean"},
            "grade": {"type": "number", "minimum": 0, "maximum": 1},
            "attempts": {"type": "integer", "minimum": 0},
            "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 20},
            "scores": {"type": "object", "additionalProperties": {"type": "number"}},
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "settings": {
                "type": "object",
                "properties": {"pace": {"enum": ["self", "instructor"]}},
                "additionalProperties": false,
            },
        },
        "$defs": {
            "user": {
                "type": "object",
                "required": ["id"],
                "properties": {
                    "id": {"type": "integer"},
                    "email": {"type": "string", "format": "email"},
                    "language": {"type": "string", "pattern": "^[a-z]{2}$"},
                },
            },
        },
    })
}

const COURSE: &str = "/properties/course/properties";
const USER: &str = "/$defs/user/properties";

const JSON_EDITS: &[Edit] = &[
    ("a description is reworded", "+ + .", |s| {
        set(s, "", "description", json!("An enrollment"))
    }),
    (
        "an optional field comes (schema-registry #1458)",
        "+ + .",
        |s| set(s, COURSE, "end", json!({"type": "string"})),
    ),
    ("an optional object comes", "+ + .", |s| {
        set(
            s,
            "/properties",
            "cohort",
            json!({"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}),
        )
    }),
    (
        "an optional field comes in a referenced object",
        "+ + .",
        |s| set(s, USER, "country", json!({"type": "string"})),
    ),
    ("an optional field comes in a closed object", "+ - .", |s| {
        set(
            s,
            "/properties/settings/properties",
            "theme",
            json!({"type": "string"}),
        )
    }),
    ("a required field comes", "- + .", |s| {
        set(s, COURSE, "org", json!({"type": "string"}));
        s["properties"]["course"]["required"] = json!(["course_key", "org"]);
    }),
    ("an optional field becomes required", "- + .", |s| {
        s["properties"]["course"]["required"] = json!(["course_key", "display_name"])
    }),
    ("a required field becomes optional", "+ - .", |s| {
        s["required"] = json!(["user", "course", "mode"])
    }),
    ("an optional field goes", "+ + R", |s| {
        object(s, COURSE).remove("display_name");
    }),
    ("a required field goes", "+ - R", |s| {
        object(s, "/properties").remove("is_active");
        s["required"] = json!(["user", "course", "mode"]);
    }),
    ("an optional field is renamed", "+ + R", |s| {
        let f = object(s, COURSE).remove("display_name").unwrap();
        set(s, COURSE, "title", f);
    }),
    ("a required field is renamed", "- - R", |s| {
        let f = object(s, COURSE).remove("course_key").unwrap();
        set(s, COURSE, "key", f);
        s["properties"]["course"]["required"] = json!(["key"]);
    }),
    ("an optional field is nested deeper", "+ + R", |s| {
        let f = object(s, COURSE).remove("start").unwrap();
        set(
            s,
            COURSE,
            "schedule",
            json!({"type": "object", "properties": {"start": f}}),
        );
    }),
    ("an object goes with all that is in it", "+ + R", |s| {
        object(s, "/properties").remove("settings");
    }),
    ("an integer becomes a number", "+ - .", |s| {
        s["properties"]["attempts"]["type"] = json!("number")
    }),
    ("a number becomes an integer", "- + .", |s| {
        s["properties"]["grade"]["type"] = json!("integer")
    }),
    ("an integer becomes a string", "- - .", |s| {
        s["$defs"]["user"]["properties"]["id"] = json!({"type": "string"})
    }),
    ("a boolean becomes a list of values", "- - .", |s| {
        s["properties"]["is_active"] = json!({"enum": ["yes", "no"]})
    }),
    ("a string becomes an object", "- - .", |s| {
        s["properties"]["course"]["properties"]["display_name"] =
            json!({"type": "object", "properties": {"en": {"type": "string"}}})
    }),
    ("an object becomes a string", "- - R", |s| {
        s["properties"]["course"] = json!({"type": "string"})
    }),
    (
        "one becomes many",
        "- - .",
        |s| {
            s["properties"]["mode"] =
                json!({"type": "array", "items": {"enum": ["audit", "honor", "verified"]}})
        },
    ),
    ("a field may be null as well", "+ - .", |s| {
        s["properties"]["attempts"]["type"] = json!(["integer", "null"])
    }),
    ("a field may no longer be null", "- + .", |s| {
        s["properties"]["course"]["properties"]["start"]["type"] = json!("string")
    }),
    ("an alternative goes", "- + .", |s| {
        s["properties"]["note"] = json!({"type": "string"})
    }),
    (
        "an alternative comes",
        "+ - .",
        |s| {
            s["properties"]["note"] =
                json!({"anyOf": [{"type": "string"}, {"type": "null"}, {"type": "integer"}]})
        },
    ),
    ("anyOf is written as a list of types", "+ + .", |s| {
        s["properties"]["note"] = json!({"type": ["null", "string"]})
    }),
    ("a value comes", "+ - .", |s| {
        s["properties"]["mode"]["enum"] = json!(["audit", "honor", "verified", "masters"])
    }),
    ("a value goes", "- + .", |s| {
        s["properties"]["mode"]["enum"] = json!(["audit", "verified"])
    }),
    ("values are put in another order", "+ + .", |s| {
        s["properties"]["mode"]["enum"] = json!(["verified", "honor", "audit"])
    }),
    ("a list of values becomes any text", "+ - .", |s| {
        s["properties"]["mode"] = json!({"type": "string"})
    }),
    ("text becomes a list of values", "- + .", |s| {
        s["properties"]["course"]["properties"]["display_name"] = json!({"enum": ["A", "B"]})
    }),
    ("a value is renamed", "- - .", |s| {
        s["properties"]["settings"]["properties"]["pace"]["enum"] = json!(["self", "led"])
    }),
    ("the longest text becomes shorter", "- + .", |s| {
        s["properties"]["course"]["properties"]["course_key"]["maxLength"] = json!(100)
    }),
    ("the longest text becomes longer", "+ - .", |s| {
        s["properties"]["course"]["properties"]["course_key"]["maxLength"] = json!(500)
    }),
    ("a least length comes", "- + .", |s| {
        s["properties"]["course"]["properties"]["display_name"]["minLength"] = json!(1)
    }),
    ("a format comes", "- + .", |s| {
        s["properties"]["course"]["properties"]["display_name"]["format"] = json!("uuid")
    }),
    ("a format goes", "+ - .", |s| {
        object(s, "/$defs/user/properties/email").remove("format");
    }),
    ("a pattern is widened", "? - .", |s| {
        s["$defs"]["user"]["properties"]["language"]["pattern"] = json!("^[a-z]{2,3}$")
    }),
    ("a pattern goes", "+ - .", |s| {
        object(s, "/$defs/user/properties/language").remove("pattern");
    }),
    ("the largest number becomes smaller", "- + .", |s| {
        s["properties"]["grade"]["maximum"] = json!(0.5)
    }),
    ("percent instead of a fraction", "+ - .", |s| {
        s["properties"]["grade"]["maximum"] = json!(100)
    }),
    ("the smallest number becomes larger", "- + .", |s| {
        s["properties"]["attempts"]["minimum"] = json!(1)
    }),
    ("a bound becomes exclusive", "- + .", |s| {
        object(s, "/properties/grade").remove("minimum");
        s["properties"]["grade"]["exclusiveMinimum"] = json!(0);
    }),
    ("only multiples are allowed", "- + .", |s| {
        s["properties"]["attempts"]["multipleOf"] = json!(2)
    }),
    ("a list takes more items", "+ - .", |s| {
        s["properties"]["tags"]["maxItems"] = json!(50)
    }),
    ("a list may no longer be empty", "- + .", |s| {
        s["properties"]["tags"]["minItems"] = json!(1)
    }),
    ("a list takes no item twice", "- + .", |s| {
        s["properties"]["tags"]["uniqueItems"] = json!(true)
    }),
    ("the items of a list become objects", "- - .", |s| {
        s["properties"]["tags"]["items"] =
            json!({"type": "object", "properties": {"name": {"type": "string"}}})
    }),
    ("the values of a map become integers", "- + .", |s| {
        s["properties"]["scores"]["additionalProperties"]["type"] = json!("integer")
    }),
    ("an open object is closed", "+ + .", |s| {
        s["properties"]["course"]["additionalProperties"] = json!(false)
    }),
    ("a closed object is opened", "+ + .", |s| {
        object(s, "/properties/settings").remove("additionalProperties");
    }),
    ("a part is moved into $defs", "+ + .", |s| {
        let c = s["properties"]["course"].clone();
        set(s, "/$defs", "course", c);
        s["properties"]["course"] = json!({"$ref": "#/$defs/course"});
    }),
    ("a part is moved into allOf", "+ + .", |s| {
        let c = s["properties"]["course"].clone();
        s["properties"]["course"] = json!({"allOf": [c]});
    }),
    ("null instead of absent", "+ - .", |s| {
        s["properties"]["grade"]["type"] = json!(["number", "null"])
    }),
];

fn json_payload(schema: &Value) -> Catalog {
    let definition = json!({
        "type": "a.v1", "owner": {"service": "a", "subdomain": "a"}, "schema": schema,
    });
    Catalog::from_texts([("a.yaml", definition.to_string())]).unwrap()
}

fn avro_payload(schema: &str) -> Catalog {
    Catalog::from_texts([("a.v1.avsc", schema.to_owned())]).unwrap()
}

fn compared(old: &Catalog, new: &Catalog) -> Comparison {
    let payload = |catalog: &'_ Catalog| catalog.event("a.v1").unwrap().clone();
    compare(&payload(old).payload, &payload(new).payload, &[], &[])
}

fn verdicts(comparison: &Comparison) -> String {
    let sign = |verdict: Verdict| match verdict {
        Verdict::Compatible => "+",
        Verdict::Incompatible => "-",
        Verdict::Undecided => "?",
    };
    let removed = if comparison.removed.is_empty() {
        "."
    } else {
        "R"
    };
    format!(
        "{} {} {removed}",
        sign(comparison.backward.verdict),
        sign(comparison.forward.verdict)
    )
}

#[test]
fn edits_of_json_schemas_are_judged_right() {
    let old = json_payload(&enrollment());
    let mut wrong = Vec::new();
    for (name, expected, edit) in JSON_EDITS {
        let mut schema = enrollment();
        edit(&mut schema);
        let new = json_payload(&schema);
        let comparison = compared(&old, &new);
        let found = verdicts(&comparison);
        if found != *expected {
            wrong.push(format!("{name}: expected {expected}, found {found}"));
        }
        let schema_of = |catalog: &Catalog| match &catalog.event("a.v1").unwrap().payload {
            Payload::Json(schema) => schema.schema().clone(),
            Payload::Avro(_) => unreachable!(),
        };
        let (old, new) = (schema_of(&old), schema_of(&new));
        for b in &comparison.backward.breaks {
            assert_breaks(name, b, &old, &new);
        }
        for b in comparison.forward.breaks.iter() {
            assert_breaks(name, b, &new, &old);
        }
        for removed in &comparison.removed {
            assert!(jsonschema::is_valid(&new, &removed.witness), "{name}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A witness is written by the writer's schema and refused by the reader's, and says so by
/// another validator instance than the one that found it.
fn assert_breaks(name: &str, b: &Break, writer: &Value, reader: &Value) {
    let valid = |schema: &Value| {
        let options = jsonschema::options().should_validate_formats(true);
        options.build(schema).unwrap().is_valid(&b.witness)
    };
    assert!(valid(writer), "{name}: {b:?}");
    assert!(!valid(reader), "{name}: {b:?}");
}

#[test]
fn edits_of_avro_schemas_are_judged_right() {
    let text = Catalog::from_folder(openedx()).unwrap();
    let text = text.event(AVRO_TYPE).unwrap().payload.to_json();
    let mut wrong = Vec::new();
    let mut judge = |name: &str, expected: &str, old: &str, new: &str| {
        let (old, new) = (avro_payload(old), avro_payload(new));
        let comparison = compared(&old, &new);
        let found = verdicts(&comparison);
        if found != expected {
            wrong.push(format!("{name}: expected {expected}, found {found}"));
        }
        let schema = |catalog: &Catalog| match &catalog.event("a.v1").unwrap().payload {
            Payload::Avro(avro) => avro.schema().clone(),
            Payload::Json(_) => unreachable!(),
        };
        // What a witness says can be written.
        for (outcome, writer) in [(&comparison.backward, &old), (&comparison.forward, &new)] {
            for b in &outcome.breaks {
                encode_from_json(&schema(writer), b.witness.to_string().as_bytes()).unwrap();
            }
        }
    };
    for (name, expected, edit) in AVRO_EDITS {
        let mut new = text.clone();
        edit(&mut new);
        judge(name, expected, &text.to_string(), &new.to_string());
    }
    for (name, expected, old, new) in AVRO_PAIRS {
        judge(name, expected, &wrapped(old), &wrapped(new));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
