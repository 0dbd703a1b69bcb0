//! From a plan to what it would change: helm renders, the API server answers.

use std::collections::BTreeSet;
use std::fmt::Write;

use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Value, json};

use super::{Action, After, Compared, Preview, ReleasePreview, Saved};
use crate::cluster::{Answer, Cluster, Trial};
use crate::helm::{Helm, Upcoming};
use crate::keyed::Key;
use crate::manifest::{self, ManifestError, Whole};
use crate::names::ReleaseId;
use crate::plan::{Command, Plan, Step};
use crate::process::Stop;
use crate::runner::ports::{DeployError, ObserveError, Observer};
use crate::snapshot::{ObjectRef, Record, RecordStatus};

/// Releases that are looked at together: each has a helm, which is a whole CPU.
const RELEASES: usize = 4;
/// Questions about the objects of one release that are open at once.
const OBJECTS: usize = 4;

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
    #[error("what helm renders for `{id}` can't be read: {error}")]
    Manifest { id: ReleaseId, error: ManifestError },
    #[error("helm was stopped")]
    Cancelled,
}

/// What was found out about one release.
struct Seen {
    preview: ReleasePreview,
    rendered: String,
    compared: Vec<Compared>,
}

/// Looks at every release of a plan. `selected` and `only` say how the plan came about.
///
/// # Errors
/// The cluster can't be asked, or a manifest can't be read. What helm says no to is in the preview.
pub async fn look(
    plan: &Plan,
    helm: &Helm,
    cluster: &Cluster,
    (selected, only): (Vec<ReleaseId>, bool),
    key: Key,
) -> Result<Looked, LookError> {
    let seen: Vec<Seen> = stream::iter(plan.steps())
        .map(|step| release(plan, step, helm, cluster))
        .buffered(RELEASES)
        .try_collect()
        .await?;
    let context = cluster.context().to_owned();
    let (stack, namespace) = (plan.stack.clone(), plan.namespace.clone());
    let mut saved = Saved::new(
        stack.clone(),
        namespace.clone(),
        context.clone(),
        (selected, only),
        key,
    );
    let mut releases = Vec::new();
    for Seen {
        mut preview,
        rendered,
        compared,
    } in seen
    {
        saved.add(&preview.id, &rendered, preview.revision, &compared);
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

async fn release(
    plan: &Plan,
    step: &Step,
    helm: &Helm,
    cluster: &Cluster,
) -> Result<Seen, LookError> {
    let records = cluster.revisions(&step.namespace, &step.release).await?;
    let last = records.iter().max_by_key(|record| record.revision);
    let installs = last.is_none_or(|record| record.status == RecordStatus::Uninstalled);
    let revision = last.map_or(0, |record| record.revision) + 1;
    let mut preview = ReleasePreview {
        id: step.id.clone(),
        release: step.release.clone(),
        namespace: step.namespace.clone(),
        chart: helm
            .charts
            .get(&step.id)
            .map_or(String::new(), |chart| chart.label.clone()),
        needs: step
            .needs
            .iter()
            .map(|&need| plan.steps()[need].id.to_string())
            .collect(),
        action: if installs {
            Action::Install
        } else {
            Action::Upgrade
        },
        revision,
        objects: Vec::new(),
        unchanged: 0,
        hooks: Vec::new(),
        commands: commands(step),
        restarts: Vec::new(),
        applied: last.is_some_and(|last| {
            let inputs = helm.sealed.get(&step.id);
            inputs.is_some_and(|inputs| last.is_made_of(plan.stack.as_str(), inputs))
        }),
        why: None,
    };
    let upcoming = match helm.upcoming(step, revision, &Stop::default()).await {
        Ok(upcoming) => upcoming,
        Err(DeployError::Refused(said)) => {
            preview.action = Action::Fail;
            preview.why = Some(said.sentence.clone());
            return Ok(Seen {
                preview,
                rendered: said.sentence,
                compared: Vec::new(),
            });
        }
        Err(DeployError::Cancelled) => return Err(LookError::Cancelled),
    };
    preview.hooks = hooks(&upcoming, installs);
    let compared = compare(step, &upcoming, &records, cluster).await?;
    let hooks = upcoming
        .hooks
        .iter()
        .flatten()
        .map(|hook| hook.manifest.as_str());
    let rendered: Vec<&str> = hooks.chain([upcoming.manifest.as_str()]).collect();
    let mut rendered = rendered.join("\n---\n");
    for Command { words, env, .. } in step.before.iter().chain(&step.after) {
        let _ = write!(rendered, "\n{words:?} {env:?}");
    }
    Ok(Seen {
        preview,
        rendered,
        compared,
    })
}

fn commands(step: &Step) -> Vec<String> {
    let before = step.before.iter().map(|it| ("before helm", it));
    let after = step.after.iter().map(|it| ("once it is ready", it));
    let all = before.chain(after);
    all.map(|(when, command)| format!("{when}: {}", command.title()))
        .collect()
}

fn hooks(upcoming: &Upcoming, installs: bool) -> Vec<String> {
    let moments = match installs {
        true => ["pre-install", "post-install"],
        false => ["pre-upgrade", "post-upgrade"],
    };
    let mut hooks = Vec::new();
    for moment in moments {
        for hook in upcoming.hooks.iter().flatten() {
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

async fn compare(
    step: &Step,
    upcoming: &Upcoming,
    records: &[Record],
    cluster: &Cluster,
) -> Result<Vec<Compared>, LookError> {
    let namespace = step.namespace.as_str();
    let wanted = manifest::wholes(&upcoming.manifest).map_err(|error| LookError::Manifest {
        id: step.id.clone(),
        error,
    })?;
    let mut wanted: Vec<(ObjectRef, Value)> = wanted
        .into_iter()
        .filter_map(|Whole { value, .. }| {
            Some((manifest::reference(&value)?.placed(namespace), value))
        })
        .collect();
    for (_, value) in &mut wanted {
        own(value, step);
    }
    let mut compared: Vec<Compared> = stream::iter(&wanted)
        .map(|(object, value)| async move {
            let trial = cluster.try_apply(object, value).await?;
            Ok::<_, LookError>(tried(object, trial))
        })
        .buffered(OBJECTS)
        .try_collect()
        .await?;
    // helm takes away what the last revision that was deployed had.
    let deployed = records
        .iter()
        .filter(|record| record.status == RecordStatus::Deployed);
    let Some(deployed) = deployed.max_by_key(|record| record.revision) else {
        return Ok(compared);
    };
    let contents = cluster
        .contents(&step.namespace, &step.release, deployed.revision)
        .await;
    let contents = contents?;
    let key = |object: &ObjectRef| {
        let placed = object.placed(namespace);
        (
            placed.group().to_owned(),
            placed.kind.clone(),
            placed.namespace.clone(),
            placed.name.clone(),
        )
    };
    let stays: BTreeSet<_> = wanted.iter().map(|(object, _)| key(object)).collect();
    for object in contents
        .objects
        .iter()
        .filter(|object| !stays.contains(&key(object)))
    {
        compared.push(Compared {
            object: object.short(),
            namespace: object.namespace.clone(),
            before: cluster.live(&object.placed(namespace)).await?,
            after: match contents.kept.contains(object) {
                true => After::Kept,
                false => After::Deleted,
            },
        });
    }
    Ok(compared)
}

/// helm puts its marks on every object that it applies.
fn own(object: &mut Value, step: &Step) {
    let metadata = &mut object["metadata"];
    for (part, key, value) in [
        ("labels", "app.kubernetes.io/managed-by", "Helm"),
        (
            "annotations",
            "meta.helm.sh/release-name",
            step.release.as_str(),
        ),
        (
            "annotations",
            "meta.helm.sh/release-namespace",
            step.namespace.as_str(),
        ),
    ] {
        if !metadata[part].is_object() {
            metadata[part] = json!({});
        }
        metadata[part][key] = value.into();
    }
}

fn tried(object: &ObjectRef, trial: Trial) -> Compared {
    Compared {
        object: object.short(),
        namespace: object.namespace.clone(),
        before: trial.before,
        after: match trial.answer {
            Answer::Accepted(after) => After::Is(after),
            Answer::Refused(why) => After::Refused(why),
            Answer::Later => After::New,
        },
    }
}
