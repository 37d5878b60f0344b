//! Where the bus and the catalogs come from: the command line, else the environment, else
//! `tidings.toml`.

mod catalogs;
mod database;
mod file;
mod origin;
mod secret;

use catalogs::CATALOG_VARIABLE;
pub use catalogs::NamedCatalogs;
pub use database::NamedDatabase;
pub use file::{FILE_NAME, KEYS, Key};
pub use origin::Origin;
pub use secret::redacted;

use std::env;
use std::ffi::OsString;
use std::time::Duration;

use tidings::{RETAIN_EVERY, RetentionPolicy};

use crate::args::BusArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use file::File;

/// The variable that names the service.
const SERVICE_VARIABLE: &str = "TIDINGS_SERVICE";

/// The variable that names the bus.
pub const BUS_VARIABLE: &str = "TIDINGS_BUS";

/// The bus and the catalogs, and who named them.
#[derive(Debug)]
pub struct Settings {
    /// The URL of the bus. Holds secrets: print [`redacted`] only.
    pub bus: String,
    /// Who named the bus.
    pub bus_origin: Origin,
    /// Folders of event definitions.
    pub catalogs: NamedCatalogs,
    /// The service that publishes and consumes here, if somebody names it.
    pub service: Option<String>,
    /// What is removed from topics in the course of time.
    pub retention: RetentionPolicy,
    /// How often.
    pub retention_every: Duration,
}

impl Settings {
    /// Resolves what was not given on the command line from the process environment and the
    /// current folder.
    pub fn resolve(args: &BusArgs) -> Result<Self> {
        Self::resolve_or(args, None)
    }

    /// As [`resolve`](Self::resolve), with a bus for when nobody names one.
    pub fn resolve_or(args: &BusArgs, bus: Option<String>) -> Result<Self> {
        let folder = env::current_dir()
            .map_err(|e| Failure::new(Exit::Io, "the current folder cannot be read").source(e))?;
        let file = File::in_folder(&folder)?;
        let in_file = file.as_ref().and_then(|file| file.service.clone());
        let retention = file.as_ref().map(|file| file.retention.clone());
        let every = file.as_ref().and_then(|file| file.retention_every);
        let service = match env::var_os(SERVICE_VARIABLE).filter(|v| !v.is_empty()) {
            Some(name) => Some(name.into_string().map_err(|_| {
                Failure::new(Exit::Config, format!("{SERVICE_VARIABLE} is not UTF-8"))
            })?),
            None => in_file,
        };
        let settings = Self::from_sources(
            args,
            env::var_os(BUS_VARIABLE),
            env::var_os(CATALOG_VARIABLE),
            file,
            bus,
        )?;
        Ok(Self {
            service,
            retention: retention.unwrap_or_default(),
            retention_every: every.unwrap_or(RETAIN_EVERY),
            ..settings
        })
    }

    fn from_sources(
        args: &BusArgs,
        bus_variable: Option<OsString>,
        catalog_variable: Option<OsString>,
        file: Option<File>,
        default: Option<String>,
    ) -> Result<Self> {
        let variable = bus_variable
            .filter(|v| !v.is_empty())
            .map(|v| {
                v.into_string()
                    .map_err(|_| Failure::new(Exit::Config, format!("{BUS_VARIABLE} is not UTF-8")))
            })
            .transpose()?;
        let (file_bus, file_catalog, path) = match file {
            Some(File {
                bus, catalog, path, ..
            }) => (bus, catalog, Some(path)),
            None => (None, None, None),
        };
        let in_file = || Origin::File(path.clone().unwrap_or_default());
        let (bus, bus_origin) = match (&args.bus, variable, file_bus, default) {
            (Some(bus), ..) => (bus.clone(), Origin::Option("--bus")),
            (None, Some(bus), ..) => (bus, Origin::Variable(BUS_VARIABLE)),
            (None, None, Some(bus), _) => (bus, in_file()),
            (None, None, None, Some(bus)) => (bus, Origin::Default),
            (None, None, None, None) => {
                let looked = match &path {
                    Some(path) => format!("{} does not name one", path.display()),
                    None => format!("there is no {FILE_NAME} in the current folder"),
                };
                return Err(Failure::new(
                    Exit::Config,
                    format!("no bus is named: no --bus, {BUS_VARIABLE} is not set, and {looked}"),
                )
                .remedy(format!(
                    "name one: --bus sqlite:bus.db, or export {BUS_VARIABLE}=redis://localhost"
                )));
            }
        };
        let in_file = file_catalog.map(|folders| (folders, in_file()));
        let named = NamedCatalogs::from_sources(&args.catalog, catalog_variable, in_file);
        Ok(Self {
            bus,
            bus_origin,
            catalogs: named,
            service: None,
            retention: RetentionPolicy::default(),
            retention_every: RETAIN_EVERY,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{File, Origin, Settings};
    use crate::args::BusArgs;
    use std::path::{Path, PathBuf};

    fn file(text: &str) -> Option<File> {
        Some(File::parse(Path::new("/site/tidings.toml"), text).unwrap())
    }

    #[test]
    fn the_command_line_wins_over_the_environment_over_the_file() {
        let args = BusArgs {
            bus: Some("sqlite:a.db".into()),
            catalog: vec!["a".into()],
        };
        let toml = "bus = 'sqlite:c.db'\ncatalog = ['c', '/d']";
        let from = |args: &BusArgs, bus: Option<&str>, catalog: Option<&str>| {
            Settings::from_sources(
                args,
                bus.map(Into::into),
                catalog.map(Into::into),
                file(toml),
                None,
            )
            .unwrap()
        };
        let all = from(&args, Some("sqlite:b.db"), Some("b"));
        assert_eq!(all.bus, "sqlite:a.db");
        assert_eq!(all.catalogs.folders, [PathBuf::from("a")]);
        let none = BusArgs::default();
        let environment = from(&none, Some("sqlite:b.db"), Some("b:bb"));
        assert_eq!(environment.bus, "sqlite:b.db");
        assert_eq!(
            environment.catalogs.folders,
            [PathBuf::from("b"), "bb".into()]
        );
        let site = from(&none, Some(""), None);
        assert_eq!(site.bus, "sqlite:c.db");
        assert_eq!(site.bus_origin, Origin::File("/site/tidings.toml".into()));
        // Relative folders stand beside the file that names them.
        assert_eq!(
            site.catalogs.folders,
            [PathBuf::from("/site/c"), "/d".into()]
        );
    }

    #[test]
    fn without_a_bus_the_message_says_where_it_looked() {
        let none = BusArgs::default();
        let failure =
            Settings::from_sources(&none, None, None, file("catalog = []"), None).unwrap_err();
        insta::assert_snapshot!(failure, @r"
        no bus is named: no --bus, TIDINGS_BUS is not set, and /site/tidings.toml does not name one
          help: name one: --bus sqlite:bus.db, or export TIDINGS_BUS=redis://localhost
        ");
    }
}
