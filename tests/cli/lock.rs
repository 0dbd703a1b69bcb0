//! The lock file, and charts that are pulled, as far as they need no real helm.

use crate::folder::Folder;

#[test]
fn it_tells_what_has_changed() {
    let folder = Folder::shop();
    insta::assert_snapshot!(folder.run(&["lock"]), @r"
    stdout:
    profiles/shop.lock: 4 charts locked
    exit code 0
    ");
    insta::assert_snapshot!(folder.run(&["lock"]), @r"
    stdout:
    profiles/shop.lock: nothing has changed
    exit code 0
    ");
    let folder = folder
        .chart("mail", "description: another\n")
        .file("charts/web/values.yaml", "a: 1\n")
        .file(
            "charts/web/Chart.yaml",
            "apiVersion: v2\nname: web\nversion: 0.2.0\n",
        );
    insta::assert_snapshot!(folder.run(&["lock"]), @r"
    stdout:
    profiles/shop.lock: 2 charts changed
      `mail` has changed: mail-0.1.0 is not what it was
      `web` has changed: web-0.1.0 -> web-0.2.0
    exit code 0
    ");
}

#[test]
fn nothing_is_asked_with_other_charts() {
    let (folder, cluster) = Folder::shop_of_a_cluster();
    insta::assert_snapshot!(folder.run(&["up", "--locked"]), @r"
    stderr:
    error: there is no lock file `profiles/shop.lock`
    hint: `stackctl lock` makes it; keep it beside the profile
    exit code 3
    ");
    assert_eq!(folder.run(&["lock"]).code, Some(0));
    let profile = "\
name: shop
namespace: shop
releases:
  database: {chart: ../charts/database}
  web: {chart: ../charts/web}
  web-2: {chart: ../charts/web}
";
    let folder = folder
        .file("charts/web/values.yaml", "a: 1\n")
        .file("profiles/shop.yaml", profile);
    for verb in ["up", "plan"] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(folder.run(&[verb, "--locked"]), @r"
            stderr:
            error: the charts are not those of `profiles/shop.lock`
              `web` has changed: web-0.1.0 is not what it was
              `web-2` is new: web-0.1.0
              `api` is gone: api-0.1.0
              `mail` is gone: mail-0.1.0
            hint: `stackctl lock` takes them up, for you to review and commit
            exit code 3
            ");
        }
    }
    // Of a part of the stack, the rest is not asked for.
    let ran = folder.run(&["up", "--locked", "database"]);
    cluster.set_nonblocking(true).unwrap();
    assert!(cluster.accept().is_ok(), "{ran}");
}

#[test]
fn one_that_is_none() {
    let folder = Folder::shop().file("profiles/shop.lock", "schema: 2\ncharts: {}\n");
    insta::assert_snapshot!(folder.run(&["up", "--locked"]), @r"
    stderr:
    error: `profiles/shop.lock` is no lock file: its schema is 2, and this stackctl reads 1
    hint: remove it, and `stackctl lock` makes a new one
    exit code 3
    ");
}

#[test]
fn what_can_not_be_pulled_says_what_helm_said() {
    let profile = "\
name: shop
namespace: shop
releases:
  cache: {chart: 'oci://registry.example.com/charts/redis', version: 19.0.1}
  search: {chart: elastic/elasticsearch, version: 8.5.1}
  web: {chart: ../charts/web}
";
    let helm = r#"#!/bin/sh
case "$*" in
  version*) echo v4.0.1 ;;
  env*) echo /nowhere ;;
  *oci:*) echo 'Error: GET "https://registry.example.com/v2/charts/redis/manifests/19.0.1": response status code 401: unauthorized' >&2; exit 1 ;;
  "repo update"*) echo 'Error: no repositories found matching '"'elastic'"'. repo elastic not found' >&2; exit 1 ;;
  *) echo 'Error: failed to fetch https://ann:hunter2@charts.example.com/index.yaml : 403 Forbidden' >&2; exit 1 ;;
esac
"#;
    let folder = Folder::shop()
        .chart(
            "web",
            "dependencies: [{name: nats, version: 1.x, repository: 'https://ann:hunter2@charts.example.com'}]\n",
        )
        .file("profiles/shop.yaml", profile)
        .script("bin/helm", helm);
    insta::assert_snapshot!(folder.run(&["up"]), @r#"
    stderr:
    error: 3 charts can't be used
      `oci://registry.example.com/charts/redis` can't be pulled: GET "https://registry.example.com/v2/charts/redis/manifests/19.0.1": response status code 401: unauthorized
      `elastic/elasticsearch` can't be pulled: no repositories found matching 'elastic'. repo elastic not found
      `nats` from `https://charts.example.com`, which chart `profiles/../charts/web` needs, can't be pulled: failed to fetch https://charts.example.com/index.yaml : 403 Forbidden
    hint: `helm registry login registry.example.com` keeps a password for it
    hint: `helm repo add elastic URL` makes it known
    hint: `helm repo add NAME URL --username ...` keeps a password for it
    exit code 4
    "#);
}
