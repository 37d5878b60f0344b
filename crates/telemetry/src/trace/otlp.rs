//! Traces over OTLP, as the standard `OTEL_*` variables say.

use std::env;
use std::time::Duration;

use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Metadata, Span, Subscriber, warn};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use super::exporter::Telling;
use super::{Propagation, SPANS, TraceContext};

/// How long the end of a program waits for spans that were not sent yet.
const FLUSH_PATIENCE: Duration = Duration::from_secs(5);

/// Why traces cannot be sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OtlpError {
    /// A variable asks for something that there is not.
    #[error("{variable}={value:?} is not supported: {remedy}")]
    Unsupported {
        /// Which variable.
        variable: &'static str,
        /// What it says.
        value: String,
        /// What to write instead.
        remedy: &'static str,
    },
    /// The exporter refused its settings.
    #[error("traces cannot be sent: {0}; look at the OTEL_EXPORTER_OTLP_* variables")]
    Exporter(#[from] ExporterBuildError),
}

/// Sends spans to a collector. Keep it while the program runs, and [`end`](Self::end) it.
#[derive(Debug)]
pub struct Otlp {
    provider: SdkTracerProvider,
}

impl Otlp {
    /// Reads the variables: `None` unless one of `OTEL_TRACES_EXPORTER=otlp`,
    /// `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` asks for traces, or
    /// when `OTEL_SDK_DISABLED=true` or `OTEL_TRACES_EXPORTER=none` forbids them. The service is
    /// called `service` unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` names it; the
    /// sampler, limits, headers and timeouts have their standard variables too.
    ///
    /// # Errors
    /// When a variable asks for something that there is not: a protocol other than
    /// `http/protobuf`, an exporter other than `otlp`.
    pub fn from_env(service: &'static str) -> Result<Option<Self>, OtlpError> {
        if !is_wanted()? {
            return Ok(None);
        }
        // The client of the exporter takes the provider of the process; a second call is refused.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let exporter = SpanExporter::builder().with_http().build()?;
        let named = variable("OTEL_SERVICE_NAME").is_some()
            || variable("OTEL_RESOURCE_ATTRIBUTES").is_some_and(|a| a.contains("service.name="));
        let mut resource = Resource::builder();
        if !named {
            resource = resource.with_service_name(service);
        }
        let provider = SdkTracerProvider::builder()
            .with_resource(resource.build())
            .with_batch_exporter(Telling::new(exporter))
            .build();
        Ok(Some(Self { provider }))
    }

    /// The layer that turns the spans of Tidings, and those of the program beneath them, into
    /// traces.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let tracer = self.provider.tracer("tidings");
        let ours = |metadata: &Metadata<'_>| metadata.is_span() && metadata.target() == SPANS;
        tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(ours))
    }

    /// How traces travel in events.
    pub fn propagation(&self) -> W3c {
        W3c {
            format: TraceContextPropagator::new(),
        }
    }

    /// Sends what was not sent yet, for at most five seconds. Blocks.
    pub fn end(self) {
        if let Err(error) = self.provider.shutdown_with_timeout(FLUSH_PATIENCE) {
            warn!(%error, "the last spans were not sent");
        }
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.trim().is_empty())
}

fn is_wanted() -> Result<bool, OtlpError> {
    if variable("OTEL_SDK_DISABLED").is_some_and(|v| v.eq_ignore_ascii_case("true")) {
        return Ok(false);
    }
    let exporter = variable("OTEL_TRACES_EXPORTER");
    let wanted = match exporter.as_deref() {
        Some("none") => false,
        Some("otlp") => true,
        Some(other) => {
            return Err(OtlpError::Unsupported {
                variable: "OTEL_TRACES_EXPORTER",
                value: other.to_owned(),
                remedy: "use otlp or none",
            });
        }
        None => {
            variable("OTEL_EXPORTER_OTLP_ENDPOINT").is_some()
                || variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").is_some()
        }
    };
    for name in [
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
    ] {
        match variable(name) {
            Some(value) if wanted && value != "http/protobuf" => {
                return Err(OtlpError::Unsupported {
                    variable: name,
                    value,
                    remedy: "use http/protobuf, and the collector's port for it (4318 as a rule)",
                });
            }
            _ => {}
        }
    }
    Ok(wanted)
}

/// W3C Trace Context over OpenTelemetry spans.
#[derive(Debug)]
pub struct W3c {
    format: TraceContextPropagator,
}

impl Propagation for W3c {
    fn inject(&self, span: &Span) -> Option<TraceContext> {
        let context = span.context();
        if !context.span().span_context().is_valid() {
            return None;
        }
        let mut carrier = Carrier::default();
        self.format.inject_context(&context, &mut carrier);
        let traceparent = carrier.traceparent?;
        Some(TraceContext {
            traceparent,
            tracestate: carrier.tracestate.filter(|state| !state.is_empty()),
        })
    }

    fn follow(&self, span: &Span, context: &TraceContext) {
        let carrier = Carrier {
            traceparent: Some(context.traceparent.clone()),
            tracestate: context.tracestate.clone(),
        };
        let parent = self.format.extract(&carrier);
        if parent.span().span_context().is_valid() {
            // Fails only where no layer makes traces of spans: then there is nothing to follow.
            let _ = span.set_parent(parent);
        }
    }
}

/// The two attributes as a propagator sees them.
#[derive(Debug, Default)]
struct Carrier {
    traceparent: Option<String>,
    tracestate: Option<String>,
}

impl Injector for Carrier {
    fn set(&mut self, key: &str, value: String) {
        match key {
            "traceparent" => self.traceparent = Some(value),
            "tracestate" => self.tracestate = Some(value),
            _ => {}
        }
    }
}

impl Extractor for Carrier {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "traceparent" => self.traceparent.as_deref(),
            "tracestate" => self.tracestate.as_deref(),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}
