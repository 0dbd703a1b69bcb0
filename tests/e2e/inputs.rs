//! What goes into a release: charts that the real helm pulls, values that are fetched, labels, and
//! commands of the profile around it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::Api;
use kube::api::ListParams;

use stackctl::event::EventKind;

use crate::support::{
    Cluster, Ended, Registry, Stack, Started, deployment, moment, sandbox, stackctl,
};

fn write(file: &Path, text: &str) {
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(file, text).expect("a file");
}

/// Packs a chart of one ConfigMap, `NAME`, that says `says`, as helm does.
fn archive(folder: &Path, name: &str, says: &str) -> Vec<u8> {
    let chart = folder.join("to-pack").join(name);
    write(
        &chart.join("Chart.yaml"),
        &format!("apiVersion: v2\nname: {name}\nversion: 1.2.3\n"),
    );
    write(
        &chart.join("templates/all.yaml"),
        &format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: '{{{{ .Release.Name }}}}-{name}'}}\n\
             data: {{says: {says}}}\n"
        ),
    );
    let packed = Command::new(sandbox().helm())
        .args(["package", "--destination"])
        .arg(folder)
        .arg(&chart)
        .output()
        .expect("helm runs");
    assert!(packed.status.success(), "{packed:?}");
    fs::read(folder.join(format!("{name}-1.2.3.tgz"))).expect("an archive")
}

/// What the ConfigMaps of a namespace say, by name.
fn said(namespace: &str) -> Vec<(String, String)> {
    Cluster::of(sandbox()).block_on(async |client| {
        let maps: Api<ConfigMap> = Api::namespaced(client, namespace);
        let maps = maps.list(&ListParams::default()).await.expect("a list");
        let says = |map: ConfigMap| Some((map.metadata.name?, map.data?.remove("says")?));
        maps.items.into_iter().filter_map(says).collect()
    })
}

/// A release is made of what its inputs were when the run began, however long it waits for its turn.
#[test]
fn a_file_that_changes_meanwhile_is_for_the_next_run() {
    let says =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: {says: {{ .Values.word }}}\n";
    let slowly = moment(3);
    let stack = Stack::new("frozen")
        .release("a", &deployment("a", &slowly), "")
        .release("b", says, "needs: [a], values: [b.yaml]");
    let values = stack.folder().join("b.yaml");
    write(&values, "word: one\n");
    let profile = stack.profile();
    let mut run = Started::up(&profile);
    run.wait_for(|kind| matches!(kind, EventKind::ReleaseDeployed { .. }));
    write(&values, "word: two\n");
    run.end().expect_code(0);
    let b = |word: &str| vec![("b".to_owned(), word.to_owned())];
    assert_eq!(said(stack.namespace()), b("one"));
    Ended::up(&profile, &[]).expect_code(0);
    assert_eq!(said(stack.namespace()), b("two"));
}

#[test]
fn charts_are_pulled_with_helms_own_passwords() {
    let registry = Registry::start();
    let stack = Stack::new("pulled").release("local", "", "");
    let folder = stack.folder();
    registry.publish("web", "1.2.3", &archive(folder, "web", "first"));
    let address = registry.address();
    write(
        &folder.join("local/Chart.yaml"),
        &format!(
            "apiVersion: v2\nname: local\nversion: 1.0.0\n\
             dependencies: [{{name: web, version: ~1.2, repository: '{}'}}]\n",
            registry.repository()
        ),
    );
    let profile = stack.profile();
    let text = fs::read_to_string(&profile).expect("a profile")
        + &format!(
            "  registry: {{chart: 'oci://{address}/charts/web', version: 1.2.3}}\n  \
             repository: {{chart: shop/web, version: '>=1.0'}}\n"
        );
    write(&profile, &text);
    write(&folder.join("registry.json"), &registry.registry_config());
    write(
        &folder.join("repositories.yaml"),
        &registry.repository_config(),
    );

    let run = |args: &[&str], with_password: bool| {
        let profile = profile.to_str().expect("UTF-8");
        let mut command = stackctl(&[args, &["--profile", profile]].concat());
        if with_password {
            command.env("HELM_REGISTRY_CONFIG", folder.join("registry.json"));
            command.env("HELM_REPOSITORY_CONFIG", folder.join("repositories.yaml"));
        }
        let output = command.output().expect("stackctl runs");
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        assert!(!text.contains(registry.password()), "{text}");
        (output.status.code(), text)
    };
    let (code, told) = run(&["up"], false);
    assert_eq!(code, Some(4), "{told}");
    assert!(told.contains("`oci://127.0.0.1"), "{told}");
    assert!(
        told.contains(&format!("hint: `helm registry login {address}`")),
        "{told}"
    );
    assert!(told.contains("hint: `helm repo add shop URL`"), "{told}");
    assert!(told.contains("`web` from `http://127.0.0.1"), "{told}");

    let (code, told) = run(&["lock"], true);
    assert_eq!(code, Some(0), "{told}");
    let lock = fs::read_to_string(profile.with_extension("lock")).expect("a lock");
    assert_eq!(lock.matches("version: \"1.2.3\"").count(), 2, "{lock}");

    let (code, told) = run(&["up", "--locked"], true);
    assert_eq!(code, Some(0), "{told}");
    let mut maps = said(stack.namespace());
    maps.sort();
    let first = |name: &str| (name.to_owned(), "first".to_owned());
    assert_eq!(
        maps,
        [
            first("local-web"),
            first("registry-web"),
            first("repository-web")
        ]
    );

    // The same version, and another chart: what a tag that was pushed again is.
    registry.publish("web", "1.2.3", &archive(folder, "web", "second"));
    let (code, told) = run(&["up", "--locked"], true);
    assert_eq!(code, Some(3), "{told}");
    for id in ["local", "registry", "repository"] {
        assert!(told.contains(&format!("`{id}` has changed")), "{told}");
    }
    assert!(
        !folder.join("local/charts").exists(),
        "the user's chart stays as it is"
    );
}

