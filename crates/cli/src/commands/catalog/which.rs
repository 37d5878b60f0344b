//! The catalog that a command is about.

use std::sync::Arc;

use tidings_catalog::{Catalog, EventDefinition};

use super::diagnostic;
use super::pick::pick;
use crate::args::WhichArgs;
use crate::failure::Result;
use crate::settings::NamedCatalogs;

/// The definitions that the arguments name: folders, and the events of Open edX if they are
/// asked for or nothing is named.
pub fn catalog(args: &WhichArgs) -> Result<Catalog> {
    let named = NamedCatalogs::resolve(&args.catalog)?;
    let built_in = args.openedx || named.origin.is_none();
    load(&named, built_in)
}

/// The event that a text means, by its type or a part of it: of the folders that the arguments
/// name, or else one that is built in.
pub fn event(args: &WhichArgs, text: &str) -> Result<(Catalog, Arc<EventDefinition>)> {
    let named = NamedCatalogs::resolve(&args.catalog)?;
    let built_in = args.openedx || named.origin.is_none();
    let mut catalog = load(&named, built_in)?;
    if !built_in
        && !catalog
            .events()
            .any(|event| event.event_type.contains(text))
    {
        catalog = load(&named, true)?;
    }
    let event = pick(&catalog, text)?.clone();
    Ok((catalog, event))
}

fn load(named: &NamedCatalogs, built_in: bool) -> Result<Catalog> {
    let mut catalog = match built_in {
        true => Catalog::openedx(),
        false => Catalog::empty(),
    };
    for folder in named.folders.iter().rev() {
        let found = Catalog::from_folder(folder).map_err(|error| diagnostic::refused(&error))?;
        catalog = catalog.and(found);
    }
    Ok(catalog)
}
