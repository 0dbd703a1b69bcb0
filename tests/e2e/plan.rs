//! `stackctl plan` says exactly what `stackctl up` then does.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client};
use serde_json::{Value, json};
use stackctl::event::EventKind;

use crate::support::{Cluster, Ended, Stack, sandbox};

const KINDS: [(&str, &str); 4] = [
    ("", "ConfigMap"),
    ("", "Secret"),
    ("", "ServiceAccount"),
    ("apps", "Deployment"),
];

fn api(client: &Client, namespace: &str, (group, kind): (&str, &str)) -> Api<DynamicObject> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, "v1", kind));
    Api::namespaced_with(client.clone(), namespace, &resource)
}

/// What the stack has in the cluster, by kind and name, without what changes by itself.
fn objects(cluster: &Cluster, namespace: &str) -> BTreeMap<String, Value> {
    cluster.block_on(async |client| {
        let mut found = BTreeMap::new();
        for kind in KINDS {
            let list = api(&client, namespace, kind)
                .list(&ListParams::default())
                .await;
            for object in list.expect("a list").items {
                let name = object.metadata.name.clone().expect("a name");
                let is_ours = object.metadata.labels.as_ref().is_some_and(|labels| {
                    labels
                        .get("app.kubernetes.io/managed-by")
                        .is_some_and(|it| it == "Helm")
                });
                if !is_ours {
                    continue;
                }
                let mut value = serde_json::to_value(object).expect("JSON");
                value["status"] = Value::Null;
                for key in ["resourceVersion", "managedFields", "generation"] {
                    value["metadata"][key] = Value::Null;
                }
                value["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = Value::Null;
                found.insert(format!("{}/{name}", kind.1.to_lowercase()), value);
            }
        }
        found
    })
}

/// What is another than before, was made or is gone.
fn changed(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> BTreeSet<String> {
    let names = before.keys().chain(after.keys());
    let is_changed = |name: &&String| before.get(*name) != after.get(*name);
    names.filter(is_changed).cloned().collect()
}

struct Planned {
    code: i32,
    releases: Vec<Value>,
    text: String,
}

impl Planned {
    fn of(stack: &Stack, more: &[&str]) -> Planned {
        let profile = stack.profile();
        let profile = profile.to_str().expect("UTF-8");
        let args = [
            "plan",
            "--profile",
            profile,
            "-o",
            "json",
            "--detailed-exitcode",
        ];
        let ended = Ended::of(&[&args[..], more].concat());
        let preview: Value = serde_json::from_str(&ended.stdout)
            .unwrap_or_else(|_| panic!("no JSON: {}{}", ended.stdout, ended.stderr));
        Planned {
            code: ended.code,
            releases: preview["releases"].as_array().expect("releases").clone(),
            text: ended.stdout,
        }
    }

    fn release(&self, id: &str) -> &Value {
        let found = self.releases.iter().find(|it| it["id"] == id);
        found.expect("a release")
    }

    fn objects(&self) -> BTreeSet<String> {
        let objects = self
            .releases
            .iter()
            .flat_map(|it| it["objects"].as_array().expect("objects"));
        objects
            .map(|it| it["object"].as_str().expect("a name").to_owned())
            .collect()
    }

    fn actions(&self) -> Vec<&str> {
        self.releases
            .iter()
            .map(|it| it["action"].as_str().expect("an action"))
            .collect()
    }
}

fn template(seconds: u32, selector: &str, more: &str) -> String {
    format!(
        "apiVersion: v1
kind: ConfigMap
metadata: {{name: settings}}
data: {{color: green}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  selector: {{matchLabels: {{app: {selector}}}}}
  template:
    metadata: {{labels: {{app: {selector}}}}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - name: web
          image: busybox:1.36
          command: [sleep, \"{seconds}\"]
---
{more}"
    )
}

fn secret(value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: key}}\nstringData: {{password: {value}}}\n"
    )
}

const ACCOUNT: &str = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: worker}\n";

#[test]
fn what_is_planned_is_what_happens() {
    let cluster = Cluster::of(sandbox());
    let first = template(3600, "web", &(secret("hunter2") + "---\n" + ACCOUNT));
    let stack = Stack::new("e2e-plan").release("shop", &first, "").release(
        "same",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: same}\n",
        "needs: [shop]",
    );
    let write = |text: &str| {
        fs::write(stack.folder().join("shop/templates/all.yaml"), text).expect("a template");
    };
    let up = |code: i32| {
        let before = objects(&cluster, stack.namespace());
        Ended::up(&stack.profile(), &[]).expect_code(code);
        changed(&before, &objects(&cluster, stack.namespace()))
    };

    let planned = Planned::of(&stack, &[]);
    assert_eq!(
        (planned.code, planned.actions()),
        (8, vec!["install", "install"])
    );
    assert!(
        objects(&cluster, stack.namespace()).is_empty(),
        "a plan changes nothing"
    );
    assert_eq!(planned.objects(), up(0));

    let planned = Planned::of(&stack, &[]);
    assert_eq!(
        (planned.code, planned.actions()),
        (0, vec!["unchanged", "unchanged"])
    );
    assert_eq!(planned.objects(), up(0));

    write(&template(3601, "web", &secret("hunter3")));
    let planned = Planned::of(&stack, &[]);
    assert_eq!(
        (planned.code, planned.actions()),
        (8, vec!["upgrade", "unchanged"])
    );
    assert_eq!(
        planned.releases[0]["restarts"],
        json!([{"object": "deployment/web", "pods": 1}])
    );
    assert!(!planned.text.contains("hunter"), "{}", planned.text);
    let expected = ["deployment/web", "secret/key", "serviceaccount/worker"];
    assert_eq!(
        planned.objects(),
        BTreeSet::from(expected.map(str::to_owned))
    );
    assert_eq!(planned.objects(), up(0));

    write(&template(3601, "other", &secret("hunter3")));
    let planned = Planned::of(&stack, &[]);
    assert_eq!(
        (planned.code, planned.actions()),
        (5, vec!["fail", "unchanged"])
    );
    assert!(
        planned.text.contains("field is immutable"),
        "{}",
        planned.text
    );
    assert_eq!(up(5), BTreeSet::new());
}

