//! What these credentials may do, as the API server says.

use k8s_openapi::api::authorization::v1::{
    NonResourceAttributes, ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::Api;
use kube::api::{ListParams, PostParams};

use super::Cluster;
use super::error::ask;
use crate::runner::ports::ObserveError;
use crate::snapshot::ObjectRef;

/// The annotation by which a class is the default one (`k8s.io/api/storage/v1`).
const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";

/// A resource as rights name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource {
    /// Empty for the core group.
    pub group: String,
    pub plural: String,
}

/// To do something to objects, or to a path that is none of an object. As in rules of RBAC, `*` is
/// every verb, group, resource or path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    Object {
        verb: String,
        resource: Resource,
        /// `log`, or empty.
        subresource: String,
        /// None for all objects of the kind.
        name: Option<String>,
        /// None for the whole cluster.
        namespace: Option<String>,
    },
    /// `/healthz`
    Path { verb: String, path: String },
}

impl Resource {
    /// `deployments.apps`
    pub fn name(&self) -> String {
        match self.group.as_str() {
            "" => self.plural.clone(),
            group => format!("{}.{group}", self.plural),
        }
    }
}

impl Right {
    pub fn verb(&self) -> &str {
        match self {
            Right::Object { verb, .. } | Right::Path { verb, .. } => verb,
        }
    }

    /// `` `pods/log` ``, `` `secrets` named `key` ``, `` path `/healthz` ``.
    pub fn what(&self) -> String {
        match self {
            Right::Path { path, .. } => format!("path `{path}`"),
            Right::Object {
                resource,
                subresource,
                name,
                ..
            } => {
                let slash = if subresource.is_empty() { "" } else { "/" };
                let what = format!("`{}{slash}{subresource}`", resource.name());
                match name {
                    Some(name) => format!("{what} named `{name}`"),
                    None => what,
                }
            }
        }
    }

    /// `in namespace `shop``
    pub fn place(&self) -> String {
        match self {
            Right::Object {
                namespace: Some(namespace),
                ..
            } => format!("in namespace `{namespace}`"),
            Right::Object { .. } | Right::Path { .. } => "in the whole cluster".to_owned(),
        }
    }
}

impl Cluster {
    /// These credentials may do that (`SelfSubjectAccessReview`).
    ///
    /// # Errors
    /// `Unreachable`, or `Denied` where not even that may be asked.
    pub async fn may(&self, right: &Right) -> Result<bool, ObserveError> {
        let text = |text: &str| Some(text.to_owned()).filter(|it| !it.is_empty());
        let spec = match right {
            Right::Object {
                verb,
                resource,
                subresource,
                name,
                namespace,
            } => SelfSubjectAccessReviewSpec {
                resource_attributes: Some(ResourceAttributes {
                    verb: text(verb),
                    group: text(&resource.group),
                    resource: text(&resource.plural),
                    subresource: text(subresource),
                    name: name.clone(),
                    namespace: namespace.clone(),
                    ..ResourceAttributes::default()
                }),
                ..SelfSubjectAccessReviewSpec::default()
            },
            Right::Path { verb, path } => SelfSubjectAccessReviewSpec {
                non_resource_attributes: Some(NonResourceAttributes {
                    verb: text(verb),
                    path: text(path),
                }),
                ..SelfSubjectAccessReviewSpec::default()
            },
        };
        let review = SelfSubjectAccessReview {
            spec,
            ..SelfSubjectAccessReview::default()
        };
        let api: Api<SelfSubjectAccessReview> = Api::all(self.client.clone());
        let params = PostParams::default();
        let answer = ask("asking for rights", || api.create(&params, &review)).await?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }

    /// How rights name the kind of an object of a release in `own`, and the namespace where it
    /// lives, if any; None where the kind is not served.
    ///
    /// # Errors
    /// The API server does not say what it serves.
    pub async fn resource(
        &self,
        object: &ObjectRef,
        own: &str,
    ) -> Result<Option<(Resource, Option<String>)>, ObserveError> {
        let resolved = self.discovery.resolve(&object.api_version, &object.kind);
        let Some(served) = resolved.await? else {
            return Ok(None);
        };
        let namespace = object.namespace.as_deref().unwrap_or(own);
        let resource = Resource {
            group: served.resource.group,
            plural: served.resource.plural,
        };
        let place = served.namespaced.then(|| namespace.to_owned());
        Ok(Some((resource, place)))
    }

    /// The storage classes by name, and whether each is the default one.
    ///
    /// # Errors
    /// `Denied`, `Unreachable`.
    pub async fn storage_classes(&self) -> Result<Vec<(String, bool)>, ObserveError> {
        let api: Api<StorageClass> = Api::all(self.client.clone());
        let params = ListParams::default();
        let list = ask("listing storage classes", || api.list(&params)).await?;
        let class = |class: StorageClass| {
            let annotations = class.metadata.annotations.unwrap_or_default();
            let is_default = annotations
                .get(DEFAULT_CLASS)
                .is_some_and(|it| it == "true");
            Some((class.metadata.name?, is_default))
        };
        Ok(list.items.into_iter().filter_map(class).collect())
    }
}
