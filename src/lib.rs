//! Brings up a graph of Helm releases.
