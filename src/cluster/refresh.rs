//! The present state of single objects.

use futures::stream::{self, StreamExt, TryStreamExt};
use kube::Api;
use kube::api::DynamicObject;

use super::Cluster;
use super::convert::from_json;
use super::discovery::Status;
use super::error::ask;
use crate::runner::ports::ObserveError;
use crate::snapshot::{ObjectRef, Observation, Snapshot};

/// Questions that are open at once.
const AT_ONCE: usize = 8;

impl Cluster {
    /// As [`crate::runner::ports::Observer::refresh`] says. Objects that carry no status, or that may
    /// not be read one by one, are left out.
    ///
    /// # Errors
    /// The API server does not answer, or not as it promises.
    pub(super) async fn refresh_objects(
        &self,
        objects: &[ObjectRef],
    ) -> Result<Vec<Observation>, ObserveError> {
        let seen: Vec<Vec<Observation>> = stream::iter(objects)
            .map(|object| self.refresh_object(object))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(seen.into_iter().flatten().collect())
    }

    async fn refresh_object(&self, object: &ObjectRef) -> Result<Vec<Observation>, ObserveError> {
        let ObjectRef {
            api_version, kind, ..
        } = object;
        let served = self.discovery.resolve(api_version, kind).await?;
        let absent = || vec![Observation::Absent(object.clone())];
        let served = match served {
            Some(served) if served.status == Status::Nowhere => return Ok(Vec::new()),
            Some(served) => served,
            None => return Ok(absent()),
        };
        let client = || self.client.clone();
        let apis: Vec<Api<DynamicObject>> = match &object.namespace {
            _ if !served.namespaced => vec![Api::all_with(client(), &served.resource)],
            Some(ns) => vec![Api::namespaced_with(client(), ns, &served.resource)],
            None => self
                .watched_namespaces()
                .iter()
                .map(|ns| Api::namespaced_with(client(), ns, &served.resource))
                .collect(),
        };
        let (mut seen, mut is_absent) = (Vec::new(), true);
        for api in apis {
            let doing = format!("reading {}", object.short());
            let found = match ask(&doing, || api.get_opt(&object.name)).await {
                Ok(found) => found,
                // What it may not read one by one, its watch has reported.
                Err(ObserveError::Denied(_)) => {
                    is_absent = false;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let json = found.and_then(|found| serde_json::to_value(found).ok());
            let snapshot = match json.and_then(from_json) {
                Some(Snapshot::Custom(custom)) if served.status == Status::Within => {
                    Some(Snapshot::Custom(custom.written_whole()))
                }
                snapshot => snapshot,
            };
            seen.extend(snapshot.map(Observation::Seen));
        }
        if seen.is_empty() && is_absent {
            return Ok(absent());
        }
        Ok(seen)
    }
}
