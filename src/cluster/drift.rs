//! What others have done to the objects that helm has applied: who has taken a field, and whether
//! that has made another value of it.

use futures::stream::{self, StreamExt, TryStreamExt};
use kube::api::{Patch, PatchParams};
use serde_json::Value;

use super::Cluster;
use super::dry_run::{Answer, HELM};
use super::error::observe_error;
use crate::manifest;
use crate::names::{Namespace, ReleaseName};
use crate::runner::ports::ObserveError;
use crate::snapshot::{Contested, Drift, ObjectRef};

/// Questions that are open at once.
const AT_ONCE: usize = 8;
/// How the API server names a conflict between managers of a field
/// (`k8s.io/apimachinery`, `meta/v1/types.go`, `CauseTypeFieldManagerConflict`).
const CONFLICT: &str = "FieldManagerConflict";

impl Cluster {
    /// As [`crate::runner::ports::Observer::drift`] says. What helm has written by client-side apply it
    /// writes again whoever holds it.
    ///
    /// # Errors
    /// As those of reading a record.
    pub(super) async fn drift_of(
        &self,
        namespace: &Namespace,
        release: &ReleaseName,
        revision: u32,
        objects: &[ObjectRef],
    ) -> Result<Drift, ObserveError> {
        let applied = self.applied(namespace, release, revision).await?;
        let wholes = manifest::readable_wholes(&applied.manifest).read;
        let mut wanted = Vec::new();
        for mut whole in wholes {
            let Some(mut object) = manifest::reference(&whole.value) else {
                continue;
            };
            let one = std::iter::once(&mut object);
            self.discovery.place(one, namespace.as_str()).await?;
            if objects.contains(&object) {
                manifest::own(&mut whole.value, release.as_str(), namespace.as_str());
                wanted.push((object, whole.value));
            }
        }
        let drifts: Vec<Option<Drift>> = stream::iter(wanted)
            .map(|(object, value)| async move {
                if !self.has_drifted(&object, &value).await? {
                    return Ok(None);
                }
                let contested = match applied.server_side {
                    true => self.conflicts(&object, &value).await?,
                    false => Vec::new(),
                };
                let changed = vec![object];
                Ok::<_, ObserveError>(Some(Drift { changed, contested }))
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let mut all = Drift::default();
        for drift in drifts.into_iter().flatten() {
            all.changed.extend(drift.changed);
            all.contested.extend(drift.contested);
        }
        Ok(all)
    }

    /// An apply of the manifest would give a field another value. Where that can't be tried, it is
    /// taken to.
    async fn has_drifted(&self, object: &ObjectRef, wanted: &Value) -> Result<bool, ObserveError> {
        let trial = match self.try_apply(object, wanted, true).await {
            Err(error) if error.passes().is_some() => return Err(error),
            Err(_) => return Ok(true),
            Ok(trial) => trial,
        };
        Ok(match (&trial.before, &trial.answer) {
            (Some(live), Answer::Accepted(applied)) => {
                !manifest::drift(wanted, live, applied).is_empty()
            }
            _ => true,
        })
    }

    /// Whose fields stand in the way of an apply; nothing else that may be wrong with it.
    async fn conflicts(
        &self,
        object: &ObjectRef,
        wanted: &Value,
    ) -> Result<Vec<Contested>, ObserveError> {
        let resolved = self.discovery.resolve(&object.api_version, &object.kind);
        let Some(served) = resolved.await? else {
            return Ok(Vec::new());
        };
        let api = self.api_of(&served, object);
        let params = PatchParams {
            dry_run: true,
            ..PatchParams::apply(HELM)
        };
        let patch = Patch::Apply(wanted);
        let causes = match api.patch(&object.name, &params, &patch).await {
            Err(kube::Error::Api(status)) if status.code == 409 => {
                status.details.map(|details| details.causes)
            }
            Ok(_) => None,
            Err(error) => match observe_error(&format!("trying {}", object.short()), &error) {
                error if error.passes().is_some() => return Err(error),
                _ => None,
            },
        };
        let causes = causes.unwrap_or_default().into_iter();
        let conflicts = causes.filter(|cause| cause.reason == CONFLICT);
        Ok(conflicts
            .map(|cause| Contested {
                object: object.clone(),
                field: cause.field,
                manager: manager(&cause.message),
            })
            .collect())
    }
}

/// `conflict with "kubectl" with subresource "scale" using apps/v1`: who it is.
fn manager(message: &str) -> String {
    let mut quoted = message.split('"').skip(1).step_by(2);
    let name = quoted.next().unwrap_or(message);
    match quoted.next() {
        Some(subresource) => format!("{name} ({subresource})"),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conflict_names_its_manager() {
        let edit = r#"conflict with "kubectl-edit" using apps/v1"#;
        assert_eq!(manager(edit), "kubectl-edit");
        let scale = r#"conflict with "kubectl" with subresource "scale" using apps/v1"#;
        assert_eq!(manager(scale), "kubectl (scale)");
    }
}
