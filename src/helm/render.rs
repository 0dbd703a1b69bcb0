//! What helm would apply, without a cluster.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tokio::time::Instant;

use super::args::{self, Capabilities, Upgrade};
use super::deploy::Helm;
use crate::files;
use crate::manifest::{self, Whole};
use crate::plan::Step;
use crate::process::Stop;
use crate::runner::ports::{DeployError, MissingKind, Refusal, Trouble};

/// More than helm can keep in a record.
const LARGEST: u64 = 64 * 1024 * 1024;

/// When something was rendered.
pub type Moment = Instant;

/// What a chart becomes with its values.
#[derive(Debug, Clone)]
pub struct Template {
    /// Hooks among the objects, those of `helm test` left out; each document with a comment
    /// `# Source: CHART/templates/FILE`.
    pub manifest: String,
    /// The templates as they are written, by the names that helm gives them. Empty for a packaged
    /// chart.
    pub sources: Vec<(PathBuf, String)>,
    /// When helm had rendered it.
    pub rendered: Instant,
    /// With what the cluster serves and has.
    pub on_cluster: bool,
    /// Kinds for want of which that was not possible.
    pub unserved: Vec<MissingKind>,
}

impl Helm {
    /// Renders a release as a first install would.
    ///
    /// # Errors
    /// helm can't, and says why.
    pub async fn template(&self, step: &Step, stop: &Stop) -> Result<Template, DeployError> {
        self.template_for(step, &Capabilities::default(), stop)
            .await
    }

    /// Renders a release for a cluster that is not asked: what a chart looks up there, it does not
    /// find.
    ///
    /// # Errors
    /// helm can't, and says why.
    pub async fn template_for(
        &self,
        step: &Step,
        cluster: &Capabilities,
        stop: &Stop,
    ) -> Result<Template, DeployError> {
        self.templated(step, args::capabilities(cluster), stop)
            .await
    }

    /// Renders a release as its first install on helm's cluster would be, objects that a chart looks up
    /// there included. Where helm refuses that, as it does for kinds that the cluster does not serve
    /// yet, as [`Helm::template_for`] with `known`.
    ///
    /// # Errors
    /// helm can't, and says why.
    pub async fn template_on_cluster(
        &self,
        step: &Step,
        known: &Capabilities,
        stop: &Stop,
    ) -> Result<Template, DeployError> {
        let args = args::on_cluster(self.version().await?, &self.target);
        let unserved = match self.templated(step, args, stop).await {
            Ok(template) => {
                return Ok(Template {
                    on_cluster: true,
                    ..template
                });
            }
            Err(DeployError::Refused(Refusal {
                trouble: Trouble::MissingKinds(kinds),
                ..
            })) => kinds,
            Err(DeployError::Refused(_)) => Vec::new(),
            Err(cancelled) => return Err(cancelled),
        };
        let template = self.template_for(step, known, stop).await?;
        Ok(Template {
            unserved,
            ..template
        })
    }

    /// Renders a release as its upgrade or its install on helm's cluster would be, whatever helm holds of
    /// it: a dry run of `helm upgrade` refuses what is pending.
    ///
    /// # Errors
    /// helm can't, and says why.
    pub async fn template_over(
        &self,
        step: &Step,
        upgrade: bool,
        stop: &Stop,
    ) -> Result<Template, DeployError> {
        let args = args::over(self.version().await?, &self.target, upgrade);
        self.templated(step, args, stop).await
    }

    async fn templated(
        &self,
        step: &Step,
        how: Vec<OsString>,
        stop: &Stop,
    ) -> Result<Template, DeployError> {
        let (values, staged) = self.inputs(step)?;
        let mut args = args::template(&step.release, &step.namespace, &staged.path, &values);
        args.extend(how);
        let ended = self.start(step, args, LARGEST, stop).await?;
        let manifest = String::from_utf8_lossy(&ended.stdout).into_owned();
        let sources = match staged.path.is_dir() {
            true => sources(&staged.path).unwrap_or_default(),
            false => Vec::new(),
        };
        Ok(Template {
            manifest,
            sources,
            rendered: ended.at,
            on_cluster: false,
            unserved: Vec::new(),
        })
    }
}

/// The templates of a chart and of the charts inside it. helm names each by the charts' names and
/// not by the folder's, which is that of the release here.
fn sources(chart: &Path) -> io::Result<Vec<(PathBuf, String)>> {
    let mut found = Vec::new();
    let name = super::chart_file::ChartFile::read(chart).map(|file| file.name);
    let name = PathBuf::from(name.unwrap_or_default());
    collect(
        &chart.join("templates"),
        &name.join("templates"),
        &mut found,
    )?;
    if let Ok(charts) = fs::read_dir(chart.join("charts")) {
        for inside in charts.flatten().map(|entry| entry.path()) {
            let nested = sources(&inside).unwrap_or_default().into_iter();
            found.extend(nested.map(|(file, text)| (name.join("charts").join(file), text)));
        }
    }
    Ok(found)
}

