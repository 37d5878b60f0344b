//! Catalogs from folders, as their users write them.

mod avro_edits;
mod contracts;
mod definitions;
mod edits;
mod folder;
mod json_schema;
mod lint;
mod refusals;
