use clap::Args;

use super::value;

/// What the process tells of itself while it runs.
#[derive(Debug, Clone, Default, Args)]
pub struct MonitoringArgs {
    /// Answer Prometheus at http://ADDR/metrics, and /healthz and /readyz beside it: HOST:PORT. There
    /// is no password: let only the monitoring reach it
    #[arg(long, value_name = "ADDR", env = "TIDINGS_METRICS", hide_env_values = true,
          value_parser = value::address, help_heading = "Monitoring")]
    pub metrics: Option<String>,
}
