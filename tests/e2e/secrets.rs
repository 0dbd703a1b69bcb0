//! What nobody is to see is seen nowhere: canaries in every input that may be secret, looked for in
//! every output, in the arguments of every process, in what stays in the cluster, and in what a run
//! that was killed leaves behind.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Event, Secret};
use kube::Api;
use kube::api::ListParams;

use crate::support::{Cluster, Stack, deployment, hook_job, sandbox, stackctl};

const CANARY: &str = "canary-";

const SECRET: &str = "apiVersion: v1
kind: Secret
metadata: {name: own}
stringData:
  env: '{{ .Values.env }}'
  file: '{{ .Values.file }}'
  command: '{{ .Values.command }}'
  plain: '{{ .Values.plain }}'
  given: '{{ .Values.given }}'
  more: '{{ .Values.more }}'
";

/// Where a chart has no business to put them.
const IN_PLAIN: &str = "---
apiVersion: v1
kind: ConfigMap
metadata: {name: plain}
data:
  env: 'postgres://user:{{ .Values.env }}@db'
  file: '{{ .Values.file }}'
  encoded: '{{ printf \"user:%s\" .Values.command | b64enc }}'
";

/// Every process's arguments, for as long as it lives.
struct Arguments {
    end: Arc<AtomicBool>,
    thread: JoinHandle<Vec<String>>,
}

impl Arguments {
    fn watch() -> Arguments {
        let end = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&end);
        let thread = std::thread::spawn(move || {
            let mut found = Vec::new();
            while !ended.load(Ordering::Relaxed) {
                for entry in fs::read_dir("/proc").expect("/proc").flatten() {
                    let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                    let line = String::from_utf8_lossy(&line).into_owned();
                    if line.contains(CANARY) && !found.contains(&line) {
                        found.push(line);
                    }
                }
            }
            found
        });
        Arguments { end, thread }
    }

    fn end(self) -> Vec<String> {
        self.end.store(true, Ordering::Relaxed);
        self.thread.join().expect("no panic")
    }
}

fn stack(name: &str, more: &str) -> Stack {
    let hook = hook_job("seed", "\"pre-install,pre-upgrade\"", "sleep 1");
    let web = deployment("web", "");
    let chart = format!("{SECRET}{IN_PLAIN}---\n{web}---\n{hook}{more}");
    let stack = Stack::new(name).release(
        "web",
        &chart,
        "values: [./plain.yaml, {given: \"${GIVEN}\"}], set: {more: canary-set}, \
         valuesFrom: [{env: FETCHED, path: env}, {file: ./own.txt, path: file}, \
         {command: [./print.sh], path: command}]",
    );
    let folder = stack.folder();
    fs::write(folder.join("plain.yaml"), "plain: canary-plain\n").expect("a file");
    fs::write(folder.join("own.txt"), "canary-file\n").expect("a file");
    let script = folder.join("print.sh");
    fs::write(&script, "#!/bin/sh\necho canary-command\n").expect("a script");
    fs::set_permissions(script, fs::Permissions::from_mode(0o755)).expect("a mode");
    stack
}

fn command(stack: &Stack, temp: &Path, args: &[&str]) -> Command {
    let profile = stack.profile();
    let profile = profile.to_str().expect("a path in UTF-8").to_owned();
    let mut command = stackctl(&[args, &["--profile", &profile]].concat());
    command
        .env("FETCHED", "canary-env")
        .env("GIVEN", "canary-given")
        .env("TMPDIR", temp);
    command
}

#[track_caller]
fn expect_clean(what: &str, output: &Output, code: i32) {
    let text = [output.stdout.clone(), output.stderr.clone()].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert_eq!(output.status.code(), Some(code), "{what}\n{text}");
    // `user:canary-command` in base64.
    let encoded = "dXNlcjpjYW5hcnktY29tbWFuZA";
    let line = text
        .lines()
        .find(|line| line.contains(CANARY) || line.contains(encoded));
    assert_eq!(line, None, "{what}");
}

