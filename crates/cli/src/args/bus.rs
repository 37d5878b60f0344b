use std::path::PathBuf;

use clap::Args;

/// Which bus, and which definitions of events.
#[derive(Debug, Clone, Default, Args)]
pub struct BusArgs {
    /// The bus: sqlite:PATH, redis://HOST, kafka://HOST, memory: (else TIDINGS_BUS, else
    /// tidings.toml)
    #[arg(long, value_name = "URL", help_heading = "Bus")]
    pub bus: Option<String>,
    /// A folder of event definitions, may be repeated; the first that has a type wins (else
    /// TIDINGS_CATALOG, a list of folders like PATH, else tidings.toml)
    #[arg(long, value_name = "DIR", help_heading = "Bus")]
    pub catalog: Vec<PathBuf>,
}
