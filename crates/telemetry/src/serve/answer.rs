//! What is answered to a request.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use tidings_transport::Transport;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::{Metrics, Telemetry};

/// How long the log may take to answer before the process counts as not ready.
const PING_PATIENCE: Duration = Duration::from_secs(2);
/// For how long an answer of the log is good: whoever asks more often does not reach it.
const PING_GOOD_FOR: Duration = Duration::from_secs(1);
const TEXT: &str = "text/plain; charset=utf-8";

/// What the answers are made from.
pub(super) struct Answers {
    telemetry: Telemetry,
    /// The log, once it is open.
    transport: OnceLock<Arc<dyn Transport>>,
    /// When the log was asked last, and what was wrong with it. Also sees to it that it is asked
    /// once at a time.
    pinged: Mutex<Option<(Instant, Result<(), String>)>>,
}

impl Answers {
    pub(super) fn new(telemetry: Telemetry) -> Self {
        Self {
            telemetry,
            transport: OnceLock::new(),
            pinged: Mutex::default(),
        }
    }

    /// The log is open. A process has one.
    pub(super) fn has_log(&self, transport: Arc<dyn Transport>) {
        let _ = self.transport.set(transport);
    }

    pub(super) async fn answer<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut refusal = text(StatusCode::METHOD_NOT_ALLOWED, "only GET\n");
            let allowed = HeaderValue::from_static("GET, HEAD");
            refusal.headers_mut().insert(ALLOW, allowed);
            return refusal;
        }
        match request.uri().path() {
            "/metrics" => self.metrics(),
            "/healthz" => verdict(self.alive()),
            "/readyz" => verdict(self.ready().await),
            _ => text(
                StatusCode::NOT_FOUND,
                "there is /metrics, /healthz and /readyz\n",
            ),
        }
    }

    fn metrics(&self) -> Response<Full<Bytes>> {
        match self.telemetry.metrics() {
            Some(metrics) => body(StatusCode::OK, Metrics::MEDIA_TYPE, metrics.encode()),
            None => text(StatusCode::NOT_FOUND, "this process keeps no metrics\n"),
        }
    }

    fn alive(&self) -> Result<(), String> {
        let stuck = self.telemetry.health().stuck();
        if stuck.is_empty() {
            return Ok(());
        }
        let told: Vec<String> = stuck
            .iter()
            .map(|(name, busy)| format!("{name} has not moved for {} s", busy.as_secs()))
            .collect();
        Err(told.join("; "))
    }

    async fn ready(&self) -> Result<(), String> {
        self.alive()?;
        let absent = self.telemetry.health().absent();
        if !absent.is_empty() {
            return Err(absent.join("; "));
        }
        let Some(transport) = self.transport.get() else {
            return Err("the log is not open yet".into());
        };
        let mut pinged = self.pinged.lock().await;
        if let Some((asked, answer)) = &*pinged
            && asked.elapsed() < PING_GOOD_FOR
        {
            return answer.clone();
        }
        let answer = match timeout(PING_PATIENCE, transport.ping()).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(format!("the log: {error}")),
            Err(_) => Err(format!("the log did not answer within {PING_PATIENCE:?}")),
        };
        *pinged = Some((Instant::now(), answer.clone()));
        answer
    }
}

fn verdict(verdict: Result<(), String>) -> Response<Full<Bytes>> {
    match verdict {
        Ok(()) => text(StatusCode::OK, "ok\n"),
        Err(why) => text(StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
    }
}

fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    body(status, TEXT, text)
}

fn body(
    status: StatusCode,
    media_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