#[test]
fn a_plan_that_is_kept_is_carried_out_only_while_it_holds() {
    let cluster = Cluster::of(sandbox());
    let stack = Stack::new("e2e-plan-kept").release("shop", &template(3600, "web", ""), "");
    let profile = stack.profile();
    let profile = profile.to_str().expect("UTF-8");
    let file = stack.folder().join("shop.plan");
    let file = file.to_str().expect("UTF-8");
    let save = || Ended::of(&["plan", "--profile", profile, "--save", file]).expect_code(0);
    let carry_out = |code: i32| {
        let args = [
            "up",
            "--profile",
            profile,
            "--plan",
            file,
            "--progress",
            "quiet",
        ];
        Ended::of(&args).expect_code(code)
    };

    save();
    carry_out(0);
    save();
    fs::write(
        stack.folder().join("shop/templates/all.yaml"),
        template(3601, "web", ""),
    )
    .expect("a template");
    let refused = carry_out(3);
    assert!(
        refused
            .stderr
            .contains("`shop`: its chart or its values have changed"),
        "{}",
        refused.stderr
    );
    save();
    cluster.block_on(async |client| {
        let api = api(&client, stack.namespace(), ("apps", "Deployment"));
        let patch = Patch::Merge(json!({"spec": {"replicas": 2}}));
        let patched = api.patch("web", &PatchParams::default(), &patch).await;
        patched.expect("it is patched");
    });
    let refused = carry_out(3);
    assert!(
        refused.stderr.contains("`shop`: the cluster has changed"),
        "{}",
        refused.stderr
    );
    save();
    carry_out(0);
}

/// A password that the chart makes up, and a pod that is to notice.
fn made_up(color: &str) -> String {
    let password = "{{- $password := randAlphaNum 20 }}\n".to_owned();
    let secret = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: key}}\n\
         stringData: {{password: '{{{{ $password }}}}', color: {color}}}\n"
    );
    let web = template(3600, "web", "").replace(
        "metadata: {labels: {app: web}}",
        "metadata: {labels: {app: web}, annotations: {sum: '{{ $password | sha256sum }}'}}",
    );
    password + &web + &secret
}

