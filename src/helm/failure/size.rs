//! What is too large, and what can't be made larger.

use super::parse::{Named, Said, after, between};
use super::{About, Cause, Failure};

pub fn find(about: &About<'_>, said: &Said) -> Option<Failure> {
    record(&said.text).or_else(|| resize(about, &said.text))
}

/// helm writes chart, values and manifest into one Secret (helm `pkg/storage/driver/secrets.go`),
/// and a Secret holds 1 MiB (k/k `pkg/apis/core/validation`, `MaxSecretSize`). A request that is
/// larger still is refused before that is looked at, by the API server or by etcd.
fn record(text: &str) -> Option<Failure> {
    const REFUSED: [&str; 3] = [
        "etcdserver: request is too large",
        "Request entity too large",
        "trying to send message larger than max",
    ];
    let of_record = text.contains("\"sh.helm.release.v1.") && text.contains("Too long");
    let creates = text.contains("create: failed to create");
    if !(of_record || creates && REFUSED.iter().any(|mark| text.contains(mark))) {
        return None;
    }
    let sentence = "helm's record of the release, which holds its chart, values and manifest, is larger \
                    than a Secret may be (1 MiB)";
    Some(
        Failure::new(Cause::Invalid, sentence)
            .hint("leave out of the chart what it does not need, with a `.helmignore` (tests, docs, dashboards)")
            .hint("or make several releases of it, its CustomResourceDefinitions in one of their own"),
    )
}

/// `persistentvolumeclaims "data" is forbidden: only dynamically provisioned pvc can be resized and
/// the storageclass that provisions the pvc must support resize`
/// (k/k `plugin/pkg/admission/storage/persistentvolume/resize`).
fn resize(about: &About<'_>, text: &str) -> Option<Failure> {
    if !text.contains("the storageclass that provisions the pvc must support resize") {
        return None;
    }
    let name = between(after(text, "persistentvolumeclaims ")?, "\"", "\"")?;
    let claim = Named::new("persistentvolumeclaim", name)?.short();
    let sentence = format!("{claim} can't be resized: its StorageClass does not allow that");
    let look = about.kubectl(None, "get storageclass");
    Some(
        Failure::new(Cause::Invalid, sentence)
            .through(claim)
            .hint(format!(
                "put the size back as it was, or set `allowVolumeExpansion: true` in its StorageClass if the \
                 provisioner can resize (`{look}`)"
            )),
    )
}
