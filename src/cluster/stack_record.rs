//! The stack record: one small Secret per stack in its namespace that holds what labels can't. It
//! can be rebuilt from the releases and is never the only proof of anything.

use std::fmt::Display;
use std::io::{self, Read, Write};
use std::slice;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions};
use serde_json::{Value, json};

use super::Cluster;
use super::error::ask;
use crate::memory::{Document, Left, StackRecord, Unreadable};
use crate::names::{Namespace, ReleaseId, StackName};
use crate::runner::ports::ObserveError;

const KEY: &str = "stack.json";
/// The same, packed, where that is too large.
const PACKED: &str = "stack.json.gz";
const TYPE: &str = "stackctl.dev/stack.v1";
const OURS: &str = "app.kubernetes.io/managed-by=stackctl,stackctl.dev/stack";
const MANAGER: &str = "stackctl";
/// What a Secret may hold, less a little (`MaxSecretSize`, `pkg/apis/core/types.go`).
const LARGEST: usize = 1_000_000;
/// How often a record is read anew that somebody else has written meanwhile: releases of one run that
/// go at once, or a run that has lost the stack.
pub const TRIES: usize = 8;
/// What is unpacked at most.
const LARGEST_UNPACKED: u64 = 64 * 1024 * 1024;

/// A stack's record, and what a write of it has to know.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredStack {
    pub record: StackRecord,
    document: Document,
    /// The version that it was read or written in. None: it is not there yet.
    version: Option<String>,
}

/// A record was read [`TRIES`] times, and was another each time.
pub fn written_by_others() -> ObserveError {
    ObserveError::Conflict("others write it all the time".to_owned())
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// It is stored; of these releases without what they consist of, for want of room.
    Stored { without: Vec<ReleaseId> },
    /// Not at all: somebody else has written it since it was read.
    Outdated,
}

impl StoredStack {
    /// One that is not there yet.
    pub fn new(record: StackRecord) -> StoredStack {
        StoredStack {
            record,
            document: Document::default(),
            version: None,
        }
    }
}

