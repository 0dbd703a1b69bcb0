//! The orchestration: starts releases when their needs are met, listens to the cluster, judges,
//! and emits what happens. It owns the only clock. It knows neither helm nor Kubernetes: both
//! stand behind [`ports`].

pub mod ports;
