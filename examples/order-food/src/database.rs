//! Where the database is, and how to come by a connection.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::{ConnectOptions, PgConnection, PgPool};

/// How long one try may take: a server that is just starting answers late.
const TRY: Duration = Duration::from_secs(10);
/// How long to wait before the next try.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a request waits for a connection before it is answered with 503.
const PATIENCE: Duration = Duration::from_secs(2);

/// The database, as the arguments or the environment name it.
#[derive(clap::Args, Debug, Clone)]
pub struct Database {
    /// Host name or address of PostgreSQL.
    #[arg(
        id = "db_host",
        long = "db-host",
        env = "DB_HOST",
        default_value = "localhost"
    )]
    host: String,
    #[arg(
        id = "db_port",
        long = "db-port",
        env = "DB_PORT",
        default_value_t = 5432
    )]
    port: u16,
    #[arg(
        id = "db_name",
        long = "db-name",
        env = "DB_NAME",
        default_value = "orderfood"
    )]
    name: String,
    #[arg(
        id = "db_user",
        long = "db-user",
        env = "DB_USER",
        default_value = "orderfood"
    )]
    user: String,
    /// The password; better said by the environment, which other users can't list.
    #[arg(
        id = "db_password",
        long = "db-password",
        env = "DB_PASSWORD",
        default_value = "",
        hide_env_values = true
    )]
    password: String,
    /// disable, allow, prefer, require, verify-ca or verify-full.
    #[arg(
        id = "db_sslmode",
        long = "db-sslmode",
        env = "DB_SSLMODE",
        default_value = "disable"
    )]
    ssl_mode: PgSslMode,
    /// For how many seconds to try, when the database does not answer at first.
    #[arg(
        long = "db-connect-seconds",
        env = "DB_CONNECT_SECONDS",
        default_value_t = 60
    )]
    connect_seconds: u64,
}

impl Database {
    /// Returns a connection, as soon as there is one.
    ///
    /// # Errors
    ///
    /// The reason of the last try, after `--db-connect-seconds`.
    #[tracing::instrument(name = "connect", skip_all, fields(server.address = %self.host, server.port = self.port))]
    pub async fn connect(&self) -> Result<PgConnection> {
        let options = self.options();
        let deadline = Instant::now() + Duration::from_secs(self.connect_seconds);
        let mut said = String::new();
        loop {
            let error = match tokio::time::timeout(TRY, options.connect()).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(error)) => anyhow::Error::new(error),
                Err(_) => anyhow::anyhow!("no answer within {} s", TRY.as_secs()),
            };
            if Instant::now() + PAUSE > deadline {
                let place = format!("{}:{}/{}", self.host, self.port, self.name);
                return Err(error)
                    .with_context(|| format!("no connection to PostgreSQL at {place}"));
            }
            let reason = format!("{error:#}");
            if reason != said {
                tracing::info!("waiting for the database: {reason}");
                said = reason;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Returns a pool that connects when it is first used.
    pub fn pool(&self) -> PgPool {
        PgPoolOptions::new()
            .max_connections(8)
            .acquire_timeout(PATIENCE)
            .connect_lazy_with(self.options())
    }

    fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .host(&self.host)
            .port(self.port)
            .database(&self.name)
            .username(&self.user)
            .password(&self.password)
            .ssl_mode(self.ssl_mode)
            .application_name(env!("CARGO_PKG_NAME"))
            .disable_statement_logging()
    }
}
