//! Which helm is run, and what is said of one that can't be.

use crate::folder::{Folder, Ran};

fn up(folder: &Folder) -> Ran {
    folder.run(&["up"])
}

fn answers(script: &str) -> Ran {
    up(&Folder::shop().script("bin/helm", &format!("#!/bin/sh\n{script}\n")))
}

#[test]
fn none_on_the_path() {
    insta::assert_snapshot!(up(&Folder::shop().without("bin/helm")), @r"
    stderr:
    error: no `helm` was found on the PATH
    hint: install helm 4 (or 3.14 and newer) and put it on the PATH
    hint: or name it with `--helm PATH`
    exit code 4
    ");
}

#[test]
fn one_that_is_not_marked_as_executable() {
    insta::assert_snapshot!(up(&Folder::shop().mode("bin/helm", 0o644)), @r"
    stderr:
    error: `[FOLDER]/bin/helm` can't be run: it is not marked as executable (`chmod +x`)
    hint: name another with `--helm PATH`
    exit code 4
    ");
}

#[test]
fn one_that_is_no_program() {
    insta::assert_snapshot!(up(&Folder::shop().script("bin/helm", "hello\n")), @r"
    stderr:
    error: `[FOLDER]/bin/helm` can't be run: it is neither a program for this machine nor a script that begins with `#!`
    hint: name another with `--helm PATH`
    exit code 4
    ");
    insta::assert_snapshot!(up(&Folder::shop().script("bin/helm", "#!/nowhere/sh\n")), @r"
    stderr:
    error: `[FOLDER]/bin/helm` can't be run: the interpreter or the libraries that it asks for do not exist
    hint: name another with `--helm PATH`
    exit code 4
    ");
}

#[test]
fn one_that_is_too_old() {
    insta::assert_snapshot!(answers("echo v3.9.0"), @r"
    stderr:
    error: `[FOLDER]/bin/helm` is helm 3.9, and stackctl needs 3.14 or newer
    hint: install helm 4, or name another with `--helm PATH`
    exit code 4
    ");
    insta::assert_snapshot!(answers("echo v3.13.3+gc8b9489"), @r"
    stderr:
    error: `[FOLDER]/bin/helm` is helm 3.13, and stackctl needs 3.14 or newer
    hint: install helm 4, or name another with `--helm PATH`
    exit code 4
    ");
    insta::assert_snapshot!(answers("echo v2.17.0"), @r"
    stderr:
    error: `[FOLDER]/bin/helm` is helm 2.17, and stackctl needs 3.14 or newer
    hint: install helm 4, or name another with `--helm PATH`
    exit code 4
    ");
}

/// Before anything is touched, whatever is to be done.
#[test]
fn one_that_has_no_force_conflicts() {
    let folder = Folder::shop().script("bin/helm", "#!/bin/sh\necho v3.19.2\n");
    let profile = "name: shop\nnamespace: shop\nreleases:\n  database: {chart: ../charts/database}\n  \
                   api: {chart: ../charts/api, forceConflicts: true}\n";
    let folder = folder.file("profiles/shop.yaml", profile);
    insta::assert_snapshot!(up(&folder), @r"
    stderr:
    error: `[FOLDER]/bin/helm` is helm 3.19, which has no `--force-conflicts`: `api` asks for it with `forceConflicts`
    hint: name a helm 4 with `--helm PATH`
    hint: or take `forceConflicts` out of the profile: helm 3 applies on the client's side, where no conflicts are seen
    exit code 4
    ");
    for verb in ["plan", "rollback", "check"] {
        let ran = folder.run(&[verb]);
        assert!(ran.stderr.contains("has no `--force-conflicts`"), "{ran}");
    }
    let ran = folder.run(&["doctor"]);
    assert!(ran.stdout.contains("has no `--force-conflicts`"), "{ran}");
    // What does not ask for it may go.
    let ran = folder.run(&["up", "database"]);
    assert!(ran.stderr.contains("connecting to"), "{ran}");
}

#[test]
fn the_oldest_and_the_newest_that_will_do() {
    for version in ["v3.14.0", "v3.19.2+g1234567", "v4.0.0-rc.1", "v5.0.0"] {
        let ran = answers(&format!("echo {version}"));
        assert!(ran.stderr.contains("connecting to"), "{version}: {ran}");
    }
}

#[test]
fn one_that_answers_nonsense() {
    insta::assert_snapshot!(answers("echo what do you want"), @r"
    stderr:
    error: `[FOLDER]/bin/helm` does not answer like helm: `what do you want`
    hint: name another with `--helm PATH`
    exit code 4
    ");
    insta::assert_snapshot!(answers("echo 'cannot open shared object' >&2; exit 127"), @r"
    stderr:
    error: `[FOLDER]/bin/helm` does not answer like helm: cannot open shared object
    hint: name another with `--helm PATH`
    exit code 4
    ");
    insta::assert_snapshot!(answers("echo v4.0.1; exit 1"), @r"
    stderr:
    error: `[FOLDER]/bin/helm` does not answer like helm: it ended with exit status: 1
    hint: name another with `--helm PATH`
    exit code 4
    ");
    insta::assert_snapshot!(answers(":"), @r"
    stderr:
    error: `[FOLDER]/bin/helm` does not answer like helm: it printed nothing
    hint: name another with `--helm PATH`
    exit code 4
    ");
    insta::assert_snapshot!(answers("kill -9 $$"), @r"
    stderr:
    error: `[FOLDER]/bin/helm` does not answer like helm: it ended with signal: 9 (SIGKILL)
    hint: name another with `--helm PATH`
    exit code 4
    ");
}

#[test]
fn one_that_is_named() {
    let folder = || Folder::shop().file("text", "");
    insta::assert_snapshot!(folder().run(&["up", "--helm", "helm5"]), @r"
    stderr:
    error: `helm5` can't be run: no executable file on the PATH has this name
    hint: name another with `--helm PATH`
    exit code 4
    ");
    insta::assert_snapshot!(folder().run(&["up", "--helm", "tools/helm"]), @r"
    stderr:
    error: `tools/helm` can't be run: it does not exist
    hint: name another with `--helm PATH`
    exit code 4
    ");
    insta::assert_snapshot!(folder().run(&["up", "--helm", "./text"]), @r"
    stderr:
    error: `./text` can't be run: it is not marked as executable (`chmod +x`)
    hint: name another with `--helm PATH`
    exit code 4
    ");
    insta::assert_snapshot!(folder().run(&["up", "--helm", "./charts"]), @r"
    stderr:
    error: `./charts` can't be run: it is a folder
    hint: name another with `--helm PATH`
    exit code 4
    ");
}

#[test]
fn the_flag_goes_before_the_variable_and_the_variable_before_the_path() {
    let folder = Folder::shop()
        .script("old/helm", "#!/bin/sh\necho v3.1.0\n")
        .script("older/helm", "#!/bin/sh\necho v2.1.0\n");
    let told = |folder: &Folder, args: &[&str]| folder.run(args).stderr;
    assert!(told(&folder, &["up"]).contains("connecting to"));
    let folder = folder.variable("STACKCTL_HELM", "old/helm");
    assert!(told(&folder, &["up"]).contains("is helm 3.1"));
    assert!(told(&folder, &["up", "--helm", "older/helm"]).contains("is helm 2.1"));
    let folder = folder.variable("STACKCTL_HELM", "");
    assert!(told(&folder, &["up"]).contains("connecting to"));
}

/// Settings for people and other tools must not change what we ask.
#[test]
fn it_is_asked_in_an_environment_without_surprises() {
    let script = "[ -z \"$HELM_DEBUG$HELM_NAMESPACE\" ] && [ \"$NO_COLOR\" = 1 ] && echo v4.0.1";
    let folder = Folder::shop()
        .script("bin/helm", &format!("#!/bin/sh\n{script}\n"))
        .variable("HELM_DEBUG", "true")
        .variable("HELM_NAMESPACE", "prod");
    let ran = up(&folder);
    assert!(ran.stderr.contains("connecting to"), "{ran}");
}

#[test]
fn one_that_never_answers() {
    insta::assert_snapshot!(answers("exec /bin/sleep 600"), @r"
    stderr:
    error: `[FOLDER]/bin/helm version` did not end within 10s
    hint: helm first reads its plugins, its registry's `config.json` and `~/.docker` (`helm env` names the folders): a pipe among them, or a file system that does not answer, holds it up
    hint: or name another with `--helm PATH`
    exit code 4
    ");
}
