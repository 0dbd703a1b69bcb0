//! Renders what is to be looked at.

use futures::stream::{self, StreamExt};

use crate::check::{Release, Stack};
use crate::command::Context;
use crate::error::{Failure, Kind};
use crate::helm::{Capabilities, Helm, Template};
use crate::plan::{Plan, Step};
use crate::process::Stop;
use crate::profile::Profile;
use crate::runner::ports::DeployError;
use crate::wording;

/// helm processes at once: each is a whole CPU.
const AT_ONCE: usize = 4;

/// What is rendered, and by what.
pub struct Charts<'a> {
    pub profile: &'a Profile,
    pub plan: &'a Plan,
    pub helm: &'a Helm,
    /// What the cluster serves for which they are rendered.
    pub cluster: Option<Capabilities>,
}

impl Charts<'_> {
    async fn template(&self, step: &Step) -> Result<Template, DeployError> {
        let stop = Stop::default();
        match &self.cluster {
            Some(known) => self.helm.template_on_cluster(step, known, &stop).await,
            None => self.helm.template(step, &stop).await,
        }
    }

    /// Renders each release, those twice that may come out otherwise each time.
    pub async fn render(&self, context: &Context) -> Result<Stack, Failure> {
        let (plan, helm) = (self.plan, self.helm);
        let _waiting = context.environment.waiting_for("rendering the charts");
        let rendered: Vec<Result<Template, DeployError>> = stream::iter(plan.steps())
            .map(|step| self.template(step))
            .buffered(AT_ONCE)
            .collect()
            .await;
        // Once all of them are there, for the time may be in it.
        let again: Vec<Result<Option<Template>, DeployError>> = stream::iter(plan.steps())
            .zip(stream::iter(&rendered))
            .map(async |(step, first)| match first {
                Ok(first) if helm.may_differ(step, first.rendered).await? => {
                    self.template(step).await.map(Some)
                }
                _ => Ok(None),
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        let mut releases = Vec::new();
        let mut failed = Vec::new();
        for (at, (template, again)) in rendered.into_iter().zip(again).enumerate() {
            let id = &plan.steps()[at].id;
            match template.and_then(|template| Ok((template, again?))) {
                Ok((template, again)) => releases.push(self.release(at, template, again)),
                Err(DeployError::Refused(said)) => {
                    failed.push(format!("  `{id}`: {}", said.sentence));
                    failed.extend(said.hints.iter().map(|hint| format!("    hint: {hint}")));
                }
                Err(DeployError::Cancelled) => {}
            }
        }
        if failed.is_empty() {
            return Ok(Stack {
                releases,
                known: None,
            });
        }
        let what = wording::count(plan.steps().len() - releases.len(), "release");
        Err(Failure::new(Kind::Invalid, format!("{what} can't be rendered")).details(failed))
    }

    fn release(&self, at: usize, template: Template, again: Option<Template>) -> Release {
        let Template {
            manifest, sources, ..
        } = template;
        let mut release = Release::new(self.plan, self.profile, at, &manifest, sources);
        release.on_cluster = template.on_cluster;
        let unserved = template.unserved.into_iter();
        release.unserved = unserved.map(|it| (it.api_version, it.kind)).collect();
        if let Some(again) = again {
            release.compare(&manifest, &again.manifest);
        }
        release
    }
}
