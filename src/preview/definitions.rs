//! Kinds that the cluster does not serve yet and that the run brings, or may bring: with a release
//! before, a command, or the chart's own folder `crds`. helm makes what is in that before anything
//! else of the release (`pkg/action/install.go`, `installCRDs`).

use std::collections::BTreeMap;

use serde_json::Value;

use super::Compared;
use super::look::LookError;
use crate::helm::{Helm, Staged};
use crate::manifest::{self, Definition, Whole};
use crate::plan::Plan;
use crate::process::Stop;
use crate::runner::ports::{DeployError, MissingKind};
use crate::snapshot::ObjectRef;

/// What the releases of a plan bring, each rendered when it is asked for.
pub struct Definitions<'a> {
    plan: &'a Plan,
    helm: &'a Helm,
    known: BTreeMap<usize, Vec<Whole>>,
}

/// Kinds with what they come with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coming(Vec<(MissingKind, String)>);

impl<'a> Definitions<'a> {
    pub fn new(plan: &'a Plan, helm: &'a Helm) -> Definitions<'a> {
        let known = BTreeMap::new();
        Definitions { plan, helm, known }
    }

    /// What all of these kinds come with by the time that helm applies the step at `at`; None where
    /// one of them comes with nothing, or none is missing.
    ///
    /// # Errors
    /// helm was stopped.
    pub async fn coming(
        &mut self,
        at: usize,
        missing: &[MissingKind],
    ) -> Result<Option<Coming>, LookError> {
        let mut coming = Vec::new();
        for kind in missing {
            match self.provider(at, kind).await? {
                Some(provider) => coming.push((kind.clone(), provider)),
                None => return Ok(None),
            }
        }
        Ok((!coming.is_empty()).then_some(Coming(coming)))
    }

    async fn provider(
        &mut self,
        at: usize,
        kind: &MissingKind,
    ) -> Result<Option<String>, LookError> {
        let brings = |it: &Definition| it.brings(&kind.api_version, &kind.kind);
        // What it has among its templates is not there yet when helm looks for it.
        let mut own = self.of(at).await?.iter().filter_map(Definition::of);
        if own.any(|it| it.of_crds && brings(&it)) {
            return Ok(Some("comes with this release".to_owned()));
        }
        let before = self.plan.before(at);
        for &before in &before {
            let mut definitions = self.of(before).await?.iter().filter_map(Definition::of);
            if definitions.any(|it| brings(&it)) {
                return Ok(Some(format!("comes with {}", self.plan.steps()[before].id)));
            }
        }
        self.possible(at, &before, kind).await
    }

    /// What may bring it, where nothing does for certain.
    async fn possible(
        &mut self,
        at: usize,
        before: &[usize],
        MissingKind { api_version, kind }: &MissingKind,
    ) -> Result<Option<String>, LookError> {
        // Kubernetes' own groups have no dot: what is missing of these comes with nothing.
        if api_version
            .split_once('/')
            .is_none_or(|(group, _)| !group.contains('.'))
        {
            return Ok(None);
        }
        let steps = self.plan.steps();
        let has_after = |it: &usize| !steps[*it].before.is_empty() || !steps[*it].after.is_empty();
        let mut commands = before.iter().copied().filter(has_after);
        let commands = commands
            .next()
            .or((!steps[at].before.is_empty()).then_some(at));
        if let Some(commands) = commands {
            let id = &steps[commands].id;
            return Ok(Some(format!("may come with a command of {id}")));
        }
        for &before in before {
            let wholes = self.of(before).await?;
            if wholes
                .iter()
                .any(|it| manifest::may_bring(&it.value, api_version, kind))
            {
                return Ok(Some(format!("may come with {}", steps[before].id)));
            }
        }
        Ok(None)
    }

    /// Those of the folder `crds` of the chart at `at`, or of a chart in it.
    ///
    /// # Errors
    /// helm was stopped.
    pub async fn of_folder(&mut self, at: usize) -> Result<Vec<(ObjectRef, Value)>, LookError> {
        let chart = self.helm.charts.get(&self.plan.steps()[at].id);
        if !chart.is_some_and(Staged::may_have_crds) {
            return Ok(Vec::new());
        }
        let wholes = self.of(at).await?.iter();
        let own = wholes.filter(|it| it.source.as_deref().is_some_and(manifest::is_of_crds));
        let objects =
            own.filter_map(|it| Some((manifest::reference(&it.value)?, it.value.clone())));
        Ok(objects.collect())
    }

    async fn of(&mut self, at: usize) -> Result<&[Whole], LookError> {
        if !self.known.contains_key(&at) {
            let step = &self.plan.steps()[at];
            let rendered = self.helm.template(step, &Stop::default()).await;
            let wholes = match rendered {
                Ok(template) => manifest::readable_wholes(&template.manifest).read,
                // Why helm can't render it is told where it is looked at itself.
                Err(DeployError::Refused(_)) => Vec::new(),
                Err(DeployError::Cancelled) => return Err(LookError::Cancelled),
            };
            self.known.insert(at, wholes);
        }
        Ok(self.known.get(&at).map_or(&[], Vec::as_slice))
    }
}

impl Coming {
    /// As helm is told of what a cluster serves.
    pub fn served(&self) -> impl Iterator<Item = String> {
        let kinds = self.0.iter().map(|(kind, _)| kind);
        kinds.flat_map(|MissingKind { api_version, kind }| {
            [api_version.clone(), format!("{api_version}/{kind}")]
        })
    }

    /// What the kind of an object comes with.
    pub fn provider(&self, object: &Compared) -> Option<&str> {
        let is_its = |(kind, _): &&(MissingKind, String)| {
            kind.api_version == object.api_version && kind.kind == object.kind
        };
        self.0
            .iter()
            .find(is_its)
            .map(|(_, provider)| provider.as_str())
    }
}
