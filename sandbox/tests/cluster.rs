//! What a sandbox with a real node promises its users, each promise tried out.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that can't go on says where")]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::Own;

const IMAGE: &str = "stackctl.io/sandbox/test:1";

/// Makes an image of Debian's busybox. The dynamic one: the static one crashes in name look-ups.
fn image(folder: &Path) -> PathBuf {
    let archive = folder.join("test.tar");
    let script = r#"
        set -eu
        cd "$1"
        chmod 777 .
        apt-get download -qq busybox
        dpkg-deb -x busybox_*.deb unpacked
        mkdir -p root/bin root/tmp root/etc root/www
        cp "$(find unpacked -path '*bin/busybox' -type f)" root/bin/busybox
        ldd root/bin/busybox | grep -o '/[^ ]*' | while read -r library; do
            mkdir -p "root$(dirname "$library")"
            cp -L "$library" "root$library"
        done
        for tool in sh cat cp echo id ls mkdir nc nslookup sleep touch wget httpd; do ln -s busybox root/bin/$tool; done
        echo hello > root/www/index.html
        umoci init --layout layout
        umoci new --image layout:test
        umoci insert --image layout:test root /
        umoci config --image layout:test --config.cmd /bin/sh --config.env PATH=/bin
        skopeo copy --quiet --insecure-policy oci:layout:test "oci-archive:$2:$3"
    "#;
    let output = Command::new("sh")
        .args(["-c", script, "image"])
        .arg(folder)
        .arg(&archive)
        .arg(IMAGE)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    archive
}

const OBJECTS: &str = r#"
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: shared}
spec:
  accessModes: [ReadWriteMany]
  resources: {requests: {storage: 1Gi}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: late}
spec:
  storageClassName: late
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  securityContext: {runAsUser: 1000, runAsGroup: 1000, runAsNonRoot: true}
  initContainers:
    - name: prepare
      image: stackctl.io/sandbox/test:1
      command: [sh, -c, "echo from init > /shared/index.html && echo prepared"]
      volumeMounts: [{name: shared, mountPath: /shared}]
  containers:
    - name: web
      image: stackctl.io/sandbox/test:1
      command: [sh, -c, "echo serving; exec httpd -f -p 8080 -h /shared"]
      readinessProbe: {httpGet: {port: 8080, path: /}, periodSeconds: 1}
      volumeMounts: [{name: shared, mountPath: /shared}, {name: late, mountPath: /late}]
  volumes:
    - {name: shared, persistentVolumeClaim: {claimName: shared}}
    - {name: late, persistentVolumeClaim: {claimName: late}}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec:
  containers:
    - name: client
      image: stackctl.io/sandbox/test:1
      command: [sleep, "3600"]
      volumeMounts: [{name: shared, mountPath: /shared}]
  volumes:
    - {name: shared, persistentVolumeClaim: {claimName: shared}}
"#;

fn exec(own: &Own, pod: &str, script: &str) -> String {
    own.kubectl_ok(&["exec", pod, "-c", pod, "--", "sh", "-c", script])
}

#[test]
#[ignore = "needs root (brings up a sandbox and runs pods in it)"]
fn a_real_node_keeps_its_promises() {
    let own = Own::new("cluster");
    own.ok(&["up", "--nodes", "real", "--audit"]);
    let folder = tempfile::tempdir().unwrap();
    own.ok(&["load", image(folder.path()).to_str().unwrap()]);

    let applied = own.apply(OBJECTS);
    assert!(
        applied.status.success(),
        "{}",
        String::from_utf8_lossy(&applied.stderr)
    );
    own.kubectl_ok(&[
        "wait",
        "pod/web",
        "pod/client",
        "--for=condition=Ready",
        "--timeout=60s",
    ]);

    // Logs, of an init container too.
    assert_eq!(
        own.kubectl_ok(&["logs", "web", "-c", "prepare"]),
        "prepared\n"
    );
    assert_eq!(own.kubectl_ok(&["logs", "web", "-c", "web"]), "serving\n");
    // Volumes: the user 1000 writes to both classes, and a second pod sees the shared one.
    assert_eq!(
        exec(&own, "web", "id -u; echo x > /late/x && cat /late/x"),
        "1000\nx\n"
    );
    assert_eq!(
        exec(&own, "client", "cat /shared/index.html"),
        "from init\n"
    );
    // DNS and Services, from a pod.
    assert_eq!(
        exec(
            &own,
            "client",
            "wget -qO- http://web.default.svc.cluster.local"
        ),
        "from init\n"
    );
    assert_eq!(exec(&own, "client", "wget -qO- http://web"), "from init\n");
    assert!(exec(&own, "client", "nslookup web.default.svc.cluster.local").contains("10.96."));
    // A Service leads a pod back to itself. Its short name would be the pod's own host name.
    assert_eq!(
        exec(&own, "web", "wget -qO- http://web.default"),
        "from init\n"
    );
    // The API server, from a pod.
    let reached = exec(
        &own,
        "client",
        "nc -w 3 kubernetes.default.svc.cluster.local 443 < /dev/null && echo reached",
    );
    assert_eq!(reached, "reached\n");
    // Names outside do not exist, and that is said at once.
    let began = std::time::Instant::now();
    let outside = own.kubectl(&[
        "exec",
        "client",
        "--",
        "wget",
        "-qO-",
        "-T",
        "20",
        "http://outside.invalid",
    ]);
    assert!(!outside.status.success());
    assert!(began.elapsed().as_secs() < 5, "took {:?}", began.elapsed());

    port_forward(&own);
    refusals(&own);
    helm(&own, folder.path());

    let log = std::fs::read_to_string(own.folder().join("logs/audit.jsonl")).unwrap();
    assert!(
        log.lines()
            .any(|line| line.contains("\"verb\":\"create\"") && line.contains("\"name\":\"web\""))
    );
    let bodies = || {
        log.lines()
            .filter(|line| line.contains("\"requestObject\":"))
    };
    assert!(bodies().any(|line| line.contains("\"containerStatuses\":")));
    assert!(bodies().all(|line| line.contains("\"subresource\":\"status\"")));
    // Nothing of it is others' to read.
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(kubeconfig(&own)).unwrap());
    assert_eq!(mode & 0o777, 0o600);
}

