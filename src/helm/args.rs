//! What helm is told, as pure functions of the step.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Staged, Version};
use crate::names::{Namespace, ReleaseId, ReleaseName, RunId, StackName};
use crate::plan::{Labels, Step};

/// Revisions that helm keeps of a release; the last deployed one is never pruned.
const HISTORY: u32 = 10;
/// The first helm that can leave out a chart's notes, which nobody reads in a stack of ten.
const HIDES_NOTES: Version = Version {
    major: 3,
    minor: 16,
};

/// Which cluster helm talks to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connection {
    pub kubeconfig: Option<PathBuf>,
    /// None inside a pod, where there is no kubeconfig.
    pub context: Option<String>,
}

/// What ties a revision to our run: labels on helm's own record of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marks {
    pub stack: StackName,
    pub run: RunId,
}

#[derive(Debug)]
pub struct Upgrade<'a> {
    pub release: &'a ReleaseName,
    pub namespace: &'a Namespace,
    pub id: &'a ReleaseId,
    /// The one that helm is going to make.
    pub revision: u32,
    pub chart: &'a Path,
    pub values: &'a [PathBuf],
    /// Beside our marks.
    pub labels: &'a Labels,
    /// The digest of all that goes into it.
    pub inputs: Option<&'a str>,
    pub limit: Duration,
}

impl<'a> Upgrade<'a> {
    pub fn of(
        step: &'a Step,
        revision: u32,
        staged: &'a Staged,
        values: &'a [PathBuf],
        limit: Duration,
    ) -> Upgrade<'a> {
        Upgrade {
            release: &step.release,
            namespace: &step.namespace,
            id: &step.id,
            revision,
            chart: &staged.path,
            values,
            labels: &step.labels,
            inputs: None,
            limit,
        }
    }
}

pub fn upgrade(
    version: Version,
    connection: &Connection,
    marks: &Marks,
    what: &Upgrade<'_>,
) -> Vec<OsString> {
    let mut args: Vec<OsString> = vec![
        "upgrade".into(),
        "--install".into(),
        what.release.as_str().into(),
        what.chart.into(),
    ];
    args.extend(target(connection, what.namespace));
    for file in what.values {
        args.extend(["--values".into(), file.into()]);
    }
    // Values of an earlier revision must not shine through.
    args.push("--reset-values".into());
    let mut labels = format!(
        "stackctl.dev/stack={},stackctl.dev/release={},stackctl.dev/run={},stackctl.dev/revision={}",
        marks.stack, what.id, marks.run, what.revision
    );
    if let Some(inputs) = what.inputs {
        labels += &format!(",stackctl.dev/inputs={inputs}");
    }
    for (key, value) in what.labels {
        labels += &format!(",{key}={value}");
    }
    args.extend(["--labels".into(), labels.into()]);
    let description = format!("stackctl up, run {}", marks.run);
    args.extend(["--description".into(), description.into()]);
    args.extend(["--history-max".into(), HISTORY.to_string().into()]);
    args.extend(timeout(what.limit));
    if version >= HIDES_NOTES {
        args.push("--hide-notes".into());
    }
    args
}

/// The same without a change to the cluster; what it prints carries every value of the release.
pub fn dry_run(
    version: Version,
    connection: &Connection,
    marks: &Marks,
    what: &Upgrade<'_>,
) -> Vec<OsString> {
    let mut args = upgrade(version, connection, marks, what);
    args.extend(["--dry-run=server".into(), "--output".into(), "json".into()]);
    args
}

pub fn rollback(
    connection: &Connection,
    release: &ReleaseName,
    namespace: &Namespace,
    to: u32,
    limit: Duration,
) -> Vec<OsString> {
    let mut args: Vec<OsString> = vec!["rollback".into(), release.as_str().into()];
    args.push(to.to_string().into());
    args.extend(target(connection, namespace));
    args.extend(["--history-max".into(), HISTORY.to_string().into()]);
    args.extend(timeout(limit));
    args
}