impl Cluster {
    /// Writes the record over exactly the version that it was read in.
    ///
    /// # Errors
    /// `NotFound` where the namespace is missing, `Denied`, `Unreachable`.
    pub async fn write_stack(&self, stored: &mut StoredStack) -> Result<Written, ObserveError> {
        let StackRecord {
            stack, namespace, ..
        } = &stored.record;
        let doing = format!("writing the record of stack `{stack}` in `{namespace}`");
        let (document, data, without) = packed(stored)
            .map_err(|error| ObserveError::Unexpected(format!("{doing}: {error}")))?;
        let mut secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": secret_name(stack),
                "labels": {
                    "app.kubernetes.io/managed-by": MANAGER,
                    "stackctl.dev/stack": stack.as_str(),
                },
            },
            "type": TYPE,
            "data": data,
        });
        let (api, name) = (self.secrets(namespace), secret_name(stack));
        let written = match &stored.version {
            Some(version) => {
                secret["metadata"]["resourceVersion"] = json!(version);
                let patch = Patch::Merge(secret);
                let params = PatchParams {
                    field_manager: Some(MANAGER.to_owned()),
                    ..PatchParams::default()
                };
                let patched = ask(&doing, async || {
                    outdated(api.patch_metadata(&name, &params, &patch).await, true)
                });
                patched.await?.map(|it| it.metadata)
            }
            None => {
                let secret: Secret = serde_json::from_value(secret)
                    .map_err(|error| ObserveError::Unexpected(format!("{doing}: {error}")))?;
                let params = PostParams {
                    field_manager: Some(MANAGER.to_owned()),
                    ..PostParams::default()
                };
                let created = ask(&doing, async || {
                    outdated(api.create(&params, &secret).await, false)
                });
                created.await?.map(|it| it.metadata)
            }
        };
        let Some(metadata) = written else {
            return Ok(Written::Outdated);
        };
        stored.document = document;
        stored.version = metadata.resource_version;
        Ok(Written::Stored { without })
    }

    /// Takes note of what is left of a release, in the record as it stands by now. Makes one where
    /// there is none.
    ///
    /// # Errors
    /// Those of reading and of writing it; `Conflict` where others write it all the time.
    pub(super) async fn note_left(
        &self,
        stack: &StackName,
        namespace: &Namespace,
        left: &Left,
    ) -> Result<(), ObserveError> {
        for _ in 0..TRIES {
            let mut stored = self.stored_or_empty(stack, namespace).await?;
            if stored.record.left.contains(left) {
                return Ok(());
            }
            stored.record.leave(slice::from_ref(left));
            if self.write_stack(&mut stored).await? != Written::Outdated {
                return Ok(());
            }
        }
        Err(written_by_others())
    }

    /// None where the stack has no record.
    ///
    /// # Errors
    /// `Denied`, `Unreachable`, or `Unreadable` for a record that a newer stackctl has written, or that
    /// is damaged.
    pub async fn stored_stack(
        &self,
        stack: &StackName,
        namespace: &Namespace,
    ) -> Result<Option<StoredStack>, ObserveError> {
        let doing = format!("reading the record of stack `{stack}` in `{namespace}`");
        let (api, name) = (self.secrets(namespace), secret_name(stack));
        let found = ask(&doing, || api.get_opt(&name)).await?;
        let read = |secret: Secret| read(&secret).map_err(|why| unreadable(stack, namespace, &why));
        found.map(read).transpose()
    }

    /// The same, for those that write nothing.
    ///
    /// # Errors
    /// The same.
    pub async fn read_stack(
        &self,
        stack: &StackName,
        namespace: &Namespace,
    ) -> Result<Option<StackRecord>, ObserveError> {
        let stored = self.stored_stack(stack, namespace).await?;
        Ok(stored.map(|stored| stored.record))
    }

    /// As [`Cluster::stored_stack`], or one that nothing is remembered in.
    ///
    /// # Errors
    /// The same.
    pub async fn stored_or_empty(
        &self,
        stack: &StackName,
        namespace: &Namespace,
    ) -> Result<StoredStack, ObserveError> {
        let known = self.stored_stack(stack, namespace).await?;
        Ok(known.unwrap_or_else(|| StoredStack::new(StackRecord::empty(stack, namespace))))
    }

    /// The records of all stacks, by namespace and name; where the cluster may not be listed, of
    /// `fallback` alone. Those that can't be read come as their errors: others must still be found.
    ///
    /// # Errors
    /// `Denied` where `fallback` may not be listed either, `Unreachable`.
    pub async fn list_stacks(
        &self,
        fallback: &Namespace,
    ) -> Result<(Vec<StackRecord>, Vec<ObserveError>), ObserveError> {
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
        let ours = list
            .items
            .iter()
            .filter(|secret| secret.type_.as_deref() == Some(TYPE));
        let (mut records, mut unread) = (Vec::new(), Vec::new());
        for secret in ours {
            let of = |label: &str| secret.metadata.labels.as_ref()?.get(label).cloned();
            match read(secret) {
                Ok(stored) => records.push(stored.record),
                Err(why) => unread.push(unreadable(
                    &of("stackctl.dev/stack").unwrap_or_default(),
                    &secret.metadata.namespace.clone().unwrap_or_default(),
                    &why,
                )),
            }
        }
        records.sort_by(|a, b| (&a.namespace, &a.stack).cmp(&(&b.namespace, &b.stack)));
        Ok((records, unread))
    }

    /// Deletes exactly the version that was read or written. Returns whether it was there.
    ///
    /// # Errors
    /// `Denied`, `Unreachable`.
    pub async fn delete_stack(&self, stored: &StoredStack) -> Result<bool, ObserveError> {
        let StackRecord {
            stack, namespace, ..
        } = &stored.record;
        let doing = format!("deleting the record of stack `{stack}` in `{namespace}`");
        let (api, name) = (self.secrets(namespace), secret_name(stack));
        let params = DeleteParams::default().preconditions(Preconditions {
            resource_version: stored.version.clone(),
            uid: None,
        });
        let deleted = ask(&doing, async || {
            outdated(api.delete(&name, &params).await, true)
        });
        Ok(deleted.await?.is_some())
    }

    fn secrets(&self, namespace: &Namespace) -> Api<Secret> {
        Api::namespaced(self.client.clone(), namespace.as_str())
    }
}