fn port_forward(own: &Own) {
    let mut forward = Command::new(own.folder().join("bin/kubectl"))
        .arg("--kubeconfig")
        .arg(kubeconfig(own))
        .args(["port-forward", "--address=127.0.0.1", "pod/web", ":8080"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    // Kept open: kubectl writes a line for each connection, and would die of a closed pipe.
    let mut said = BufReader::new(forward.stdout.take().unwrap());
    said.read_line(&mut line).unwrap();
    let port: u16 = line
        .split("127.0.0.1:")
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    forward.kill().unwrap();
    forward.wait().unwrap();
    assert!(answer.ends_with("from init\n"), "{answer}");
}

fn refusals(own: &Own) {
    // Pod Security admission.
    own.kubectl_ok(&["create", "namespace", "strict"]);
    own.kubectl_ok(&[
        "label",
        "namespace",
        "strict",
        "pod-security.kubernetes.io/enforce=restricted",
    ]);
    let refused = own.apply(
        "{apiVersion: v1, kind: Pod, metadata: {name: root, namespace: strict}, \
         spec: {containers: [{name: root, image: 'stackctl.io/sandbox/test:1'}]}}",
    );
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && told.contains("violates PodSecurity"),
        "{told}"
    );

    // An image that was not loaded.
    own.apply(
        "{apiVersion: v1, kind: Pod, metadata: {name: missing}, \
         spec: {containers: [{name: missing, image: 'docker.io/library/missing:1'}]}}",
    );
    let reason = "jsonpath={.status.containerStatuses[0].state.waiting.reason}=ErrImagePull";
    own.kubectl_ok(&[
        "wait",
        "pod/missing",
        &format!("--for={reason}"),
        "--timeout=30s",
    ]);
}

fn helm(own: &Own, folder: &Path) {
    let helm = own.ok(&["helm"]);
    let run = |args: &[&str]| {
        let output = Command::new(helm.trim())
            .args(args)
            .env("KUBECONFIG", kubeconfig(own))
            .env("HOME", folder)
            .current_dir(folder)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "helm {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(run(&["version", "--short"]).starts_with("v4.3.0"));
    std::fs::create_dir_all(folder.join("chart/templates")).unwrap();
    std::fs::write(
        folder.join("chart/Chart.yaml"),
        "{apiVersion: v2, name: idle, version: 1.0.0}",
    )
    .unwrap();
    std::fs::write(
        folder.join("chart/templates/deployment.yaml"),
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: idle}, spec: {replicas: 2, selector: {matchLabels: \
         {app: idle}}, template: {metadata: {labels: {app: idle}}, spec: {containers: [{name: idle, image: \
         'stackctl.io/sandbox/pause:1'}]}}}}",
    )
    .unwrap();
    run(&["install", "idle", "./chart", "--wait", "--timeout=60s"]);
    assert_eq!(
        own.kubectl_ok(&[
            "get",
            "deployment",
            "idle",
            "-o=jsonpath={.status.readyReplicas}"
        ]),
        "2"
    );
    run(&["uninstall", "idle", "--wait"]);
}

#[test]
#[ignore = "needs root (brings up two sandboxes at once)"]
fn two_sandboxes_do_not_meet() {
    let (one, two) = (Own::new("meet-one"), Own::new("meet-two"));
    std::thread::scope(|scope| {
        scope.spawn(|| one.ok(&["up", "--nodes", "real"]));
        scope.spawn(|| two.ok(&["up", "--nodes", "kwok"]));
    });
    one.kubectl_ok(&["create", "namespace", "only-in-one"]);
    assert!(
        !two.kubectl(&["get", "namespace", "only-in-one"])
            .status
            .success()
    );
    one.ok(&["down"]);
    two.kubectl_ok(&["get", "nodes"]);
}

