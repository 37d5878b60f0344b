//! `tidings catalog export`

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tidings_catalog::{Catalog, Payload};
use tidings_catalog_docs::{asyncapi, file_name, json_schema, json_schema_bundle, to_yaml};
use tidings_transport::Count;

use super::which;
use crate::args::{ExportArgs, ExportFormat};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Output, counted, to_stderr};

/// Writes schemas, or one document of all events.
pub fn run(args: &ExportArgs) -> Result<Exit> {
    let output = Output::new(args.output);
    let catalog = which::catalog(&args.which)?;
    let title = args.title.as_deref().unwrap_or("Events");
    let ending = args.out.extension().and_then(|ending| ending.to_str());
    let printed = args.out == Path::new("-");
    let document = match (args.format, ending) {
        (ExportFormat::Asyncapi, Some("json")) => pretty(&asyncapi_of(args, &catalog, title)),
        (ExportFormat::Asyncapi, Some("yaml" | "yml")) => {
            to_yaml(&asyncapi_of(args, &catalog, title))
        }
        (ExportFormat::Asyncapi, _) if printed => to_yaml(&asyncapi_of(args, &catalog, title)),
        (ExportFormat::Asyncapi, _) => {
            let what = format!("{} ends neither in .yaml nor in .json", args.out.display());
            return Err(Failure::new(Exit::Usage, what)
                .remedy("an AsyncAPI document is one file: --out asyncapi.yaml"));
        }
        (ExportFormat::Jsonschema, Some("json")) => pretty(&json_schema_bundle(&catalog, title)),
        (ExportFormat::Jsonschema, _) if printed => pretty(&json_schema_bundle(&catalog, title)),
        (ExportFormat::Schemas | ExportFormat::Jsonschema, _) if printed => {
            return Err(
                Failure::new(Exit::Usage, "schemas go into a folder, one file each")
                    .remedy("name it: --out schemas"),
            );
        }
        (ExportFormat::Schemas | ExportFormat::Jsonschema, _) => {
            return folder(args, &catalog, &output);
        }
    };
    if printed {
        output.write(document.as_bytes())?;
        return Ok(Exit::Ok);
    }
    fs::write(&args.out, document).map_err(|e| cannot(&args.out, e))?;
    said(args, &catalog, 1, &output)
}

fn asyncapi_of(args: &ExportArgs, catalog: &Catalog, title: &str) -> Value {
    asyncapi(
        catalog,
        title,
        args.release.as_deref().unwrap_or("unversioned"),
    )
}

/// A file for each event.
fn folder(args: &ExportArgs, catalog: &Catalog, output: &Output) -> Result<Exit> {
    fs::create_dir_all(&args.out).map_err(|e| cannot(&args.out, e))?;
    for event in catalog.events() {
        let (ending, text) = match (args.format, &event.payload) {
            (ExportFormat::Jsonschema, _) => ("schema.json", pretty(&json_schema(event))),
            (_, Payload::Json(schema)) => {
                let mut schema = schema.schema().clone();
                if let Some(keywords) = schema.as_object_mut() {
                    let dialect = "https://json-schema.org/draft/2020-12/schema";
                    keywords.insert("$schema".into(), dialect.into());
                    let title = event.title.clone();
                    keywords
                        .entry("title")
                        .or_insert(title.unwrap_or_default().into());
                }
                ("schema.json", pretty(&schema))
            }
            // As its author wrote it: an order of names may matter to a reader of it.
            (_, Payload::Avro(schema)) => ("avsc", schema.schema().json().to_owned()),
        };
        let path = args
            .out
            .join(format!("{}.{ending}", file_name(&event.event_type)));
        fs::write(&path, text).map_err(|e| cannot(&path, e))?;
    }
    said(args, catalog, catalog.events().len(), output)
}

fn said(args: &ExportArgs, catalog: &Catalog, files: usize, output: &Output) -> Result<Exit> {
    let events = catalog.events().len() as u64;
    match output.is_json() {
        true => output.json(&json!({"out": args.out, "events": events, "files": files}))?,
        false => {
            to_stderr(&format!(
                "{} written to {}",
                counted(Count::Exactly(events), "event"),
                args.out.display()
            ));
        }
    }
    Ok(Exit::Ok)
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn cannot(path: &Path, error: std::io::Error) -> Failure {
    Failure::new(Exit::Io, format!("cannot write {}", path.display())).source(error)
}