#[test]
fn values_are_fetched_and_told_to_nobody() {
    let template = "apiVersion: v1
kind: Secret
metadata: {name: fetched}
stringData:
  env: '{{ .Values.env }}'
  file: '{{ .Values.file }}'
  sops: '{{ .Values.sops }}'
  command: '{{ .Values.command }}'
";
    let stack = Stack::new("fetched").release(
        "web",
        template,
        "valuesFrom: [{env: FETCHED, path: env}, {file: ./own.txt, path: file}, \
         {sops: ./enc.yaml}, {command: [./print.sh], path: command}]",
    );
    let folder = stack.folder();
    write(&folder.join("own.txt"), "canary-file\n");
    write(&folder.join("enc.yaml"), "sops: ENC[canary-sops]\n");
    let script = |path: &str, text: &str| {
        let file = folder.join(path);
        write(&file, text);
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).expect("a mode");
    };
    script("print.sh", "#!/bin/sh\necho canary-command\n");
    // It does what sops does with a file, as far as we see it.
    script(
        "bin/sops",
        "#!/bin/sh\n[ \"$1 $2 $3\" = '--decrypt --output-type yaml' ] || exit 9\n\
         sed 's/ENC\\[\\(.*\\)\\]/\\1/' \"$4\"\n",
    );
    let profile = stack.profile();
    let profile = profile.to_str().expect("UTF-8");
    let output = stackctl(&["up", "--profile", profile, "--progress", "json"])
        .env("FETCHED", "canary-env")
        .env(
            "PATH",
            format!("{}:/usr/bin:/bin", folder.join("bin").display()),
        )
        .output()
        .expect("stackctl runs");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(!text.contains("canary"), "{text}");
    let secret = Cluster::of(sandbox()).block_on(async |client| {
        let secrets: Api<Secret> = Api::namespaced(client, stack.namespace());
        secrets.get("fetched").await.expect("the Secret")
    });
    let data = secret.data.expect("data");
    for key in ["env", "file", "sops", "command"] {
        let value = String::from_utf8_lossy(&data[key].0).into_owned();
        assert_eq!(value, format!("canary-{key}"));
    }
}

#[test]
fn commands_run_around_a_release_and_labels_are_on_its_record() {
    let stack = Stack::new("commands")
        .release(
            "web",
            &deployment("web", ""),
            "labels: {team: shop}, \
             before: [{command: [./note.sh, before], env: {MORE: words}}], \
             after: [{shell: 'kubectl() { :; }; echo after $STACKCTL_NAMESPACE >> notes'}]",
        )
        .release(
            "late",
            &deployment("late", ""),
            "needs: [web], before: [{command: [./bad.sh]}]",
        );
    let folder = stack.folder();
    for (name, text) in [
        (
            "note.sh",
            "#!/bin/sh\necho $1 $MORE $STACKCTL_STACK $STACKCTL_RELEASE >> notes\n",
        ),
        ("bad.sh", "#!/bin/sh\necho the disk is full\nexit 7\n"),
    ] {
        let file = folder.join(name);
        write(&file, text);
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    let ended = Ended::up(&stack.profile(), &[]).expect_code(5);
    let notes = fs::read_to_string(folder.join("notes")).expect("notes");
    assert_eq!(notes, "before words commands web\nafter commands\n");
    let verdict = ended.verdict("late");
    assert_eq!(
        verdict.sentence,
        "the command `./bad.sh` failed: exit code 7"
    );
    let evidence = serde_json::to_value(&verdict.evidence).expect("JSON");
    assert_eq!(evidence[0]["kind"], "command");
    assert_eq!(evidence[0]["lines"][0], "the disk is full");
    Cluster::of(sandbox()).block_on(async |client| {
        let secrets: Api<Secret> = Api::namespaced(client, stack.namespace());
        let of_team = ListParams::default().labels("owner=helm,team=shop");
        let records = secrets.list(&of_team).await.expect("a list").items;
        assert_eq!(records.len(), 1, "{records:?}");
        let of_late = ListParams::default().labels("owner=helm,name=late");
        let records = secrets.list(&of_late).await.expect("a list").items;
        assert!(records.is_empty(), "helm ran: {records:?}");
    });
}