fn collect(folder: &Path, name: &Path, found: &mut Vec<(PathBuf, String)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)?.flatten() {
        let (path, name) = (entry.path(), name.join(entry.file_name()));
        if path.is_dir() {
            collect(&path, &name, found)?;
        } else if let Ok(text) = files::read_text(&path, LARGEST) {
            found.push((name, text));
        }
    }
    Ok(())
}

/// What an upgrade would apply, as the cluster stands.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
pub struct Upcoming {
    /// The objects, without hooks.
    #[serde(default)]
    pub manifest: String,
    #[serde(default)]
    pub hooks: Option<Vec<UpcomingHook>>,
}

impl Template {
    /// What an upgrade would apply, as [`Helm::upcoming`] has it, as far as it can be read.
    pub fn upcoming(&self) -> Upcoming {
        let mut upcoming = Upcoming::default();
        let mut objects = Vec::new();
        for Whole { value, source } in manifest::readable_wholes(&self.manifest).read {
            // helm's own, made once.
            if source.as_deref().is_some_and(manifest::is_of_crds) {
                continue;
            }
            let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
            let hook = text("/metadata/annotations/helm.sh~1hook");
            let source = source.unwrap_or_default();
            let manifest = format!("# Source: {source}\n{value}");
            let Some(hook) = hook else {
                objects.push(manifest);
                continue;
            };
            let events = hook.split(',').map(|event| event.trim().to_lowercase());
            upcoming.hooks.get_or_insert_default().push(UpcomingHook {
                kind: text("/kind").unwrap_or_default().to_owned(),
                name: text("/metadata/name").unwrap_or_default().to_owned(),
                events: Some(events.collect()),
                manifest,
            });
        }
        upcoming.manifest = objects.join("\n---\n");
        upcoming
    }
}

impl Upcoming {
    /// Hooks and objects in one text, without what only `helm test` would make.
    pub fn whole(&self) -> String {
        let is_test = |it: &&UpcomingHook| it.events.iter().flatten().any(|it| it == "test");
        let hooks = self.hooks.iter().flatten().filter(|it| !is_test(it));
        let hooks = hooks.map(|hook| hook.manifest.as_str());
        let all: Vec<&str> = hooks.chain([self.manifest.as_str()]).collect();
        all.join("\n---\n")
    }
}

#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
pub struct UpcomingHook {
    #[serde(default)]
    pub kind: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub manifest: String,
    #[serde(default)]
    pub events: Option<Vec<String>>,
}

impl Helm {
    /// Renders what `up` would apply, with all that a chart may ask the cluster. Returns when helm had
    /// rendered it, too.
    ///
    /// # Errors
    /// helm can't, and says why.
    pub async fn upcoming(
        &self,
        step: &Step,
        revision: u32,
        stop: &Stop,
    ) -> Result<(Upcoming, Instant), DeployError> {
        let (values, staged) = self.inputs(step)?;
        let what = Upgrade::of(step, revision, staged, &values, step.timeout);
        let version = self.version().await?;
        let args = args::dry_run(version, &self.target, &self.marks, &what);
        let ended = self.start(step, args, LARGEST, stop).await?;
        let upcoming = serde_json::from_slice(&ended.stdout).map_err(|error| {
            let sentence = format!("helm's answer can't be read: {error}");
            DeployError::Refused(Refusal::unclear(sentence))
        })?;
        Ok((upcoming, ended.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rendering_is_told_apart_as_helm_does() {
        let manifest = "---\n# Source: web/crds/a.yaml\nkind: CustomResourceDefinition\n\
            metadata: {name: a}\n---\n# Source: web/templates/b.yaml\nkind: Job\nmetadata:\n  \
            name: b\n  annotations: {helm.sh/hook: 'pre-install, Post-Upgrade'}\n---\n\
            # Source: web/templates/crds/c.yaml\nkind: ConfigMap\nmetadata: {name: c}\n";
        let template = Template {
            manifest: manifest.into(),
            sources: Vec::new(),
            rendered: Instant::now(),
            on_cluster: false,
            unserved: Vec::new(),
        };
        let upcoming = template.upcoming();
        let hooks = upcoming.hooks.clone().unwrap();
        assert_eq!(hooks.len(), 1);
        assert_eq!(
            (hooks[0].kind.as_str(), hooks[0].name.as_str()),
            ("Job", "b")
        );
        assert_eq!(
            hooks[0].events.as_deref().unwrap(),
            ["pre-install", "post-upgrade"]
        );
        let wholes = manifest::wholes(&upcoming.manifest).unwrap();
        assert_eq!(wholes.len(), 1);
        assert_eq!(
            wholes[0].source.as_deref(),
            Some("web/templates/crds/c.yaml")
        );
        assert_eq!(manifest::wholes(&upcoming.whole()).unwrap().len(), 2);
    }
}
