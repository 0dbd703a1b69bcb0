//! What these credentials may do, as the API server says.

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::Api;
use kube::api::{ListParams, PostParams};

use super::Cluster;
use super::error::ask;
use crate::runner::ports::ObserveError;

/// The annotation by which a class is the default one (`k8s.io/api/storage/v1`).
const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";

/// A resource as rights name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Resource {
    /// Empty for the core group.
    pub group: String,
    pub plural: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    pub verb: &'static str,
    pub resource: Resource,
    /// `log`, or empty.
    pub subresource: &'static str,
    /// None for the whole cluster.
    pub namespace: Option<String>,
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

impl Cluster {
    /// These credentials may do that (`SelfSubjectAccessReview`).
    ///
    /// # Errors
    /// `Unreachable`, or `Denied` where not even that may be asked.
    pub async fn may(&self, right: &Right) -> Result<bool, ObserveError> {
        let text = |text: &str| Some(text.to_owned()).filter(|it| !it.is_empty());
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(ResourceAttributes {
                    verb: text(right.verb),
                    group: text(&right.resource.group),
                    resource: text(&right.resource.plural),
                    subresource: text(right.subresource),
                    namespace: right.namespace.clone(),
                    ..ResourceAttributes::default()
                }),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        };
        let api: Api<SelfSubjectAccessReview> = Api::all(self.client.clone());
        let params = PostParams::default();
        let answer = ask("asking for rights", || api.create(&params, &review)).await?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }

    /// How rights name a kind, and whether it lives in namespaces; None where it is not served.
    pub async fn resource(&self, api_version: &str, kind: &str) -> Option<(Resource, bool)> {
        let served = self.discovery.resolve(api_version, kind).await?;
        let resource = Resource {
            group: served.resource.group,
            plural: served.resource.plural,
        };
        Some((resource, served.namespaced))
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
