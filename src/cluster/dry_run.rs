//! What the API server would make of an object (`dryRun=All`): defaults, admission and conflicts
//! are its own.

use kube::Api;
use kube::api::{DynamicObject, Patch, PatchParams, ValidationDirective};
use serde_json::Value;

use super::Cluster;
use super::discovery::Served;
use super::error::{ask, cause, is_namespace_going, observe_error};
use crate::runner::ports::ObserveError;
use crate::snapshot::ObjectRef;

/// The manager of fields that helm 4 applies as.
pub(super) const HELM: &str = "helm";

/// An object as it is and as it would be.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    pub before: Option<Value>,
    pub answer: Answer,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Accepted(Value),
    /// In the API server's words.
    Refused(String),
    /// Its namespace or its kind is not there yet, or the namespace is about to go, and made anew then.
    Later,
}

impl Cluster {
    /// The object as it is; None where it, its namespace or its kind is not there, or it is being
    /// deleted.
    ///
    /// # Errors
    /// `Denied`, `Unreachable`.
    pub async fn live(&self, object: &ObjectRef) -> Result<Option<Value>, ObserveError> {
        let served = self
            .discovery
            .resolve(&object.api_version, &object.kind)
            .await?;
        match served {
            Some(served) => {
                let found = self.get(&self.api_of(&served, object), object).await?;
                Ok(found.filter(|found| !is_going(found)))
            }
            None => Ok(None),
        }
    }

    /// Asks what an apply of `wanted`, which is the object `object`, would make of it; with `force` also
    /// where it takes fields from others. One that may not be read or changed is refused.
    ///
    /// # Errors
    /// `Unreachable`.
    pub async fn try_apply(
        &self,
        object: &ObjectRef,
        wanted: &Value,
        force: bool,
    ) -> Result<Trial, ObserveError> {
        let served = self
            .discovery
            .resolve(&object.api_version, &object.kind)
            .await?;
        let Some(served) = served else {
            return Ok(Trial {
                before: None,
                answer: Answer::Later,
            });
        };
        let api = self.api_of(&served, object);
        let before = match self.get(&api, object).await {
            // helm reads it before it changes it.
            Err(denied @ ObserveError::Denied(_)) => {
                return Ok(Trial {
                    before: None,
                    answer: Answer::Refused(denied.to_string()),
                });
            }
            before => before?,
        };
        // `up` waits until it is gone, and it is made anew.
        if before.as_ref().is_some_and(is_going) {
            return Ok(Trial {
                before: None,
                answer: Answer::Later,
            });
        }
        let params = PatchParams {
            dry_run: true,
            // Of what helm has written by client-side apply it is the manager already.
            force: force || before.as_ref().is_some_and(is_updated_by_helm),
            field_manager: Some(HELM.to_owned()),
            field_validation: Some(ValidationDirective::Strict),
        };
        let doing = format!("trying {}", object.short());
        let answer = match api
            .patch(&object.name, &params, &Patch::Apply(wanted))
            .await
        {
            Ok(after) => Answer::Accepted(json(after)),
            Err(kube::Error::Api(status)) if status.code == 404 && before.is_none() => {
                Answer::Later
            }
            Err(kube::Error::Api(status)) if before.is_none() && is_namespace_going(&status) => {
                Answer::Later
            }
            Err(error @ kube::Error::Api(_)) => Answer::Refused(cause(&error)),
            Err(error) => return Err(observe_error(&doing, &error)),
        };
        Ok(Trial { before, answer })
    }

    async fn get(
        &self,
        api: &Api<DynamicObject>,
        object: &ObjectRef,
    ) -> Result<Option<Value>, ObserveError> {
        let doing = format!("reading {}", object.short());
        let found = ask(&doing, || api.get_opt(&object.name)).await?;
        Ok(found.map(json))
    }

    pub(super) fn api_of(&self, served: &Served, object: &ObjectRef) -> Api<DynamicObject> {
        let client = self.client.clone();
        match object.namespace.as_ref().filter(|_| served.namespaced) {
            Some(namespace) => Api::namespaced_with(client, namespace, &served.resource),
            None => Api::all_with(client, &served.resource),
        }
    }
}

fn json(object: DynamicObject) -> Value {
    serde_json::to_value(object).unwrap_or_default()
}

fn is_going(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

fn is_updated_by_helm(object: &Value) -> bool {
    let managers = object
        .pointer("/metadata/managedFields")
        .and_then(Value::as_array);
    let mut of_helm = managers
        .into_iter()
        .flatten()
        .filter(|it| it["manager"] == HELM);
    of_helm.any(|it| it["operation"] == "Update" && it["subresource"].is_null())
}
