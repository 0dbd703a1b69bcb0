//! The two ways in: gRPC, and HTTP with protobuf or JSON.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use tonic::service::Routes;

use crate::store::Store;

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

pub(crate) fn grpc(store: &Arc<Store>) -> Router {
    Routes::new(TraceServiceServer::new(Collector(Arc::clone(store)))).into_axum_router()
}

struct Collector(Arc<Store>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        self.0.add(request.into_inner());
        Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
    }
}

pub(crate) fn http(store: &Arc<Store>) -> Router {
    Router::new()
        .route("/v1/traces", post(export))
        .with_state(Arc::clone(store))
}

async fn export(State(store): State<Arc<Store>>, headers: HeaderMap, body: Bytes) -> Response {
    let content = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let request = match content.split(';').next().unwrap_or_default() {
        PROTOBUF => ExportTraceServiceRequest::decode(body).map_err(|error| error.to_string()),
        JSON => serde_json::from_slice(&body).map_err(|error| error.to_string()),
        other => {
            return (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!("`{other}` is neither {PROTOBUF} nor {JSON}"),
            )
                .into_response();
        }
    };
    match request {
        Ok(request) => store.add(request),
        Err(error) => return (StatusCode::BAD_REQUEST, error).into_response(),
    }
    // An empty answer is the same in both encodings but for its braces.
    if content.starts_with(JSON) {
        ([(header::CONTENT_TYPE, JSON)], "{}").into_response()
    } else {
        ([(header::CONTENT_TYPE, PROTOBUF)], "").into_response()
    }
}
