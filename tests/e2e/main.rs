//! The real binary on the sandbox: real API server, kubelet, containers and helm. What can only be
//! true there is tested here.

#![expect(clippy::expect_used, reason = "a test may fail where it stands")]

mod charts;
mod check;
mod failing;
mod faults;
mod inputs;
mod killed;
mod lease;
mod order_food;
mod oro;
mod plan;
mod refused;
mod scenarios;
mod support;
mod upgrade;
