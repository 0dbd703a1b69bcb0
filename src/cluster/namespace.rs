//! Namespaces that a stack needs.

use k8s_openapi::api::core::v1::Namespace as ApiNamespace;
use kube::Api;
use kube::api::{ObjectMeta, PostParams};

use super::Cluster;
use super::error::{ask, observe_error};
use crate::names::Namespace;
use crate::runner::ports::{Ensured, ObserveError};

impl Cluster {
    /// Makes the namespace if it is missing, labelled as ours.
    ///
    /// # Errors
    /// `Denied` where it is missing and may not be made.
    pub async fn ensure_namespace(&self, namespace: &Namespace) -> Result<Ensured, ObserveError> {
        loop {
            let found = self.find_namespace(namespace).await?;
            if found != Ensured::Missing {
                return Ok(found);
            }
            let api = Api::<ApiNamespace>::all(self.client.clone());
            match api.create(&PostParams::default(), &ours(namespace)).await {
                Ok(_) => return Ok(Ensured::Made),
                // Somebody was faster.
                Err(kube::Error::Api(status)) if status.is_already_exists() => {}
                Err(error) => {
                    let doing = format!("making namespace `{namespace}`, which is missing");
                    return Err(observe_error(&doing, &error));
                }
            }
        }
    }

    /// How the namespace stands.
    ///
    /// # Errors
    /// `Unreachable`.
    pub async fn find_namespace(&self, namespace: &Namespace) -> Result<Ensured, ObserveError> {
        let api = Api::<ApiNamespace>::all(self.client.clone());
        let doing = format!("looking for namespace `{namespace}`");
        match ask(&doing, || api.get_opt(namespace.as_str())).await {
            Ok(Some(found)) if is_going(&found) => Ok(Ensured::Going(kept_by(&found))),
            Ok(Some(_)) => Ok(Ensured::Existed),
            Ok(None) => Ok(Ensured::Missing),
            Err(ObserveError::Denied(_)) => Ok(Ensured::Assumed),
            Err(error) => Err(error),
        }
    }
}

fn ours(namespace: &Namespace) -> ApiNamespace {
    let labels = [("app.kubernetes.io/managed-by", "stackctl")];
    ApiNamespace {
        metadata: ObjectMeta {
            name: Some(namespace.to_string()),
            labels: Some(labels.map(|(k, v)| (k.to_owned(), v.to_owned())).into()),
            ..ObjectMeta::default()
        },
        ..ApiNamespace::default()
    }
}

fn is_going(namespace: &ApiNamespace) -> bool {
    let phase = namespace.status.as_ref().and_then(|s| s.phase.as_deref());
    phase == Some("Terminating") || namespace.metadata.deletion_timestamp.is_some()
}

/// What its conditions say is left or can't be deleted
/// (k/k `pkg/controller/namespace/deletion/status_condition_utils.go`), and who else holds it.
fn kept_by(namespace: &ApiNamespace) -> Vec<String> {
    let status = namespace.status.as_ref();
    let conditions = status.and_then(|status| status.conditions.as_ref());
    let says = conditions
        .into_iter()
        .flatten()
        .filter(|it| it.status == "True" && it.type_.starts_with("Namespace"))
        .map(|it| match it.message.as_deref().map(str::trim) {
            None | Some("") => it.type_.clone(),
            Some(message) => message.to_owned(),
        });
    let spec = namespace.spec.as_ref();
    let own = spec.and_then(|spec| spec.finalizers.as_ref());
    let own = own.into_iter().flatten().filter(|it| *it != "kubernetes");
    let others = namespace.metadata.finalizers.iter().flatten();
    let held = own
        .chain(others)
        .map(|finalizer| format!("it is held by finalizer `{finalizer}`"));
    says.chain(held).collect()
}