#[test]
fn what_a_chart_makes_up_each_time_is_named_and_makes_no_plan_stale() {
    let cluster = Cluster::of(sandbox());
    let stack = Stack::new("e2e-plan-made-up").release("shop", &made_up("green"), "");
    let profile = stack.profile();
    let profile = profile.to_str().expect("UTF-8");
    let file = stack.folder().join("shop.plan");
    let file = file.to_str().expect("UTF-8");
    let varying = |planned: &Planned| planned.releases[0]["varying"].clone();
    let expected = json!([
        {"object": "secret/key", "fields": ["stringData.password"], "restarts": false},
        {"object": "deployment/web", "fields": ["spec.template.metadata.annotations.sum"], "restarts": true},
    ]);
    let carry_out = |code: i32| {
        let args = ["--profile", profile, "--plan", file, "--progress", "quiet"];
        Ended::of(&[&["up"], &args[..]].concat()).expect_code(code)
    };

    let planned = Planned::of(&stack, &["--save", file]);
    assert_eq!(varying(&planned), expected);
    carry_out(0);

    // Neither has anything to do, whatever another rendering would bring.
    let planned = Planned::of(&stack, &[]);
    assert_eq!((planned.code, planned.actions()), (0, vec!["unchanged"]));
    assert_eq!(varying(&planned), expected);
    let before = objects(&cluster, stack.namespace());
    Ended::up(&stack.profile(), &[]).expect_code(0);
    let after = objects(&cluster, stack.namespace());
    assert_eq!(changed(&before, &after), BTreeSet::new());

    Planned::of(&stack, &["--save", file]);
    let other = stack.folder().join("shop/templates/all.yaml");
    fs::write(other, made_up("blue")).expect("a template");
    let refused = carry_out(3);
    assert!(
        refused
            .stderr
            .contains("`shop`: its chart or its values have changed"),
        "{}",
        refused.stderr
    );
}

fn definition(kind: &str) -> String {
    let plural = format!("{}s", kind.to_lowercase());
    format!(
        "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: {plural}.plan.example.com}}
spec:
  group: plan.example.com
  scope: Namespaced
  names: {{plural: {plural}, kind: {kind}}}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}
"
    )
}

/// As Gatekeeper's ConstraintTemplate does, whose operator makes the definition.
const TEMPLATE: &str = "apiVersion: plan.example.com/v1\nkind: Widget\nmetadata: {name: b}\n\
    spec: {crd: {names: {kind: Templated}}}\n";

/// helm's dry run refuses each of these.
#[test]
fn a_kind_comes_with_a_release_before_or_the_charts_own_crds() {
    let custom = |kind: &str| {
        format!("apiVersion: plan.example.com/v1\nkind: {kind}\nmetadata: {{name: a}}\n")
    };
    let own = custom("Gadget")
        + "{{- if .Capabilities.APIVersions.Has \"plan.example.com/v1/Gadget\" }}\n---\n"
        + ACCOUNT
        + "{{- end }}\n";
    let stack = Stack::new("e2e-plan-kinds")
        .release("operator", &definition("Widget"), "")
        .release("between", ACCOUNT, "needs: [operator]")
        .release("app", &custom("Widget"), "needs: [between]")
        .release("own", &own, "")
        .release("alone", &custom("Widget"), "")
        .release("script", &custom("Made"), "before: [{shell: 'true'}]")
        .release("template", TEMPLATE, "needs: [operator]")
        .release("templated", &custom("Templated"), "needs: [template]")
        .release(
            "late",
            &(definition("Late") + "---\n" + &custom("Late")),
            "",
        );
    let crds = stack.folder().join("own/crds");
    fs::create_dir_all(&crds).expect("a folder");
    fs::write(crds.join("gadget.yaml"), definition("Gadget")).expect("a definition");
    let planned = Planned::of(&stack, &[]);
    let of = |id: &str| planned.release(id);
    for (id, expected) in [
        ("app", "comes with operator"),
        ("own", "comes with this release"),
        ("script", "may come with a command of script"),
        ("templated", "may come with template"),
    ] {
        assert_eq!(of(id)["action"], "install", "{}", planned.text);
        let objects = of(id)["objects"].as_array().expect("objects").iter();
        let notes: Vec<&str> = objects.filter_map(|it| it["note"].as_str()).collect();
        assert_eq!(notes, [format!("its kind {expected}")]);
    }
    assert_eq!(of("own")["objects"].as_array().map(Vec::len), Some(2));
    for id in ["alone", "late"] {
        assert_eq!(of(id)["action"], "fail", "{}", planned.text);
    }
}

fn patch(cluster: &Cluster, stack: &Stack, kind: (&str, &str), name: &str, patch: &Value) {
    cluster.block_on(async |client| {
        let params = PatchParams {
            field_manager: Some("injector".to_owned()),
            ..PatchParams::default()
        };
        let api = api(&client, stack.namespace(), kind);
        let patched = api.patch(name, &params, &Patch::Merge(patch)).await;
        patched.expect("it is patched");
    });
}

