//! Whatever way a sandbox ends, the machine is as it was before.

#![expect(clippy::unwrap_used, reason = "a test that can't go on says where")]

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use support::Own;

/// What of the machine a sandbox could change, one line a fact.
fn machine(own: &Own) -> BTreeSet<String> {
    let mut facts = BTreeSet::new();
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap();
    facts.extend(mounts.lines().map(|line| format!("mount {line}")));
    for entry in std::fs::read_dir("/sys/class/net").unwrap().flatten() {
        facts.insert(format!("link {}", entry.file_name().display()));
    }
    let rules = Command::new("iptables-save")
        .output()
        .map(|output| output.stdout)
        .unwrap_or_default();
    let rules = String::from_utf8_lossy(&rules).into_owned();
    // Comments carry the time, chain headers the packets counted.
    let rules = rules
        .lines()
        .filter(|line| line.starts_with("-A") || line.starts_with('*'));
    facts.extend(rules.map(|line| format!("rule {line}")));
    for group in mounts.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split(' ').collect();
        fields[2]
            .starts_with("cgroup")
            .then(|| fields[1].to_owned())
    }) {
        facts.extend(names(Path::new(&group)).map(|name| format!("cgroup {group}/{name}")));
    }
    for folder in [
        "/",
        "/etc",
        "/etc/cni",
        "/opt",
        "/mnt",
        "/run",
        "/run/netns",
        "/usr/libexec",
        "/var/lib",
        "/var/log",
        "/root",
    ] {
        facts.extend(names(Path::new(folder)).map(|name| format!("file {folder} {name}")));
    }
    for setting in [
        "vm/overcommit_memory",
        "vm/panic_on_oom",
        "kernel/panic",
        "kernel/panic_on_oops",
        "net/ipv4/ip_forward",
    ] {
        let value =
            std::fs::read_to_string(Path::new("/proc/sys").join(setting)).unwrap_or_default();
        facts.insert(format!("setting {setting} {}", value.trim()));
    }
    facts.extend(processes(own));
    if own.folder().exists() {
        facts.insert(format!("folder {}", own.folder().display()));
    }
    facts
}

fn names(folder: &Path) -> impl Iterator<Item = String> {
    std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().display().to_string())
}

/// The sandbox's processes, and the network namespaces that only they are in.
fn processes(own: &Own) -> BTreeSet<String> {
    let folder = own.folder().display().to_string();
    let mut facts = BTreeSet::new();
    for pid in names(Path::new("/proc")).filter(|name| name.parse::<u32>().is_ok()) {
        let process = Path::new("/proc").join(&pid);
        let line =
            String::from_utf8_lossy(&std::fs::read(process.join("cmdline")).unwrap_or_default())
                .into_owned();
        let groups = std::fs::read_to_string(process.join("cgroup")).unwrap_or_default();
        if line.contains(&folder) || groups.contains(&format!("/stackctl-sandbox-{}/", own.name)) {
            facts.insert(format!("process {pid} {line}"));
            if let Ok(network) = std::fs::read_link(process.join("ns/net")) {
                facts.insert(format!("network {}", network.display()));
            }
        }
    }
    facts
}

fn assert_unchanged(before: &BTreeSet<String>, own: &Own, after: &str) {
    let now = machine(own);
    let new: Vec<_> = now.difference(before).collect();
    let gone: Vec<_> = before.difference(&now).collect();
    assert!(
        new.is_empty() && gone.is_empty(),
        "after {after}\nnew: {new:#?}\ngone: {gone:#?}"
    );
}

/// Runs a pod, so that there are containers, their mounts and their network to be left behind.
fn run_pod(own: &Own) {
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: idle}, spec: {containers: [{name: idle, \
               image: 'stackctl.io/sandbox/pause:1', volumeMounts: [{name: scratch, mountPath: /scratch}]}], \
               volumes: [{name: scratch, emptyDir: {medium: Memory}}]}}";
    let output = own.apply(pod);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    own.kubectl_ok(&["wait", "pod/idle", "--for=condition=Ready", "--timeout=60s"]);
}

