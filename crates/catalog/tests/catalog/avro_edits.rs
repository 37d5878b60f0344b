//! Edits of Avro schemas, and what is expected of each: see `edits`. The tests against fastavro
//! make them too.

use serde_json::{Value, json};

/// What an edit does, what is expected of it, and the edit.
pub type Edit = (&'static str, &'static str, fn(&mut Value));

/// The first field of a record of that name, anywhere in an Avro schema.
pub fn field<'v>(schema: &'v mut Value, name: &str) -> &'v mut Value {
    fn find<'v>(value: &'v mut Value, name: &str) -> Option<&'v mut Value> {
        match value {
            Value::Array(items) => items.iter_mut().find_map(|item| find(item, name)),
            Value::Object(members) => {
                let here = members.contains_key("type")
                    && members.get("name").and_then(Value::as_str) == Some(name)
                    && !members.contains_key("fields");
                if here {
                    return Some(value);
                }
                let members = value.as_object_mut()?;
                members.values_mut().find_map(|member| find(member, name))
            }
            _ => None,
        }
    }
    find(schema, name).unwrap_or_else(|| panic!("no field {name}"))
}

/// The fields of the record of that name.
pub fn fields<'v>(schema: &'v mut Value, name: &str) -> &'v mut Vec<Value> {
    fn find<'v>(value: &'v mut Value, name: &str) -> Option<&'v mut Vec<Value>> {
        match value {
            Value::Array(items) => items.iter_mut().find_map(|item| find(item, name)),
            Value::Object(members) => {
                if members.contains_key("fields")
                    && members.get("name").and_then(Value::as_str) == Some(name)
                {
                    return members.get_mut("fields")?.as_array_mut();
                }
                members.values_mut().find_map(|member| find(member, name))
            }
            _ => None,
        }
    }
    find(schema, name).unwrap_or_else(|| panic!("no record {name}"))
}

pub fn remove(schema: &mut Value, record: &str, name: &str) {
    fields(schema, record).retain(|field| field["name"] != name);
}

pub const AVRO_TYPE: &str = "org.openedx.learning.course.enrollment.created.v1";

/// Edits of the real schema of `org.openedx.learning.course.enrollment.created.v1`.
pub const AVRO_EDITS: &[Edit] = &[
    ("documentation is added", "+ + .", |s| {
        field(s, "mode")["doc"] = json!("The mode")
    }),
    ("a field with a default comes", "+ + .", |s| {
        fields(s, "CourseData").push(json!({"name": "org", "type": "string", "default": ""}))
    }),
    ("an optional field comes at the end", "+ + .", |s| {
        fields(s, "CourseData")
            .push(json!({"name": "org", "type": ["null", "string"], "default": null}))
    }),
    ("a field with a default comes in the middle", "+ + .", |s| {
        fields(s, "CourseData").insert(1, json!({"name": "org", "type": "string", "default": ""}))
    }),
    ("a field without a default comes", "- + .", |s| {
        fields(s, "CourseData").push(json!({"name": "org", "type": "string"}))
    }),
    ("fields are put in another order", "+ + .", |s| {
        fields(s, "CourseData").reverse()
    }),
    ("a field without a default goes", "+ - R", |s| {
        remove(s, "CourseEnrollmentData", "mode")
    }),
    ("a field with a default goes", "+ + R", |s| {
        remove(s, "CourseData", "start")
    }),
    ("a field is renamed", "- - R", |s| {
        field(s, "mode")["name"] = json!("track")
    }),
    ("a field is renamed with an alias", "+ - R", |s| {
        let f = field(s, "mode");
        f["name"] = json!("track");
        f["aliases"] = json!(["mode"]);
    }),
    ("a record is renamed", "- - .", |s| {
        field(s, "course")["type"]["name"] = json!("Course")
    }),
    ("a record is renamed with an alias", "+ - .", |s| {
        let ty = &mut field(s, "course")["type"];
        ty["aliases"] = json!([format!("{AVRO_TYPE}.CourseData")]);
        ty["name"] = json!("Course");
    }),
    ("long becomes double", "+ - .", |s| {
        field(s, "id")["type"] = json!("double")
    }),
    ("long becomes int", "- + .", |s| {
        field(s, "id")["type"] = json!("int")
    }),
    ("string becomes bytes", "+ + .", |s| {
        field(s, "mode")["type"] = json!("bytes")
    }),
    ("boolean becomes string", "- - .", |s| {
        field(s, "is_active")["type"] = json!("string")
    }),
    ("a field becomes nullable", "+ - .", |s| {
        field(s, "mode")["type"] = json!(["null", "string"])
    }),
    ("a nullable field is no longer", "- + .", |s| {
        let f = field(s, "start");
        f["type"] = json!("string");
        f.as_object_mut().unwrap().remove("default");
    }),
    ("a branch comes", "+ - .", |s| {
        field(s, "start")["type"] = json!(["null", "string", "long"])
    }),
    ("branches are put in another order", "+ + .", |s| {
        let f = field(s, "start");
        f["type"] = json!(["string", "null"]);
        f["default"] = json!("");
    }),
    ("a default is changed", "+ + .", |s| {
        field(s, "start")["default"] = json!(null)
    }),
    ("a default goes", "+ + .", |s| {
        field(s, "start").as_object_mut().unwrap().remove("default");
    }),
    ("one becomes many", "- - .", |s| {
        field(s, "mode")["type"] = json!({"type": "array", "items": "string"})
    }),
    (
        "text becomes an enum",
        "- - .",
        |s| {
            field(s, "mode")["type"] =
                json!({"type": "enum", "name": "Mode", "symbols": ["audit", "honor"]})
        },
    ),
];

