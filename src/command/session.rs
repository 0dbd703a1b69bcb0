//! Everything between the command line and a run: helm, charts, cluster, namespaces.

use std::time::Duration;

use super::Context;
use crate::cli::Common;
use crate::cluster::{Cluster, Target};
use crate::error::{Failure, Kind};
use crate::helm::{self, Binary, BinaryError, Marks, Version};
use crate::names::{RunId, StackName};
use crate::output::{self, Reach};
use crate::plan::Plan;
use crate::runner::ports::ObserveError;
use crate::verdict::CompletedRule;

/// The API server itself has been given up by then: only a login command takes longer.
const LONG: Duration = Duration::from_secs(15);

pub async fn connect(context: &Context) -> Result<Cluster, Failure> {
    let target = Target {
        kubeconfig: context.common.kubeconfig.clone(),
        context: context.common.kube_context.clone(),
    };
    let waiting = context.environment.waiting_for("connecting to the cluster");
    let mut connecting = std::pin::pin!(Cluster::connect(target));
    let connected = match tokio::time::timeout(LONG, &mut connecting).await {
        Ok(connected) => connected,
        Err(_) => {
            waiting.note("the kubeconfig's login command has not ended yet and is waited for");
            connecting.await
        }
    };
    let cluster =
        connected.map_err(|error| Failure::new(Kind::Environment, &error).hints(error.hints))?;
    output::reaching_context(cluster.kube_context());
    Ok(cluster)
}

/// What the command line says of where to go, for the commands in what is said.
pub fn reach(common: &Common) -> Reach {
    let kubeconfig = common.kubeconfig.as_ref();
    let kubeconfig = kubeconfig.map(|path| path.to_string_lossy().into_owned());
    let given = [
        ("--profile", common.profile.clone()),
        (
            "--namespace",
            common.namespace.as_ref().map(ToString::to_string),
        ),
        ("--kubeconfig", kubeconfig.clone()),
        ("--kube-context", common.kube_context.clone()),
    ];
    let given = given.into_iter();
    Reach {
        kubeconfig,
        context: common.kube_context.clone(),
        given: given.filter_map(|(flag, it)| Some((flag, it?))).collect(),
    }
}

/// The helm to run. It is not started yet.
pub fn find_helm(context: &Context) -> Result<Binary, Failure> {
    Binary::find(context.common.helm.as_deref()).map_err(|error| no_helm(&error))
}

/// Asks helm for its version: one that can't do what a plan asks for is told before anything is
/// touched.
pub async fn ask_helm(
    context: &Context,
    helm: &Binary,
    plan: Option<&Plan>,
) -> Result<Version, Failure> {
    let _waiting = context
        .environment
        .waiting_for("asking helm for its version");
    let version = match plan {
        Some(plan) => helm.version_for(plan).await,
        None => helm.version().await,
    };
    version.map_err(|error| no_helm(&error))
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
        BinaryError::NoForce { .. } => failure.hint("name a helm 4 with `--helm PATH`").hint(
            "or take `forceConflicts` out of the profile: helm 3 applies on the client's side, \
                 where no conflicts are seen",
        ),
        BinaryError::Hangs { .. } => failure
            .hint(
                "helm first reads its plugins, its registry's `config.json` and `~/.docker` (`helm \
                 env` names the folders): a pipe among them, or a file system that does not answer, \
                 holds it up",
            )
            .hint("or name another with `--helm PATH`"),
        BinaryError::NotRunnable { .. } | BinaryError::NotHelm { .. } => {
            failure.hint("name another with `--helm PATH`")
        }
    }
}

pub fn marks(plan: &Plan, run: &RunId) -> Marks {
    Marks {
        stack: plan.stack.clone(),
        home: plan.namespace.clone(),
        run: run.clone(),
    }
}

pub fn observe(error: &ObserveError) -> Failure {
    let kind = match error {
        ObserveError::Unreachable(_)
        | ObserveError::Busy { .. }
        | ObserveError::Denied(_)
        | ObserveError::NamespaceGoing(_)
        | ObserveError::NotFound(_)
        | ObserveError::Conflict(_)
        | ObserveError::Unreadable { .. } => Kind::Environment,
        ObserveError::Unexpected(_) => Kind::Unexpected,
    };
    let failure = Failure::new(kind, error);
    match error {
        ObserveError::Denied(_) => {
            failure.hint("`kubectl auth can-i --list` shows what these credentials may do")
        }
        ObserveError::NamespaceGoing(_) => {
            failure.hint("the namespace is being deleted: run it again once it is gone")
        }
        ObserveError::Unreadable { hint, .. } => failure.hint(hint),
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
