//! Products, orders and coupons.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgPool};

/// A coupon code has so many characters, and stands in so many lists at least.
const CODE_LENGTH: std::ops::RangeInclusive<usize> = 8..=10;
const LISTS: i64 = 2;
/// What a valid coupon takes off the price, in percent.
const PERCENT_OFF: i64 = 10;
/// No order has more of one product.
const MOST: i32 = 1000;

/// A product, its price in the currency's main unit.
#[derive(Debug, Serialize, FromRow)]
pub struct Product {
    pub id: String,
    pub name: String,
    pub price: f64,
    pub category: String,
}

/// What somebody wants.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wish {
    #[serde(default)]
    pub coupon_code: Option<String>,
    #[serde(default)]
    pub items: Vec<Item>,
}

/// A product and how many of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    pub product_id: String,
    pub quantity: i32,
}

/// An order that was placed; `total` is what is left to pay after `discount`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    pub id: String,
    pub items: Vec<Item>,
    pub products: Vec<Product>,
    pub discount: f64,
    pub total: f64,
}

/// Why an order was not placed.
#[derive(Debug)]
pub enum Refusal {
    /// What is wrong with it.
    Invalid(String),
    Database(sqlx::Error),
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

/// Returns all products, those with numbers for ids in the order of these.
///
/// # Errors
///
/// Those of the database.
#[tracing::instrument(skip_all)]
pub async fn products(database: &PgPool) -> sqlx::Result<Vec<Product>> {
    sqlx::query_as("SELECT id, name, price::float8, category FROM products ORDER BY length(id), id")
        .fetch_all(database)
        .await
}

/// Returns the product of this id, if there is one.
///
/// # Errors
///
/// Those of the database.
#[tracing::instrument(skip(database))]
pub async fn product(database: &PgPool, id: &str) -> sqlx::Result<Option<Product>> {
    sqlx::query_as("SELECT id, name, price::float8, category FROM products WHERE id = $1")
        .bind(id)
        .fetch_optional(database)
        .await
}

/// Places an order at the prices of this moment.
///
/// # Errors
///
/// [`Refusal::Invalid`] for an order without items, of an unknown product or an impossible number of it, or with a
/// coupon code that is none.
#[tracing::instrument(skip_all)]
pub async fn place(database: &PgPool, wish: Wish) -> Result<Order, Refusal> {
    let wanted = quantities(&wish.items).map_err(Refusal::Invalid)?;
    let (ids, numbers): (Vec<&str>, Vec<i32>) = wanted.into_iter().unzip();
    let percent = match &wish.coupon_code {
        Some(code) => {
            check_coupon(database, code).await?;
            PERCENT_OFF
        }
        None => 0,
    };

    let mut transaction = database.begin().await?;
    let lines = "SELECT id, name, price::float8, category FROM products WHERE id = ANY($1) ORDER BY length(id), id FOR SHARE";
    let products: Vec<Product> = sqlx::query_as(lines)
        .bind(&ids)
        .fetch_all(&mut *transaction)
        .await?;
    if let Some(unknown) = ids
        .iter()
        .find(|id| products.iter().all(|product| product.id != **id))
    {
        return Err(Refusal::Invalid(format!("there is no product `{unknown}`")));
    }
    let sum = "WITH sum AS (SELECT sum(price * quantity) AS total FROM products JOIN unnest($1::text[], $2::int4[]) AS wanted (id, quantity) USING (id))
        INSERT INTO orders (coupon_code, total) SELECT $3, round(total * (100 - $4::int8) / 100, 2) FROM sum
        RETURNING id::text, total::float8, ((SELECT total FROM sum) - total)::float8";
    let (id, total, discount): (String, f64, f64) = sqlx::query_as(sum)
        .bind(&ids)
        .bind(&numbers)
        .bind(&wish.coupon_code)
        .bind(percent)
        .fetch_one(&mut *transaction)
        .await?;
    let items = "INSERT INTO order_items (order_id, product_id, quantity, price)
        SELECT $1::text::uuid, id, quantity, price FROM products JOIN unnest($2::text[], $3::int4[]) AS wanted (id, quantity) USING (id)";
    sqlx::query(items)
        .bind(&id)
        .bind(&ids)
        .bind(&numbers)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;

    let items = ids.into_iter().zip(numbers).map(|(id, quantity)| Item {
        product_id: id.to_owned(),
        quantity,
    });
    Ok(Order {
        id,
        items: items.collect(),
        products,
        discount,
        total,
    })
}

/// How many of each product are wanted: what is named twice is added up.
fn quantities(items: &[Item]) -> Result<BTreeMap<&str, i32>, String> {
    if items.is_empty() {
        return Err("an order needs at least one item".to_owned());
    }
    let mut wanted = BTreeMap::new();
    for item in items {
        let quantity: &mut i32 = wanted.entry(item.product_id.as_str()).or_default();
        *quantity = quantity.saturating_add(item.quantity);
        if item.quantity < 1 || *quantity > MOST {
            return Err(format!(
                "of product `{}` one can order 1 to {MOST}",
                item.product_id
            ));
        }
    }
    Ok(wanted)
}

async fn check_coupon(database: &PgPool, code: &str) -> Result<(), Refusal> {
    let worth: bool = CODE_LENGTH.contains(&code.chars().count())
        && sqlx::query_scalar("SELECT count(*) >= $2 FROM coupons WHERE code = $1")
            .bind(code)
            .bind(LISTS)
            .fetch_one(database)
            .await?;
    if worth {
        Ok(())
    } else {
        Err(Refusal::Invalid(format!(
            "`{code}` is no valid coupon code"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(wanted: &[(&str, i32)]) -> Vec<Item> {
        let item = |&(id, quantity): &(&str, i32)| Item {
            product_id: id.to_owned(),
            quantity,
        };
        wanted.iter().map(item).collect()
    }

    #[test]
    fn a_product_named_twice_is_added_up() {
        let items = items(&[("1", 2), ("7", 1), ("1", 3)]);
        let wanted: Vec<_> = quantities(&items).unwrap().into_iter().collect();
        assert_eq!(wanted, [("1", 5), ("7", 1)]);
    }

    #[test]
    fn impossible_numbers_are_refused() {
        for wanted in [
            &[][..],
            &[("1", 0)],
            &[("1", -1)],
            &[("1", MOST), ("1", 1)],
            &[("1", i32::MAX), ("1", i32::MAX)],
        ] {
            assert!(quantities(&items(wanted)).is_err(), "{wanted:?}");
        }
        assert!(quantities(&items(&[("1", MOST)])).is_ok());
    }
}
