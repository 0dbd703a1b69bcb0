//! Versioned migrations of the schema: each applied once, in order, in a transaction of its own.

use anyhow::{Context, Result, ensure};
use sqlx::migrate::{Migrate, Migration, Migrator};
use sqlx::{Executor, PgConnection, Postgres};
use tracing::Instrument;

static MIGRATIONS: Migrator = sqlx::migrate!();
/// Where sqlx remembers what was applied.
const TABLE: &str = "_sqlx_migrations";

/// The version that this build of the programs was made for.
pub fn wanted_version() -> i64 {
    MIGRATIONS
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0)
}

/// The version that the database has, or 0 if nothing was ever applied.
///
/// # Errors
///
/// Those of the database, but for a missing table.
pub async fn found_version<'e>(
    database: impl Executor<'e, Database = Postgres>,
) -> sqlx::Result<i64> {
    const UNDEFINED_TABLE: &str = "42P01";
    let newest = "SELECT coalesce(max(version), 0) FROM _sqlx_migrations WHERE success";
    match sqlx::query_scalar(newest).fetch_one(database).await {
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(UNDEFINED_TABLE) => {
            Ok(0)
        }
        other => other,
    }
}

/// Applies what is missing while holding an advisory lock, and returns how many that were. A database that is newer
/// than this build is left alone, so that the service can be rolled back.
///
/// # Errors
///
/// A migration that fails, or one whose text was changed after it had been applied. The lock ends with the connection.
pub async fn run(connection: &mut PgConnection) -> Result<usize> {
    connection
        .lock()
        .instrument(tracing::info_span!("wait for the lock"))
        .await?;
    connection.ensure_migrations_table(TABLE).await?;
    let applied = connection.list_applied_migrations(TABLE).await?;
    let mut count = 0;
    for migration in MIGRATIONS.iter() {
        match applied
            .iter()
            .find(|done| done.version == migration.version)
        {
            Some(done) => ensure!(
                done.checksum == migration.checksum,
                "migration {} was changed after it had been applied",
                name(migration)
            ),
            None => {
                apply(connection, migration).await?;
                count += 1;
            }
        }
    }
    connection.unlock().await?;
    Ok(count)
}

async fn apply(connection: &mut PgConnection, migration: &Migration) -> Result<()> {
    let name = name(migration);
    let span = tracing::info_span!("migration", otel.name = format!("migration {name}"));
    let took = connection
        .apply(TABLE, migration)
        .instrument(span)
        .await
        .with_context(|| format!("migration {name} failed"))?;
    tracing::info!("applied {name} in {} ms", took.as_millis());
    Ok(())
}

fn name(migration: &Migration) -> String {
    format!("{:04} {}", migration.version, migration.description)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_no_gap() {
        let versions: Vec<_> = MIGRATIONS
            .iter()
            .map(|migration| migration.version)
            .collect();
        let expected: Vec<_> = (1..=wanted_version()).collect();
        assert_eq!(versions, expected);
    }
}
