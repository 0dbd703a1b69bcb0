//! helm's records of releases: their labels, and once per revision the names of what they hold.

use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams, PostParams, Request};
use kube::core::PartialObjectMeta;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Cluster;
use super::convert::record;
use super::error::ask;
use crate::manifest::{self, Rendered};
use crate::names::{Namespace, ReleaseName, StackName};
use crate::runner::ports::{ObserveError, RevisionEnd};
use crate::snapshot::{Contents, Hook, Record, RecordStatus, Unread};

/// helm's own test for a compressed payload (`pkg/storage/driver/util.go`).
const GZIP: [u8; 3] = [0x1f, 0x8b, 0x08];
/// A Secret holds 1 MiB, so a payload that unpacks to more than this is no record.
const LARGEST: u64 = 256 * 1024 * 1024;
const PAGE: u32 = 500;
/// helm `pkg/release/v1/release.go`, `ApplyMethodServerSideApply`.
const SERVER_SIDE: &str = "ssa";
/// helm `pkg/release/v1/hook.go`, `HookSucceeded`.
const DELETED_AFTER: &str = "hook-succeeded";

/// What helm has applied. It carries the stack's secrets.
pub(super) struct Applied {
    pub manifest: String,
    /// By server-side apply.
    pub server_side: bool,
}

impl Cluster {
    /// As [`crate::runner::ports::Observer::contents`] says.
    ///
    /// # Errors
    /// `NotFound` where there is no such revision, `Denied`, or `Unexpected` for a record that is
    /// none of helm's.
    pub(super) async fn contents_of(
        &self,
        namespace: &Namespace,
        release: &ReleaseName,
        revision: u32,
    ) -> Result<Contents, ObserveError> {
        let payload = self.payload(namespace, release, revision).await?;
        let mut contents = payload.contents(revision);
        let hooks = contents.hooks.iter_mut().map(|hook| &mut hook.object);
        let objects = contents.objects.iter_mut().chain(&mut contents.kept);
        let objects = objects.chain(hooks);
        self.discovery.place(objects, namespace.as_str()).await?;
        Ok(contents)
    }

    /// The manifest of a revision, and how helm has applied it.
    ///
    /// # Errors
    /// As [`Cluster::contents_of`].
    pub(super) async fn applied(
        &self,
        namespace: &Namespace,
        release: &ReleaseName,
        revision: u32,
    ) -> Result<Applied, ObserveError> {
        let payload = self.payload(namespace, release, revision).await?;
        Ok(Applied {
            server_side: payload.apply_method == SERVER_SIDE,
            manifest: payload.manifest,
        })
    }

    /// The manifest of a revision, however it was applied. It carries the stack's secrets.
    ///
    /// # Errors
    /// As [`Cluster::contents_of`].
    pub async fn manifest(
        &self,
        namespace: &Namespace,
        release: &ReleaseName,
        revision: u32,
    ) -> Result<String, ObserveError> {
        Ok(self.payload(namespace, release, revision).await?.manifest)
    }

    /// The manifests of all hooks of a revision, as helm rendered them.
    ///
    /// # Errors
    /// It can't be asked for, or is not a record of helm's.
    pub async fn hook_manifests(
        &self,
        namespace: &Namespace,
        release: &ReleaseName,
        revision: u32,
    ) -> Result<Vec<String>, ObserveError> {
        let payload = self.payload(namespace, release, revision).await?;
        let hooks = payload.hooks.into_iter().flatten();
        Ok(hooks.map(|hook| hook.manifest).collect())
    }

    async fn payload(
        &self,
        namespace: &Namespace,
        release: &ReleaseName,
        revision: u32,
    ) -> Result<Payload, ObserveError> {
        let doing = reading(namespace, release, revision);
        let name = secret_name(release, revision);
        let path = format!("/api/v1/namespaces/{namespace}/secrets");
        // As text, because kube logs an object that it can't read in full.
        let text = ask(&doing, || async {
            let request = Request::new(path.clone())
                .get(&name, &kube::api::GetParams::default())
                .map_err(kube::Error::BuildRequest)?;
            self.client.request_text(request).await
        })
        .await?;
        unpack(&text).ok_or_else(|| {
            ObserveError::Unexpected(format!("{doing}: it is not a record of helm's"))
        })
    }

    /// Every revision that carries `stackctl.dev/stack`, of one stack or of all, in one namespace
    /// or all. Only metadata is asked for.
    ///
    /// # Errors
    /// `Denied` where Secrets may not be listed; then ask for one namespace.
    pub async fn records(
        &self,
        stack: Option<&StackName>,
        namespace: Option<&Namespace>,
    ) -> Result<Vec<Record>, ObserveError> {
        let client = self.client.clone();
        let (api, place) = match namespace {
            Some(ns) => (
                Api::<PartialObjectMeta<Secret>>::namespaced(client, ns.as_str()),
                format!("namespace `{ns}`"),
            ),
            None => (Api::all(client), "all namespaces".to_owned()),
        };
        let selector = match stack {
            Some(stack) => format!("owner=helm,stackctl.dev/stack={stack}"),
            None => "owner=helm,stackctl.dev/stack".to_owned(),
        };
        let doing = format!("listing the records of releases in {place}");
        self.pages(&api, &selector, &doing).await
    }

