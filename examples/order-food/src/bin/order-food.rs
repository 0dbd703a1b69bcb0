//! Serves the products and takes orders.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use order_food::database::Database;
use order_food::metrics::Metrics;
use order_food::step::Reports;
use order_food::telemetry::{self, Telemetry};
use order_food::web::{self, Shop};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tracing::Instrument;

/// How long requests that were begun may take after the program was asked to end.
const DRAIN: Duration = Duration::from_secs(20);

/// Serves the products and takes orders.
///
/// /health speaks of this process, /ready of the database and its schema, /metrics is for Prometheus.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    reports: Reports,
    /// Port to listen on.
    #[arg(long, env = "PORT", default_value_t = 8080)]
    port: u16,
    /// Who sends this in the header api_key may place orders.
    #[arg(
        long,
        env = "API_KEY",
        default_value = "apitest",
        hide_env_values = true
    )]
    api_key: String,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let telemetry = telemetry::start("order-food");
    let result = tokio::runtime::Runtime::new()
        .context("no async runtime")
        .and_then(|runtime| runtime.block_on(run(arguments, &telemetry)));
    if let Err(error) = &result {
        tracing::error!("order-food failed: {error:#}");
    }
    telemetry.finish();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

async fn run(arguments: Arguments, telemetry: &Telemetry) -> Result<()> {
    let (listener, shop) = start(arguments)
        .instrument(tracing::info_span!(target: "order_food", "start"))
        .await?;
    telemetry.started();
    tracing::info!("order-food listens on {}", listener.local_addr()?);

    let (end, ended) = oneshot::channel::<()>();
    let serve = axum::serve(listener, web::router(shop)).with_graceful_shutdown(async {
        ended.await.ok();
    });
    let serve = tokio::spawn(serve.into_future());
    wait_for_signal().await?;
    tracing::info!("asked to end: finishing the requests at hand");
    drop(end);
    match tokio::time::timeout(DRAIN, serve).await {
        Ok(served) => served?.context("serving failed")?,
        Err(_) => tracing::warn!(
            "some requests were not finished within {} s",
            DRAIN.as_secs()
        ),
    }
    Ok(())
}

/// Makes everything ready to serve. The database may come later: until then `/ready` says no.
async fn start(arguments: Arguments) -> Result<(TcpListener, Shop)> {
    let shop = Shop {
        database: arguments.database.pool(),
        metrics: Metrics::new()?,
        reports: arguments.reports,
        api_key: arguments.api_key,
    };
    let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, arguments.port));
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("can't listen on {address}"))?;
    Ok((listener, shop))
}

async fn wait_for_signal() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_sound() {
        Arguments::command().debug_assert();
    }
}
