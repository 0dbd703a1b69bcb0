//! Namespaces that a stack needs.

use k8s_openapi::api::core::v1::Namespace as ApiNamespace;
use kube::Api;
use kube::api::{ObjectMeta, PostParams};

use super::Cluster;
use super::error::{ask, observe_error};
use crate::names::Namespace;
use crate::runner::ports::ObserveError;

/// How a namespace came to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ensured {
    Made,
    Existed,
    /// Namespaces may not be read here; helm will say if this one is missing.
    Assumed,
}

impl Cluster {
    /// Makes the namespace if it is missing, labelled as ours.
    ///
    /// # Errors
    /// `Denied` where it is missing and may not be made, `Conflict` where it is being deleted.
    pub async fn ensure_namespace(&self, namespace: &Namespace) -> Result<Ensured, ObserveError> {
        let api = Api::<ApiNamespace>::all(self.client.clone());
        let doing = format!("looking for namespace `{namespace}`");
        match ask(&doing, || api.get_opt(namespace.as_str())).await {
            Ok(Some(found)) if is_terminating(&found) => {
                let text = format!(
                    "namespace `{namespace}` is being deleted: nothing can be made in it until it is gone"
                );
                return Err(ObserveError::Conflict(text));
            }
            Ok(Some(_)) => return Ok(Ensured::Existed),
            Err(ObserveError::Denied(_)) => return Ok(Ensured::Assumed),
            Ok(None) => {}
            Err(error) => return Err(error),
        }
        let labels = [("app.kubernetes.io/managed-by", "stackctl")];
        let wanted = ApiNamespace {
            metadata: ObjectMeta {
                name: Some(namespace.to_string()),
                labels: Some(labels.map(|(k, v)| (k.to_owned(), v.to_owned())).into()),
                ..ObjectMeta::default()
            },
            ..ApiNamespace::default()
        };
        match api.create(&PostParams::default(), &wanted).await {
            Ok(_) => Ok(Ensured::Made),
            Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(Ensured::Existed),
            Err(error) => {
                let doing = format!("making namespace `{namespace}`, which is missing");
                Err(observe_error(&doing, &error))
            }
        }
    }

    /// Whether the namespace is there; taken for granted where namespaces may not be read.
    ///
    /// # Errors
    /// `Unreachable`.
    pub async fn has_namespace(&self, namespace: &Namespace) -> Result<bool, ObserveError> {
        let api = Api::<ApiNamespace>::all(self.client.clone());
        let doing = format!("looking for namespace `{namespace}`");
        match ask(&doing, || api.get_opt(namespace.as_str())).await {
            Err(ObserveError::Denied(_)) => Ok(true),
            found => Ok(found?.is_some()),
        }
    }
}

fn is_terminating(namespace: &ApiNamespace) -> bool {
    let phase = namespace.status.as_ref().and_then(|s| s.phase.as_deref());
    phase == Some("Terminating") || namespace.metadata.deletion_timestamp.is_some()
}
