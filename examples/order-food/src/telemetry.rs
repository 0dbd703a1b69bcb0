//! Log lines to stdout, and spans to an OTLP receiver if the environment names one.
//!
//! All that a pod does until it serves is one trace, whose id is the pod's UID: both have 128 bits. So the init containers
//! and the start of the service belong together, and no value of the chart changes from one deployment to the next.

use std::env;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::trace::{SpanId, TraceId, TracerProvider};
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, SdkTracerProvider};
use tracing_subscriber::filter::{EnvFilter, FilterExt, LevelFilter, Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};
use uuid::Uuid;

/// What the end of a program waits for its last spans.
const FLUSH: Duration = Duration::from_secs(2);
/// A receiver that is away is no news for the log, unless RUST_LOG asks for it.
const DEFAULT_LOG: &str =
    "info,sqlx=warn,opentelemetry=off,opentelemetry_sdk=off,opentelemetry_otlp=off";

/// Sends spans for as long as the program runs.
#[derive(Debug)]
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
    starting: Arc<AtomicBool>,
}

/// Begins to log and to trace, under the program's name unless `OTEL_SERVICE_NAME` says another. Must be called once,
/// outside of an async runtime. Without `OTEL_EXPORTER_OTLP_ENDPOINT` (or its form for traces alone) nothing is sent.
pub fn start(program: &'static str) -> Telemetry {
    let starting = Arc::new(AtomicBool::new(true));
    let provider = provider(program, &starting);
    let log = EnvFilter::try_from_default_env().unwrap_or_else(|_| DEFAULT_LOG.into());
    let events = log.and(filter_fn(is_event));
    let lines = fmt::layer()
        .without_time()
        .with_target(false)
        .with_ansi(false)
        .with_filter(events);
    let spans = provider.as_ref().map(|provider| {
        // Spans of the exporter's own requests would make more of them.
        let ours = Targets::new().with_target("order_food", LevelFilter::INFO);
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer(program))
            .with_filter(ours)
    });
    tracing_subscriber::registry()
        .with(lines)
        .with(spans)
        .init();
    Telemetry { provider, starting }
}

impl Telemetry {
    /// From now on every request is a trace of its own.
    pub fn started(&self) {
        self.starting.store(false, Ordering::Relaxed);
    }

    /// Sends what was not sent yet, and gives up soon: a receiver that is away must not hold anything up.
    pub fn finish(self) {
        if let Some(provider) = self.provider
            && let Err(error) = provider.shutdown_with_timeout(FLUSH)
        {
            tracing::debug!("spans were lost: {error}");
        }
    }
}

fn provider(program: &'static str, starting: &Arc<AtomicBool>) -> Option<SdkTracerProvider> {
    let named = |name| env::var(name).is_ok_and(|value: String| !value.is_empty());
    if !named("OTEL_EXPORTER_OTLP_ENDPOINT") && !named("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
        return None;
    }
    // A wrong address is found at its first use, like a receiver that is away.
    let exporter = SpanExporter::builder().with_http().build().ok()?;
    let mut resource = Resource::builder();
    if !named("OTEL_SERVICE_NAME") {
        resource = resource.with_service_name(program);
    }
    let ids = PodIds {
        pod: env::var("POD_UID").ok().as_deref().and_then(trace_of_pod),
        starting: Arc::clone(starting),
        random: RandomIdGenerator::default(),
    };
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_id_generator(ids)
        .with_resource(resource.build());
    Some(provider.build())
}

/// Log lines don't repeat the spans that they come from.
fn is_event(metadata: &tracing::Metadata<'_>) -> bool {
    metadata.is_event()
}

/// The trace of a pod's start, `None` if the UID is no UUID.
fn trace_of_pod(uid: &str) -> Option<TraceId> {
    let trace = TraceId::from(Uuid::parse_str(uid).ok()?.as_u128());
    (trace != TraceId::INVALID).then_some(trace)
}

#[derive(Debug)]
struct PodIds {
    pod: Option<TraceId>,
    starting: Arc<AtomicBool>,
    random: RandomIdGenerator,
}

impl IdGenerator for PodIds {
    fn new_trace_id(&self) -> TraceId {
        match self.pod {
            Some(pod) if self.starting.load(Ordering::Relaxed) => pod,
            _ => self.random.new_trace_id(),
        }
    }

    fn new_span_id(&self) -> SpanId {
        self.random.new_span_id()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pods_uid_is_the_trace_of_its_start() {
        let trace = trace_of_pod("0e8b3b0a-6d0f-4b6c-9a30-5f2f6f2f9c11").unwrap();
        assert_eq!(trace.to_string(), "0e8b3b0a6d0f4b6c9a305f2f6f2f9c11");
        assert_eq!(trace_of_pod("web-0"), None);
        assert_eq!(trace_of_pod("00000000-0000-0000-0000-000000000000"), None);
    }

    #[test]
    fn requests_are_traces_of_their_own() {
        let starting = Arc::new(AtomicBool::new(true));
        let ids = PodIds {
            pod: trace_of_pod("0e8b3b0a-6d0f-4b6c-9a30-5f2f6f2f9c11"),
            starting: Arc::clone(&starting),
            random: RandomIdGenerator::default(),
        };
        assert_eq!(ids.new_trace_id(), ids.new_trace_id());
        starting.store(false, Ordering::Relaxed);
        assert_ne!(ids.new_trace_id(), ids.new_trace_id());
    }
}
