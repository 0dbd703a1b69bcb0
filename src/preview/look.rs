//! From a plan to what it would change: helm renders, the API server answers.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use futures::stream::{self, StreamExt, TryStreamExt};

use super::definitions::{Coming, Definitions};
use super::standing::Standing;
use super::{
    Action, After, Applied, Base, Compared, Preview, ReleasePreview, Rendered, Saved, crds, moving,
    needs, objects, secret,
};
use crate::cluster::Cluster;
use crate::helm::{Capabilities, Helm, Moment, Upcoming, UpcomingHook};
use crate::keyed::Key;
use crate::manifest::{self, Readable};
use crate::mask;
use crate::names::ReleaseId;
use crate::plan::{Command, Plan, Step};
use crate::process::Stop;
use crate::recovery::Runs;
use crate::runner::ports::{DeployError, MissingKind, ObserveError, Observer, Refusal, Trouble};
use crate::snapshot::{LastingHook, ObjectRef, StackId, Unread};

/// Releases that are looked at together: each has a helm, which is a whole CPU.
const RELEASES: usize = 4;

/// A preview, and the same to be kept.
#[derive(Debug)]
pub struct Looked {
    pub preview: Preview,
    pub saved: Saved,
}

#[derive(Debug, thiserror::Error)]
pub enum LookError {
    #[error("{0}")]
    Cluster(#[from] ObserveError),
    #[error("helm was stopped")]
    Cancelled,
}

/// What was found out about one release.
pub(super) struct Seen {
    pub(super) preview: ReleasePreview,
    rendered: Rendered,
    pub(super) compared: Vec<Compared>,
    /// What it goes on from in the cluster.
    base: Base,
    /// Kinds that the cluster does not serve, for which helm refuses it.
    missing: Vec<MissingKind>,
    /// Objects for whose sake helm refuses it.
    pub(super) refused_for: Vec<String>,
    /// All that others may need of it, hooks too; None where that is not known.
    pub(super) parts: Option<Vec<ObjectRef>>,
}

impl Seen {
    fn refused(mut preview: ReleasePreview, base: Base, said: Refusal) -> Seen {
        preview.action = Action::Fail;
        // That `up` would not even let helm at it is told first.
        if preview.why.is_none() {
            preview.why = Some(said.sentence.clone());
            preview.hints = said.hints;
        }
        Seen {
            preview,
            base,
            rendered: Rendered {
                text: said.sentence,
                ..Rendered::default()
            },
            compared: Vec::new(),
            missing: match said.trouble {
                Trouble::MissingKinds(kinds) => kinds,
                _ => Vec::new(),
            },
            refused_for: said.chain,
            parts: None,
        }
    }
}

/// What a look is made for.
#[derive(Debug)]
pub struct Request {
    /// Releases that were asked for; none stands for all.
    pub selected: Vec<ReleaseId>,
    pub only: bool,
    /// Of the digests.
    pub key: Key,
    /// Of what goes into each release, under that key.
    pub sources: HashMap<ReleaseId, String>,
    /// By which helm's records of the stack are known.
    pub stack: StackId,
    /// What the stack's Lease tells, or why it can't be asked.
    pub runs: Result<Runs, ObserveError>,
    /// What hooks had made for others when a revision was seen ready, as far as that is remembered.
    pub hooks: HashMap<ReleaseId, (u32, Vec<LastingHook>)>,
}

/// What is looked at, and through whom.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub plan: &'a Plan,
    pub helm: &'a Helm,
    pub cluster: &'a Cluster,
    pub stack: &'a StackId,
    pub runs: &'a Result<Runs, ObserveError>,
}

