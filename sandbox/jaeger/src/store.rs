//! The newest traces.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

/// So many traces are kept, each with so many spans.
const TRACES: usize = 1000;
const SPANS: usize = 1000;
const SERVICE_NAME: &str = "service.name";

#[derive(Default)]
pub(crate) struct Store(Mutex<VecDeque<Trace>>);

/// Spans of one id, in the order of their coming.
#[derive(Clone)]
pub(crate) struct Trace {
    pub(crate) id: String,
    pub(crate) spans: Vec<Span>,
}

/// A span, times in nanoseconds since 1970.
#[derive(Clone)]
pub(crate) struct Span {
    pub(crate) id: String,
    pub(crate) parent: Option<String>,
    pub(crate) service: String,
    pub(crate) name: String,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) failed: bool,
    pub(crate) tags: Vec<(String, String)>,
    /// What the service says of itself.
    pub(crate) process: Vec<(String, String)>,
}

impl Trace {
    pub(crate) fn start(&self) -> u64 {
        self.spans.iter().map(|span| span.start).min().unwrap_or(0)
    }

    pub(crate) fn end(&self) -> u64 {
        self.spans.iter().map(|span| span.end).max().unwrap_or(0)
    }

    pub(crate) fn services(&self) -> BTreeSet<&str> {
        self.spans
            .iter()
            .map(|span| span.service.as_str())
            .collect()
    }
}

impl Store {
    pub(crate) fn add(&self, request: ExportTraceServiceRequest) {
        let mut traces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for group in request.resource_spans {
            let process = tags(&group.resource.unwrap_or_default().attributes);
            let name = process.iter().find(|(key, _)| key == SERVICE_NAME);
            let service = name.map_or("unknown_service", |(_, name)| name).to_owned();
            for span in group.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                let id = hex(&span.trace_id);
                let span = Span {
                    id: hex(&span.span_id),
                    parent: (!span.parent_span_id.is_empty()).then(|| hex(&span.parent_span_id)),
                    service: service.clone(),
                    name: span.name,
                    start: span.start_time_unix_nano,
                    end: span.end_time_unix_nano,
                    failed: span.status.is_some_and(|status| status.code == 2),
                    tags: tags(&span.attributes),
                    process: process.clone(),
                };
                match traces.iter_mut().find(|trace| trace.id == id) {
                    Some(trace) if trace.spans.len() < SPANS => trace.spans.push(span),
                    Some(_) => {}
                    None => traces.push_back(Trace {
                        id,
                        spans: vec![span],
                    }),
                }
            }
        }
        let surplus = traces.len().saturating_sub(TRACES);
        traces.drain(..surplus);
    }

    /// The traces that begin with the newest.
    pub(crate) fn newest(&self) -> Vec<Trace> {
        let mut traces: Vec<_> = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect();
        traces.sort_by_key(|trace| std::cmp::Reverse(trace.start()));
        traces
    }

    pub(crate) fn find(&self, id: &str) -> Option<Trace> {
        let traces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        traces.iter().find(|trace| trace.id == id).cloned()
    }
}

fn tags(attributes: &[KeyValue]) -> Vec<(String, String)> {
    let tag = |attribute: &KeyValue| (attribute.key.clone(), text(attribute.value.as_ref()));
    attributes.iter().map(tag).collect()
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(value)) => value.clone(),
        Some(Value::BoolValue(value)) => value.to_string(),
        Some(Value::IntValue(value)) => value.to_string(),
        Some(Value::DoubleValue(value)) => value.to_string(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // A String takes whatever is written to it.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
