//! Files that wait for somebody, that have no end, or that others have put there: none of them holds us up.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::folder::{Folder, Running};

fn pipe(path: &Path) {
    let _ = fs::remove_file(path);
    mkfifo(path, Mode::S_IRWXU).unwrap();
}

/// A helm that renders a lasting nothing.
const SLOW_HELM: &str = "#!/bin/sh\ncase $1 in version) echo v4.0.1;; *) /bin/sleep 600;; esac\n";

const WITH_VALUES: &str = "\
name: shop
namespace: shop
releases:
  web: {chart: ../charts/web, values: [values.yaml]}
";
const WITH_SECRET: &str = "\
name: shop
namespace: shop
releases:
  web: {chart: ../charts/web, valuesFrom: [{file: FILE}]}
";

#[test]
fn a_named_pipe_is_no_profile() {
    let folder = Folder::shop();
    pipe(&folder.path().join("profiles/shop.yaml"));
    let told = folder
        .run(&["graph", "-p", "profiles/shop.yaml"])
        .to_string();
    insta::assert_snapshot!(told, @r"
    stderr:
    error: profile `profiles/shop.yaml` has 1 error

    profiles/shop.yaml: can't read the profile: it is a named pipe, not a file
    exit code 3
    ");
    for verb in ["check", "up", "plan"] {
        let ran = folder.run(&[verb, "-p", "profiles/shop.yaml"]);
        assert_eq!(ran.to_string(), told);
    }
    let folder = Folder::shop().file("profiles/over.yaml", "extends: shop.yaml\n");
    pipe(&folder.path().join("profiles/shop.yaml"));
    insta::assert_snapshot!(folder.run(&["graph", "-p", "over"]), @r"
    stderr:
    error: profile `profiles/over.yaml` has 1 error

    profiles/over.yaml:1:10: `shop.yaml`: can't read the profile: it is a named pipe, not a file
    1 | extends: shop.yaml
      |          ^^^^^^^^^
    exit code 3
    ");
}

#[test]
fn nor_are_values() {
    let folder = Folder::shop().file("profiles/shop.yaml", WITH_VALUES);
    pipe(&folder.path().join("profiles/values.yaml"));
    insta::assert_snapshot!(folder.run(&["check"]), @r"
    stderr:
    error: profile `profiles/shop.yaml` has 1 error

    profiles/shop.yaml:4:40: values file `values.yaml`: can't be read: it is a named pipe, not a file
    4 |   web: {chart: ../charts/web, values: [values.yaml]}
      |                                        ^^^^^^^^^^^
    exit code 3
    ");
    let folder = Folder::shop().file("profiles/shop.yaml", &WITH_SECRET.replace("FILE", "pipe"));
    pipe(&folder.path().join("profiles/pipe"));
    insta::assert_snapshot!(folder.run(&["check"]), @r"
    stderr:
    error: 1 layer of values can't be fetched

    profiles/shop.yaml:4:44: `profiles/pipe` can't be read: it is a named pipe, not a file
    4 |   web: {chart: ../charts/web, valuesFrom: [{file: pipe}]}
      |                                            ^
    exit code 4
    ");
}

#[test]
fn what_has_no_end_is_not_read_to_it() {
    let device = WITH_SECRET.replace("FILE", "/dev/zero");
    let folder = Folder::shop().file("profiles/shop.yaml", &device);
    insta::assert_snapshot!(folder.run(&["check"]), @r"
    stderr:
    error: 1 layer of values can't be fetched

    profiles/shop.yaml:4:44: `/dev/zero` can't be read: it is a device, not a file
    4 |   web: {chart: ../charts/web, valuesFrom: [{file: /dev/zero}]}
      |                                            ^
    exit code 4
    ");
    let sparse = WITH_SECRET.replace("FILE", "sparse");
    let folder = Folder::shop().file("profiles/shop.yaml", &sparse);
    let file = File::create(folder.path().join("profiles/sparse")).unwrap();
    file.set_len(1 << 30).unwrap();
    insta::assert_snapshot!(folder.run(&["check"]), @r"
    stderr:
    error: 1 layer of values can't be fetched

    profiles/shop.yaml:4:44: `profiles/sparse` can't be read: it is larger than 1 MiB
    4 |   web: {chart: ../charts/web, valuesFrom: [{file: sparse}]}
      |                                            ^
    exit code 4
    ");
}

#[test]
fn a_named_pipe_in_a_chart_is_told() {
    let folder = Folder::shop().file(
        "profiles/shop.yaml",
        &WITH_VALUES.replace(", values: [values.yaml]", ""),
    );
    pipe(&folder.path().join("charts/web/values.yaml"));
    insta::assert_snapshot!(folder.run(&["check"]), @r"
    stderr:
    error: 1 chart can't be used
      `profiles/../charts/web/values.yaml` can't be copied: it is a named pipe, not a file
    exit code 3
    ");
}

/// `kubectl` takes `--kubeconfig <(vault ...)`; here helm has to read it too.
#[test]
fn a_kubeconfig_is_a_file_and_so_is_what_it_names() {
    let folder = Folder::shop().file(
        "config",
        "{apiVersion: v1, kind: Config, current-context: a, contexts: [{name: a, context: {cluster: a, user: a}}],\n\
         clusters: [{name: a, cluster: {server: 'https://127.0.0.1:1'}}], users: [{name: a, user: {tokenFile: pipe}}]}",
    );
    pipe(&folder.path().join("pipe"));
    for (file, expected) in [
        ("pipe", "`pipe`: it is a named pipe, not a file"),
        ("/dev/zero", "`/dev/zero`: it is a device, not a file"),
        ("config", "pipe`: it is a named pipe, not a file"),
    ] {
        let ran = folder.run(&["status", "--kubeconfig", file]);
        assert_eq!(ran.code, Some(4), "{ran}");
        assert!(ran.stderr.contains(expected), "{ran}");
    }
}

/// As somebody else can do it in `/tmp`, who knows what our folders are called.
#[test]
fn what_is_planted_among_temporary_files_holds_nobody_up() {
    let folder = Folder::shop().variable("TMPDIR", "planted");
    let planted = folder.path().join("planted/stackctl-abc");
    fs::create_dir_all(&planted).unwrap();
    pipe(&planted.join("stackctl-run.lock"));
    let ran = folder.run(&["up"]);
    assert_eq!(ran.code, Some(4), "{ran}");
    assert!(planted.exists());
}

/// The first Ctrl-C ends what comes before a run, also while charts are copied, and leaves nothing behind.
#[test]
fn a_signal_ends_the_copying_of_charts() {
    let folder = Folder::shop().script("bin/helm", SLOW_HELM);
    for large in 0..5 {
        let file = folder.path().join(format!("charts/web/large-{large}"));
        File::create(file).unwrap().set_len(99 << 20).unwrap();
    }
    let temporary = folder.path().join("tmp");
    let began = Instant::now();
    let running = Running::of(&folder, &["check"]);
    let staging = || {
        let mut folders = fs::read_dir(&temporary).unwrap().flatten();
        folders.any(|it| it.path().join("charts/web/large-0").exists())
    };
    while !staging() {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "nothing is copied"
        );
        std::thread::yield_now();
    }
    assert_eq!(running.interrupted(), Some(130));
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
}
