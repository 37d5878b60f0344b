//! The schema of a definition: inline or in a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use tidings_event::avro::Schema;

use crate::error::{ErrorKind, Problem};
use crate::files::Files;
use crate::payload::{AvroPayload, JsonPayload, Payload};
use crate::source::{Fields, Location, Node, Source};

/// The payload, and the file of its JSON Schema if it has one.
pub(super) fn read(
    source: &Arc<Source>,
    fields: &Fields<'_>,
    files: &mut Files,
    problems: &mut Vec<Problem>,
) -> Option<(Payload, Option<Arc<Source>>)> {
    let given: Vec<&str> = ["schema", "schema_file", "avro_file"]
        .into_iter()
        .filter(|key| fields.get(key).is_some())
        .collect();
    match given.as_slice() {
        ["schema"] => {
            let node = fields.get("schema")?;
            let compiled = compile(node.to_json(), Some(node), |pointer| {
                let segments = pointer.split('/').skip(1);
                source.at(node.locate(segments))
            });
            take(compiled, problems).map(|payload| (payload, None))
        }
        ["schema_file"] => {
            let name = fields.text("schema_file", problems)?;
            let (path, text) = file(&name, fields, "schema_file", files, problems)?;
            // Where something stands in it is found as in YAML; what it says is read as JSON.
            let located = Source::parse(&path, text.clone()).ok().map(Arc::new);
            let value: Value = match (name.ends_with(".json"), &located) {
                (false, Some(source)) => source.root.to_json(),
                _ => match serde_json::from_str(&text) {
                    Ok(value) => value,
                    Err(e) => {
                        problems.push(not_json(&path, &text, &e));
                        return None;
                    }
                },
            };
            let written = located.as_ref().map(|source| &source.root);
            let compiled = compile(value, written, |pointer| match &located {
                Some(source) => source.at(source.root.locate(pointer.split('/').skip(1))),
                None => Location::file(&path),
            });
            take(compiled, problems).map(|payload| (payload, located))
        }
        [_] => {
            let name = fields.text("avro_file", problems)?;
            let (path, text) = file(&name, fields, "avro_file", files, problems)?;
            let payload = avro(&path, &text)
                .map_err(|problem| problems.push(problem))
                .ok()?;
            Some((payload, None))
        }
        [] => {
            let message = "the schema of the payload is missing";
            problems.push(Problem::new(ErrorKind::Value, fields.head(), message).help(
                "write a JSON Schema under `schema`, or name a file: `schema_file` or `avro_file`",
            ));
            None
        }
        [first, second, ..] => {
            let message = format!("`{first}` and `{second}`: a payload has one schema");
            let location = fields
                .get(second)
                .map_or_else(|| fields.head(), |n| fields.at(n));
            problems.push(Problem::new(ErrorKind::Value, location, message));
            None
        }
    }
}

/// An Avro schema from the text of a file.
pub(crate) fn avro(path: &Path, text: &str) -> Result<Payload, Problem> {
    match Schema::parse(text) {
        Ok(schema) => Ok(Payload::Avro(AvroPayload::new(Arc::new(schema)))),
        Err(e) => {
            let location = Location::file(path);
            let message = format!("not an Avro schema: {e}");
            Err(Problem::new(ErrorKind::Schema, location, message).with_source(e))
        }
    }
}

fn compile(
    schema: Value,
    written: Option<&Node>,
    locate: impl FnOnce(&str) -> Location,
) -> Result<Payload, Problem> {
    match JsonPayload::compile(schema, written) {
        Ok(payload) => Ok(Payload::Json(payload)),
        Err(e) => {
            let message = format!("not a JSON Schema: {}", e.message);
            Err(Problem::new(ErrorKind::Schema, locate(&e.pointer), message))
        }
    }
}

fn take(payload: Result<Payload, Problem>, problems: &mut Vec<Problem>) -> Option<Payload> {
    payload.map_err(|problem| problems.push(problem)).ok()
}

fn file(
    name: &str,
    fields: &Fields<'_>,
    key: &str,
    files: &mut Files,
    problems: &mut Vec<Problem>,
) -> Option<(PathBuf, Arc<str>)> {
    let location = fields
        .get(key)
        .map_or_else(|| fields.head(), |node| fields.at(node));
    match files.refer(location.path(), name) {
        Ok(found) => Some(found),
        Err(message) => {
            let problem = Problem::new(ErrorKind::Value, location, message);
            problems.push(problem.help("the path is relative to the definition's own folder"));
            None
        }
    }
}

fn not_json(path: &Path, text: &str, error: &serde_json::Error) -> Problem {
    let line_start: usize = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum();
    let mut at = (line_start + error.column().saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let location = Location::within(path.into(), text.into(), at..at);
    Problem::new(
        ErrorKind::Syntax,
        location,
        format!("not valid JSON: {error}"),
    )
}
