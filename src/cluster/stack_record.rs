//! The stack record: one small Secret per stack in its namespace that holds what labels can't. It
//! can be rebuilt from the releases and is never the only proof of anything.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use serde::Deserialize;
use serde_json::json;

use super::Cluster;
use super::error::{ask, observe_error};
use crate::memory::{SCHEMA, StackRecord};
use crate::names::{Namespace, StackName};
use crate::runner::ports::ObserveError;

const KEY: &str = "stack.json";
const TYPE: &str = "stackctl.dev/stack.v1";
const OURS: &str = "app.kubernetes.io/managed-by=stackctl,stackctl.dev/stack";
const MANAGER: &str = "stackctl";

impl Cluster {
    /// Writes the record by server-side apply, over whatever was there.
    ///
    /// # Errors
    /// `NotFound` where the namespace is missing, `Denied`, `Unreachable`.
    pub async fn write_stack(&self, record: &StackRecord) -> Result<(), ObserveError> {
        let StackRecord {
            stack, namespace, ..
        } = record;
        let doing = format!("writing the record of stack `{stack}` in `{namespace}`");
        let text = serde_json::to_vec(record)
            .map_err(|error| ObserveError::Unexpected(format!("{doing}: {error}")))?;
        let name = secret_name(stack);
        let secret = Patch::Apply(json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": name,
                "labels": {
                    "app.kubernetes.io/managed-by": MANAGER,
                    "stackctl.dev/stack": stack.as_str(),
                },
            },
            "type": TYPE,
            "data": {KEY: BASE64.encode(text)},
        }));
        let api = self.secrets(namespace);
        let params = PatchParams::apply(MANAGER).force();
        ask(&doing, || api.patch_metadata(&name, &params, &secret)).await?;
        Ok(())
    }

    /// None where the stack has no record.
    ///
    /// # Errors
    /// `Denied`, `Unreachable`, or `Unexpected` for a record that can't be read.
    pub async fn read_stack(
        &self,
        stack: &StackName,
        namespace: &Namespace,
    ) -> Result<Option<StackRecord>, ObserveError> {
        let doing = format!("reading the record of stack `{stack}` in `{namespace}`");
        let (api, name) = (self.secrets(namespace), secret_name(stack));
        let found = ask(&doing, || api.get_opt(&name)).await?;
        found
            .map(|secret| read(&secret))
            .transpose()
            .map_err(|why| ObserveError::Unexpected(format!("{doing}: {why}")))
    }

    /// The records of all stacks, by namespace and name; where the cluster may not be listed, of
    /// `fallback` alone. Records that can't be read are left out: others must still be found.
    ///
    /// # Errors
    /// `Denied` where `fallback` may not be listed either, `Unreachable`.
    pub async fn list_stacks(
        &self,
        fallback: &Namespace,
    ) -> Result<Vec<StackRecord>, ObserveError> {
        let params = ListParams::default().labels(OURS);
        let everywhere = Api::<Secret>::all(self.client.clone());
        let list = match ask("listing stacks", || everywhere.list(&params)).await {
            Err(ObserveError::Denied(_)) => {
                let doing = format!("listing stacks in namespace `{fallback}`");
                let api = self.secrets(fallback);
                ask(&doing, || api.list(&params)).await?
            }
            other => other?,
        };
        let mut records: Vec<StackRecord> = list
            .items
            .iter()
            .filter(|secret| secret.type_.as_deref() == Some(TYPE))
            .filter_map(|secret| read(secret).ok())
            .collect();
        records.sort_by(|a, b| (&a.namespace, &a.stack).cmp(&(&b.namespace, &b.stack)));
        Ok(records)
    }

    /// Returns whether there was one.
    ///
    /// # Errors
    /// `Denied`, `Unreachable`.
    pub async fn delete_stack(
        &self,
        stack: &StackName,
        namespace: &Namespace,
    ) -> Result<bool, ObserveError> {
        let api = self.secrets(namespace);
        let params = DeleteParams::default();
        match api.delete(&secret_name(stack), &params).await {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(false),
            Err(error) => {
                let doing = format!("deleting the record of stack `{stack}` in `{namespace}`");
                Err(observe_error(&doing, &error))
            }
        }
    }

    fn secrets(&self, namespace: &Namespace) -> Api<Secret> {
        Api::namespaced(self.client.clone(), namespace.as_str())
    }
}

fn secret_name(stack: &StackName) -> String {
    format!("stackctl.dev.stack.{stack}")
}

fn read(secret: &Secret) -> Result<StackRecord, String> {
    #[derive(Deserialize)]
    struct Versioned {
        schema: u32,
    }
    let data = secret.data.as_ref().and_then(|data| data.get(KEY));
    let text = &data.ok_or(format!("it has no `{KEY}`"))?.0;
    let unreadable = |error: serde_json::Error| format!("`{KEY}` is not readable: {error}");
    let Versioned { schema } = serde_json::from_slice(text).map_err(unreadable)?;
    if schema > SCHEMA {
        return Err("it was written by a newer stackctl".to_owned());
    }
    serde_json::from_slice(text).map_err(unreadable)
}
