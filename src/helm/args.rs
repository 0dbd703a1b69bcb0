//! What helm is told, as pure functions of the step.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Staged, Version};
use crate::names::{Namespace, ReleaseId, ReleaseName, RunId, StackName};
use crate::plan::{Labels, Step};
use crate::runner::ports::History;

/// Revisions that helm keeps of a release; the last deployed one is never pruned.
const HISTORY: u32 = 10;
/// The first helm that can leave out a chart's notes, which nobody reads in a stack of ten.
const HIDES_NOTES: Version = Version {
    major: 3,
    minor: 16,
};

/// The first helm that applies as Kubernetes' server-side apply does, which alone knows conflicts.
pub const APPLIES: Version = Version { major: 4, minor: 0 };
/// helm refuses the second where the release was last applied in the old way, without the first.
const FORCED: [&str; 2] = ["--server-side=true", "--force-conflicts"];

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
    /// The stack's own namespace.
    pub home: Namespace,
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
    /// Take fields from whoever else has set them.
    pub force_conflicts: bool,
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
            force_conflicts: step.force_conflicts,
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
    args.extend(values_files(what.values));
    // Values of an earlier revision must not shine through.
    args.push("--reset-values".into());
    let mut labels = format!(
        "stackctl.dev/stack={},stackctl.dev/home={},stackctl.dev/release={},stackctl.dev/run={},stackctl.dev/revision={}",
        marks.stack, marks.home, what.id, marks.run, what.revision
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
    if what.force_conflicts {
        args.extend(FORCED.map(OsString::from));
    }
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

pub fn rollback(connection: &Connection, step: &Step, to: u32, limit: Duration) -> Vec<OsString> {
    let mut args: Vec<OsString> = vec!["rollback".into(), step.release.as_str().into()];
    args.push(to.to_string().into());
    args.extend(target(connection, &step.namespace));
    if step.force_conflicts {
        args.extend(FORCED.map(OsString::from));
    }
    args.extend(["--history-max".into(), HISTORY.to_string().into()]);
    args.extend(timeout(limit));
    args
}

/// helm prints why it could not delete an object in its debug log alone (`pkg/action/uninstall.go`).
pub fn uninstall(
    connection: &Connection,
    release: &ReleaseName,
    namespace: &Namespace,
    history: History,
    limit: Duration,
) -> Vec<OsString> {
    let mut args: Vec<OsString> = vec!["uninstall".into(), release.as_str().into()];
    args.extend(target(connection, namespace));
    args.extend(["--ignore-not-found".into(), "--debug".into()]);
    if history == History::Kept {
        args.push("--keep-history".into());
    }
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
    args.extend(values_files(values));
    args.extend(["--include-crds".into(), "--skip-tests".into()]);
    args
}

/// What a chart may ask of a cluster, for a rendering that the cluster has no part in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// `v1.34.4`
    pub version: String,
    /// `apps/v1`, `cert-manager.io/v1/Certificate`
    pub served: Vec<String>,
    pub upgrade: bool,
}

/// What a rendering without a cluster is told of one.
pub fn capabilities(cluster: &Capabilities) -> Vec<OsString> {
    let mut args: Vec<OsString> = Vec::new();
    if !cluster.version.is_empty() {
        args.extend(["--kube-version".into(), cluster.version.as_str().into()]);
    }
    for served in &cluster.served {
        args.extend(["--api-versions".into(), served.into()]);
    }
    if cluster.upgrade {
        args.push("--is-upgrade".into());
    }
    args
}

/// For a rendering in which the cluster has a part: its APIs, and what a chart looks up. helm 3 has
/// a flag for each (helm `pkg/cmd/template.go`).
pub fn on_cluster(version: Version, connection: &Connection) -> Vec<OsString> {
    let mut args: Vec<OsString> = vec!["--dry-run=server".into()];
    if version < APPLIES {
        args.push("--validate".into());
    }
    args.extend(connected(connection));
    args
}

/// The same for a release as it is upgraded or, where it is not, installed. Definitions in a chart's
/// folder `crds` are left out: an install would find those that are there to be nobody's.
pub fn over(version: Version, connection: &Connection, upgrade: bool) -> Vec<OsString> {
    let mut args = on_cluster(version, connection);
    args.push("--include-crds=false".into());
    if upgrade {
        args.push("--is-upgrade".into());
    }
    args
}

