//! A healthy stack on a machine with nothing to spare: is anything called lost that is not?

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Result;

use crate::bench::Bench;
use crate::cluster::Cluster;
use crate::event;
use crate::figures::{median, met, seconds};
use crate::output::say;
use crate::process::Ended;
use crate::stack::{Release, Stack, any, init, server};
use crate::subject::Subject;
use crate::table::Table;

const NAMESPACE: &str = "bench-calm";
const LIMIT: Duration = Duration::from_secs(600);

pub fn measure(bench: &Bench, cluster: &Cluster) -> Result<Vec<Table>> {
    let stack = Stack::write(NAMESPACE, &releases())?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = Load::start(cores);
    let (mut times, mut mistakes, mut ups) = (Vec::new(), 0, 0);
    for run in 1..=bench.many {
        say(&format!("run {run} of {}", bench.many));
        cluster.fresh(NAMESPACE)?;
        // The second one finds all of it there, hooks and old revisions included.
        for _ in ["install", "upgrade"] {
            let running = Subject::Stackctl.start(bench, cluster, &stack)?;
            let ended = running.end_within(LIMIT)?;
            times.push(ended.took.as_secs_f64());
            ups += 1;
            mistakes += usize::from(is_mistaken(&ended));
        }
    }
    drop(load);
    cluster.remove(NAMESPACE)?;
    let columns = [
        "stackctl",
        "busy threads",
        "ups",
        "median",
        "false verdicts",
        "goal",
        "met",
    ];
    let mut table = Table::new("calm", &columns);
    table.row([
        format!("{} healthy releases", stack.size),
        cores.to_string(),
        ups.to_string(),
        seconds(median(&times)),
        mistakes.to_string(),
        "0".to_owned(),
        met(mistakes == 0),
    ]);
    Ok(vec![table])
}

/// Whether a run on a stack that is well ended in anything else than ready; what it said is told.
fn is_mistaken(ended: &Ended) -> bool {
    let verdicts = ended
        .lines
        .iter()
        .filter_map(|line| event::of_type(line, "release-failed"));
    let verdicts: Vec<_> = verdicts.collect();
    for verdict in &verdicts {
        say(&format!("false: {verdict}"));
    }
    if ended.code != Some(0) {
        say(&format!("it ended with {:?}", ended.code));
    }
    !verdicts.is_empty() || ended.code != Some(0)
}

/// Six releases with what looks like trouble and is none: a claim that waits for its pod, a hook
/// that is deleted, a Job, an init container that stumbles once, a server that is slow to answer, and
/// one that waits for another's Service.
fn releases() -> [Release; 6] {
    [
        Release::new("database", &[], database()),
        Release::new("schema", &["database"], job("schema", HOOK)),
        Release::new("import", &["database"], job("import", "")),
        Release::new(
            "stumbler",
            &[],
            any("stumbler", &format!("{VOLUME}{}{}", stumbling(), server())),
        ),
        Release::new("web", &["schema"], web()),
        Release::new(
            "worker",
            &[],
            any("worker", &format!("{}{}", init(WAITS_FOR_WEB), server())),
        ),
    ]
}

const HOOK: &str = ", annotations: {helm.sh/hook: 'pre-install,pre-upgrade', helm.sh/hook-delete-policy: 'before-hook-creation,hook-succeeded'}";
const VOLUME: &str = "      volumes: [{name: memory, emptyDir: {}}]\n";
const WAITS_FOR_WEB: &str = "until wget -q -O - http://web:8080/; do sleep 1; done";

fn stumbling() -> String {
    let script = "[ -e /memory/once ] || { touch /memory/once; echo not yet; exit 1; }";
    format!(
        "{}          volumeMounts: [{{name: memory, mountPath: /memory}}]\n",
        init(script)
    )
}

fn job(name: &str, more: &str) -> String {
    format!(
        "apiVersion: batch/v1
kind: Job
metadata: {{name: {name}{more}}}
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: main
          image: docker.io/library/busybox:1.36
          command: [sh, -c, 'sleep 2; echo done']
"
    )
}

fn database() -> String {
    let pod = server();
    format!(
        "apiVersion: v1
kind: Service
metadata: {{name: database}}
spec: {{clusterIP: None, selector: {{app: database}}, ports: [{{port: 8080}}]}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: database}}
spec:
  serviceName: database
  selector: {{matchLabels: {{app: database}}}}
  volumeClaimTemplates:
    - metadata: {{name: data}}
      spec:
        storageClassName: late
        accessModes: [ReadWriteOnce]
        resources: {{requests: {{storage: 1Mi}}}}
  template:
    metadata: {{labels: {{app: database}}}}
    spec:
      terminationGracePeriodSeconds: 1
{pod}          volumeMounts: [{{name: data, mountPath: /data}}]
"
    )
}

fn web() -> String {
    let slow =
        "sleep 3; mkdir -p /page; echo hello > /page/index.html; exec httpd -f -p 8080 -h /page";
    let pod = server().replace("[httpd, -f, -p, '8080']", &format!("[sh, -c, '{slow}']"));
    format!(
        "apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{selector: {{app: web}}, ports: [{{port: 8080}}]}}
---
{}",
        any("web", &pod)
    )
}

/// Threads that do nothing but take a core each, until this value is dropped.
struct Load {
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    fn start(cores: usize) -> Load {
        let over = Arc::new(AtomicBool::new(false));
        let busy = |over: Arc<AtomicBool>| {
            while !over.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        };
        let threads = (0..cores).map(|_| {
            let over = Arc::clone(&over);
            std::thread::spawn(move || busy(over))
        });
        Load {
            threads: threads.collect(),
            over,
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
