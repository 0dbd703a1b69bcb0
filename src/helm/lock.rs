//! The lock file: which charts a stack was last tried with.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::io;

use serde::Deserialize;

use super::Staged;
use super::digest::Digest;
use crate::names::ReleaseId;
use crate::plan::Plan;
use crate::profile::ChartSource;

const SCHEMA: u32 = 1;

/// The charts of a profile's releases, each with a digest.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    schema: u32,
    charts: BTreeMap<ReleaseId, Locked>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// Name and version, `php-fpm-0.3.0`.
    pub chart: String,
    /// For a chart that is pulled: the exact version.
    pub version: Option<String>,
    pub digest: Digest,
}

/// How a stack differs from its lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unlocked {
    /// It is not in the lock.
    New(ReleaseId, String),
    /// It is only in the lock.
    Gone(ReleaseId, String),
    /// The chart has changed: from, to.
    Changed(ReleaseId, String, String),
}

impl Lock {
    /// # Errors
    /// A chart can't be read.
    pub fn of(plan: &Plan, charts: &HashMap<ReleaseId, Staged>) -> io::Result<Lock> {
        let mut locked = BTreeMap::new();
        for step in plan.steps() {
            let Some(staged) = charts.get(&step.id) else {
                continue;
            };
            let one = Locked {
                chart: staged.label.clone(),
                version: pulled_version(&step.chart, &staged.label),
                digest: Digest::of(&staged.path)?,
            };
            locked.insert(step.id.clone(), one);
        }
        Ok(Lock {
            schema: SCHEMA,
            charts: locked,
        })
    }

    /// # Errors
    /// Why it is none, as one line.
    pub fn read(text: &str) -> Result<Lock, String> {
        let lock: Lock = serde_saphyr::from_str(text).map_err(|error| {
            let text = error.to_string();
            text.lines().next().unwrap_or_default().to_owned()
        })?;
        match lock.schema {
            SCHEMA => Ok(lock),
            other => Err(format!(
                "its schema is {other}, and this stackctl reads {SCHEMA}"
            )),
        }
    }

    /// The file as it is written.
    pub fn text(&self) -> String {
        let mut text = format!(
            "# Made by `stackctl lock`: the charts that `stackctl up --locked` insists on.\n\
             schema: {SCHEMA}\ncharts:\n"
        );
        for (id, locked) in &self.charts {
            let _ = writeln!(text, "  {id}:\n    chart: {}", quoted(&locked.chart));
            if let Some(version) = &locked.version {
                let _ = writeln!(text, "    version: {}", quoted(version));
            }
            let _ = writeln!(text, "    digest: {}", locked.digest);
        }
        text
    }

    /// The version that a chart is to be pulled in.
    pub fn version(&self, id: &ReleaseId) -> Option<String> {
        self.charts.get(id)?.version.clone()
    }

    pub fn len(&self) -> usize {
        self.charts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.charts.is_empty()
    }

    /// How `now` differs from this lock, by release. What only the lock has counts where `now` is
    /// of the whole stack.
    pub fn differences(&self, now: &Lock, whole: bool) -> Vec<Unlocked> {
        let changed = now.charts.iter().filter_map(|(id, new)| {
            let Some(old) = self.charts.get(id) else {
                return Some(Unlocked::New(id.clone(), new.chart.clone()));
            };
            (old.digest != new.digest)
                .then(|| Unlocked::Changed(id.clone(), old.chart.clone(), new.chart.clone()))
        });
        let gone = self
            .charts
            .iter()
            .filter(|(id, _)| whole && !now.charts.contains_key(*id))
            .map(|(id, old)| Unlocked::Gone(id.clone(), old.chart.clone()));
        changed.chain(gone).collect()
    }
}

/// JSON's quotes are YAML's too, and what is quoted is text.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// helm names an archive after the chart, and a reference ends with the chart's name.
fn pulled_version(source: &ChartSource, label: &str) -> Option<String> {
    let ChartSource::Remote { reference, .. } = source else {
        return None;
    };
    let name = reference.rsplit('/').next()?;
    let name = name.split([':', '@']).next()?;
    let version = label.strip_prefix(name)?.strip_prefix('-')?;
    Some(version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(charts: &[(&str, &str, Option<&str>, &str)]) -> Lock {
        let one = |&(id, chart, version, digest): &(&str, &str, Option<&str>, &str)| {
            let digest = serde_json::from_value(format!("sha256:{digest}").into()).unwrap();
            let locked = Locked {
                chart: chart.to_owned(),
                version: version.map(str::to_owned),
                digest,
            };
            (id.parse().unwrap(), locked)
        };
        Lock {
            schema: SCHEMA,
            charts: charts.iter().map(one).collect(),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let lock = lock(&[
            ("web", "web-0.3.0", None, "aa"),
            ("redis", "redis-1.10", Some("1.10"), "bb"),
        ]);
        insta::assert_snapshot!(lock.text(), @r#"
        # Made by `stackctl lock`: the charts that `stackctl up --locked` insists on.
        schema: 1
        charts:
          redis:
            chart: "redis-1.10"
            version: "1.10"
            digest: sha256:bb
          web:
            chart: "web-0.3.0"
            digest: sha256:aa
        "#);
        assert_eq!(Lock::read(&lock.text()).unwrap(), lock);
        assert!(
            Lock::read("schema: 2\ncharts: {}\n")
                .unwrap_err()
                .contains("schema is 2")
        );
        assert!(Lock::read("charts: 1").is_err());
    }

    #[test]
    fn a_difference_is_a_new_a_changed_or_a_missing_chart() {
        let old = lock(&[
            ("a", "a-1", None, "aa"),
            ("b", "b-1", None, "bb"),
            ("c", "c-1", None, "cc"),
        ]);
        let new = lock(&[
            ("a", "a-1", None, "aa"),
            ("b", "b-2", None, "b2"),
            ("d", "d-1", None, "dd"),
        ]);
        let id = |id: &str| id.parse().unwrap();
        let changed = Unlocked::Changed(id("b"), "b-1".into(), "b-2".into());
        let added = Unlocked::New(id("d"), "d-1".into());
        assert_eq!(
            old.differences(&new, false),
            [changed.clone(), added.clone()]
        );
        let gone = Unlocked::Gone(id("c"), "c-1".into());
        assert_eq!(old.differences(&new, true), [changed, added, gone]);
    }

    #[test]
    fn the_version_of_a_pulled_chart_is_what_follows_its_name() {
        let of = |reference: &str, label| {
            let reference = reference.to_owned();
            pulled_version(
                &ChartSource::Remote {
                    reference,
                    version: None,
                },
                label,
            )
        };
        assert_eq!(
            of("oci://ghcr.io/shop/web-app", "web-app-1.2.3-rc.1").as_deref(),
            Some("1.2.3-rc.1")
        );
        assert_eq!(of("shop/web", "web-2.0.0").as_deref(), Some("2.0.0"));
        assert_eq!(
            of("oci://ghcr.io/shop/web:2.0.0", "web-2.0.0").as_deref(),
            Some("2.0.0")
        );
    }
}
