//! Catalogs from folders, as their users write them.

mod avro_edits;
mod definitions;
mod edits;
mod folder;
mod lint;
mod refusals;
