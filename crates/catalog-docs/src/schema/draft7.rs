//! JSON Schema 2020-12 in the words of draft 7, which AsyncAPI 3.0 has.

use serde_json::{Map, Value, json};

use super::walk;

/// A schema that stands at `place` in a document, a JSON Pointer with `#`.
///
/// What draft 7 cannot say (`unevaluatedProperties`, `minContains`, dynamic references) stays as
/// a keyword that it ignores: the schema is then wider, never narrower.
pub(crate) fn lower(mut schema: Value, place: &str) -> Value {
    let whole = schema.clone();
    walk::references(&mut schema, &mut |reference| {
        let fragment = reference.strip_prefix('#')?;
        Some(match fragment {
            "" => place.to_owned(),
            pointer if pointer.starts_with('/') => format!("{place}{pointer}"),
            name => format!("{place}{}", walk::anchor(&whole, name)?),
        })
    });
    walk::schemas(&mut schema, &mut |schema| {
        if let Some(keywords) = schema.as_object_mut() {
            one(keywords);
        }
    });
    schema
}

fn one(keywords: &mut Map<String, Value>) {
    for unknown in ["$anchor", "$dynamicAnchor", "$vocabulary"] {
        keywords.remove(unknown);
    }
    if let Some(first) = keywords.remove("prefixItems") {
        if let Some(rest) = keywords.remove("items") {
            keywords.insert("additionalItems".into(), rest);
        }
        keywords.insert("items".into(), first);
    }
    for newer in ["dependentSchemas", "dependentRequired"] {
        if let Some(Value::Object(members)) = keywords.remove(newer) {
            let older = keywords.entry("dependencies").or_insert_with(|| json!({}));
            if let Some(older) = older.as_object_mut() {
                older.extend(members);
            }
        }
    }
    // Draft 7 ignores what stands beside a reference.
    if keywords.len() > 1
        && let Some(reference) = keywords.remove("$ref")
    {
        let part = json!({"$ref": reference});
        match keywords.get_mut("allOf") {
            Some(Value::Array(parts)) => parts.push(part),
            _ => {
                keywords.insert("allOf".into(), json!([part]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::lower;
    use serde_json::json;

    #[test]
    fn words_of_2020_become_words_of_draft_7() {
        let schema = json!({
            "properties": {
                "a": {"$ref": "#/$defs/x", "description": "d"},
                "b": {"$ref": "#named"},
                "c": {"prefixItems": [true, {"$ref": "#"}], "items": false},
                "d": {"const": {"$ref": "#/left/alone"}},
            },
            "dependentRequired": {"a": ["b"]},
            "$defs": {"x": {"type": "string"}, "y": {"$anchor": "named", "type": "null"}},
        });
        assert_eq!(
            lower(schema, "#/components/schemas/E"),
            json!({
                "properties": {
                    "a": {"allOf": [{"$ref": "#/components/schemas/E/$defs/x"}], "description": "d"},
                    "b": {"$ref": "#/components/schemas/E/$defs/y"},
                    "c": {"items": [true, {"$ref": "#/components/schemas/E"}], "additionalItems": false},
                    "d": {"const": {"$ref": "#/left/alone"}},
                },
                "dependencies": {"a": ["b"]},
                "$defs": {"x": {"type": "string"}, "y": {"type": "null"}},
            })
        );
    }
}