fn warnings(run: &Ended) -> Vec<&str> {
    let warnings = run.events.iter().filter_map(|event| match &event.kind {
        EventKind::Warning { message, .. } => Some(message.as_str()),
        _ => None,
    });
    warnings.collect()
}

/// As cert-manager does with the certificate of a webhook.
#[test]
fn what_a_controller_fills_in_is_neither_a_change_nor_worth_a_word() {
    let cluster = Cluster::of(sandbox());
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ca}\n\
         data: {bundle: \"\", name: web}\n";
    let stack = Stack::new("e2e-plan-filled").release("shop", config, "");
    let up = || Ended::up(&stack.profile(), &[]).expect_code(0);
    up();
    let fill = |data: Value| patch(&cluster, &stack, KINDS[0], "ca", &json!({"data": data}));
    fill(json!({"bundle": "a certificate"}));
    let planned = Planned::of(&stack, &[]);
    assert_eq!((planned.code, planned.actions()), (0, vec!["unchanged"]));
    assert!(planned.objects().is_empty(), "{}", planned.text);
    let run = up();
    assert_eq!(warnings(&run), [""; 0]);
    assert!(
        run.when("shop", |it| matches!(
            it,
            EventKind::ReleaseUnchanged { .. }
        ))
        .is_some()
    );

    // Of helm's own, this is told.
    fill(json!({"name": "other"}));
    let planned = Planned::of(&stack, &[]);
    assert_eq!((planned.code, planned.actions()), (0, vec!["unchanged"]));
    assert!(planned.text.contains("conflicts with"), "{}", planned.text);
    assert!(warnings(&up())[0].contains("is kept by injector"));
}

#[test]
fn an_object_that_becomes_a_hook_is_told_and_comes_back() {
    let cluster = Cluster::of(sandbox());
    let mount = "containers:\n        - name: web\n          envFrom: [{secretRef: {name: key}}]";
    let web = |seconds: u32| {
        template(seconds, "web", "").replace("containers:\n        - name: web", mount)
    };
    let key = |annotations: &str| {
        secret("hunter2").replace(
            "{name: key}",
            &format!("{{name: key, annotations: {annotations}}}"),
        )
    };
    let stack = Stack::new("e2e-plan-hook").release("shop", &(web(1) + &key("{}")), "timeout: 60s");
    let write = |text: String| {
        fs::write(stack.folder().join("shop/templates/all.yaml"), text).expect("a template");
    };
    write(web(3600) + &key("{}"));
    Ended::up(&stack.profile(), &[]).expect_code(0);

    write(web(3601) + &key("{helm.sh/hook: 'pre-install,pre-upgrade'}"));
    let planned = Planned::of(&stack, &[]);
    let note = "it becomes a hook of the same name";
    assert!(planned.text.contains(note), "{}", planned.text);
    let run = Ended::up(&stack.profile(), &[]).expect_code(5);
    let told = warnings(&run);
    assert!(
        told.iter()
            .any(|it| it.starts_with("secret/key was an object of the release and is a hook")),
        "{told:?}"
    );
    let planned = Planned::of(&stack, &[]);
    assert_eq!(planned.actions(), ["upgrade"], "{}", planned.text);
    let run = Ended::up(&stack.profile(), &[]).expect_code(0);
    assert_eq!(warnings(&run), ["secret/key is gone: helm puts it back"]);
    assert_eq!(Planned::of(&stack, &[]).actions(), ["unchanged"]);

    // Whoever deletes it, gets it back.
    cluster.block_on(async |client| {
        let api = api(&client, stack.namespace(), KINDS[1]);
        let deleted = api.delete("key", &DeleteParams::default()).await;
        deleted.expect("it is deleted");
    });
    let planned = Planned::of(&stack, &[]);
    assert_eq!((planned.code, planned.actions()), (8, vec!["upgrade"]));
    assert_eq!(planned.objects(), BTreeSet::from(["secret/key".to_owned()]));
    let run = Ended::up(&stack.profile(), &[]).expect_code(0);
    assert_eq!(warnings(&run), ["secret/key is gone: helm puts it back"]);
}

