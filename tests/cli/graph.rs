use crate::folder::{Folder, Ran, assert_not_asked};

fn graph(args: &[&str]) -> Ran {
    let (folder, cluster) = Folder::shop_of_a_cluster();
    let ran = folder.run(&[&["graph"], args].concat());
    assert_not_asked(&cluster);
    assert_eq!(folder.helm_calls(), [""; 0]);
    ran
}

/// `web` needs `database` through `api` already.
#[test]
fn as_text_without_what_is_implied() {
    insta::assert_snapshot!(graph(&[]), @r"
    stdout:
    shop in namespace shop
      database
      api       needs database
      web       needs api
      mail
    exit code 0
    ");
}

#[test]
fn for_mermaid() {
    insta::assert_snapshot!(graph(&["--format", "mermaid"]), @r"
    stdout:
    graph TD
      database
      database --> api
      api --> web
      mail
    exit code 0
    ");
}

#[test]
fn for_dot() {
    insta::assert_snapshot!(graph(&["--format", "dot"]), @r#"
    stdout:
    digraph "shop" {
      rankdir=LR;
      "database";
      "api";
      "database" -> "api";
      "web";
      "api" -> "web";
      "mail";
    }
    exit code 0
    "#);
}

#[test]
fn as_data_with_all_needs() {
    insta::assert_snapshot!(graph(&["web", "-o", "json"]), @r#"
    stdout:
    {
      "stack": "shop",
      "namespace": "shop",
      "releases": [
        {
          "id": "database",
          "needs": [],
          "reduced_needs": []
        },
        {
          "id": "api",
          "needs": [
            "database"
          ],
          "reduced_needs": [
            "database"
          ]
        },
        {
          "id": "web",
          "needs": [
            "api",
            "database"
          ],
          "reduced_needs": [
            "api"
          ]
        }
      ]
    }
    exit code 0
    "#);
    insta::assert_snapshot!(graph(&["web", "-o", "yaml"]), @r"
    stdout:
    stack: shop
    namespace: shop
    releases:
    - id: database
      needs: []
      reduced_needs: []
    - id: api
      needs:
      - database
      reduced_needs:
      - database
    - id: web
      needs:
      - api
      - database
      reduced_needs:
      - api
    exit code 0
    ");
}

#[test]
fn of_some_releases_and_what_they_need() {
    insta::assert_snapshot!(graph(&["api"]), @r"
    stdout:
    shop in namespace shop
      database
      api       needs database
    exit code 0
    ");
    insta::assert_snapshot!(graph(&["mail", "--format", "dot"]), @r#"
    stdout:
    digraph "shop" {
      rankdir=LR;
      "mail";
    }
    exit code 0
    "#);
    insta::assert_snapshot!(graph(&["apo"]), @r"
    stderr:
    error: the profile has no release `apo`
    hint: it has `database`, `api`, `web` and `mail`
    exit code 2
    ");
}

#[test]
fn in_another_namespace() {
    insta::assert_snapshot!(graph(&["mail", "-n", "staging"]), @r"
    stdout:
    shop in namespace staging
      mail
    exit code 0
    ");
    insta::assert_snapshot!(graph(&["mail", "-n", "Staging"]), @r"
    stderr:
    error: invalid value 'Staging' for '--namespace <NAME>': `S` is not allowed: lower-case letters, digits and `-` only

    For more information, try '--help'.
    exit code 2
    ");
}

#[test]
fn drawn_and_as_data_at_once() {
    insta::assert_snapshot!(graph(&["--format", "dot", "-o", "json"]), @r"
    stderr:
    error: the argument '--format <FORMAT>' cannot be used with '--output <FORMAT>'

    Usage: stackctl graph --format <FORMAT> [RELEASE]...

    For more information, try '--help'.
    exit code 2
    ");
}

/// A chart is looked up, and no more: the graph doesn't depend on what is in it.
#[test]
fn of_charts_that_could_not_be_installed() {
    let folder = Folder::shop().file("charts/web/Chart.yaml", "}");
    assert_eq!(folder.run(&["graph"]).code, Some(0));
}
