//! Trouble on the machine where stackctl runs: each is survived, or ends with a clear sentence.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::Api;
use kube::api::PostParams;
use nix::sys::signal::Signal;
use stackctl::event::EventKind;

use crate::support::{Cluster, Stack, Started, deployment, hook_job, sandbox, stackctl};

/// An account that may do everything.
const ACCOUNT: &str = "trouble-token";

/// A release whose hook takes some seconds.
fn slow(name: &str, seconds: u32) -> Stack {
    let hook = hook_job(
        "slow",
        "\"pre-install,pre-upgrade\"",
        &format!("sleep {seconds}"),
    );
    let chart = format!("{}---\n{hook}", deployment("web", ""));
    Stack::new(name).release("web", &chart, "")
}

fn up(stack: &Stack, more: &[&str]) -> Command {
    let profile = stack.profile();
    let profile = profile.to_str().expect("a path in UTF-8").to_owned();
    stackctl(&[&["up", "--profile", &profile][..], more].concat())
}

fn status(stack: &Stack) -> Option<String> {
    Cluster::of(sandbox()).release_status(stack.namespace(), "web")
}

#[test]
fn a_reader_that_goes_away_does_not_end_a_run() {
    let stack = slow("trouble-reader", 3);
    let mut child = up(&stack, &["--progress", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    lines.next().expect("a line").expect("text");
    drop(lines);
    let ended = child.wait().expect("it ends");
    assert!(ended.success(), "{ended}");
    assert_eq!(status(&stack).as_deref(), Some("deployed"));
}

#[test]
fn a_full_disk_behind_stdout_is_told_and_the_run_goes_on() {
    let stack = slow("trouble-stdout", 1);
    let full = fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("a device");
    let output = up(&stack, &["-o", "json", "--progress", "quiet"])
        .stdout(full)
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(
        said.contains("stdout can't be written to: No space left on device"),
        "{said}"
    );
    assert_eq!(status(&stack).as_deref(), Some("deployed"));
}

/// A disk of a few kilobytes, gone with its guard.
struct Disk(tempfile::TempDir);

impl Disk {
    fn of(kilobytes: u32) -> Disk {
        let folder = tempfile::tempdir().expect("a folder");
        let size = format!("size={kilobytes}k");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(folder.path())
            .status()
            .expect("mount runs");
        assert!(mounted.success());
        Disk(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_for_temporary_files_stops_a_run_before_it_begins() {
    let stack = slow("trouble-disk", 1);
    let padding = "#".repeat(400 * 1024);
    fs::write(stack.folder().join("web/README.md"), padding).expect("a file");
    let disk = Disk::of(64);
    let output = up(&stack, &[])
        .env("TMPDIR", disk.path())
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(matches!(output.status.code(), Some(3 | 4)), "{said}");
    assert!(said.contains("No space left on device"), "{said}");
    assert_eq!(status(&stack), None, "nothing was touched");
    assert!(
        fs::read_dir(disk.path())
            .expect("a folder")
            .next()
            .is_none(),
        "nothing is left"
    );
}

/// What a terminal sends to whoever was started from it when it is closed.
#[test]
fn a_terminal_that_is_closed_lets_helm_end() {
    let stack = slow("trouble-hangup", 600);
    let mut run = Started::up(&stack.profile());
    run.wait_for(|kind| matches!(kind, EventKind::HookChanged { .. }));
    run.signal(Signal::SIGHUP);
    run.end().expect_code(143);
    assert_eq!(
        status(&stack).as_deref(),
        Some("failed"),
        "helm has written it down"
    );
}

/// The kubeconfig's program gives tokens that it says last two seconds.
#[test]
fn a_token_that_expires_is_renewed() {
    let stack = slow("trouble-token", 8);
    let token = Cluster::of(sandbox()).block_on(async |client| {
        let params = PostParams::default();
        // They are there from an earlier test where that was cut off.
        let bindings: Api<ClusterRoleBinding> = Api::all(client.clone());
        let binding = serde_json::from_value(serde_json::json!({
            "metadata": {"name": ACCOUNT},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": "default"}],
        }));
        let _ = bindings.create(&params, &binding.expect("a binding")).await;
        let accounts: Api<ServiceAccount> = Api::namespaced(client, "default");
        let account = serde_json::from_value(serde_json::json!({"metadata": {"name": ACCOUNT}}));
        let _ = accounts.create(&params, &account.expect("an account")).await;
        let request = TokenRequest {
            spec: Some(TokenRequestSpec {
                expiration_seconds: Some(600),
                ..TokenRequestSpec::default()
            }),
            ..TokenRequest::default()
        };
        let answer = accounts.create_token_request(ACCOUNT, &params, &request).await;
        let status = answer.expect("an answer").status.expect("a token");
        status.token.expect("a token")
    });
    let folder = stack.folder();
    let asked = folder.join("asked");
    let script = format!(
        "#!/bin/sh\necho asked >> {}\nuntil=$(date -u -d '+2 seconds' +%Y-%m-%dT%H:%M:%SZ)\n\
         echo '{{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\
         \"status\":{{\"token\":\"{token}\",\"expirationTimestamp\":\"'$until'\"}}}}'\n",
        asked.display()
    );
    let program = folder.join("give-token");
    fs::write(&program, script).expect("a script");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a mode");
    let config = fs::read_to_string(sandbox().kubeconfig()).expect("a kubeconfig");
    let mut config: serde_json::Value = serde_saphyr::from_str(&config).expect("YAML");
    config["users"][0]["user"] = serde_json::json!({"exec": {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": program,
        "interactiveMode": "Never",
    }});
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(config.to_string().as_bytes())
        .expect("written");
    let output = up(&stack, &["--progress", "plain"])
        .env("KUBECONFIG", file.path())
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let times = fs::read_to_string(asked)
        .expect("it was asked")
        .lines()
        .count();
    assert!(times > 4, "asked {times} times");
}
