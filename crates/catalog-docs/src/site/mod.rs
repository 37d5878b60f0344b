//! The site.

mod changelog;
mod code;
mod event;
mod layout;
mod map;
mod model;
mod path;
mod prose;
mod search;
mod service;
mod start;
mod subdomain;

use std::collections::BTreeMap;

use tidings_catalog::evolution::ChangeReport;
use tidings_catalog::{Catalog, Payload};

use self::model::Model;

/// What a site says beside the definitions.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct SiteOptions {
    /// What the site calls itself.
    pub title: String,
    /// What changed from release to release, the oldest first; without any there is no changelog.
    pub releases: Vec<Release>,
}

/// What changed from one state of the catalog to the next.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Release {
    /// The older state, as people call it.
    pub from: String,
    /// The newer state.
    pub to: String,
    /// What lies between them.
    pub report: ChangeReport,
}

impl Release {
    /// What lies between two states, as people call them.
    pub fn new(from: impl Into<String>, to: impl Into<String>, report: ChangeReport) -> Self {
        Self {
            from: from.into(),
            to: to.into(),
            report,
        }
    }
}

impl SiteOptions {
    /// A site with this title and without a changelog.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            releases: Vec::new(),
        }
    }
}

/// Pages, scripts and schemas by their paths. Every link between them is relative, so the folder
/// may stand anywhere, also on a disk without a server.
#[derive(Debug)]
pub struct Site {
    files: BTreeMap<String, Vec<u8>>,
}

impl Site {
    /// Makes the site of a catalog.
    pub fn of(catalog: &Catalog, options: &SiteOptions) -> Self {
        let model = Model::of(catalog, options);
        let mut site = Self {
            files: BTreeMap::new(),
        };
        site.add("index.html", start::page(&model));
        site.add("map.html", map::page(&model));
        if !options.releases.is_empty() {
            site.add("changelog.html", changelog::page(&model));
        }
        for event in &model.events {
            site.add(&path::event(&event.event_type), event::page(&model, event));
            let (ending, text) = match &event.payload {
                Payload::Json(schema) => ("schema.json", format!("{:#}\n", schema.schema())),
                // As its author wrote it: an order of names may matter to a reader of it.
                Payload::Avro(schema) => ("avsc", schema.schema().json().to_owned()),
            };
            site.add(&path::schema(&event.event_type, ending), text);
        }
        for (name, events) in &model.subdomains {
            site.add(
                &path::subdomain(name),
                subdomain::page(&model, name, events),
            );
        }
        for (name, service) in &model.services {
            site.add(&path::service(name), service::page(&model, name, service));
        }
        site.add("assets/search.js", search::index(&model));
        site.add("assets/style.css", include_str!("assets/style.css"));
        site.add("assets/site.js", include_str!("assets/site.js"));
        site.add("assets/icon.svg", include_str!("assets/icon.svg"));
        site
    }

    fn add(&mut self, path: &str, content: impl Into<Vec<u8>>) {
        self.files.insert(path.to_owned(), content.into());
    }

    /// Each file with its path, in the order of the paths. Paths have `/` between their parts.
    pub fn files(&self) -> impl ExactSizeIterator<Item = (&str, &[u8])> {
        self.files
            .iter()
            .map(|(path, content)| (path.as_str(), content.as_slice()))
    }
}
