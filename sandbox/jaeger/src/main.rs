//! Takes traces by OTLP and shows them, in the place of Jaeger: on the same ports, and in the shape of its JSON. Traces
//! are kept in memory, the newest thousand.

mod receive;
mod show;
mod store;

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use store::Store;

const OTLP_GRPC: u16 = 4317;
const OTLP_HTTP: u16 = 4318;
const HEALTH: u16 = 13133;
const UI: u16 = 16686;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let store = Arc::new(Store::default());
    let health = Router::new().route("/status", get(|| async { r#"{"status":"StatusOK"}"# }));
    let mut servers = tokio::task::JoinSet::new();
    for (port, router) in [
        (OTLP_GRPC, receive::grpc(&store)),
        (OTLP_HTTP, receive::http(&store)),
        (HEALTH, health),
        (UI, show::router(&store)),
    ] {
        let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("can't listen on {address}"))?;
        servers.spawn(axum::serve(listener, router).into_future());
    }
    writeln!(
        std::io::stdout(),
        "takes traces on {OTLP_GRPC} and {OTLP_HTTP}, shows them on {UI}"
    )?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        Some(ended) = servers.join_next() => ended.context("a server ended")??,
    }
    Ok(())
}