fn job(name: &str, annotations: &str, code: &str) -> String {
    format!(
        "apiVersion: batch/v1
kind: Job
metadata: {{name: {name}, annotations: {annotations}}}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: job
          image: busybox:1.36
          command: [sh, -c, \"exit {code}\"]
"
    )
}

/// What is planned, `up` does, and `status` does not wait for what nobody makes again.
#[test]
fn hooks_are_a_reason_and_a_job_that_has_gone_is_none() {
    let cluster = Cluster::of(sandbox());
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n---\n";
    let hook = "{helm.sh/hook: 'post-install,post-upgrade'}";
    let hook = config.to_owned() + &job("migrate", hook, "{{ .Values.e }}");
    let stack = Stack::new("e2e-plan-jobs")
        .release("hooks", &hook, "")
        .release("seed", &job("seed", "{}", "0"), "");
    let profile = stack.profile();
    let set = |code: u32| {
        let values = stack.folder().join("hooks/values.yaml");
        fs::write(values, format!("e: {code}\n")).expect("values");
    };
    set(4);
    let up = |code: i32| Ended::up(&profile, &[]).expect_code(code);
    let expect = |code: i32, actions: [&str; 2]| {
        let planned = Planned::of(&stack, &[]);
        let text = &planned.text;
        assert_eq!(
            (planned.code, planned.actions()),
            (code, actions.into()),
            "{text}"
        );
        assert!(planned.objects().is_empty(), "{text}");
        planned
    };
    up(5);
    let planned = expect(8, ["upgrade", "unchanged"]);
    assert!(
        planned.text.contains("revision 1 failed"),
        "{}",
        planned.text
    );

    set(0);
    up(0);
    cluster.block_on(async |client| {
        let api = api(&client, stack.namespace(), ("batch", "Job"));
        let deleted = api.delete("seed", &DeleteParams::background()).await;
        deleted.expect("it is deleted");
    });
    expect(0, ["unchanged", "unchanged"]);
    let path = profile.to_str().expect("UTF-8");
    Ended::of(&["status", "--profile", path, "--exit-code"]).expect_code(0);
    let run = up(0);
    let is_unchanged = |it: &EventKind| matches!(it, EventKind::ReleaseUnchanged { .. });
    for id in ["hooks", "seed"] {
        assert!(run.when(id, is_unchanged).is_some(), "{}", run.stdout);
    }

    set(3);
    for _ in 0..2 {
        let planned = expect(8, ["upgrade", "unchanged"]);
        let changed = &planned.releases[0]["changed_hooks"];
        assert_eq!(*changed, json!(["post-upgrade job/migrate"]));
        up(5);
    }
}

/// helm refuses what another release owns; the one before has deleted it by then. Back it can't go in
/// one run, and what is kept can't go at all.
#[test]
fn an_object_goes_to_a_later_release() {
    let map = |name: &str, annotations: &str| {
        format!(
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, annotations: {annotations}}}\n"
        )
    };
    let kept = map("kept", "{helm.sh/resource-policy: keep}");
    let stack = Stack::new("e2e-plan-moves")
        .release(
            "from",
            &(ACCOUNT.to_owned() + &map("moves", "{}") + &kept),
            "",
        )
        .release("to", &map("own", "{}"), "needs: [from]");
    let write = |release: &str, text: &str| {
        let file = format!("{release}/templates/all.yaml");
        fs::write(stack.folder().join(file), text).expect("a template");
    };
    Ended::up(&stack.profile(), &[]).expect_code(0);

    write("from", &(ACCOUNT.to_owned() + &kept));
    write("to", &(map("own", "{}") + &map("moves", "{}")));
    let planned = Planned::of(&stack, &[]);
    assert_eq!(
        planned.actions(),
        ["upgrade", "upgrade"],
        "{}",
        planned.text
    );
    assert_eq!(planned.releases[1]["objects"][0]["change"], "create");
    let note = &planned.releases[1]["objects"][0]["note"];
    assert_eq!(note, "release from deletes it before", "{}", planned.text);
    Ended::up(&stack.profile(), &[]).expect_code(0);
    assert_eq!(
        Planned::of(&stack, &[]).actions(),
        ["unchanged", "unchanged"]
    );

    write("from", &(ACCOUNT.to_owned() + &kept + &map("moves", "{}")));
    write("to", &map("own", "{}"));
    let planned = Planned::of(&stack, &[]);
    assert_eq!(planned.actions(), ["fail", "upgrade"], "{}", planned.text);

    write("from", ACCOUNT);
    write(
        "to",
        &(map("own", "{}") + &map("moves", "{}") + &map("kept", "{}")),
    );
    let planned = Planned::of(&stack, &[]);
    assert_eq!(planned.actions(), ["upgrade", "fail"], "{}", planned.text);
}