fn secret_name(stack: &impl Display) -> String {
    format!("stackctl.dev.stack.{stack}")
}

/// None where somebody was faster with it: has written it, or deleted it where it `was_there`.
fn outdated<T>(answer: kube::Result<T>, was_there: bool) -> kube::Result<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(None),
        Err(kube::Error::Api(status)) if status.code == 404 && was_there => Ok(None),
        Err(error) => Err(error),
    }
}

/// What to store: as it is where a Secret has room for it, else packed, else without what the largest
/// releases consist of, which makes the next run do more.
fn packed(stored: &StoredStack) -> io::Result<(Document, Value, Vec<ReleaseId>)> {
    let (mut record, mut without) = (stored.record.clone(), Vec::new());
    loop {
        let document = stored.document.with(&record)?;
        let text = document.text();
        if text.len() <= LARGEST {
            let data = json!({KEY: BASE64.encode(text), PACKED: null});
            return Ok((document, without_null(data, stored), without));
        }
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        packer.write_all(text.as_bytes())?;
        let bytes = packer.finish()?;
        let forgotten = match bytes.len() <= LARGEST {
            true => None,
            false => record.forget_largest(),
        };
        match forgotten {
            Some(release) => without.push(release),
            None => {
                let data = json!({PACKED: BASE64.encode(bytes), KEY: null});
                return Ok((document, without_null(data, stored), without));
            }
        }
    }
}

/// A merge patch takes away by null; what is made anew has nothing to take away.
fn without_null(mut data: Value, stored: &StoredStack) -> Value {
    if stored.version.is_none()
        && let Some(data) = data.as_object_mut()
    {
        data.retain(|_, value| !value.is_null());
    }
    data
}

fn read(secret: &Secret) -> Result<StoredStack, Unreadable> {
    let damaged = |why: &str| Unreadable::Damaged(why.to_owned());
    let of = |key: &str| secret.data.as_ref().and_then(|data| data.get(key));
    let (document, record) = match (of(KEY), of(PACKED)) {
        (Some(ByteString(text)), _) => Document::read(text)?,
        (None, Some(ByteString(bytes))) => {
            let mut text = Vec::new();
            let mut unpacker = GzDecoder::new(bytes.as_slice()).take(LARGEST_UNPACKED);
            let unpacked = unpacker.read_to_end(&mut text);
            unpacked.map_err(|error| damaged(&format!("`{PACKED}`: {error}")))?;
            Document::read(&text)?
        }
        (None, None) => return Err(damaged(&format!("it has no `{KEY}`"))),
    };
    Ok(StoredStack {
        record,
        document,
        version: secret.metadata.resource_version.clone(),
    })
}

fn unreadable(stack: &impl Display, namespace: &impl Display, why: &Unreadable) -> ObserveError {
    let hint = match why {
        Unreadable::Newer(_) => {
            "use the stackctl that has written it, or one that is newer still".to_owned()
        }
        Unreadable::Damaged(_) => format!(
            "`kubectl delete secret {} -n {namespace}` forgets the stack's runs; its releases stay, \
             and the next `up` begins a new record",
            secret_name(stack)
        ),
    };
    ObserveError::Unreadable {
        what: format!("the record of stack `{stack}` in `{namespace}` can't be read: {why}"),
        hint,
    }
}
