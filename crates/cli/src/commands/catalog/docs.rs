//! `tidings catalog docs`

use serde_json::json;
use tidings_catalog::Catalog;
use tidings_catalog::evolution::{Mode, diff};
use tidings_catalog_docs::{FolderError, Release, Site, SiteOptions};
use tidings_transport::Count;

use super::{day, state, which};
use crate::args::DocsArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Output, bytes, counted, to_stderr};
use crate::settings::NamedCatalogs;

/// Writes the site of the catalog.
pub fn run(args: &DocsArgs) -> Result<Exit> {
    let output = Output::new(args.output);
    let catalog = which::catalog(&args.which)?;
    if catalog.events().len() == 0 {
        return Err(Failure::new(Exit::NoInput, "the catalog has no events")
            .remedy("write one: tidings catalog new"));
    }
    let mut options = SiteOptions::new(args.title.as_deref().unwrap_or("Events"));
    options.releases = releases(args, &catalog)?;
    let written = Site::of(&catalog, &options)
        .write_to(&args.out)
        .map_err(refused)?;
    let events = catalog.events().len() as u64;
    if output.is_json() {
        output.json(&json!({
            "out": args.out,
            "events": events,
            "files": written.files,
            "bytes": written.bytes,
            "removed": written.removed,
        }))?;
        return Ok(Exit::Ok);
    }
    let mut text = format!(
        "{} in {}, {}: open {}",
        counted(Count::Exactly(events), "event"),
        counted(Count::Exactly(written.files as u64), "file"),
        bytes(written.bytes),
        args.out.join("index.html").display()
    );
    if written.removed > 0 {
        text.push_str(&format!(
            "\n{} of the earlier site removed",
            counted(Count::Exactly(written.removed as u64), "file")
        ));
    }
    to_stderr(&text);
    Ok(Exit::Ok)
}

/// What changed from each state to the next, and from the last one to now.
fn releases(args: &DocsArgs, catalog: &Catalog) -> Result<Vec<Release>> {
    let named = NamedCatalogs::resolve(&args.which.catalog)?;
    let mut states = Vec::new();
    for since in &args.since {
        states.push((name(since), state::load(since, &named.folders)?));
    }
    let today = day::today()?;
    let mut releases = Vec::new();
    for (index, (from, old)) in states.iter().enumerate() {
        let (to, new) = match states.get(index + 1) {
            Some((to, new)) => (to.as_str(), new),
            None => ("now", catalog),
        };
        releases.push(Release::new(
            from,
            to,
            diff(old, new, Mode::default(), today),
        ));
    }
    Ok(releases)
}

/// `v1.2` of `v1.2:events`.
fn name(state: &str) -> String {
    let revision = state.split_once(':').map(|(revision, _)| revision);
    revision
        .filter(|r| !r.is_empty())
        .unwrap_or(state)
        .to_owned()
}

fn refused(error: FolderError) -> Failure {
    match &error {
        FolderError::NotOurs(_) => Failure::new(Exit::Usage, error.to_string())
            .remedy("name a new folder, so that nothing of yours is overwritten"),
        _ => Failure::new(Exit::Io, error.to_string()).source(error),
    }
}
