//! `tidings catalog export`

use std::fs;

use tidings_catalog::Payload;

use super::which;
use crate::args::ExportArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{number, to_stderr};

/// Writes the schema of each payload to a file of its own.
pub fn run(args: &ExportArgs) -> Result<Exit> {
    let catalog = which::catalog(&args.which)?;
    let shown = args.out.display();
    let cannot = |e| Failure::new(Exit::Io, format!("cannot write to {shown}")).source(e);
    fs::create_dir_all(&args.out).map_err(cannot)?;
    for event in catalog.events() {
        let (ending, text) = match &event.payload {
            Payload::Json(schema) => {
                let mut schema = schema.schema().clone();
                if let Some(keywords) = schema.as_object_mut() {
                    let dialect = "https://json-schema.org/draft/2020-12/schema";
                    keywords.insert("$schema".into(), dialect.into());
                    let title = event.title.clone();
                    keywords
                        .entry("title")
                        .or_insert(title.unwrap_or_default().into());
                }
                ("schema.json", format!("{schema:#}\n"))
            }
            // As its author wrote it: an order of names may matter to a reader of it.
            Payload::Avro(schema) => ("avsc", schema.schema().json().to_owned()),
        };
        let path = args.out.join(format!("{}.{ending}", event.event_type));
        fs::write(path, text).map_err(cannot)?;
    }
    to_stderr(&format!(
        "{} schemas written to {shown}",
        number(catalog.events().len() as u64)
    ));
    Ok(Exit::Ok)
}
