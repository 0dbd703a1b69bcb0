//! Everything between the command line and a run: helm, charts, cluster, namespaces.

use std::time::Duration;

use tokio::time::Instant;

use super::Context;
use crate::cluster::{Cluster, Ensured, Target};
use crate::error::{Failure, Kind};
use crate::helm::{self, Binary, BinaryError, Marks, Version};
use crate::names::{Namespace, RunId, StackName};
use crate::plan::Plan;
use crate::runner::ports::ObserveError;
use crate::verdict::CompletedRule;

/// Before a namespace is looked at again.
const PAUSE: Duration = Duration::from_secs(1);

pub async fn connect(context: &Context) -> Result<Cluster, Failure> {
    let target = Target {
        kubeconfig: context.common.kubeconfig.clone(),
        context: context.common.kube_context.clone(),
    };
    let _waiting = context.environment.waiting_for("connecting to the cluster");
    Cluster::connect(target)
        .await
        .map_err(|error| Failure::new(Kind::Environment, &error).hints(error.hints))
}

/// The helm to run. It is not started yet.
pub fn find_helm(context: &Context) -> Result<Binary, Failure> {
    Binary::find(context.common.helm.as_deref()).map_err(|error| no_helm(&error))
}

/// Asks helm for its version: a wrong one is told before anything is touched.
pub async fn ask_helm(context: &Context, helm: &Binary) -> Result<Version, Failure> {
    let _waiting = context
        .environment
        .waiting_for("asking helm for its version");
    helm.version().await.map_err(|error| no_helm(&error))
}

fn no_helm(error: &BinaryError) -> Failure {
    let failure = Failure::new(Kind::Environment, error);
    match error {
        BinaryError::Missing => failure
            .hint("install helm 4 (or 3.14 and newer) and put it on the PATH")
            .hint("or name it with `--helm PATH`"),
        BinaryError::TooOld { .. } => {
            failure.hint("install helm 4, or name another with `--helm PATH`")
        }
        BinaryError::NotRunnable { .. } | BinaryError::NotHelm { .. } => {
            failure.hint("name another with `--helm PATH`")
        }
    }
}

pub fn marks(plan: &Plan, run: &RunId) -> Marks {
    Marks {
        stack: plan.stack.clone(),
        run: run.clone(),
    }
}

/// Makes the namespaces that are missing, if the profile allows it. One that is on its way out is
/// waited for so long.
pub async fn namespaces(cluster: &Cluster, plan: &Plan, patience: Duration) -> Result<(), Failure> {
    for namespace in plan.namespaces() {
        if plan.create_namespace {
            let ensured = ensured(cluster, &namespace, patience).await;
            ensured.map_err(|e| observe(&e))?;
        } else if !cluster
            .has_namespace(&namespace)
            .await
            .map_err(|e| observe(&e))?
        {
            return Err(Failure::new(
                Kind::Environment,
                format!("there is no namespace `{namespace}`"),
            )
            .hint("make it, or let the profile say `createNamespace: true`"));
        }
    }
    Ok(())
}

/// Makes a namespace if it is missing, as soon as one that is on its way out is gone.
pub async fn ensured(
    cluster: &Cluster,
    namespace: &Namespace,
    patience: Duration,
) -> Result<Ensured, ObserveError> {
    let began = Instant::now();
    loop {
        match cluster.ensure_namespace(namespace).await {
            Err(ObserveError::Conflict(_)) if began.elapsed() < patience => {
                tokio::time::sleep(PAUSE).await;
            }
            ensured => return ensured,
        }
    }
}

pub fn observe(error: &ObserveError) -> Failure {
    let kind = match error {
        ObserveError::Unreachable(_)
        | ObserveError::Denied(_)
        | ObserveError::NotFound(_)
        | ObserveError::Conflict(_) => Kind::Environment,
        ObserveError::Unexpected(_) => Kind::Unexpected,
    };
    let failure = Failure::new(kind, error);
    match error {
        ObserveError::Denied(_) => {
            failure.hint("`kubectl auth can-i --list` shows what these credentials may do")
        }
        _ => failure,
    }
}

/// A run's name, from the clock and this process.
pub fn run_id(start: jiff::Timestamp) -> RunId {
    let salt = std::process::id() ^ start.subsec_nanosecond().cast_unsigned();
    RunId::new(start, u16::try_from(salt & 0xffff).unwrap_or_default())
}

/// helm keeps its records in Secrets unless told otherwise, and there we look for them.
pub fn require_secret_driver() -> Result<(), Failure> {
    match helm::storage_driver().as_str() {
        "" | "secret" | "secrets" => Ok(()),
        other => Err(Failure::new(
            Kind::Environment,
            format!("`HELM_DRIVER` is `{other}`, and stackctl reads releases from Secrets only"),
        )
        .hint("unset `HELM_DRIVER`, unless releases are kept there already")),
    }
}

/// What a stack is called towards people.
pub fn title(stack: &StackName, namespace: &crate::names::Namespace) -> String {
    format!("stack `{stack}` in namespace `{namespace}`")
}

/// STATUS is told as this API server's own `kubectl get pods` would.
pub fn completed_rule(cluster: &Cluster) -> CompletedRule {
    CompletedRule::of_minor(cluster.server_version().minor)
}