#[test]
#[ignore = "builds the control plane (brings up simulated nodes)"]
fn simulated_pods_go_through_their_phases() {
    let own = Own::new("phases");
    own.ok(&["up", "--nodes", "kwok"]);
    let applied = own.apply(
        "{apiVersion: v1, kind: List, items: [\
         {apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 3, selector: {matchLabels: {app: web}}, \
         template: {metadata: {labels: {app: web}}, spec: {\
         initContainers: [{name: first, image: a}, {name: second, image: b}], containers: [{name: web, image: c}]}}}},\
         {apiVersion: batch/v1, kind: Job, metadata: {name: job}, spec: {template: {spec: {restartPolicy: Never, \
         containers: [{name: job, image: d}]}}}}]}",
    );
    assert!(
        applied.status.success(),
        "{}",
        String::from_utf8_lossy(&applied.stderr)
    );
    own.kubectl_ok(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    own.kubectl_ok(&[
        "wait",
        "job/job",
        "--for=condition=Complete",
        "--timeout=60s",
    ]);
    // One after the other, as a kubelet runs them.
    let order = own.kubectl_ok(&[
        "get",
        "pods",
        "-l=app=web",
        "-o=jsonpath={range .items[*]}{.status.initContainerStatuses[0].state.terminated.finishedAt} \
         {.status.initContainerStatuses[1].state.terminated.startedAt}{'\\n'}{end}",
    ]);
    for line in order.lines() {
        let (finished, started) = line.split_once(' ').unwrap();
        assert!(finished <= started, "{line}");
    }
    own.kubectl_ok(&["delete", "deployment/web", "--wait"]);
    own.kubectl_ok(&[
        "wait",
        "pods",
        "-l=app=web",
        "--for=delete",
        "--timeout=60s",
    ]);
}

#[test]
#[ignore = "builds the control plane (brings up simulated nodes)"]
fn simulated_nodes_have_addresses_with_nobody_behind_them() {
    let own = Own::new("addresses");
    own.ok(&["up", "--nodes", "kwok"]);
    let applied = own.apply(
        "{apiVersion: v1, kind: List, items: [\
         {apiVersion: v1, kind: Pod, metadata: {name: on-host}, spec: {hostNetwork: true, containers: [{name: a, image: a}]}},\
         {apiVersion: v1, kind: Service, metadata: {name: hook}, spec: {selector: {app: hook}, ports: [{port: 443}]}},\
         {apiVersion: v1, kind: Pod, metadata: {name: hook, labels: {app: hook}}, spec: {containers: [{name: a, image: a}]}}]}",
    );
    assert!(
        applied.status.success(),
        "{}",
        String::from_utf8_lossy(&applied.stderr)
    );
    let both = ["pod/on-host", "pod/hook", "--for=condition=Ready"];
    own.kubectl_ok(&[&["wait"][..], &both, &["--timeout=60s"]].concat());
    let node = own.kubectl_ok(&["get", "pod", "on-host", "-o=jsonpath={.spec.nodeName}"]);
    let address = "-o=jsonpath={.status.addresses[?(@.type=='InternalIP')].address}";
    let expected = own.kubectl_ok(&["get", "node", &node, address]);
    let pod = own.kubectl_ok(&["get", "pod", "on-host", "-o=jsonpath={.status.podIP}"]);
    assert!(!pod.is_empty() && pod == expected, "{pod} and {expected}");

    own.apply(
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: hook}, \
         webhooks: [{name: hook.example.com, failurePolicy: Fail, sideEffects: None, admissionReviewVersions: [v1], \
         timeoutSeconds: 30, clientConfig: {service: {namespace: default, name: hook}}, \
         rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]}]}",
    );
    // The API server takes up a new webhook a moment later; each of the answers says how long it took.
    let refused = loop {
        let began = std::time::Instant::now();
        let output = own.kubectl(&["create", "configmap", "any", "--dry-run=server"]);
        if !output.status.success() {
            break (
                began.elapsed(),
                String::from_utf8_lossy(&output.stderr).into_owned(),
            );
        }
    };
    assert!(refused.1.contains("hook.example.com"), "{}", refused.1);
    assert!(refused.0.as_secs() < 10, "{refused:?}");
}

#[test]
fn a_name_that_fits_no_path_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_stackctl-sandbox"))
        .args(["status", "--name", "../x"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("can't name a sandbox"));
}

fn kubeconfig(own: &Own) -> PathBuf {
    PathBuf::from(own.ok(&["kubeconfig"]).trim())
}
