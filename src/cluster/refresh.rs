//! The present state of single objects.

use futures::stream::{self, StreamExt, TryStreamExt};
use kube::Api;
use kube::api::DynamicObject;

use super::Cluster;
use super::convert::from_json;
use super::error::ask;
use crate::runner::ports::ObserveError;
use crate::snapshot::{ObjectRef, Observation};

/// Questions that are open at once.
const AT_ONCE: usize = 8;

impl Cluster {
    /// As [`crate::runner::ports::Observer::refresh`] says. Objects that are not there, that carry
    /// no status, or that may not be read one by one are left out.
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
        let Some(served) = served.filter(|served| served.has_status) else {
            return Ok(Vec::new());
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
        let mut seen = Vec::new();
        for api in apis {
            let doing = format!("reading {}", object.short());
            let found = match ask(&doing, || api.get_opt(&object.name)).await {
                Ok(found) => found,
                // What it may not read one by one, its watch has reported.
                Err(ObserveError::Denied(_)) => None,
                Err(error) => return Err(error),
            };
            let json = found.and_then(|found| serde_json::to_value(found).ok());
            seen.extend(json.and_then(from_json).map(Observation::Seen));
        }
        Ok(seen)
    }
}
