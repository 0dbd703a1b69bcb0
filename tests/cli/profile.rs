//! Which profile is meant and what is wrong with it, told by the verb that needs nothing else.

use std::process::Command;

use crate::folder::{Folder, Ran};

fn graph(folder: &Folder) -> Ran {
    folder.run(&["graph"])
}

fn shop(profile: &str) -> Folder {
    Folder::shop().file("profiles/shop.yaml", profile)
}

#[test]
fn none_at_all() {
    insta::assert_snapshot!(graph(&Folder::empty()), @r"
    stderr:
    error: there is no profile here or in a parent folder
    hint: write `profiles/NAME.yaml`, or name a file with `--profile PATH`
    exit code 3
    ");
    insta::assert_snapshot!(Folder::empty().run(&["graph", "-p", "shop"]), @r"
    stderr:
    error: there is no profile `shop`
    hint: a profile is a file `profiles/shop.yaml` here or in a parent folder
    exit code 3
    ");
}

#[test]
fn several_to_choose_from() {
    let folder = Folder::shop().file("profiles/oro.yaml", "");
    insta::assert_snapshot!(graph(&folder), @r"
    stderr:
    error: there are 2 profiles to choose from
    hint: choose with `--profile NAME`: `oro` and `shop`
    exit code 3
    ");
    insta::assert_snapshot!(folder.run(&["graph", "-p", "shop", "mail"]), @r"
    stdout:
    shop in namespace shop
      mail
    exit code 0
    ");
}

#[test]
fn one_that_is_not_there() {
    let folder = Folder::shop().file("profiles/oro.yaml", "");
    insta::assert_snapshot!(folder.run(&["graph", "-p", "shup"]), @r"
    stderr:
    error: there is no profile `shup`
    hint: did you mean `shop`?
    exit code 3
    ");
    insta::assert_snapshot!(folder.run(&["graph", "-p", "staging"]), @r"
    stderr:
    error: there is no profile `staging`
    hint: there are `oro` and `shop`
    exit code 3
    ");
    insta::assert_snapshot!(folder.run(&["graph", "-p", "./shop.yaml"]), @r"
    stderr:
    error: there is no profile at `./shop.yaml`
    exit code 3
    ");
    insta::assert_snapshot!(folder.run(&["graph", "-p", "profiles/"]), @r"
    stderr:
    error: `profiles/` is a folder, not a profile
    hint: name a file in it
    exit code 3
    ");
    insta::assert_snapshot!(folder.run(&["graph", "-p", ""]), @r"
    stderr:
    error: `--profile` is empty
    exit code 3
    ");
}

#[test]
fn the_environment_may_name_it() {
    let folder = Folder::shop().file("profiles/oro.yaml", "");
    let named = |folder: Folder, name| folder.variable("STACKCTL_PROFILE", name);
    let folder = named(folder, "shop");
    assert_eq!(graph(&folder).code, Some(0));
    let folder = named(folder, "shup");
    insta::assert_snapshot!(graph(&folder), @r"
    stderr:
    error: there is no profile `shup`
    hint: did you mean `shop`?
    hint: the name is from `$STACKCTL_PROFILE`
    exit code 3
    ");
    assert_eq!(folder.run(&["graph", "-p", "shop"]).code, Some(0));
}

/// CI systems set variables to nothing where others unset them.
#[test]
fn an_empty_variable_names_none() {
    let folder = Folder::shop().variable("STACKCTL_PROFILE", "");
    assert_eq!(graph(&folder).code, Some(0));
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let folder = shop(
        "name: Shop\nnamespace: shop\nrelease: {}\nreleases:\n  \
         database: {chart: ../charts/database, neds: [x]}\n  \
         api: {chart: ../charts/apo, needs: [databse]}\n  \
         web: {chart: ../charts/web, needs: [api], timeout: soon}\n  \
         database: {chart: ../charts/mail}\n",
    );
    insta::assert_snapshot!(graph(&folder), @r"
    stderr:
    error: profile `profiles/shop.yaml` has 7 errors

    profiles/shop.yaml:1:7: `Shop` is not a valid stack name: `S` is not allowed: lower-case letters, digits and `-` only
    1 | name: Shop
      |       ^^^^
    hint: did you mean `shop`?

    profiles/shop.yaml:3:1: unknown key `release` in the profile
    3 | release: {}
      | ^^^^^^^
    hint: did you mean `releases`?

    profiles/shop.yaml:5:41: unknown key `neds` in release `database`
    5 |   database: {chart: ../charts/database, neds: [x]}
      |                                         ^^^^
    hint: did you mean `needs`?

    profiles/shop.yaml:6:16: there is no chart at `../charts/apo`
    6 |   api: {chart: ../charts/apo, needs: [databse]}
      |                ^^^^^^^^^^^^^
    hint: did you mean `../charts/api`?

    profiles/shop.yaml:6:39: there is no release `databse`
    6 |   api: {chart: ../charts/apo, needs: [databse]}
      |                                       ^^^^^^^
    hint: did you mean `database`?

    profiles/shop.yaml:7:54: `timeout` must be a duration, `soon` is none
    7 |   web: {chart: ../charts/web, needs: [api], timeout: soon}
      |                                                      ^^^^
    hint: write for example `90s`, `10m` or `1h30m`

    profiles/shop.yaml:8:3: the key `database` is given twice
    8 |   database: {chart: ../charts/mail}
      |   ^^^^^^^^
    hint: it is already given on line 5
    exit code 3
    ");
}

#[test]
fn a_cycle() {
    let folder = shop(
        "name: shop\nnamespace: shop\nreleases:\n  \
         database: {chart: ../charts/database, needs: [web]}\n  \
         api: {chart: ../charts/api, needs: [database]}\n  \
         web: {chart: ../charts/web, needs: [api]}\n  \
         mail: {chart: ../charts/mail}\n",
    );
    insta::assert_snapshot!(graph(&folder), @r"
    stderr:
    error: profile `profiles/shop.yaml` has 1 error

    profiles/shop.yaml:4:49: these releases need each other in a cycle: database -> web -> api -> database
    4 |   database: {chart: ../charts/database, needs: [web]}
      |                                                 ^^^
    hint: `web` needs `api`: line 6
    hint: `api` needs `database`: line 5
    hint: take one of these needs away
    exit code 3
    ");
    insta::assert_snapshot!(folder.run(&["up", "mail"]), @r"
    stderr:
    error: profile `profiles/shop.yaml` has 1 error

    profiles/shop.yaml:4:49: these releases need each other in a cycle: database -> web -> api -> database
    4 |   database: {chart: ../charts/database, needs: [web]}
      |                                                 ^^^
    hint: `web` needs `api`: line 6
    hint: `api` needs `database`: line 5
    hint: take one of these needs away
    exit code 3
    ");
}

#[test]
fn a_chart_whose_file_is_no_file() {
    let folder = Folder::shop().without("charts/web/Chart.yaml");
    std::os::unix::fs::symlink("/dev/zero", folder.path().join("charts/web/Chart.yaml")).unwrap();
    let said = graph(&folder).to_string();
    let why = "`../charts/web` is no chart: its `Chart.yaml` is no regular file";
    assert!(said.contains(why), "{said}");
}

#[test]
fn a_chart_without_its_file() {
    let folder = Folder::shop().without("charts/web/Chart.yaml");
    insta::assert_snapshot!(graph(&folder), @r"
    stderr:
    error: profile `profiles/shop.yaml` has 1 error

    profiles/shop.yaml:6:16: `../charts/web` is no chart: it has no `Chart.yaml`
    6 |   web: {chart: ../charts/web, needs: [api, database]}
      |                ^^^^^^^^^^^^^
    exit code 3
    ");
}

#[test]
fn empty_and_broken_ones() {
    insta::assert_snapshot!(graph(&shop("")), @r"
    stderr:
    error: profile `profiles/shop.yaml` has 1 error

    profiles/shop.yaml:1:1: the profile is empty
    1 |
      | ^
    hint: it needs at least `name`, `namespace` and `releases`
    exit code 3
    ");
    insta::assert_snapshot!(graph(&shop("name: [\n")), @r"
    stderr:
    error: profile `profiles/shop.yaml` has 1 error

    profiles/shop.yaml:1:7: this bracket is not closed
    1 | name: [
      |       ^
    exit code 3
    ");
    insta::assert_snapshot!(graph(&shop("name: shop\nnamespace: shop\nreleases: {}\n")), @r"
    stderr:
    error: profile `profiles/shop.yaml` has 1 error

    profiles/shop.yaml:3:1: the profile has no releases
    3 | releases: {}
      | ^^^^^^^^
    exit code 3
    ");
}

#[test]
fn a_folder_by_its_name() {
    let folder = Folder::shop().without("profiles/shop.yaml");
    std::fs::create_dir(folder.path().join("profiles/shop.yaml")).unwrap();
    insta::assert_snapshot!(folder.run(&["graph", "-p", "profiles/shop.yaml"]), @r"
    stderr:
    error: `profiles/shop.yaml` is a folder, not a profile
    hint: name a file in it
    exit code 3
    ");
}

#[test]
fn in_a_folder_that_is_gone() {
    let folder = Folder::shop().file("gone/file", "").without("gone/file");
    let script = "cd gone && /bin/rmdir \"$PWD\" && exec \"$0\" graph";
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_stackctl")]);
    folder.put_in(&mut command);
    insta::assert_snapshot!(folder.ended(command), @r"
    stderr:
    error: the current folder can't be read: No such file or directory (os error 2)
    hint: was it removed? `cd` into it anew, or into another
    exit code 4
    ");
}

#[test]
fn two_that_meet_in_another_namespace() {
    let folder = shop(
        "name: shop\nnamespace: shop\nreleases:\n  web: {chart: ../charts/web}\n  \
         web2: {chart: ../charts/web, release: web, namespace: other}\n",
    );
    assert_eq!(graph(&folder).code, Some(0));
    insta::assert_snapshot!(folder.run(&["graph", "-n", "other"]), @r"
    stderr:
    error: with `-n other`, `web` and `web2` are both release `web` of it
    hint: give one of them another `release`, or leave `-n` out
    exit code 3
    ");
}