/// Edits of schemas with parts that the real ones do not have: before, after.
pub const AVRO_PAIRS: &[(&str, &str, &str, &str)] = &[
    (
        "a symbol comes",
        "+ - .",
        r#"{"type": "enum", "name": "M", "symbols": ["a", "b"]}"#,
        r#"{"type": "enum", "name": "M", "symbols": ["a", "b", "c"]}"#,
    ),
    (
        "a symbol comes, and the old enum has a default",
        "+ + .",
        r#"{"type": "enum", "name": "M", "symbols": ["a", "b"], "default": "a"}"#,
        r#"{"type": "enum", "name": "M", "symbols": ["a", "b", "c"], "default": "a"}"#,
    ),
    (
        "a symbol goes",
        "- + .",
        r#"{"type": "enum", "name": "M", "symbols": ["a", "b"]}"#,
        r#"{"type": "enum", "name": "M", "symbols": ["a"]}"#,
    ),
    (
        "a symbol is renamed, and both have a default",
        "+ + .",
        r#"{"type": "enum", "name": "M", "symbols": ["a", "b"], "default": "a"}"#,
        r#"{"type": "enum", "name": "M", "symbols": ["a", "c"], "default": "a"}"#,
    ),
    (
        "a fixed becomes longer",
        "- - .",
        r#"{"type": "fixed", "name": "F", "size": 4}"#,
        r#"{"type": "fixed", "name": "F", "size": 8}"#,
    ),
    (
        "the items of an array widen",
        "+ - .",
        r#"{"type": "array", "items": "int"}"#,
        r#"{"type": "array", "items": "long"}"#,
    ),
    (
        "the values of a map change",
        "- - .",
        r#"{"type": "map", "values": "string"}"#,
        r#"{"type": "map", "values": "long"}"#,
    ),
    (
        "an array becomes a map",
        "- - .",
        r#"{"type": "array", "items": "int"}"#,
        r#"{"type": "map", "values": "int"}"#,
    ),
    ("int becomes float", "+ - .", r#""int""#, r#""float""#),
    ("float becomes double", "+ - .", r#""float""#, r#""double""#),
    (
        "a union takes a wider number",
        "+ - .",
        r#"["null", "int"]"#,
        r#"["null", "long"]"#,
    ),
    ("bytes become string", "+ + .", r#""bytes""#, r#""string""#),
    (
        "a recursive record gets a field with a default",
        "+ + .",
        r#"{"type": "record", "name": "N", "fields": [{"name": "next", "type": ["null", "N"]}]}"#,
        r#"{"type": "record", "name": "N", "fields": [{"name": "next", "type": ["null", "N"]}, {"name": "label", "type": "string", "default": ""}]}"#,
    ),
];

/// The schemas of a pair, each as the one field of a record.
pub fn wrapped(ty: &str) -> String {
    format!(r#"{{"type": "record", "name": "R", "fields": [{{"name": "f", "type": {ty}}}]}}"#)
}