#[test]
#[ignore = "needs root (brings up a sandbox and takes it down)"]
fn after_down() {
    let own = Own::new("leaves-down");
    let before = machine(&own);
    own.ok(&["up", "--nodes", "real"]);
    run_pod(&own);
    let while_up = machine(&own);
    let kinds: BTreeSet<&str> = while_up
        .difference(&before)
        .filter_map(|fact| fact.split(' ').next())
        .collect();
    assert_eq!(
        kinds,
        BTreeSet::from(["cgroup", "folder", "network", "process"]),
        "the host sees only these while it is up"
    );
    own.ok(&["down"]);
    assert_unchanged(&before, &own, "down");
}

#[test]
#[ignore = "needs root (brings up a sandbox and kills what holds it together)"]
fn after_kill_of_the_supervisor() {
    let own = Own::new("leaves-kill");
    let before = machine(&own);
    own.ok(&["up", "--nodes", "real"]);
    run_pod(&own);
    kill_all_with(&own, "supervisor.pid");
    own.ok(&["up"]);
    run_pod(&own);
    kill_all_with(&own, "keeper.pid");
    own.ok(&["down"]);
    assert_unchanged(&before, &own, "two kills, up and down");
}

/// They are killed three at a time, none with one that it needs.
#[test]
#[ignore = "needs root (brings up a sandbox and kills every component)"]
fn after_kill_of_each_component() {
    let own = Own::new("leaves-part");
    let before = machine(&own);
    own.ok(&["up", "--nodes", "real"]);
    run_pod(&own);
    for components in [
        ["etcd", "kubelet", "coredns"],
        ["kube-apiserver", "containerd", "kube-proxy"],
        [
            "kube-controller-manager",
            "kube-scheduler",
            "volume-provisioner",
        ],
    ] {
        let killed = components.map(|component| pid_of(&own, component));
        killed.into_iter().for_each(kill);
        own.ok(&["up"]);
        for (component, killed) in components.into_iter().zip(killed) {
            let now = pid_of(&own, component);
            assert_ne!(now, killed, "{component} was not started again");
        }
        own.kubectl_ok(&["get", "pod", "idle"]);
    }
    own.ok(&["down"]);
    assert_unchanged(&before, &own, "kill -9 of each component and down");
}

#[test]
#[ignore = "builds the control plane (brings up simulated nodes and kills them)"]
fn simulated_nodes_leave_nothing_either() {
    let own = Own::new("leaves-kwok");
    let before = machine(&own);
    for file in [None, Some("supervisor.pid"), Some("keeper.pid")] {
        own.ok(&["up", "--nodes", "kwok"]);
        if let Some(file) = file {
            kill(pid_in(&own, file));
        }
        own.ok(&["down"]);
        assert_unchanged(
            &before,
            &own,
            &format!("simulated nodes, kill -9 of {file:?}, down"),
        );
    }
}

/// Returns the process id of a component as `status` tells it. One that ends because another was
/// away is started again, and has none for a moment.
fn pid_of(own: &Own, component: &str) -> u32 {
    let began = Instant::now();
    loop {
        let output = own.run(&["status"]);
        let status = String::from_utf8_lossy(&output.stdout);
        let mut lines = status.lines().map(str::split_whitespace);
        let mut line = lines.find(|line| line.clone().nth(1) == Some(component));
        let pid = line.as_mut().and_then(|line| line.nth(2)?.parse().ok());
        if let Some(pid) = pid {
            return pid;
        }
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "{component} does not run:\n{status}"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Returns what a file in its folder says.
fn pid_in(own: &Own, file: &str) -> u32 {
    std::fs::read_to_string(own.folder().join(file))
        .unwrap()
        .parse()
        .unwrap()
}

/// Kills the process that a file names, and waits until all others have ended with it.
fn kill_all_with(own: &Own, file: &str) {
    kill(pid_in(own, file));
    let began = Instant::now();
    while !processes(own).is_empty() {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "still there after kill -9 of the process in {file}: {:#?}",
            processes(own)
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Kills one process, by id, the hard way.
fn kill(pid: u32) {
    assert!(pid > 1);
    let status = Command::new("kill")
        .args(["-KILL", &pid.to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}
