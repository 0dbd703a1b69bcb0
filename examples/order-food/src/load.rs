//! What the shop starts with: products and coupon codes, each content loaded once.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;
use sqlx::{Connection, PgConnection};

/// Any number that nothing else in this database locks.
const LOCK: i64 = 7_002;

#[derive(Deserialize)]
struct Row {
    id: String,
    name: String,
    price: String,
    category: String,
}

/// Loads `products.csv` of the folder, and each list in its folder `coupons`.
///
/// # Errors
///
/// A file that can't be read or holds what the schema refuses; it is then not loaded at all.
pub async fn run(connection: &mut PgConnection, folder: &Path) -> Result<()> {
    load(connection, &folder.join("products.csv"), Kind::Products).await?;
    for list in lists(&folder.join("coupons"))? {
        load(connection, &list, Kind::Coupons).await?;
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Kind {
    Products,
    Coupons,
}

fn lists(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("can't read {}", folder.display()))?;
    let mut files = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}

#[tracing::instrument(name = "load", skip_all, fields(otel.name = format!("load {}", file.display())))]
async fn load(connection: &mut PgConnection, file: &Path, kind: Kind) -> Result<()> {
    let content =
        fs::read_to_string(file).with_context(|| format!("can't read {}", file.display()))?;
    let place = file.display().to_string();
    let mut transaction = connection.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .execute(&mut *transaction)
        .await?;
    let digest: String = sqlx::query_scalar("SELECT encode(sha256($1), 'hex')")
        .bind(content.as_bytes())
        .fetch_one(&mut *transaction)
        .await?;
    let before: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM data_loads WHERE sha256 = $1 AND file = $2)",
    )
    .bind(&digest)
    .bind(&place)
    .fetch_one(&mut *transaction)
    .await?;
    if before {
        tracing::info!("{place} was loaded before: no change");
        return Ok(());
    }
    let rows = match kind {
        Kind::Products => products(&mut transaction, &content).await,
        Kind::Coupons => coupons(&mut transaction, file, &content).await,
    };
    let rows = rows.with_context(|| format!("can't load {place}"))?;
    sqlx::query("INSERT INTO data_loads (sha256, file, rows) VALUES ($1, $2, $3)")
        .bind(&digest)
        .bind(&place)
        .bind(rows)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    tracing::info!("{rows} rows of {place} loaded");
    Ok(())
}

async fn products(connection: &mut PgConnection, content: &str) -> Result<i64> {
    let mut reader = csv::Reader::from_reader(content.as_bytes());
    let headers = reader.headers()?.clone();
    let mut count = 0;
    for record in reader.records() {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line);
        let row: Row = record.deserialize(Some(&headers))?;
        let upsert = "INSERT INTO products (id, name, price, category) VALUES ($1, $2, $3::text::numeric, $4)
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, price = excluded.price, category = excluded.category";
        sqlx::query(upsert)
            .bind(&row.id)
            .bind(&row.name)
            .bind(&row.price)
            .bind(&row.category)
            .execute(&mut *connection)
            .await
            .with_context(|| format!("line {line}"))?;
        count += 1;
    }
    Ok(count)
}

async fn coupons(connection: &mut PgConnection, file: &Path, content: &str) -> Result<i64> {
    let list = file.file_stem().unwrap_or_default().to_string_lossy();
    let codes: Vec<&str> = content.split_whitespace().collect();
    sqlx::query("INSERT INTO coupons (code, list) SELECT code, $2 FROM unnest($1::text[]) AS code ON CONFLICT DO NOTHING")
        .bind(&codes)
        .bind(list)
        .execute(connection)
        .await?;
    Ok(i64::try_from(codes.len())?)
}
