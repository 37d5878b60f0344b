//! The bus that the settings name, opened.

use std::sync::Arc;

use tidings_transport::{Memory, Topic, Transport};

use crate::args::BusArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::settings::{Settings, redacted};

/// The bus that the settings name, opened.
pub struct Bus {
    transport: Arc<dyn Transport>,
    settings: Settings,
}

impl Bus {
    /// Opens it.
    pub async fn open(args: &BusArgs) -> Result<Self> {
        let settings = Settings::resolve(args)?;
        if settings.bus != "memory:" {
            return Err(Failure::new(
                Exit::Config,
                format!(
                    "cannot open {} (named by {})",
                    redacted(&settings.bus),
                    settings.bus_origin
                ),
            ));
        }
        Ok(Self {
            transport: Arc::new(Memory::new()),
            settings,
        })
    }

    /// The log underneath.
    pub fn transport(&self) -> &Arc<dyn Transport> {
        &self.transport
    }

    /// The full name of a topic.
    pub fn topic(&self, name: &str) -> Result<Topic> {
        Ok(Topic::new(name)?)
    }

    /// The full names of these topics, or those of all topics when there is none.
    pub async fn topics_or_all(&self, names: &[String]) -> Result<Vec<Topic>> {
        if names.is_empty() {
            let all = self.transport.topics().await?;
            return Ok(all.into_iter().map(|info| info.topic).collect());
        }
        names.iter().map(|name| self.topic(name)).collect()
    }

    /// Its URL without secrets, for people.
    pub fn shown(&self) -> String {
        redacted(&self.settings.bus)
    }
}
