//! What goes into a run: helm, charts that it can install, and values that were fetched.

use std::collections::HashMap;

use super::{Context, lock, secrets, session};
use crate::cluster::Cluster;
use crate::error::{Failure, Kind};
use crate::helm::{self, Binary, Helm, Lock, Marks, Staged, Staging, Target, Workspace};
use crate::names::ReleaseId;
use crate::plan::Plan;
use crate::process;
use crate::profile::{Fetched, Profile};
use crate::wording;

pub struct Inputs {
    binary: Binary,
    workspace: Workspace,
    pub charts: HashMap<ReleaseId, Staged>,
    secrets: HashMap<ReleaseId, Vec<Fetched>>,
}

impl Inputs {
    /// Brings together what a plan needs, for a helm that was asked for its version. With a lock the
    /// charts are those in it, or the lock's differences are the error.
    pub async fn bring(
        context: &Context,
        profile: &Profile,
        plan: &Plan,
        locked: Option<&Lock>,
    ) -> Result<Inputs, Failure> {
        let inputs = Inputs::charts(context, profile, plan, locked).await?;
        inputs.ask_helm(context, plan).await?;
        inputs.with_values(context, profile, plan, locked).await
    }

    /// With the values that a profile has fetched.
    pub async fn with_values(
        mut self,
        context: &Context,
        profile: &Profile,
        plan: &Plan,
        locked: Option<&Lock>,
    ) -> Result<Inputs, Failure> {
        if let Some(locked) = locked {
            lock::insist(profile, plan, locked, &self.charts)?;
        }
        self.secrets = secrets::fetch(context, profile, plan).await?;
        Ok(self)
    }

    /// A wrong helm is told before anything is touched.
    pub async fn ask_helm(&self, context: &Context, plan: &Plan) -> Result<(), Failure> {
        let version = session::ask_helm(context, &self.binary, Some(plan)).await;
        version.map(drop)
    }

    /// The charts alone. helm is started only where one has to be pulled.
    pub async fn charts(
        context: &Context,
        profile: &Profile,
        plan: &Plan,
        locked: Option<&Lock>,
    ) -> Result<Inputs, Failure> {
        let workspace = workspace()?;
        let pinned = |id: &ReleaseId| locked.and_then(|locked| locked.version(id));
        let staged = helm::stage(plan, &workspace, &profile.root(), &pinned).await;
        let staged = staged.map_err(|errors| {
            let errors = errors
                .iter()
                .map(|error| (error.to_string(), error.hints()));
            unusable(Kind::Invalid, errors.collect())
        })?;
        let binary = session::find_helm(context)?;
        let charts = pull(context, staged, &binary, &workspace).await?;
        Ok(Inputs {
            binary,
            workspace,
            charts,
            secrets: HashMap::new(),
        })
    }

    /// For a removal or, with its plan, for a rollback: helm knows from its records what to do.
    pub async fn none(context: &Context, plan: Option<&Plan>) -> Result<Inputs, Failure> {
        let binary = session::find_helm(context)?;
        session::ask_helm(context, &binary, plan).await?;
        Ok(Inputs {
            binary,
            workspace: workspace()?,
            charts: HashMap::new(),
            secrets: HashMap::new(),
        })
    }

    /// Binds helm to them, and to the cluster.
    pub fn helm(self, context: &Context, cluster: &Cluster, marks: Marks) -> Helm {
        let target = Target {
            kubeconfig: context.common.kubeconfig.clone(),
            context: cluster.kube_context().map(str::to_owned),
        };
        self.helm_for(target, marks)
    }

    /// A helm that is to know no cluster.
    pub fn renderer(self, marks: Marks) -> Helm {
        self.helm_for(Target::default(), marks)
    }

    fn helm_for(self, target: Target, marks: Marks) -> Helm {
        Helm {
            binary: self.binary,
            target,
            marks,
            charts: self.charts,
            secrets: self.secrets,
            workspace: self.workspace,
            leash: process::own_binary(),
            sealed: HashMap::new(),
            frozen: HashMap::new(),
        }
    }
}

async fn pull(
    context: &Context,
    staged: Staging,
    binary: &Binary,
    workspace: &Workspace,
) -> Result<HashMap<ReleaseId, Staged>, Failure> {
    let waiting =
        (!staged.is_complete()).then(|| context.environment.waiting_for("pulling charts"));
    let leash = process::own_binary();
    let pulled = staged.pull(binary, workspace, leash.as_deref()).await;
    drop(waiting);
    pulled.map_err(|errors| {
        let told = |error: helm::PullError| (error.to_string(), error.hint.into_iter().collect());
        unusable(Kind::Environment, errors.into_iter().map(told).collect())
    })
}

fn unusable(kind: Kind, errors: Vec<(String, Vec<String>)>) -> Failure {
    let what = wording::count(errors.len(), "chart");
    let failure = Failure::new(kind, format!("{what} can't be used"));
    errors.into_iter().fold(failure, |failure, (error, hints)| {
        failure.details([format!("  {error}")]).hints(hints)
    })
}

fn workspace() -> Result<Workspace, Failure> {
    Workspace::new().map_err(|error| {
        // tempfile adds the path of a folder that never was.
        let error = error.to_string();
        let error = error.split(" at path ").next().unwrap_or_default();
        Failure::new(
            Kind::Environment,
            format!(
                "no private folder can be made in `{}`: {error}",
                Workspace::place().display()
            ),
        )
        .hint("set `TMPDIR` to a folder that can be written to")
    })
}