    /// Every revision of every release that helm keeps in a namespace, whoever made it. Only metadata
    /// is asked for.
    ///
    /// # Errors
    /// `Denied`, `Unreachable`.
    pub async fn all_records(&self, namespace: &Namespace) -> Result<Vec<Record>, ObserveError> {
        let api = Api::namespaced(self.client.clone(), namespace.as_str());
        let doing = format!("listing helm's records in `{namespace}`");
        self.pages(&api, "owner=helm", &doing).await
    }

    async fn pages(
        &self,
        api: &Api<PartialObjectMeta<Secret>>,
        selector: &str,
        doing: &str,
    ) -> Result<Vec<Record>, ObserveError> {
        let mut params = ListParams::default().labels(selector).limit(PAGE);
        let mut records = Vec::new();
        loop {
            let page = ask(doing, || api.list(&params)).await?;
            records.extend(page.items.iter().filter_map(|s| record(&s.metadata)));
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => return Ok(records),
            }
        }
    }

    /// Every revision that helm keeps of a release, whoever made it. Only metadata is asked for.
    ///
    /// # Errors
    /// `Denied`, `Unreachable`.
    pub async fn revisions(
        &self,
        namespace: &Namespace,
        release: &ReleaseName,
    ) -> Result<Vec<Record>, ObserveError> {
        let client = self.client.clone();
        let api = Api::<PartialObjectMeta<Secret>>::namespaced(client, namespace.as_str());
        let selector = format!("owner=helm,name={release}");
        let doing = format!("listing the revisions of `{release}` in `{namespace}`");
        let params = ListParams::default().labels(&selector);
        let list = ask(&doing, || api.list(&params)).await?;
        Ok(list
            .items
            .iter()
            .filter_map(|s| record(&s.metadata))
            .collect())
    }

    pub(super) async fn write_labels(
        &self,
        namespace: &Namespace,
        release: &ReleaseName,
        revision: u32,
        labels: Value,
    ) -> Result<(), ObserveError> {
        let api = Api::<Secret>::namespaced(self.client.clone(), namespace.as_str());
        let name = secret_name(release, revision);
        let patch = Patch::Merge(json!({"metadata": {"labels": labels}}));
        let doing =
            format!("marking the record of `{release}` revision {revision} in `{namespace}`");
        // The answer is metadata only, so that the payload stays where it is.
        let params = PatchParams::default();
        ask(&doing, || api.patch_metadata(&name, &params, &patch)).await?;
        Ok(())
    }

    /// As [`crate::runner::ports::Observer::close`] says. The payload passes through us and is kept
    /// nowhere.
    pub(super) async fn write_end(
        &self,
        namespace: &Namespace,
        release: &ReleaseName,
        revision: u32,
        end: RevisionEnd,
    ) -> Result<Record, ObserveError> {
        let api = Api::<Secret>::namespaced(self.client.clone(), namespace.as_str());
        let name = secret_name(release, revision);
        let doing =
            format!("closing the record of `{release}` revision {revision} in `{namespace}`");
        let odd = || ObserveError::Unexpected(format!("{doing}: it is not a record of helm's"));
        loop {
            let mut secret = ask(&doing, || api.get(&name)).await?;
            let known = record(&secret.metadata).ok_or_else(odd)?;
            if !known.status.is_pending() {
                return Ok(known);
            }
            let data = secret
                .data
                .as_mut()
                .and_then(|data| data.get_mut("release"));
            let payload = data.ok_or_else(odd)?;
            payload.0 = with_end(&payload.0, end).ok_or_else(odd)?;
            let labels = secret.metadata.labels.get_or_insert_default();
            labels.insert("status".to_owned(), status(end).to_owned());
            let written = ask(&doing, || async {
                match api.replace(&name, &PostParams::default(), &secret).await {
                    Ok(written) => Ok(Some(written)),
                    // Somebody has written it in between: what it is now is read again.
                    Err(kube::Error::Api(status)) if status.code == 409 => Ok(None),
                    Err(error) => Err(error),
                }
            });
            if let Some(written) = written.await? {
                return record(&written.metadata).ok_or_else(odd);
            }
        }
    }
}

/// helm's word for it.
fn status(end: RevisionEnd) -> &'static str {
    match end {
        RevisionEnd::Deployed => RecordStatus::Deployed.as_str(),
        RevisionEnd::Failed => RecordStatus::Failed.as_str(),
    }
}

/// Written down for a helm that could not do so.
const CLOSED: &str = "helm was ended before it was through; closed by stackctl";
/// How helm's word for a failure ends where it was a signal (`context.Canceled`).
const INTERRUPTED: &str = "context canceled";

