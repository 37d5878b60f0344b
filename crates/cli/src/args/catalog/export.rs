use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::WhichArgs;
use crate::args::OutputArgs;

#[derive(Debug, Args)]
#[command(after_help = "\
schemas     a folder with the schema of each payload as its author wrote it: TYPE.schema.json (JSON
            Schema 2020-12) or TYPE.avsc (Avro)
jsonschema  JSON Schema 2020-12 for all, also for payloads that Avro describes: a folder with a file
            for each, or, where --out ends in .json, one schema that judges every event by its type
asyncapi    one AsyncAPI 3.0 document, in YAML or, where --out ends in .json, in JSON

`--out -` prints the one document.

Examples:
    tidings catalog export --catalog events --out schemas
    tidings catalog export --format asyncapi --out asyncapi.yaml --title Ours --release 1.4.0
    tidings catalog export --format jsonschema --out events.schema.json")]
pub struct ExportArgs {
    /// What to write
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: ExportFormat,
    /// The folder or the file to write to
    #[arg(long, value_name = "PATH")]
    pub out: PathBuf,
    /// What the document calls itself [default: Events]
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// The version that the AsyncAPI document gives itself [default: unversioned]
    #[arg(long, value_name = "VERSION")]
    pub release: Option<String>,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub which: WhichArgs,
}

/// The page of the command says what each is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ExportFormat {
    #[default]
    Schemas,
    Jsonschema,
    Asyncapi,
}
