//! A first profile for charts that are there.

use std::fs;

use crate::folder::Folder;

fn charts() -> Folder {
    ["database", "web"]
        .iter()
        .fold(Folder::empty(), |folder, name| folder.chart(name, ""))
        .chart("Odd_Name", "description: \"it's # odd\"\n")
        .chart("common", "type: library\n")
        .file("charts/notes.txt", "")
        .file("charts/redis-19.0.1.tgz", "")
}

#[test]
fn it_is_written_and_can_be_loaded() {
    let folder = charts();
    insta::assert_snapshot!(folder.run(&["init", "--name", "shop"]), @r"
    stdout:
    profiles/shop.yaml with 4 releases
    Now say in it what needs what; `stackctl check` tells what waits for what, `stackctl graph` draws it.
    exit code 0
    ");
    let text = fs::read_to_string(folder.path().join("profiles/shop.yaml")).unwrap();
    insta::assert_snapshot!(text, @r"
    # yaml-language-server: $schema=https://raw.githubusercontent.com/stackctl/stackctl/main/docs/schemas/profile.schema.json
    name: shop
    namespace: shop

    defaults:
      timeout: 10m                   # the whole time that a release may take, hooks included

    releases:
      # it's # odd
      odd-name:
        chart: ../charts/Odd_Name
        # values: [values/NAME.yaml, {replicas: 2}]   # files and maps, the later over the earlier
        # needs: [OTHER]              # starts when OTHER is ready, or OTHER:service/NAME alone
      database:
        chart: ../charts/database
      redis:
        chart: ../charts/redis-19.0.1.tgz
      web:
        chart: ../charts/web
    ");
    insta::assert_snapshot!(folder.run(&["graph"]), @r"
    stdout:
    shop in namespace shop
      odd-name
      database
      redis
      web
    exit code 0
    ");
    insta::assert_snapshot!(folder.run(&["init", "--name", "shop"]), @r"
    stderr:
    error: there is a profile `profiles/shop.yaml` already
    hint: give the new one another name: `--name NAME`
    exit code 2
    ");
}

#[test]
fn one_chart_and_paths_with_spaces() {
    let folder = Folder::empty().file(
        "my charts/web/Chart.yaml",
        "apiVersion: v2\nname: web\nversion: 0.1.0\n",
    );
    assert_eq!(
        folder
            .run(&["init", "my charts/web", "--name", "shop"])
            .code,
        Some(0)
    );
    let ran = folder.run(&["graph"]);
    assert_eq!(ran.stdout, "shop in namespace shop\n  web\n", "{ran}");
}

#[test]
fn no_charts() {
    insta::assert_snapshot!(Folder::empty().run(&["init", "--name", "shop"]), @r"
    stderr:
    error: `charts` can't be read: No such file or directory (os error 2)
    hint: name the folder that has the charts: `stackctl init FOLDER`
    exit code 2
    ");
    insta::assert_snapshot!(Folder::empty().run(&["init", "tmp", "--name", "shop"]), @r"
    stderr:
    error: there is no chart in `tmp`
    hint: a chart is a folder with a `Chart.yaml`, or a `.tgz`
    exit code 2
    ");
}
