//! What a long-running command tells of itself: metrics and health over HTTP, traces over OTLP.

use std::sync::Arc;

use tidings_telemetry::otlp::Otlp;
use tidings_telemetry::serve::{Endpoint, Serving};
use tidings_telemetry::{Metrics, POLL_INTERVAL, Telemetry, watch};
use tidings_transport::Topic;
use tokio::task::JoinHandle;
use tracing::info;

use crate::args::MonitoringArgs;
use crate::bus::Bus;
use crate::exit::Exit;
use crate::failure::{Failure, Result};

/// The traces of this process, if the environment asks for them.
#[derive(Debug)]
pub struct Traces(Option<Otlp>);

impl Traces {
    /// Reads the `OTEL_*` variables.
    pub fn from_env() -> Result<Self> {
        Otlp::from_env("tidings").map(Self).map_err(|error| {
            Failure::new(Exit::Config, "cannot send traces")
                .source(error)
                .remedy("mend the variable, or set OTEL_SDK_DISABLED=true")
        })
    }

    /// The exporter.
    pub fn otlp(&self) -> Option<&Otlp> {
        self.0.as_ref()
    }

    /// Telemetry with nothing but these traces.
    pub fn telemetry(&self) -> Telemetry {
        match &self.0 {
            Some(otlp) => Telemetry::default().with_propagation(Arc::new(otlp.propagation())),
            None => Telemetry::default(),
        }
    }

    /// Sends what was not sent yet.
    pub fn end(self) {
        if let Some(otlp) = self.0 {
            otlp.end();
        }
    }
}

/// Monitoring that answers, before there is a bus to watch.
#[derive(Debug)]
pub struct Monitoring {
    serving: Option<Serving>,
    telemetry: Telemetry,
}

/// The monitoring answers until this is dropped.
#[derive(Debug)]
pub struct Monitored {
    _serving: Serving,
    watching: JoinHandle<()>,
}

impl Monitoring {
    /// Binds the address, if there is one, so that a wrong one ends the command at its start, and
    /// answers from now on.
    pub async fn bind(args: &MonitoringArgs, telemetry: Telemetry) -> Result<Self> {
        let Some(address) = &args.metrics else {
            return Ok(Self {
                serving: None,
                telemetry,
            });
        };
        let endpoint = Endpoint::bind(address).await.map_err(|error| {
            Failure::new(
                Exit::Config,
                format!("cannot answer at {address} (--metrics)"),
            )
            .source(error)
            .remedy("name an address of this machine and a port that is free")
        })?;
        let telemetry = telemetry.with_metrics(Metrics::new());
        info!(address = %endpoint.address(), "metrics at /metrics, health at /healthz and /readyz");
        Ok(Self {
            serving: Some(endpoint.serve(telemetry.clone())),
            telemetry,
        })
    }

    /// What producers and consumers are to tell.
    pub fn telemetry(&self) -> Telemetry {
        self.telemetry.clone()
    }

    /// Watches the bus from now on, and the groups of these topics.
    pub fn start(self, bus: &Bus, topics: Vec<Topic>) -> Option<Monitored> {
        let serving = self.serving?;
        let metrics = self.telemetry.metrics()?.clone();
        let transport = bus.transport().clone();
        serving.has_log(transport.clone());
        let watching = tokio::spawn(watch(metrics, transport, topics, POLL_INTERVAL));
        Some(Monitored {
            _serving: serving,
            watching,
        })
    }
}

impl Drop for Monitored {
    fn drop(&mut self) {
        self.watching.abort();
    }
}