/// Looks at every release of a plan.
///
/// # Errors
/// The cluster can't be asked, or a manifest can't be read. What helm says no to is in the preview.
pub async fn look(
    plan: &Plan,
    helm: &Helm,
    cluster: &Cluster,
    request: Request,
) -> Result<Looked, LookError> {
    let scene = Scene {
        plan,
        helm,
        cluster,
        stack: &request.stack,
        runs: &request.runs,
    };
    let mut seen: Vec<Seen> = stream::iter(plan.steps())
        .map(|step| release(scene, step, &request.hooks))
        .buffered(RELEASES)
        .try_collect()
        .await?;
    let mut definitions = Definitions::new(plan, helm);
    for (at, seen) in seen.iter_mut().enumerate() {
        if let Some(coming) = definitions.coming(at, &seen.missing).await? {
            let step = &plan.steps()[at];
            *seen = release_apart(scene, step, &coming).await?;
        }
    }
    moving::look(scene, &mut seen).await?;
    crds::look(scene, &mut definitions, &mut seen).await?;
    needs::look(plan, &mut seen);
    let secret = seen.iter().flat_map(|it| secret::values(&it.compared));
    let named = |it: &Seen| [it.preview.id.to_string(), it.preview.release.to_string()];
    let names = seen.iter().flat_map(named);
    mask::keep_secret(
        secret,
        names.chain([plan.namespace.to_string(), plan.stack.to_string()]),
    );
    let context = cluster.context().to_owned();
    let (stack, namespace) = (plan.stack.clone(), plan.namespace.clone());
    let mut saved = Saved::new(
        stack.clone(),
        namespace.clone(),
        context.clone(),
        (request.selected, request.only),
        request.key,
    );
    let mut releases = Vec::new();
    for Seen {
        mut preview,
        rendered,
        compared,
        base,
        ..
    } in seen
    {
        let sources = request.sources.get(&preview.id).cloned();
        let sources = sources.unwrap_or_default();
        saved.add(&preview.id, &rendered, sources, (base, &compared));
        preview.compare(&compared, &saved.key);
        releases.push(preview);
    }
    let preview = Preview {
        stack,
        namespace,
        context,
        releases,
        orphans: Vec::new(),
    };
    Ok(Looked { preview, saved })
}

/// How a release is rendered.
enum Rendering<'a> {
    /// By a dry run of what `up` runs.
    DryRun,
    /// As that would be for what helm refuses as it stands.
    OnCluster { upgrade: bool },
    /// For a cluster that does not serve all its kinds yet.
    Apart(&'a Capabilities),
}

/// By a dry run, unless helm refuses that.
fn rendering(standing: &Standing) -> Rendering<'static> {
    match standing.left.is_half_done || standing.left.removed.is_some() {
        true => Rendering::OnCluster {
            upgrade: !standing.installs(),
        },
        false => Rendering::DryRun,
    }
}

impl Rendering<'_> {
    async fn of(
        &self,
        helm: &Helm,
        step: &Step,
        revision: u32,
    ) -> Result<(Upcoming, Moment), DeployError> {
        let stop = Stop::default();
        let template = match self {
            Rendering::DryRun => return helm.upcoming(step, revision, &stop).await,
            Rendering::OnCluster { upgrade } => helm.template_over(step, *upgrade, &stop).await?,
            Rendering::Apart(cluster) => helm.template_for(step, cluster, &stop).await?,
        };
        Ok((template.upcoming(), template.rendered))
    }
}

async fn release(
    scene: Scene<'_>,
    step: &Step,
    hooks: &HashMap<ReleaseId, (u32, Vec<LastingHook>)>,
) -> Result<Seen, LookError> {
    let cluster = scene.cluster;
    let standing = Standing::of(scene, step).await?;
    let mut seen = rendered(scene, step, &standing, rendering(&standing)).await?;
    if let Some(applied) = &seen.preview.applied {
        let remembered = hooks.get(&step.id);
        let remembered = remembered.filter(|it| applied.verified && it.0 == applied.revision);
        let hooks = match remembered {
            Some((_, hooks)) => hooks.clone(),
            None => {
                let (namespace, release) = (&step.namespace, &step.release);
                let contents = cluster.contents(namespace, release, applied.revision);
                contents.await?.lasting_hooks()
            }
        };
        seen.compared
            .extend(objects::lost_hooks(cluster, &hooks).await?);
    }
    Ok(seen)
}

