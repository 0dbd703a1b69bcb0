//! Eight releases with hooks, volumes and init containers, and with objects that belong to no namespace
//! or to another one, each through in a moment. With the word `bad` the pod of `api` fails.

use crate::support::{Stack, deployment, hook_job};

const WORD: &str = "{{ .Values.word }}";

/// The hooks' Jobs.
pub const HOOKS: [&str; 3] = ["seed-hook", "migrate-hook", "undo-hook"];

/// A kind of the stack's own, and a role, neither of them in a namespace.
fn kinds(stack: &str) -> String {
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: {stack}-reader, labels: {{word: \"{WORD}\"}}}}
rules: [{{apiGroups: [''], resources: [pods], verbs: [get]}}]
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: widgets.{stack}.example.com}}
spec:
  group: {stack}.example.com
  scope: Namespaced
  names: {{kind: Widget, plural: widgets, singular: widget, listKind: WidgetList}}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties: {{spec: {{type: object, properties: {{word: {{type: string}}}}}}}}
"
    )
}

/// An object of that kind, one in another namespace, and one of a hook that stays.
fn others(stack: &str) -> String {
    format!(
        "apiVersion: {stack}.example.com/v1
kind: Widget
metadata: {{name: widget}}
spec: {{word: \"{WORD}\"}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: {stack}-elsewhere, namespace: default}}
data: {{word: \"{WORD}\"}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: stays, annotations: {{helm.sh/hook: \"pre-install\"}}}}
data: {{word: stays}}
"
    )
}

fn config(name: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{word: \"{WORD}\"}}\n"
    )
}

/// A Deployment whose pods are others with another word.
fn app(name: &str, init: &str) -> String {
    let inits = format!(
        "initContainers: [{{name: wait, image: docker.io/library/busybox:1.36, command: [sh, -c, \"{init}\"]}}]"
    );
    let word = format!("          env: [{{name: WORD, value: \"{WORD}\"}}]\n          command:");
    deployment(name, &inits).replace("          command:", &word)
}

/// One whose pods mount a claim of the chart's own.
fn with_volume(name: &str) -> String {
    let volume = format!(
        "volumes: [{{name: data, persistentVolumeClaim: {{claimName: {name}}}}}]\n      containers:"
    );
    let mount = "          volumeMounts: [{name: data, mountPath: /data}]\n          command:";
    let deployment = app(name, "true")
        .replacen("      containers:", &format!("      {volume}"), 1)
        .replace("          command:", mount)
        .replacen(
            "spec:\n  selector",
            "spec:\n  strategy: {type: Recreate}\n  selector",
            1,
        );
    format!(
        "{deployment}---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: {name}}}\n\
         spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Mi}}}}}}\n"
    )
}

/// Keeps what it has made up once, and says it whenever it starts.
fn database() -> String {
    format!(
        "apiVersion: v1
kind: Service
metadata: {{name: db}}
spec: {{clusterIP: None, selector: {{app: db}}, ports: [{{port: 80}}]}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: db}}
spec:
  serviceName: db
  selector: {{matchLabels: {{app: db}}}}
  template:
    metadata: {{labels: {{app: db}}}}
    spec:
      terminationGracePeriodSeconds: 1
      initContainers:
        - name: make
          image: docker.io/library/busybox:1.36
          command: [sh, -c, '[ -e /data/id ] || head -c 16 /dev/urandom | md5sum > /data/id']
          volumeMounts: [{{name: data, mountPath: /data}}]
      containers:
        - name: main
          image: docker.io/library/busybox:1.36
          env: [{{name: WORD, value: \"{WORD}\"}}]
          command: [sh, -c, 'trap exit TERM; cat /data/id; while :; do sleep 1; done']
          volumeMounts: [{{name: data, mountPath: /data}}]
  volumeClaimTemplates:
    - metadata: {{name: data}}
      spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Mi}}}}}}
"
    )
}

/// A profile beside the stack's, of the same stack without the releases that nothing else needs.
pub const FEWER: &str = "extends: profile.yaml\nreleases: {kinds: null, others: null, web: null}\n";

/// The stack with this word.
pub fn stack(name: &str) -> Stack {
    let events = "\"pre-install,pre-upgrade\"";
    let seed = hook_job(HOOKS[0], events, "sleep 1; echo seeded");
    let events = "\"post-install,post-upgrade\"";
    let migrate = hook_job(HOOKS[1], events, "sleep 1; echo migrated");
    let undo = hook_job(HOOKS[2], "pre-rollback", "sleep 1; echo undone");
    let word = "set: {word: \"${WORD}\"}";
    Stack::new(name)
        .release("seed", &format!("{}---\n{seed}", config("seed")), word)
        .release("db", &database(), &format!("needs: [seed], {word}"))
        .release(
            "files",
            &with_volume("files"),
            &format!("needs: [seed], {word}"),
        )
        .release(
            "migrate",
            &format!("{}---\n{migrate}---\n{undo}", config("migrate")),
            &format!("needs: [db], {word}"),
        )
        .release(
            "api",
            &app("api", "sleep 1").replace("echo up", "[ $WORD != bad ] || exit 3; echo up"),
            &format!("needs: [migrate], {word}"),
        )
        .release("kinds", &kinds(name), word)
        .release(
            "others",
            &others(name),
            &format!("needs: [kinds, seed], {word}"),
        )
        .release(
            "web",
            &app("web", "true"),
            &format!("needs: [api, files], {word}"),
        )
}
