//! What is published of a catalog: a site for people, and schemas for programs.
//!
//! [`Site`] is a folder of pages that needs no server and asks nothing of the network;
//! [`asyncapi`] is an AsyncAPI 3.0 document, [`json_schema_bundle`] one JSON Schema for all events. All
//! of it depends on the definitions and on nothing else: the same catalog gives the same bytes.
//!
//! # Example
//! ```
//! use tidings_catalog::Catalog;
//! use tidings_catalog_docs::{Site, SiteOptions};
//!
//! let site = Site::of(&Catalog::openedx(), &SiteOptions::new("Open edX events"));
//! let (_, start) = site.files().find(|(path, _)| *path == "index.html").unwrap();
//! assert!(String::from_utf8_lossy(start).contains("Certificate created"));
//! ```

mod asyncapi;
mod example;
mod folder;
mod json;
mod json_schema;
mod name;
mod schema;
mod site;
mod yaml;

pub use self::asyncapi::asyncapi;
pub use self::folder::{FolderError, Written};
pub use self::json_schema::{json_schema, json_schema_bundle};
pub use self::name::file_name;
pub use self::site::{Release, Site, SiteOptions};
pub use self::yaml::to_yaml;
