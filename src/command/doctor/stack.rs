//! What a stack needs of its cluster: rights, storage.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt};

use crate::cluster::Cluster;
use crate::command::Context;
use crate::command::check;
use crate::command::inputs::Inputs;
use crate::command::session;
use crate::doctor::State;
use crate::doctor::{self, Check, Rendered, Want};
use crate::manifest;
use crate::names::RunId;
use crate::plan::Plan;
use crate::process::Stop;
use crate::runner::ports::DeployError;

/// Questions that are open at once.
pub(super) const AT_ONCE: usize = 16;

/// Renders the charts, and asks for all that their objects need.
pub async fn needs(
    context: &Context,
    cluster: &Cluster,
    plan: &Plan,
    inputs: Inputs,
) -> Vec<Check> {
    let _waiting = context.environment.waiting_for("asking what is allowed");
    let run = RunId::foreign("doctor");
    let mut helm = inputs.helm(context, cluster, session::marks(plan, &run));
    if let Err(error) = helm.freeze(plan) {
        return vec![Check::problem("values", error.to_string())];
    }
    let stop = Stop::default();
    // Without these, what a chart asks of a cluster is guessed.
    let known = check::capabilities(cluster).await.unwrap_or_default();
    let rendered: Vec<_> = stream::iter(plan.steps())
        .map(|step| helm.template_on_cluster(step, &known, &stop))
        .buffered(4)
        .collect()
        .await;
    let mut checks = Vec::new();
    let mut objects = Vec::new();
    for (step, template) in plan.steps().iter().zip(rendered) {
        match template {
            Ok(template) => {
                let wholes = manifest::readable_wholes(&template.manifest).read;
                let namespace = step.namespace.as_str();
                objects.extend(wholes.into_iter().map(|whole| (namespace, whole.value)));
            }
            Err(DeployError::Refused(said)) => {
                checks.push(Check::problem(
                    "charts",
                    format!("{}: {}", step.id, said.sentence),
                ));
            }
            Err(DeployError::Cancelled) => {}
        }
    }
    checks.extend(rights(cluster, plan, &objects).await);
    checks.extend(storage(cluster, &objects).await);
    checks
}

async fn rights(
    cluster: &Cluster,
    plan: &Plan,
    objects: &[(&str, serde_json::Value)],
) -> Vec<Check> {
    let mut kinds = BTreeMap::new();
    for (namespace, value) in objects {
        let Some(object) = manifest::reference(value) else {
            continue;
        };
        let placed = match cluster.resource(&object, namespace).await {
            Ok(Some(placed)) => placed,
            // A kind that another release brings can't be asked for yet.
            Ok(None) => continue,
            Err(error) => return vec![Check::warning("rights", error.to_string())],
        };
        let is_followed = match cluster.is_followed(&object).await {
            Ok(is_followed) => is_followed,
            Err(error) => return vec![Check::warning("rights", error.to_string())],
        };
        kinds.entry(placed).or_insert_with(|| Rendered {
            name: object.short(),
            is_followed,
        });
    }
    let wants = doctor::wants(&plan.namespace, &plan.namespaces(), &kinds);
    let asked: Vec<(Want, Result<bool, _>)> = stream::iter(wants)
        .map(|want| async {
            let answer = cluster.may(&want.right).await;
            (want, answer)
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let mut answers = Vec::new();
    for (want, answer) in asked {
        match answer {
            Ok(is_allowed) => answers.push((want, is_allowed)),
            Err(error) => return vec![Check::warning("rights", error.to_string())],
        }
    }
    let mut checks = doctor::lacking(&answers);
    let refused = super::grants::refused(cluster, objects).await;
    if !refused.is_empty() {
        checks.retain(|check| check.state != State::Good);
    }
    checks.extend(refused);
    checks
}

/// Every claim finds its storage class.
async fn storage(cluster: &Cluster, objects: &[(&str, serde_json::Value)]) -> Vec<Check> {
    let mut wanted: BTreeSet<(Option<String>, String)> = BTreeSet::new();
    for (_, value) in objects {
        let name = value["metadata"]["name"].as_str().unwrap_or_default();
        let templates = value["spec"]["volumeClaimTemplates"].as_array();
        let own = (value["kind"] == "PersistentVolumeClaim").then_some(value);
        for claim in templates.into_iter().flatten().chain(own) {
            let class = claim["spec"]["storageClassName"]
                .as_str()
                .map(str::to_owned);
            // An empty class asks for a volume that somebody has made.
            if class.as_deref() != Some("") {
                wanted.insert((class, name.to_owned()));
            }
        }
    }
    if wanted.is_empty() {
        return Vec::new();
    }
    let classes = match cluster.storage_classes().await {
        Ok(classes) => classes,
        Err(error) => return vec![Check::warning("storage", error.to_string())],
    };
    let mut checks = Vec::new();
    for (class, by) in &wanted {
        let found = match class {
            Some(class) => classes.iter().any(|(name, _)| name == class),
            None => classes.iter().any(|(_, is_default)| *is_default),
        };
        let says = match class {
            _ if found => continue,
            Some(class) => format!("there is no storage class `{class}`, which `{by}` asks for"),
            None => format!("there is no default storage class, which `{by}` relies on"),
        };
        let names: Vec<String> = classes
            .iter()
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        let there = match names.as_slice() {
            [] => "the cluster has none".to_owned(),
            names => format!("there are {}", names.join(", ")),
        };
        checks.push(Check::problem("storage", says).hint(there));
    }
    if checks.is_empty() {
        checks.push(Check::good("storage", "every claim has a storage class"));
    }
    checks
}
