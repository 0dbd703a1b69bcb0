//! The room against an API server that follows a script.

mod asking;
mod following;
mod logs;
mod records;
mod server;
mod tails;
mod watching;