/// An upgrade would leave out the install's hooks; `up` installs anew where they have not run.
#[test]
fn the_hooks_of_an_install_that_failed_are_planned_again() {
    let hook = |name: &str, on: &str, code: u8| {
        format!(
            "---\napiVersion: batch/v1\nkind: Job\n\
             metadata: {{name: {name}, annotations: {{helm.sh/hook: '{on}'}}}}\n\
             spec: {{backoffLimit: 0, template: {{spec: {{restartPolicy: Never, containers: [\
             {{name: main, image: 'docker.io/library/busybox:1.36', \
             command: [sh, -c, 'exit {code}']}}]}}}}}}\n"
        )
    };
    let chart = ACCOUNT.to_owned()
        + &hook("both", "pre-install,pre-upgrade", 0)
        + &hook("seed", "post-install", 1);
    let stack = Stack::new("e2e-plan-failed").release("app", &chart, "timeout: 60s");
    Ended::up(&stack.profile(), &[]).expect_code(5);
    // Nothing of it may hold data, so `up` installs it anew.
    let planned = Planned::of(&stack, &[]);
    let release = &planned.releases[0];
    let expected = serde_json::json!(["pre-install job/both", "post-install job/seed"]);
    assert_eq!(release["hooks"], expected, "{}", planned.text);
    let (action, revision) = (&release["action"], &release["revision"]);
    assert_eq!(
        (action, revision),
        (&json!("install"), &json!(1)),
        "{}",
        planned.text
    );
    let left = release["left_behind"].as_str().expect("it is told");
    assert!(
        left.contains("removes what is there of it and installs it anew"),
        "{left}"
    );

    let chart = chart.replace("exit 1", "exit 0");
    fs::write(stack.folder().join("app/templates/all.yaml"), chart).expect("a template");
    let ended = Ended::up(&stack.profile(), &[]).expect_code(0);
    let is_first =
        |kind: &EventKind| matches!(kind, EventKind::ReleaseDeployed { revision: 1, .. });
    assert!(ended.when("app", is_first).is_some(), "{}", ended.stdout);
}

#[test]
fn a_need_on_what_a_release_does_not_have_is_planned_to_fail() {
    let app = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app}\n";
    let stack = Stack::new("plan-needs")
        .release("app", app, "")
        .release(
            "web",
            app.replace("app", "web").as_str(),
            "needs: ['app:job/typo']",
        )
        .release(
            "late",
            app.replace("app", "late").as_str(),
            "needs: ['app:configmaps/app']",
        );
    let profile = stack.profile();
    for late in ["install", "unchanged"] {
        let planned = Planned::of(&stack, &[]);
        let of = |id: &str| planned.release(id);
        assert_eq!(of("web")["action"], "fail", "{}", planned.text);
        let why = "it needs job/typo of release `app`, which has no such object";
        assert_eq!(of("web")["why"], why);
        assert_eq!(of("late")["action"], late, "{}", planned.text);
        let failed = Ended::up(&profile, &[]).expect_code(5);
        assert_eq!(failed.verdict("web").sentence, why);
    }
}

/// helm makes what is in that folder once, and changes it never.
#[test]
fn definitions_that_helm_leaves_as_they_are_are_told() {
    let stack = Stack::new("plan-crds").release("app", ACCOUNT, "");
    let crds = stack.folder().join("app/crds");
    fs::create_dir_all(&crds).expect("a folder");
    let old = definition("Kept");
    fs::write(crds.join("kept.yaml"), &old).expect("a definition");
    let warnings = || {
        let planned = Planned::of(&stack, &[]);
        let warnings = planned.releases[0]["warnings"].as_array().cloned();
        warnings.unwrap_or_default()
    };
    assert_eq!(warnings(), [""; 0]);
    Ended::up(&stack.profile(), &[]).expect_code(0);

    let more = ACCOUNT.replace("name: ", "name: more-");
    fs::write(stack.folder().join("app/templates/more.yaml"), more).expect("a template");
    assert_eq!(warnings(), [""; 0], "as it was");
    let new = old.replace("type: object", "type: object, description: newer");
    fs::write(crds.join("kept.yaml"), new).expect("a definition");
    let told = warnings();
    let said = told.first().and_then(Value::as_str).unwrap_or_default();
    let so = "customresourcedefinition/kepts.plan.example.com of its chart's folder `crds` is not so in the \
              cluster, and helm leaves that as it is: `helm show crds ";
    assert!(said.starts_with(so), "{told:?}");
    Cluster::of(sandbox()).block_on(async |client| {
        let api: Api<CustomResourceDefinition> = Api::all(client);
        let params = DeleteParams::default();
        api.delete("kepts.plan.example.com", &params).await.unwrap();
    });
}
