//! Catalogs from folders, as their users write them.

mod definitions;
mod folder;
mod lint;
mod refusals;
