//! The door to the cluster: the Observer port over kube. Owns connections, watches, logs and
//! records; what they tell leaves the room as snapshots. Must not know helm's command line, plans
//! or what is shown to whom.

pub mod convert;
