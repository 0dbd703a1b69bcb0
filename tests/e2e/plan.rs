//! `stackctl plan` says exactly what `stackctl up` then does.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use kube::api::{ListParams, Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client};
use serde_json::{Value, json};

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
