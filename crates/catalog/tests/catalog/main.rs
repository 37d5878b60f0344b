//! Catalogs from folders, as their users write them.

#[path = "../../../../fuzz/src/catalog.rs"]
mod fuzz_bodies;

mod avro_edits;
mod contracts;
mod definitions;
mod edits;
mod folder;
mod fuzz;
mod json_schema;
mod lint;
mod real_edits;
mod refusals;
mod versions;