pub fn uninstall(
    connection: &Connection,
    release: &ReleaseName,
    namespace: &Namespace,
    limit: Duration,
) -> Vec<OsString> {
    let mut args: Vec<OsString> = vec!["uninstall".into(), release.as_str().into()];
    args.extend(target(connection, namespace));
    args.push("--ignore-not-found".into());
    args.extend(timeout(limit));
    args
}

/// Renders a chart as a first install would, without a cluster.
pub fn template(
    release: &ReleaseName,
    namespace: &Namespace,
    chart: &Path,
    values: &[PathBuf],
) -> Vec<OsString> {
    let mut args: Vec<OsString> = vec!["template".into(), release.as_str().into(), chart.into()];
    args.extend(["--namespace".into(), namespace.as_str().into()]);
    for file in values {
        args.extend(["--values".into(), file.into()]);
    }
    args.extend(["--include-crds".into(), "--skip-tests".into()]);
    args
}

fn target(connection: &Connection, namespace: &Namespace) -> Vec<OsString> {
    let mut args: Vec<OsString> = vec!["--namespace".into(), namespace.as_str().into()];
    if let Some(file) = &connection.kubeconfig {
        args.extend(["--kubeconfig".into(), file.into()]);
    }
    if let Some(context) = &connection.context {
        args.extend(["--kube-context".into(), context.into()]);
    }
    args
}

/// helm's limit is for each hook; a whole second at least, for `0s` means none.
fn timeout(limit: Duration) -> [OsString; 2] {
    let seconds = limit.as_secs().max(1);
    ["--timeout".into(), format!("{seconds}s").into()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(args: &[OsString]) -> String {
        let texts: Vec<_> = args.iter().map(|a| a.to_string_lossy()).collect();
        texts.join(" ").replace(" --", "\n  --")
    }

    fn connection() -> Connection {
        Connection {
            kubeconfig: Some("/etc/kubeconfig".into()),
            context: Some("prod".into()),
        }
    }

    #[test]
    fn an_upgrade_installs_waits_for_nothing_and_marks_its_record() {
        let args = upgrade(
            Version { major: 4, minor: 3 },
            &connection(),
            &Marks {
                stack: "oro".parse().unwrap(),
                run: RunId::new("2026-01-02T03:04:05Z".parse().unwrap(), 7),
            },
            &Upgrade {
                release: &"php-fpm".parse().unwrap(),
                namespace: &"oro".parse().unwrap(),
                id: &"php-fpm".parse().unwrap(),
                revision: 3,
                chart: Path::new("/run/charts/php-fpm"),
                values: &["a.yaml".into(), "b.yaml".into()],
                labels: &[("team".into(), "shop".into())].into(),
                inputs: Some("0a1b2c"),
                limit: Duration::from_millis(599_900),
            },
        );
        insta::assert_snapshot!(shown(&args), @r"
        upgrade
          --install php-fpm /run/charts/php-fpm
          --namespace oro
          --kubeconfig /etc/kubeconfig
          --kube-context prod
          --values a.yaml
          --values b.yaml
          --reset-values
          --labels stackctl.dev/stack=oro,stackctl.dev/release=php-fpm,stackctl.dev/run=20260102-030405-0007,stackctl.dev/revision=3,stackctl.dev/inputs=0a1b2c,team=shop
          --description stackctl up, run 20260102-030405-0007
          --history-max 10
          --timeout 599s
          --hide-notes
        ");
    }

    #[test]
    fn a_rendering_needs_no_cluster() {
        let args = template(
            &"web".parse().unwrap(),
            &"oro".parse().unwrap(),
            Path::new("/run/charts/web"),
            &["a.yaml".into()],
        );
        insta::assert_snapshot!(shown(&args), @r"
        template web /run/charts/web
          --namespace oro
          --values a.yaml
          --include-crds
          --skip-tests
        ");
    }

    #[test]
    fn a_limit_is_never_none() {
        let args = uninstall(
            &Connection::default(),
            &"web".parse().unwrap(),
            &"oro".parse().unwrap(),
            Duration::from_millis(1),
        );
        insta::assert_snapshot!(shown(&args), @r"
        uninstall web
          --namespace oro
          --ignore-not-found
          --timeout 1s
        ");
    }
}
