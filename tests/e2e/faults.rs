//! A cluster that fails, or is not what it seems: on a sandbox of its own, one after another.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::ListParams;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use stackctl::event::EventKind;
use stackctl_sandbox::Sandbox;

use crate::scenarios::assert_said;
use crate::support::{
    Cluster, Said, Scenario, Stack, Started, deployment, eventually, kill_component, moment,
    own_sandbox,
};

/// Longer than a connection that is only slow and than a run trusts its Lease without renewing it,
/// shorter than a cluster that is gone.
const OUTAGE: Duration = Duration::from_secs(14);

/// A component that does not answer until this is dropped.
struct Stopped(Pid);

impl Stopped {
    fn component(sandbox: &Sandbox, name: &str) -> Stopped {
        let pid = sandbox.process(name).expect("it runs");
        let pid = Pid::from_raw(pid.cast_signed());
        kill(pid, Signal::SIGSTOP).expect("it is ours");
        Stopped(pid)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = kill(self.0, Signal::SIGCONT);
    }
}

#[test]
fn api_server_stopped() {
    is_survived("api-server-stopped", "kube-apiserver");
}

#[test]
fn kubelet_stopped() {
    is_survived("kubelet-stopped", "kubelet");
}

/// Long enough for the Lease to be free and for the node to be given up.
#[test]
fn api_server_away_for_a_minute() {
    let (_turn, sandbox) = own_sandbox();
    let slowly = moment(20);
    let stack = Stack::on(sandbox, "api-server-away")
        .release("app", &deployment("app", &slowly), "")
        .release("web", &deployment("web", ""), "needs: [app]");
    let mut run = Started::up_on(sandbox, &stack.profile());
    run.wait_for(|kind| matches!(kind, EventKind::ReleaseDeployed { .. }));
    let stopped = Stopped::component(sandbox, "kube-apiserver");
    thread::sleep(Duration::from_secs(60));
    drop(stopped);
    let ended = run.end().expect_code(0);
    let warnings = ended.warnings();
    assert_eq!(warnings.len(), 2, "{warnings:#?}");
    assert!(
        warnings[0].contains("Lease can't be renewed"),
        "{warnings:#?}"
    );
    assert!(warnings[1].contains("renewed again"), "{warnings:#?}");
    assert!(ended.ready("app") <= ended.started("web"));
}

/// The API server is killed while helm makes objects, and is soon back: the release is taken up where
/// that helm has left it, and where only its last word was lost, that is written for it.
#[test]
fn helm_loses_the_api_server() {
    let (_turn, sandbox) = own_sandbox();
    let many = "{{- range $at := until 2000 }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: part-{{ $at }}, labels: {part: one}}
{{- end }}";
    let stack = Stack::on(sandbox, "helm-loses-api").release("app", many, "");
    let run = Started::up_on(sandbox, &stack.profile());
    let cluster = Cluster::of(sandbox);
    eventually("helm is at work", Duration::from_secs(60), || {
        cluster.block_on(async |client| {
            let parts: Api<ConfigMap> = Api::namespaced(client, stack.namespace());
            let one = ListParams::default().labels("part=one").limit(1);
            let found = parts.list_metadata(&one).await.expect("an answer");
            (!found.items.is_empty()).then_some(())
        })
    });
    kill_component(sandbox, "kube-apiserver");
    run.end().expect_code(0);
    let status = cluster.release_status(stack.namespace(), "app");
    assert_eq!(status.as_deref(), Some("deployed"));
}

/// A component stops while an init container runs.
fn is_survived(name: &'static str, component: &str) {
    let (_turn, sandbox) = own_sandbox();
    let scenario = Scenario::on(sandbox, name);
    let said = scenario.up_while(|| {
        wait_for_init(&scenario);
        let _stopped = Stopped::component(sandbox, component);
        thread::sleep(OUTAGE);
    });
    assert_said(name, &said.expect_code(0));
}

/// Every connection breaks after five seconds, those of log streams too: no line is lost or doubled.
#[test]
fn connections_cut() {
    let (_turn, sandbox) = own_sandbox();
    let scenario = Scenario::on(sandbox, "connections-cut");
    let gate = Gate::before(&sandbox.address());
    let mut command = scenario.command("profile.yaml");
    let kubeconfig = gate.kubeconfig(sandbox);
    command.env("KUBECONFIG", kubeconfig.path());
    let said = scenario.said_while(command, || {
        wait_for_init(&scenario);
        for _ in 0..4 {
            thread::sleep(Duration::from_secs(5));
            gate.cut();
        }
    });
    assert_said("connections-cut", &said.expect_code(0));
}

