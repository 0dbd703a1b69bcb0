//! A small web shop for meals, and the two programs that prepare its database.
//!
//! `database-migration` and `database-load` run before every start of the service, in each of its pods: both stand being
//! repeated, and being run by several pods at once.

pub mod database;
pub mod load;
pub mod metrics;
pub mod migration;
pub mod shop;
pub mod step;
pub mod telemetry;
pub mod web;
