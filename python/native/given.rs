//! What Python says of a bus, read and checked.

use pyo3::prelude::*;
use tidings::{Emitter, KeyPath, Mode, Role, Route};

use crate::connection::Settings;
use crate::error::Failure;
use crate::options::seconds;

/// What Python says of a bus.
#[derive(FromPyObject)]
pub(crate) struct Given {
    #[pyo3(item)]
    url: String,
    #[pyo3(item)]
    prefix: Option<String>,
    #[pyo3(item)]
    namespace: String,
    #[pyo3(item)]
    service: Option<String>,
    #[pyo3(item)]
    role: String,
    /// Event type, topic, key path.
    #[pyo3(item)]
    routes: Vec<(String, String, Option<String>)>,
    #[pyo3(item)]
    profile: Option<String>,
    #[pyo3(item)]
    wire: Option<String>,
    #[pyo3(item)]
    send_timeout: f64,
    /// Event type, minor version, Avro schema.
    #[pyo3(item)]
    definitions: Vec<(String, i32, String)>,
    /// Folders of event definitions.
    #[pyo3(item)]
    catalog: Vec<String>,
    #[pyo3(item)]
    validation: Option<String>,
    #[pyo3(item)]
    max_len: Option<u64>,
    #[pyo3(item)]
    hard_max_len: Option<u64>,
    #[pyo3(item)]
    buffer: usize,
}

impl Given {
    pub(crate) fn settings(self) -> Result<Settings, Failure> {
        let role = match self.role.as_str() {
            "web" => Role::Web,
            "worker" => Role::Worker,
            _ => return Err(Failure::invalid("role: must be \"web\" or \"worker\"")),
        };
        let emitter = self
            .service
            .map(|s| Emitter::new(&self.namespace, &s, role));
        let emitter = emitter
            .transpose()
            .map_err(|e| Failure::invalid(e.to_string()))?;
        let mut routes = Vec::with_capacity(self.routes.len());
        for (event_type, topic, key_path) in self.routes {
            let mut route = Route::to(topic);
            if let Some(path) = key_path {
                let path: Result<KeyPath, _> = path.parse();
                let path =
                    path.map_err(|e| Failure::invalid(format!("routes: {event_type}: {e}")))?;
                route = route.key(path);
            }
            routes.push((event_type, route));
        }
        let profile = mode("profile", self.profile.as_deref())?;
        let validation = match mode("validation", self.validation.as_deref())? {
            given if !self.catalog.is_empty() => given.or(Some(Mode::Enforce)),
            None | Some(Mode::Off) => None,
            Some(_) => {
                let rule = "validation: there is nothing to hold events to; name a catalog";
                return Err(Failure::invalid(rule));
            }
        };
        let wire = self.wire.map(|wire| wire.parse()).transpose();
        let wire = wire.map_err(|e| Failure::invalid(format!("wire: {e}")))?;
        Ok(Settings {
            url: self.url,
            prefix: self.prefix,
            emitter,
            routes,
            profile,
            wire,
            send_timeout: seconds("send_timeout", self.send_timeout)?,
            definitions: self.definitions,
            catalog: self.catalog,
            validation,
            max_len: self.max_len,
            hard_max_len: self.hard_max_len,
            buffer: self.buffer.max(1),
        })
    }
}

/// How strictly rules hold.
pub(crate) fn mode(name: &str, given: Option<&str>) -> Result<Option<Mode>, Failure> {
    match given {
        None => Ok(None),
        Some("enforce") => Ok(Some(Mode::Enforce)),
        Some("warn") => Ok(Some(Mode::Warn)),
        Some("off") => Ok(Some(Mode::Off)),
        Some(_) => {
            let rule = format!("{name}: must be \"enforce\", \"warn\" or \"off\"");
            Err(Failure::invalid(rule))
        }
    }
}