/// What only events tell can't be told; everything else goes on.
#[test]
fn events_forbidden() {
    let (_turn, sandbox) = own_sandbox();
    let scenario = Scenario::on(sandbox, "events-forbidden");
    let token = scenario.kubectl(&["-n", scenario.namespace(), "create", "token", "deployer"]);
    let mut command = scenario.command("profile.yaml");
    let kubeconfig = with_user(sandbox, &format!("{{token: {}}}", token.trim()));
    command.env("KUBECONFIG", kubeconfig.path());
    let said = Said::of(&mut command).expect_code(5);
    assert_said("events-forbidden", &said);
}

#[test]
fn daemon_set_on_a_cordoned_node() {
    let (_turn, sandbox) = own_sandbox();
    let scenario = Scenario::on(sandbox, "daemon-set-cordoned");
    let nodes = scenario.kubectl(&["get", "nodes", "-o", "name"]);
    scenario.kubectl(&["cordon", nodes.trim()]);
    let said = scenario.up();
    scenario.kubectl(&["uncordon", nodes.trim()]);
    assert_said("daemon-set-cordoned", &said.expect_code(0));
}

#[test]
fn tainted() {
    let (_turn, sandbox) = own_sandbox();
    let scenario = Scenario::on(sandbox, "tainted");
    let taint = ["taint", "nodes", "--all", "--overwrite"];
    scenario.kubectl(&[&taint[..], &["gpu=true:NoSchedule"]].concat());
    let said = scenario.up();
    scenario.kubectl(&[&taint[..], &["gpu-"]].concat());
    assert_said("tainted", &said.expect_code(5));
}

/// Nothing is measured by comparing this machine's clock with the cluster's.
#[test]
fn clock_off() {
    let (_turn, sandbox) = own_sandbox();
    let scenario = Scenario::on(sandbox, "clock-off");
    for offset in ["-5m", "+5m"] {
        let mut command = scenario.command("profile.yaml");
        command
            .env("LD_PRELOAD", faketime())
            .env("FAKETIME", offset)
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        let said = Said::of(&mut command).expect_code(5);
        assert_said("clock-off", &said);
        scenario.cluster().remove_namespace(scenario.namespace());
    }
}

fn wait_for_init(scenario: &Scenario) {
    scenario.wait_for_pod("an init container runs", |pod| {
        let statuses = pod
            .status
            .as_ref()
            .and_then(|s| s.init_container_statuses.as_ref());
        statuses.into_iter().flatten().any(|status| {
            status
                .state
                .as_ref()
                .is_some_and(|state| state.running.is_some())
        })
    });
}

/// A door before the API server that can be slammed on all who are passing.
struct Gate {
    address: String,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Gate {
    fn before(server: &str) -> Gate {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let open = Arc::new(Mutex::new(Vec::new()));
        let (server, known) = (server.to_owned(), Arc::clone(&open));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&server) else {
                    continue;
                };
                let ends = [&client, &server].map(|end| end.try_clone().expect("a descriptor"));
                known.lock().expect("no panic").extend(ends);
                pass_on(&client, &server);
                pass_on(&server, &client);
            }
        });
        Gate { address, open }
    }

    fn cut(&self) {
        for stream in self.open.lock().expect("no panic").drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// The sandbox's kubeconfig, with this door as its server.
    fn kubeconfig(&self, sandbox: &Sandbox) -> tempfile::NamedTempFile {
        let text = std::fs::read_to_string(sandbox.kubeconfig()).expect("a kubeconfig");
        written(&text.replace(&sandbox.address(), &self.address))
    }
}

fn pass_on(from: &TcpStream, to: &TcpStream) {
    let mut from = from.try_clone().expect("a descriptor");
    let mut to = to.try_clone().expect("a descriptor");
    thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            if to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}

/// The sandbox's kubeconfig with another user.
fn with_user(sandbox: &Sandbox, user: &str) -> tempfile::NamedTempFile {
    let text = std::fs::read_to_string(sandbox.kubeconfig()).expect("a kubeconfig");
    let user: serde_json::Value = serde_saphyr::from_str(user).expect("a user");
    let mut config: serde_json::Value = serde_saphyr::from_str(&text).expect("YAML");
    config["users"][0]["user"] = user;
    written(&config.to_string())
}

fn written(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(text.as_bytes()).expect("written");
    file
}

/// The library that shifts a program's clock.
fn faketime() -> String {
    stackctl_sandbox::require("faketime", "faketime").expect("it can be installed");
    let found = Command::new("sh")
        .args(["-c", "ls /usr/lib/*/faketime/libfaketime.so.1"])
        .output()
        .expect("a shell");
    String::from_utf8_lossy(&found.stdout).trim().to_owned()
}
