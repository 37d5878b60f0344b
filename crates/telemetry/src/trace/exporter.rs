//! An exporter that says so when nobody takes its spans.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tracing::{info, warn};

/// Passes spans on, and logs when a collector goes away and when it is back: the batches between are
/// lost, and once a batch would only fill the log.
#[derive(Debug)]
pub(super) struct Telling<E> {
    inner: E,
    failing: AtomicBool,
}

impl<E> Telling<E> {
    pub(super) fn new(inner: E) -> Self {
        Self {
            inner,
            failing: AtomicBool::new(false),
        }
    }

    fn tell(&self, result: &OTelSdkResult) {
        let failed = result.is_err();
        match (self.failing.swap(failed, Ordering::Relaxed), result) {
            (false, Err(error)) => warn!(%error, "traces are not sent, and are lost meanwhile"),
            (true, Ok(())) => info!("traces are sent again"),
            _ => {}
        }
    }
}

impl<E: SpanExporter> SpanExporter for Telling<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let result = self.inner.export(batch).await;
        self.tell(&result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