fn target(connection: &Connection, namespace: &Namespace) -> Vec<OsString> {
    let mut args: Vec<OsString> = vec!["--namespace".into(), namespace.as_str().into()];
    args.extend(connected(connection));
    args
}

fn connected(connection: &Connection) -> Vec<OsString> {
    let mut args: Vec<OsString> = Vec::new();
    if let Some(file) = &connection.kubeconfig {
        args.extend(["--kubeconfig".into(), file.into()]);
    }
    if let Some(context) = &connection.context {
        args.extend(["--kube-context".into(), context.into()]);
    }
    args
}

/// helm takes what follows `--values` for a list of paths, a line of CSV (`StringSlice` of spf13/pflag).
fn values_files(files: &[PathBuf]) -> impl Iterator<Item = OsString> {
    files
        .iter()
        .flat_map(|file| ["--values".into(), one_of_a_list(file.as_os_str())])
}

/// As one field of a line of CSV, whatever is in it (RFC 4180).
fn one_of_a_list(text: &OsStr) -> OsString {
    let bytes = text.as_bytes();
    if !bytes.iter().any(|it| b",\"\r\n".contains(it)) {
        return text.to_owned();
    }
    let doubled = bytes.iter().flat_map(|&byte| match byte {
        b'"' => vec![b'"', b'"'],
        byte => vec![byte],
    });
    let quote = std::iter::once(b'"');
    OsString::from_vec(quote.clone().chain(doubled).chain(quote).collect())
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
                home: "shops".parse().unwrap(),
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
                force_conflicts: true,
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
          --labels stackctl.dev/stack=oro,stackctl.dev/home=shops,stackctl.dev/release=php-fpm,stackctl.dev/run=20260102-030405-0007,stackctl.dev/revision=3,stackctl.dev/inputs=0a1b2c,team=shop
          --description stackctl up, run 20260102-030405-0007
          --history-max 10
          --timeout 599s
          --server-side=true
          --force-conflicts
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
    fn a_rendering_may_be_told_of_a_cluster() {
        let args = capabilities(&Capabilities {
            version: "v1.34.4".into(),
            served: vec!["apps/v1".into(), "example.com/v1/Widget".into()],
            upgrade: true,
        });
        insta::assert_snapshot!(shown(&args).trim(), @r"
        --kube-version v1.34.4
          --api-versions apps/v1
          --api-versions example.com/v1/Widget
          --is-upgrade
        ");
        assert_eq!(capabilities(&Capabilities::default()), [""; 0]);
    }

    #[test]
    fn a_rendering_may_ask_a_cluster() {
        let args = |major| on_cluster(Version { major, minor: 19 }, &connection());
        insta::assert_snapshot!(shown(&args(4)), @r"
        --dry-run=server
          --kubeconfig /etc/kubeconfig
          --kube-context prod
        ");
        insta::assert_snapshot!(shown(&args(3)), @r"
        --dry-run=server
          --validate
          --kubeconfig /etc/kubeconfig
          --kube-context prod
        ");
    }

    #[test]
    fn a_path_is_one_of_a_list_whatever_is_in_it() {
        let table = [
            ("/tmp/a b.yaml", "/tmp/a b.yaml"),
            ("/tmp/a,b.yaml", "\"/tmp/a,b.yaml\""),
            ("/tmp/\"a\".yaml", "\"/tmp/\"\"a\"\".yaml\""),
            ("/tmp/a\nb.yaml", "\"/tmp/a\nb.yaml\""),
        ];
        for (path, expected) in table {
            assert_eq!(one_of_a_list(OsStr::new(path)), expected);
        }
    }

    #[test]
    fn a_limit_is_never_none() {
        let args = uninstall(
            &Connection::default(),
            &"web".parse().unwrap(),
            &"oro".parse().unwrap(),
            History::Deleted,
            Duration::from_millis(1),
        );
        insta::assert_snapshot!(shown(&args), @r"
        uninstall web
          --namespace oro
          --ignore-not-found
          --debug
          --timeout 1s
        ");
    }
}
