//! The Lease of a stack: `stackctl.STACK` in the stack's namespace.

use std::time::Duration;

use futures::future::LocalBoxFuture;
use futures::stream::LocalBoxStream;
use futures::{FutureExt, StreamExt};
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease as ApiLease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use kube::runtime::{WatchStreamExt, watcher};
use serde_json::{Value, json};

use super::Cluster;
use super::error::observe_error;
use crate::event::Holder;
use crate::lease::{Lease, TERM};
use crate::names::{Namespace, RunId, StackName};
use crate::runner::ports::{Leases, ObserveError};

const HOLDER: &str = "stackctl.dev/holder";
const UNSURE: &str = "stackctl.dev/unsure";
const SUPERSEDED_BY: &str = "stackctl.dev/superseded-by";
/// A holder has to know in time that it can't renew, so no question may take as long as others do.
const PATIENCE: Duration = Duration::from_secs(4);

/// The Lease of one stack.
pub struct StackLease {
    api: Api<DynamicObject>,
    name: String,
    stack: StackName,
}

impl Cluster {
    pub fn lease(&self, stack: &StackName, namespace: &Namespace) -> StackLease {
        // A Lease whose times can't be read is one all the same.
        let kind = ApiResource::erase::<ApiLease>(&());
        StackLease {
            api: Api::namespaced_with(self.client.clone(), namespace.as_str(), &kind),
            name: format!("stackctl.{stack}"),
            stack: stack.clone(),
        }
    }
}

impl StackLease {
    /// Asks once: whoever can't wait asks again himself.
    async fn ask<T>(
        &self,
        doing: &str,
        question: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, ObserveError> {
        let doing = format!("{doing} the Lease `{}`", self.name);
        match tokio::time::timeout(PATIENCE, question).await {
            Ok(answer) => answer.map_err(|error| observe_error(&doing, &error)),
            Err(_) => Err(ObserveError::Unreachable(format!(
                "{doing}: no answer from the API server within {}s",
                PATIENCE.as_secs()
            ))),
        }
    }

    fn object(&self, lease: &Lease) -> DynamicObject {
        let holder = lease.holder.as_ref();
        let described = holder.and_then(|holder| serde_json::to_string(holder).ok());
        let superseded = lease.superseded_by.as_ref().map(RunId::to_string);
        let unsure = (!lease.unsure.is_empty()).then(|| serde_json::to_string(&lease.unsure).ok());
        let annotations = [
            (HOLDER, described),
            (SUPERSEDED_BY, superseded),
            (UNSURE, unsure.flatten()),
        ];
        let annotations = annotations
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)));
        let labels = [
            ("app.kubernetes.io/managed-by", "stackctl"),
            ("stackctl.dev/stack", self.stack.as_str()),
        ];
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let kind = ApiResource::erase::<ApiLease>(&());
        let mut object = DynamicObject::new(&self.name, &kind).data(json!({"spec": LeaseSpec {
            holder_identity: Some(holder.map_or_else(String::new, |it| it.run.to_string())),
            lease_duration_seconds: i32::try_from(lease.term.as_secs()).ok(),
            acquire_time: Some(MicroTime(lease.acquired)),
            renew_time: Some(MicroTime(lease.renewed)),
            lease_transitions: Some(lease.transitions),
            ..LeaseSpec::default()
        }}));
        object.metadata.resource_version =
            Some(lease.version.clone()).filter(|version| !version.is_empty());
        object.metadata.labels = Some(labels.into());
        object.metadata.annotations = Some(annotations.collect());
        object
    }
}

/// Whoever wrote it, a Lease with a holder is one: what can't be read of him is left out.
fn lease(object: DynamicObject) -> Lease {
    let annotations = object.metadata.annotations.unwrap_or_default();
    let spec = |key: &str| object.data.get("spec").and_then(|spec| spec.get(key));
    let text = |key: &str| spec(key).and_then(Value::as_str);
    // The API server takes moments at the end of the year 9999 that no clock of ours can hold.
    let time = |key: &str| Some(text(key)?.parse().unwrap_or(Timestamp::MAX));
    let acquired = time("acquireTime").unwrap_or(Timestamp::UNIX_EPOCH);
    let identity = text("holderIdentity").filter(|it| !it.is_empty());
    let described = annotations.get(HOLDER);
    let described = described.and_then(|text| serde_json::from_str::<Holder>(text).ok());
    let holder = identity.map(|identity| match described {
        Some(holder) if holder.run.as_str() == identity => holder,
        _ => Holder::unknown(RunId::foreign(identity), acquired),
    });
    let seconds = spec("leaseDurationSeconds").and_then(Value::as_u64);
    let transitions = spec("leaseTransitions").and_then(Value::as_i64);
    Lease {
        holder,
        acquired,
        renewed: time("renewTime").unwrap_or(acquired),
        term: seconds.map_or(TERM, Duration::from_secs),
        transitions: transitions
            .and_then(|it| i32::try_from(it).ok())
            .unwrap_or_default(),
        unsure: annotations
            .get(UNSURE)
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default(),
        superseded_by: annotations.get(SUPERSEDED_BY).map(|it| RunId::foreign(it)),
        version: object.metadata.resource_version.unwrap_or_default(),
    }
}

impl Leases for StackLease {
    fn read(&self) -> LocalBoxFuture<'_, Result<Option<Lease>, ObserveError>> {
        async move {
            let found = self.ask("reading", self.api.get_opt(&self.name)).await?;
            Ok(found.map(lease))
        }
        .boxed_local()
    }

    fn write<'a>(
        &'a self,
        wanted: &'a Lease,
    ) -> LocalBoxFuture<'a, Result<Option<Lease>, ObserveError>> {
        async move {
            let object = self.object(wanted);
            let params = PostParams::default();
            let written = async {
                let written = match wanted.version.is_empty() {
                    true => self.api.create(&params, &object).await,
                    false => self.api.replace(&self.name, &params, &object).await,
                };
                match written {
                    Ok(object) => Ok(Some(lease(object))),
                    // There already, or another version.
                    Err(kube::Error::Api(status)) if status.code == 409 => Ok(None),
                    // There no more; without a namespace there is none to be had.
                    Err(kube::Error::Api(status))
                        if status.code == 404 && !wanted.version.is_empty() =>
                    {
                        Ok(None)
                    }
                    Err(error) => Err(error),
                }
            };
            self.ask("writing", written).await
        }
        .boxed_local()
    }

    fn changes(&self) -> LocalBoxStream<'static, ()> {
        let config = watcher::Config::default().fields(&format!("metadata.name={}", self.name));
        watcher::watcher(self.api.clone(), config)
            .default_backoff()
            .map(drop)
            .boxed_local()
    }

    fn supersede<'a>(&'a self, by: &'a RunId) -> LocalBoxFuture<'a, Result<(), ObserveError>> {
        async move {
            let patch = json!({"metadata": {"annotations": {SUPERSEDED_BY: by.as_str()}}});
            let (params, patch) = (PatchParams::default(), Patch::Merge(patch));
            let asked = self.api.patch_metadata(&self.name, &params, &patch);
            self.ask("writing", asked).await.map(drop)
        }
        .boxed_local()
    }
}