/// Looks again at a release that helm refuses because of kinds that the run brings: `coming` tells
/// with what each comes.
pub(super) async fn release_apart(
    scene: Scene<'_>,
    step: &Step,
    coming: &Coming,
) -> Result<Seen, LookError> {
    let cluster = scene.cluster;
    let standing = Standing::of(scene, step).await?;
    let mut served = cluster.api_versions().await?;
    served.extend(coming.served());
    let capabilities = Capabilities {
        version: cluster.server_version().git_version.clone(),
        served,
        upgrade: !standing.installs(),
    };
    let how = Rendering::Apart(&capabilities);
    let mut seen = rendered(scene, step, &standing, how).await?;
    for one in &mut seen.compared {
        if let Some(provider) = coming.provider(one).filter(|_| one.after == After::New) {
            one.note = Some(format!("its kind {provider}"));
        }
    }
    Ok(seen)
}

async fn rendered(
    scene: Scene<'_>,
    step: &Step,
    standing: &Standing,
    how: Rendering<'_>,
) -> Result<Seen, LookError> {
    let Scene {
        plan,
        helm,
        cluster,
        stack,
        ..
    } = scene;
    let Standing { records, left } = standing;
    let (installs, base) = (standing.installs(), standing.base());
    let revision = base.revision;
    let need = |&need: &usize| plan.steps()[need].id.to_string();
    let after = || commands(&step.after, AFTER);
    let mut preview = ReleasePreview {
        id: step.id.clone(),
        release: step.release.clone(),
        namespace: step.namespace.clone(),
        chart: helm
            .charts
            .get(&step.id)
            .map_or(String::new(), |chart| chart.label.clone()),
        needs: step.needs.iter().map(need).collect(),
        action: match (&left.refused, installs) {
            (Some(_), _) => Action::Fail,
            (None, true) => Action::Install,
            (None, false) => Action::Upgrade,
        },
        revision,
        objects: Vec::new(),
        unchanged: 0,
        hooks: Vec::new(),
        changed_hooks: Vec::new(),
        commands: commands(&step.before, BEFORE).chain(after()).collect(),
        restarts: Vec::new(),
        varying: Vec::new(),
        warnings: Vec::new(),
        applied: standing.last().and_then(|last| {
            let inputs = helm.sealed.get(&step.id)?;
            let verified = last.is_verified();
            let applied = || Applied {
                revision: last.revision,
                verified,
                commands: after().filter(|_| !verified).collect(),
            };
            last.is_made_of(stack, inputs).then(applied)
        }),
        left_behind: left.told.clone(),
        why: left.refused.as_ref().map(|why| why.sentence.clone()),
        hints: left
            .refused
            .iter()
            .flat_map(|it| it.hints.clone())
            .collect(),
    };
    let (upcoming, at) = match how.of(helm, step, revision).await {
        Ok(rendered) => rendered,
        Err(DeployError::Refused(said)) => return Ok(Seen::refused(preview, base, said)),
        Err(DeployError::Cancelled) => return Err(LookError::Cancelled),
    };
    let all: Vec<&UpcomingHook> = upcoming.hooks.iter().flatten().collect();
    preview.hooks = hooks(&all, installs);
    if left.maybe_anew {
        let of_installs: Vec<&UpcomingHook> =
            all.into_iter().filter(|it| is_of_installs(it)).collect();
        preview.hooks.extend(hooks(&of_installs, true));
    }
    // `up` leaves a release that was made of the very inputs of now, unless something of what it
    // applied is gone or changed: what a new rendering would bring does not count.
    let manifest = match &preview.applied {
        Some(applied) => {
            let manifest = cluster.manifest(&step.namespace, &step.release, applied.revision);
            manifest.await?
        }
        None => upcoming.manifest.clone(),
    };
    if preview.applied.is_none() && !installs {
        let changed = objects::changed_hooks(step, &upcoming, records, cluster).await?;
        preview.changed_hooks = hooks(&changed, installs);
    }
    let again = async {
        match helm.may_differ(step, at).await? {
            true => how.of(helm, step, revision).await.map(Some),
            false => Ok(None),
        }
    };
    let Readable { read, unread } = manifest::readable_wholes(&manifest);
    let so = "what becomes of its object is not shown";
    let unread = unread.into_iter().map(Unread::Document);
    preview.warnings = unread.map(|it| it.warning(&step.release, so)).collect();
    let compared = objects::compare(step, read, records, cluster, preview.applied.as_ref());
    let (again, compared) = futures::future::join(again, compared).await;
    let (whole, mut compared) = (upcoming.whole(), compared?);
    let mut rendered = documents(&whole);
    let mut fields = BTreeMap::new();
    objects::remove_first(&mut compared, left.removed.as_deref().unwrap_or_default());
    objects::note_hooks(&mut compared, &upcoming, step);
    match again {
        Ok(None) => {}
        Ok(Some((again, _))) => {
            let twice = manifest::twice(&whole, &again.whole());
            preview.varying = twice.varying;
            rendered.clear();
            fields = twice.fields;
        }
        Err(DeployError::Refused(said)) => return Ok(Seen::refused(preview, base, said)),
        Err(DeployError::Cancelled) => return Err(LookError::Cancelled),
    }
    for Command { words, env, .. } in step.before.iter().chain(&step.after) {
        let _ = write!(rendered, "\n{words:?} {env:?}");
    }
    Ok(Seen {
        preview,
        rendered: Rendered {
            text: rendered,
            fields,
        },
        compared,
        base,
        missing: Vec::new(),
        refused_for: Vec::new(),
        parts: parts(&manifest, &upcoming),
    })
}

