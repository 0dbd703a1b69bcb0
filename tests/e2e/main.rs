//! The real binary on the sandbox: real API server, kubelet, containers and helm. What can only be
//! true there is tested here.

#![expect(clippy::expect_used, reason = "a test may fail where it stands")]

mod again;
mod back;
mod charts;
mod check;
mod doctor;
mod down;
mod failing;
mod faults;
mod followed;
mod going;
mod inputs;
mod kill_matrix;
mod killed;
mod lease;
mod many;
mod namesakes;
mod namespaces;
mod order_food;
mod oro;
mod orphans;
mod plan;
mod refused;
mod scenarios;
mod secrets;
mod support;
mod trouble;
mod upgrade;
