//! The HTTP face of the shop.

use std::time::Instant;

use axum::Router;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Json, MatchedPath, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use serde_json::json;
use sqlx::PgPool;
use tracing::Instrument;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::metrics::{self, Metrics};
use crate::migration;
use crate::shop::{self, Order, Product, Refusal, Wish};
use crate::step::Reports;

/// Asked for by probes and scrapers every few seconds: neither traced, logged nor counted.
const HOUSEKEEPING: [&str; 3] = ["/health", "/ready", "/metrics"];

/// What the handlers share.
#[derive(Debug, Clone)]
pub struct Shop {
    pub database: PgPool,
    pub metrics: Metrics,
    pub reports: Reports,
    /// Who sends it in the header `api_key` may place orders.
    pub api_key: String,
}

/// Returns all routes of the service.
pub fn router(shop: Shop) -> Router {
    Router::new()
        .route("/api/product", get(products))
        .route("/api/product/{id}", get(product))
        .route("/api/order", post(order))
        .route("/health", get(|| async { Json(json!({"status": "ok"})) }))
        .route("/ready", get(ready))
        .route("/metrics", get(scrape))
        .fallback(|| async { problem(StatusCode::NOT_FOUND, "there is nothing here") })
        .layer(middleware::from_fn_with_state(shop.clone(), observe))
        .with_state(shop)
}

async fn products(State(shop): State<Shop>) -> Result<Json<Vec<Product>>, Problem> {
    Ok(Json(shop::products(&shop.database).await?))
}

async fn product(
    State(shop): State<Shop>,
    Path(id): Path<String>,
) -> Result<Json<Product>, Problem> {
    let found = shop::product(&shop.database, &id).await?;
    found
        .map(Json)
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there is no such product"))
}

async fn order(
    State(shop): State<Shop>,
    headers: HeaderMap,
    wish: Result<Json<Wish>, JsonRejection>,
) -> Result<Json<Order>, Problem> {
    match headers.get("api_key") {
        None => {
            return Err(Problem::new(
                StatusCode::UNAUTHORIZED,
                "the header api_key is missing",
            ));
        }
        Some(key) if key.as_bytes() != shop.api_key.as_bytes() => {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "the header api_key is wrong",
            ));
        }
        Some(_) => {}
    }
    let Json(wish) = wish.map_err(|rejection| {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, rejection.body_text())
    })?;
    let order = shop::place(&shop.database, wish)
        .await
        .map_err(|refusal| match refusal {
            Refusal::Invalid(reason) => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, reason),
            Refusal::Database(error) => error.into(),
        })?;
    shop.metrics.ordered();
    Ok(Json(order))
}

/// Ready means: the database answers, and its schema is at least the one that this build was made for. A newer one is no
/// reason to stop serving: it is there while the next version rolls out.
async fn ready(State(shop): State<Shop>) -> Response {
    let wanted = migration::wanted_version();
    match migration::found_version(&shop.database).await {
        Ok(found) if found >= wanted => {
            Json(json!({"status": "ready", "schema": found})).into_response()
        }
        Ok(found) => problem(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("the schema has version {found}, and {wanted} is needed"),
        ),
        Err(error) => Problem::from(error).into_response(),
    }
}

async fn scrape(State(shop): State<Shop>) -> Response {
    match shop.metrics.text(&shop.reports) {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

/// Traces, counts and logs a request. A caller that sends a `traceparent` is part of the same trace.
async fn observe(State(shop): State<Shop>, request: Request, next: Next) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("other", MatchedPath::as_str)
        .to_owned();
    if HOUSEKEEPING.contains(&route.as_str()) {
        return next.run(request).await;
    }
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let span = tracing::info_span!(
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = tracing::field::Empty,
        http.request.method = %method,
        http.route = route,
        url.path = path,
        http.response.status_code = tracing::field::Empty,
    );
    let caller = TraceContextPropagator::new().extract(&HeaderExtractor(request.headers()));
    if let Err(error) = span.set_parent(caller) {
        tracing::debug!("the caller's trace is not taken up: {error}");
    }
    let start = Instant::now();
    let response = next.run(request).instrument(span.clone()).await;
    let code = response.status();
    span.record("http.response.status_code", code.as_u16());
    if code.is_server_error() {
        span.record("otel.status_code", "error");
    }
    let took = start.elapsed();
    shop.metrics
        .answered(method.as_str(), &route, code.as_u16(), took);
    tracing::info!("{method} {path} {} {} ms", code.as_u16(), took.as_millis());
    response
}

/// An answer that is none.
struct Problem {
    code: StatusCode,
    message: String,
}

impl Problem {
    fn new(code: StatusCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        tracing::warn!("the database failed: {error}");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the database does not answer",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.code, Json(json!({"message": self.message}))).into_response()
    }
}

fn problem(code: StatusCode, message: impl Into<String>) -> Response {
    Problem::new(code, message).into_response()
}