#[test]
fn nobody_is_told_what_is_secret() {
    let stack = stack("secrets-told", "");
    let temp = tempfile::tempdir().expect("a folder");
    let arguments = Arguments::watch();
    let run = |args: &[&str], code: i32| {
        let output = command(&stack, temp.path(), args)
            .output()
            .expect("it runs");
        expect_clean(&args.join(" "), &output, code);
    };
    run(&["plan"], 0);
    run(&["check", "-o", "json"], 0);
    run(&["up", "--progress", "plain", "-vvv"], 0);
    run(&["up", "--progress", "json", "-vvv"], 0);
    fs::write(stack.folder().join("own.txt"), "canary-other\n").expect("a file");
    let script = "#!/bin/sh\necho canary-command-too\n";
    fs::write(stack.folder().join("print.sh"), script).expect("a script");
    for format in ["text", "json", "yaml"] {
        run(&["plan", "-o", format, "-vv"], 0);
    }
    let saved = temp.path().join("kept.plan");
    let saved = saved.to_str().expect("a path in UTF-8");
    run(&["plan", "--save", saved], 0);
    assert!(!fs::read_to_string(saved).expect("a plan").contains(CANARY));
    fs::remove_file(saved).expect("it is there");
    run(&["up", "-o", "json", "--progress", "quiet"], 0);
    for args in [
        &["status", "-o", "json"][..],
        &["history", "-o", "json"],
        &["doctor", "-o", "json"],
        &["rollback", "--progress", "json", "-vvv"],
        &["logs"],
    ] {
        run(args, 0);
    }
    kept(stack.namespace());
    run(&["down", "--yes", "--progress", "json", "-vvv"], 0);
    assert_eq!(arguments.end(), Vec::<String>::new());
    let left: Vec<_> = fs::read_dir(temp.path())
        .expect("a folder")
        .flatten()
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// What stays in the cluster, but for helm's own records and the Secret itself.
fn kept(namespace: &str) {
    Cluster::of(sandbox()).block_on(async |client| {
        let params = ListParams::default();
        let mut all = String::new();
        let leases: Api<Lease> = Api::namespaced(client.clone(), namespace);
        let list = leases.list(&params).await.expect("leases");
        all += &serde_json::to_string(&list).expect("JSON");
        let events: Api<Event> = Api::namespaced(client.clone(), namespace);
        let list = events.list(&params).await.expect("events");
        all += &serde_json::to_string(&list).expect("JSON");
        let secrets: Api<Secret> = Api::namespaced(client, namespace);
        for secret in secrets.list(&params).await.expect("secrets") {
            all += &serde_json::to_string(&secret.metadata.labels).expect("JSON");
            if secret.type_.as_deref() == Some("stackctl.dev/stack.v1") {
                for data in secret.data.expect("data").into_values() {
                    all += &String::from_utf8_lossy(&data.0);
                }
            }
        }
        assert!(
            all.contains("secrets-told"),
            "there is something to look at"
        );
        assert!(!all.contains(CANARY), "{all}");
    });
}

/// helm's own words carry what was fetched.
#[test]
fn what_helm_says_of_a_failure_is_cleared() {
    let fails =
        "---\n{{ fail (printf \"%s and %s and %s\" .Values.env .Values.file .Values.command) }}\n";
    let stack = stack("secrets-fail", fails);
    let temp = tempfile::tempdir().expect("a folder");
    for args in [
        &["up", "--progress", "json"][..],
        &["up", "--progress", "plain"],
        &["plan"],
    ] {
        let output = command(&stack, temp.path(), args)
            .output()
            .expect("it runs");
        expect_clean(&args.join(" "), &output, 5);
        let text = [output.stdout, output.stderr].concat();
        assert!(String::from_utf8_lossy(&text).contains("(secret) and (secret)"));
    }
}

#[test]
fn what_a_killed_run_leaves_goes_with_the_next() {
    let stack = stack("secrets-killed", "");
    let temp = tempfile::tempdir().expect("a folder");
    let mut child = command(&stack, temp.path(), &["up"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let has_values = || {
        let files = walk(temp.path());
        files.into_iter().find(|file| {
            let text = fs::read_to_string(file).unwrap_or_default();
            text.contains(CANARY)
        })
    };
    let limit = std::time::Duration::from_secs(60);
    let file = crate::support::eventually("the values are written", limit, has_values);
    child.kill().expect("it lives");
    child.wait().expect("it ends");
    let mode = |path: &Path| {
        fs::metadata(path)
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(&file), 0o600);
    let folders = file.ancestors().take_while(|folder| *folder != temp.path());
    assert!(folders.skip(1).all(|folder| mode(folder) == 0o700));

    let output = command(&stack, temp.path(), &["up"])
        .output()
        .expect("it runs");
    expect_clean("up", &output, 0);
    assert_eq!(walk(temp.path()), Vec::<std::path::PathBuf>::new());
}

/// All files below a folder.
fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path().is_dir() {
            true => files.extend(walk(&entry.path())),
            false => files.push(entry.path()),
        }
    }
    files
}
