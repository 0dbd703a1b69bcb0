use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::folder::{Folder, assert_not_asked, start};

#[test]
fn a_release_that_the_profile_does_not_have() {
    insta::assert_snapshot!(Folder::shop().run(&["up", "apu"]), @r"
    stderr:
    error: the profile has no release `apu`
    hint: it has `database`, `api`, `web` and `mail`
    exit code 2
    ");
    insta::assert_snapshot!(Folder::shop().run(&["up", "--only", "web", "cache"]), @r"
    stderr:
    error: the profile has no release `cache`
    hint: it has `database`, `api`, `web` and `mail`
    exit code 2
    ");
    insta::assert_snapshot!(Folder::shop().run(&["up", "Web"]), @r"
    stderr:
    error: invalid value 'Web' for '[RELEASE]...': `W` is not allowed: lower-case letters, digits and `-` only

    For more information, try '--help'.
    exit code 2
    ");
}

#[test]
fn only_of_nothing() {
    insta::assert_snapshot!(Folder::shop().run(&["up", "--only"]), @r"
    stderr:
    error: the following required arguments were not provided:
      <RELEASE>...

    Usage: stackctl up --only <RELEASE>...

    For more information, try '--help'.
    exit code 2
    ");
}

#[test]
fn numbers_and_times_out_of_range() {
    insta::assert_snapshot!(Folder::shop().run(&["up", "--parallel", "0"]), @r"
    stderr:
    error: invalid value '0' for '--parallel <N>': 0 is not in 1..=64

    For more information, try '--help'.
    exit code 2
    ");
    insta::assert_snapshot!(Folder::shop().run(&["up", "--parallel", "65"]), @r"
    stderr:
    error: invalid value '65' for '--parallel <N>': 65 is not in 1..=64

    For more information, try '--help'.
    exit code 2
    ");
    insta::assert_snapshot!(Folder::shop().run(&["up", "--timeout", "soon"]), @r"
    stderr:
    error: invalid value 'soon' for '--timeout <TIME>': write for example `90s`, `10m` or `1h30m`

    For more information, try '--help'.
    exit code 2
    ");
    insta::assert_snapshot!(Folder::shop().run(&["up", "--timeout", "20"]), @r"
    stderr:
    error: invalid value '20' for '--timeout <TIME>': write for example `90s`, `10m` or `1h30m`

    For more information, try '--help'.
    exit code 2
    ");
    insta::assert_snapshot!(Folder::shop().run(&["up", "--timeout", "0s"]), @r"
    stderr:
    error: invalid value '0s' for '--timeout <TIME>': it must be longer than nothing

    For more information, try '--help'.
    exit code 2
    ");
}

/// Namespaces and the stack's record are made before the first event: a run that can't be told
/// must not come as far.
#[test]
fn a_way_of_telling_that_is_not_possible_is_refused_first() {
    let (folder, cluster) = Folder::shop_of_a_cluster();
    insta::assert_snapshot!(folder.run(&["up", "--progress", "tty"]), @r"
    stderr:
    error: `--progress tty` needs a terminal that can move its cursor, and stderr is none
    hint: use `--progress plain`
    exit code 2
    ");
    insta::assert_snapshot!(folder.run(&["up", "--progress", "json", "-o", "json"]), @r"
    stderr:
    error: `--progress json` and `--output` both write to stdout
    hint: leave one of them out
    exit code 2
    ");
    assert_not_asked(&cluster);
    assert_eq!(folder.helm_calls(), [""; 0]);
}

#[test]
fn records_that_are_kept_elsewhere() {
    let (folder, cluster) = Folder::shop_of_a_cluster();
    let folder = folder.variable("HELM_DRIVER", "sql");
    insta::assert_snapshot!(folder.run(&["up"]), @r"
    stderr:
    error: `HELM_DRIVER` is `sql`, and stackctl reads releases from Secrets only
    hint: unset `HELM_DRIVER`, unless releases are kept there already
    exit code 4
    ");
    assert_not_asked(&cluster);
    assert_eq!(folder.helm_calls(), [""; 0]);
}

#[test]
fn the_drivers_that_mean_secrets_are_fine() {
    for driver in ["", "secret", "secrets"] {
        let ran = Folder::shop().variable("HELM_DRIVER", driver).run(&["up"]);
        assert!(ran.stderr.contains("connecting to"), "{driver}: {ran}");
    }
}

/// Charts are looked at before the cluster is asked: they are read from the disk.
#[test]
fn charts_that_helm_could_not_install() {
    let (folder, cluster) = Folder::shop_of_a_cluster();
    let on = |name: &str, from: &str| {
        format!("dependencies: [{{name: {name}, version: 1.x, repository: '{from}'}}]\n")
    };
    let folder = folder
        .chart("database", &on("postgresql", ""))
        .chart("api", &on("common", "file://../gone"))
        .chart("web", &on("web", "file://../web"))
        .file("charts/mail/Chart.yaml", "version: 0.1.0\n");
    insta::assert_snapshot!(folder.run(&["up"]), @r"
    stderr:
    error: 4 charts can't be used
      chart `profiles/../charts/database` needs `postgresql`, and it is not in its `charts` folder
      chart `profiles/../charts/api` needs `common` from `profiles/../charts/api/../gone`, which is not there
      chart `profiles/../charts/web` needs itself through `web`
      `profiles/../charts/mail/Chart.yaml`: line 1 column 1: missing field `name`
    exit code 3
    ");
    assert_not_asked(&cluster);
}

#[test]
fn a_dependency_that_was_built_is_enough() {
    let on =
        "dependencies: [{name: redis, version: 1.x, repository: 'https://charts.example.com'}]\n";
    let folder = Folder::shop()
        .chart("database", on)
        .file("charts/database/charts/redis-1.2.3.tgz", "");
    let ran = folder.run(&["up"]);
    assert!(ran.stderr.contains("connecting to"), "{ran}");
}

#[test]
fn without_a_folder_for_temporary_files() {
    let folder = Folder::shop().variable("TMPDIR", "/nowhere");
    insta::assert_snapshot!(folder.run(&["up"]), @r"
    stderr:
    error: no private folder can be made in `/nowhere`: No such file or directory (os error 2)
    hint: set `TMPDIR` to a folder that can be written to
    exit code 4
    ");
}

#[test]
fn an_empty_name_of_the_folder_for_temporary_files_is_none() {
    let unset = Folder::shop().variable("TMPDIR", "/tmp").run(&["up"]);
    let empty = Folder::shop().variable("TMPDIR", "").run(&["up"]);
    assert_eq!(empty.to_string(), unset.to_string());
    assert!(!empty.stderr.contains("no private folder"), "{empty}");
}

#[test]
fn a_cluster_that_does_not_answer() {
    let folder = Folder::shop();
    insta::assert_snapshot!(folder.run(&["up"]), @r"
    stderr:
    error: connecting to 127.0.0.1:1 (context `staging`): Connection refused (os error 111)
    hint: is the cluster running, and reachable from here (VPN, proxy, firewall)?
    hint: choose another with `--kube-context`
    exit code 4
    ");
    assert_eq!(folder.helm_calls(), ["version --template {{.Version}}"]);
}

/// helm never answers here; the signal comes once it has been asked.
#[test]
fn a_signal_before_the_run_leaves_nothing_behind() {
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let asked = "#!/bin/sh\necho asked > \"$HOME/asked\"\nexec /bin/sleep 600\n";
        let (folder, cluster) = Folder::shop_of_a_cluster();
        let folder = folder.script("bin/helm", asked);
        let program = start(&mut folder.command(&["up", "--force"]));
        let limit = Instant::now() + Duration::from_secs(60);
        while !folder.path().join("asked").exists() {
            assert!(Instant::now() < limit, "helm was not asked");
            std::thread::sleep(Duration::from_millis(5));
        }
        let pid = Pid::from_raw(program.id().cast_signed());
        kill(pid, signal).unwrap();
        let ended = program.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(code));
        let left: Vec<_> = std::fs::read_dir(folder.path().join("tmp"))
            .unwrap()
            .collect();
        assert!(left.is_empty(), "left behind: {left:?}");
        assert_not_asked(&cluster);
    }
}