fn parts(manifest: &str, upcoming: &Upcoming) -> Option<Vec<ObjectRef>> {
    let hooks = upcoming
        .hooks
        .iter()
        .flatten()
        .map(|it| it.manifest.as_str());
    let mut parts = Vec::new();
    for text in [manifest].into_iter().chain(hooks) {
        let objects = manifest::readable_objects(text);
        if !objects.unread.is_empty() {
            return None;
        }
        parts.extend(objects.read.into_iter().map(|it| it.object));
    }
    Some(parts)
}

/// The same whichever way helm was asked to render it.
fn documents(rendered: &str) -> String {
    let Ok(wholes) = manifest::wholes(rendered) else {
        return rendered.to_owned();
    };
    let all: Vec<String> = wholes.iter().map(|it| it.value.to_string()).collect();
    all.join("\n")
}

const BEFORE: &str = "before helm";
const AFTER: &str = "once it is ready";

fn commands(commands: &[Command], when: &str) -> impl Iterator<Item = String> {
    let told = move |it: &Command| format!("{when}: {}", it.title());
    commands.iter().map(told)
}

/// An upgrade leaves it out; after an install that failed before it, `up` installs anew.
fn is_of_installs(hook: &UpcomingHook) -> bool {
    let is = |event: &str| hook.events.iter().flatten().any(|it| it == event);
    !is("pre-upgrade") && !is("post-upgrade")
}

fn hooks(upcoming: &[&UpcomingHook], installs: bool) -> Vec<String> {
    let moments = match installs {
        true => ["pre-install", "post-install"],
        false => ["pre-upgrade", "post-upgrade"],
    };
    let mut hooks = Vec::new();
    for moment in moments {
        for hook in upcoming {
            if hook.events.iter().flatten().any(|event| event == moment) {
                hooks.push(format!(
                    "{moment} {}/{}",
                    hook.kind.to_lowercase(),
                    hook.name
                ));
            }
        }
    }
    hooks
}
