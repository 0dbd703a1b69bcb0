use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use k8s_openapi::api::storage::v1 as api;

use super::meta::{annotation, meta};
use crate::snapshot::{Claim, StorageClass, Uid};

/// The older way to name a class; the API server still honours it.
const CLASS: &str = "volume.beta.kubernetes.io/storage-class";
const DEFAULT: [&str; 2] = [
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
];

pub(super) fn claim(object: PersistentVolumeClaim) -> Claim {
    let spec = object.spec.unwrap_or_default();
    let status = object.status.unwrap_or_default();
    let old = annotation(&object.metadata, CLASS).map(str::to_owned);
    Claim {
        phase: status.phase.unwrap_or_default(),
        storage_class: spec.storage_class_name.or(old),
        volume: spec.volume_name.filter(|volume| !volume.is_empty()),
        meta: meta(object.metadata),
    }
}

pub(super) fn storage_class(object: api::StorageClass) -> StorageClass {
    let meta = object.metadata;
    StorageClass {
        uid: Uid::from(meta.uid.as_deref().unwrap_or_default()),
        is_default: DEFAULT
            .iter()
            .any(|key| annotation(&meta, key) == Some("true")),
        waits_for_first_consumer: object.volume_binding_mode.as_deref()
            == Some("WaitForFirstConsumer"),
        name: meta.name.unwrap_or_default(),
    }
}