/// A payload as helm packs it, with the status of a revision that has ended like this.
fn with_end(packed: &[u8], end: RevisionEnd) -> Option<Vec<u8>> {
    let mut release: Value = serde_json::from_slice(&json_of(packed)?).ok()?;
    let info = release.get_mut("info")?.as_object_mut()?;
    info.insert("status".to_owned(), status(end).into());
    let why = match end {
        RevisionEnd::Deployed => "helm was through and could not write it down; closed by stackctl",
        RevisionEnd::Failed => CLOSED,
    };
    info.insert("description".to_owned(), why.into());
    let mut writer = GzEncoder::new(Vec::new(), Compression::best());
    writer.write_all(release.to_string().as_bytes()).ok()?;
    Some(BASE64.encode(writer.finish().ok()?).into_bytes())
}

fn reading(namespace: &Namespace, release: &ReleaseName, revision: u32) -> String {
    format!("reading the record of `{release}` revision {revision} in `{namespace}`")
}

fn secret_name(release: &ReleaseName, revision: u32) -> String {
    format!("sh.helm.release.v1.{release}.v{revision}")
}

#[derive(Deserialize)]
struct Envelope {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    release: String,
}

/// What is read of a record (helm `pkg/release/v1/release.go`); values, templates and notes are
/// skipped by the parser.
#[derive(Deserialize)]
struct Payload {
    #[serde(default)]
    chart: Chart,
    #[serde(default)]
    manifest: String,
    #[serde(default)]
    hooks: Option<Vec<PayloadHook>>,
    #[serde(default)]
    apply_method: String,
    #[serde(default)]
    info: Info,
}

#[derive(Deserialize, Default)]
struct Info {
    #[serde(default)]
    description: String,
}

#[derive(Deserialize, Default)]
struct Chart {
    #[serde(default)]
    metadata: ChartMetadata,
}

#[derive(Deserialize, Default)]
struct ChartMetadata {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
}

#[derive(Deserialize)]
struct PayloadHook {
    #[serde(default)]
    name: String,
    #[serde(default)]
    manifest: String,
    #[serde(default)]
    events: Option<Vec<String>>,
    #[serde(default)]
    weight: i64,
    #[serde(default)]
    last_run: Option<LastRun>,
    #[serde(default)]
    delete_policies: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct LastRun {
    #[serde(default)]
    phase: String,
}

/// The API's base64 around what helm packs.
fn unpack(secret: &str) -> Option<Payload> {
    let envelope: Envelope = serde_json::from_str(secret).ok()?;
    let packed = BASE64.decode(envelope.data.release).ok()?;
    serde_json::from_slice(&json_of(&packed)?).ok()
}

/// helm's base64 around gzip, or plain, around JSON.
fn json_of(packed: &[u8]) -> Option<Vec<u8>> {
    let bytes = BASE64.decode(packed).ok()?;
    if !bytes.starts_with(&GZIP) {
        return Some(bytes);
    }
    let mut json = Vec::new();
    let mut plain = GzDecoder::new(bytes.as_slice()).take(LARGEST);
    plain.read_to_end(&mut json).ok()?;
    Some(json)
}

impl Payload {
    fn contents(self, revision: u32) -> Contents {
        let (mut hooks, mut kept) = (Vec::new(), Vec::new());
        let manifest = manifest::readable_objects(&self.manifest);
        let mut unread: Vec<Unread> = manifest.unread.into_iter().map(Unread::Document).collect();
        for hook in self.hooks.unwrap_or_default() {
            let events = hook.events.unwrap_or_default();
            let policies = hook.delete_policies.unwrap_or_default();
            let stays = !policies.iter().any(|policy| policy == DELETED_AFTER);
            let phase = hook.last_run.map(|run| run.phase).unwrap_or_default();
            let place = |rendered: Rendered| Hook {
                object: rendered.object,
                events: events.clone(),
                weight: hook.weight,
                stays,
                // (helm `pkg/release/v1/hook.go`)
                ran: !["", "Unknown"].contains(&phase.as_str()),
                succeeded: phase == "Succeeded",
            };
            let manifest = manifest::readable_objects(&hook.manifest);
            if !manifest.unread.is_empty() {
                unread.push(Unread::Hook(hook.name));
            }
            let rendered = manifest.read;
            let stay = rendered.iter().filter(|it| it.kept);
            kept.extend(stay.map(|it| it.object.clone()));
            hooks.extend(rendered.into_iter().map(place));
        }
        let rendered = manifest.read;
        let stay = rendered.iter().filter(|it| it.kept);
        kept.extend(stay.map(|it| it.object.clone()));
        let claims = rendered.iter().flat_map(|it| {
            let claims = it.claims.iter();
            claims.map(|claim| (it.object.clone(), claim.clone()))
        });
        let claims = claims.collect();
        let ChartMetadata { name, version } = self.chart.metadata;
        let said = self.info.description.trim_end();
        Contents {
            revision,
            is_cut_off: said == CLOSED || said.ends_with(INTERRUPTED),
            chart: format!("{name}-{version}"),
            kept,
            claims,
            objects: rendered.into_iter().map(|r| r.object).collect(),
            hooks,
            unread,
        }
    }
}
