//! The room against an API server that follows a script.

mod asking;
mod following;
mod logs;
mod placed;
mod records;
mod server;
mod stack_records;
mod tails;
mod watching;
