//! The traces for people, and for programs in the JSON of Jaeger's own page.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Json, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use crate::store::{Span, Store, Trace};

type Parameters = Query<std::collections::HashMap<String, String>>;

pub(crate) fn router(store: &Arc<Store>) -> Router {
    Router::new()
        .route("/", get(list_page))
        .route("/trace/{id}", get(trace_page))
        .route("/api/services", get(services))
        .route("/api/traces", get(traces))
        .route("/api/traces/{id}", get(trace))
        .with_state(Arc::clone(store))
}

async fn services(State(store): State<Arc<Store>>) -> Json<Value> {
    let traces = store.newest();
    let names: std::collections::BTreeSet<_> = traces.iter().flat_map(Trace::services).collect();
    Json(json!({"data": names, "total": names.len()}))
}

async fn traces(State(store): State<Arc<Store>>, Query(parameters): Parameters) -> Json<Value> {
    let limit = parameters
        .get("limit")
        .and_then(|limit| limit.parse().ok())
        .unwrap_or(20);
    let service = parameters.get("service");
    let traces = store.newest();
    let wanted = traces
        .iter()
        .filter(|trace| service.is_none_or(|name| trace.services().contains(name.as_str())));
    Json(json!({"data": wanted.take(limit).map(described).collect::<Vec<_>>()}))
}

async fn trace(State(store): State<Arc<Store>>, Path(id): Path<String>) -> Response {
    match store.find(&id) {
        Some(trace) => Json(json!({"data": [described(&trace)]})).into_response(),
        None => (
            StatusCode::NOT_FOUND,
            Json(json!({"errors": [{"code": 404, "msg": "trace not found"}]})),
        )
            .into_response(),
    }
}

fn described(trace: &Trace) -> Value {
    let process = |number: usize| format!("p{}", number + 1);
    let services: Vec<_> = trace.services().into_iter().collect();
    let spans = trace.spans.iter().map(|span| {
        let number = services
            .iter()
            .position(|name| *name == span.service)
            .unwrap_or(0);
        let parent = span
            .parent
            .iter()
            .map(|id| json!({"refType": "CHILD_OF", "traceID": trace.id, "spanID": id}));
        json!({
            "traceID": trace.id,
            "spanID": span.id,
            "operationName": span.name,
            "references": parent.collect::<Vec<_>>(),
            "startTime": span.start / 1000,
            "duration": span.end.saturating_sub(span.start) / 1000,
            "tags": tags(&span.tags),
            "processID": process(number),
        })
    });
    let processes = services.iter().enumerate().map(|(number, name)| {
        let said = trace
            .spans
            .iter()
            .find(|span| span.service == *name)
            .map(|span| tags(&span.process));
        (process(number), json!({"serviceName": name, "tags": said}))
    });
    json!({
        "traceID": trace.id,
        "spans": spans.collect::<Vec<_>>(),
        "processes": processes.collect::<serde_json::Map<_, _>>(),
    })
}

fn tags(pairs: &[(String, String)]) -> Vec<Value> {
    let tag =
        |(key, value): &(String, String)| json!({"key": key, "type": "string", "value": value});
    pairs.iter().map(tag).collect()
}

const STYLE: &str = "body{font:15px system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ccc}
.time{width:45%}.bar{background:#2a7;height:.8rem;min-width:2px}.failed{background:#c33}code{font-size:.85em}";

async fn list_page(State(store): State<Arc<Store>>) -> Html<String> {
    let traces = store.newest();
    let rows = traces.iter().map(|trace| {
        let services = trace.services().into_iter().collect::<Vec<_>>().join(", ");
        let first = trace
            .spans
            .iter()
            .min_by_key(|span| span.start)
            .map_or("", |span| &span.name);
        format!(
            "<tr><td><a href=\"/trace/{id}\"><code>{id}</code></a><td>{}<td>{}<td>{}<td>{} ms",
            escaped(first),
            escaped(&services),
            trace.spans.len(),
            millis(trace.start(), trace.end()),
            id = trace.id,
        )
    });
    let rows: String = rows.collect();
    page(
        "Traces",
        &format!("<table><tr><th>trace<th>begins with<th>services<th>spans<th>time{rows}</table>"),
    )
}

async fn trace_page(State(store): State<Arc<Store>>, Path(id): Path<String>) -> Response {
    let Some(trace) = store.find(&id) else {
        return (StatusCode::NOT_FOUND, page("No such trace", "")).into_response();
    };
    let mut spans = trace.spans.clone();
    spans.sort_by_key(|span| span.start);
    let rows: String = spans.iter().map(|span| row(span, &trace)).collect();
    let table = format!("<table><tr><th>service<th>span<th>time<th class=time>{rows}</table>");
    page(&format!("Trace {id}"), &table).into_response()
}

fn row(span: &Span, trace: &Trace) -> String {
    let whole = (trace.end() - trace.start()).max(1);
    let percent = |part: u64| u128::from(part) * 100 / u128::from(whole);
    format!(
        "<tr><td>{}<td>{}<td>{} ms<td class=time><div class=\"bar{}\" style=\"margin-left:{}%;width:{}%\"></div>",
        escaped(&span.service),
        escaped(&span.name),
        millis(span.start, span.end),
        if span.failed { " failed" } else { "" },
        percent(span.start - trace.start()),
        percent(span.end.saturating_sub(span.start)),
    )
}

fn millis(start: u64, end: u64) -> u64 {
    end.saturating_sub(start) / 1_000_000
}

fn page(title: &str, body: &str) -> Html<String> {
    let title = escaped(title);
    Html(format!(
        "<!doctype html><meta charset=utf-8><title>{title}</title><style>{STYLE}</style><h1>{title}</h1>{body}"
    ))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
