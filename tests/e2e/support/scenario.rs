//! A chart that can't come up (or nearly can't), with the profile beside it, brought up as a person
//! would; what the program says of it is compared word by word.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use regex::Regex;
use stackctl_sandbox::Sandbox;

use super::{Cluster, eventually, sandbox, stackctl_on, table};

/// A folder of `tests/e2e/scenarios`: a profile, its charts and, where the namespace has to be
/// there before, `namespace.yaml`. The namespace bears the folder's name.
pub struct Scenario {
    name: &'static str,
    sandbox: &'static Sandbox,
}

impl Scenario {
    /// On the sandbox that all tests share.
    pub fn new(name: &'static str) -> Scenario {
        Scenario::on(sandbox(), name)
    }

    pub fn on(sandbox: &'static Sandbox, name: &'static str) -> Scenario {
        let scenario = Scenario { name, sandbox };
        Cluster::of(sandbox).remove_namespace(name);
        let before = scenario.file("namespace.yaml");
        if before.exists() {
            scenario.kubectl(&["apply", "-f", before.to_str().expect("UTF-8")]);
        }
        scenario
    }

    pub fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/scenarios")
    }

    pub fn file(&self, name: &str) -> PathBuf {
        Scenario::folder().join(self.name).join(name)
    }

    pub fn namespace(&self) -> &'static str {
        self.name
    }

    /// `stackctl up` with the scenario's profile.
    pub fn up(&self) -> Said {
        self.up_with("profile.yaml")
    }

    /// `stackctl up` with another profile of the scenario.
    pub fn up_with(&self, profile: &str) -> Said {
        Said::of(&mut self.command(profile))
    }

    /// The command of `stackctl up`, to be changed or started by the test.
    pub fn command(&self, profile: &str) -> Command {
        let profile = self.file(profile);
        let profile = profile.to_str().expect("UTF-8");
        let args = ["up", "--profile", profile, "--progress", "plain"];
        stackctl_on(self.sandbox, &args)
    }

    /// Another verb of stackctl, with the scenario's profile.
    pub fn verb(&self, args: &[&str]) -> Said {
        let profile = self.file("profile.yaml");
        let profile = ["--profile", profile.to_str().expect("UTF-8")];
        Said::of(&mut stackctl_on(self.sandbox, &[args, &profile].concat()))
    }

    /// Runs helm in the scenario's namespace, which has to work.
    pub fn helm(&self, args: &[&str]) {
        let output = Command::new(self.sandbox.helm())
            .args(args)
            .args(["--namespace", self.name, "--kubeconfig"])
            .arg(self.sandbox.kubeconfig())
            .stdin(Stdio::null())
            .output()
            .expect("helm runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "helm {args:?}: {stderr}");
    }

    /// Runs kubectl, which has to work, and returns its stdout.
    pub fn kubectl(&self, args: &[&str]) -> String {
        let output = Command::new(self.sandbox.kubectl())
            .arg("--kubeconfig")
            .arg(self.sandbox.kubeconfig())
            .args(args)
            .stdin(Stdio::null())
            .output()
            .expect("kubectl runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {args:?}: {stderr}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub fn cluster(&self) -> Cluster {
        Cluster::of(self.sandbox)
    }

    /// Runs `up` beside what somebody else does meanwhile.
    pub fn up_while(&self, meanwhile: impl FnOnce() + Send) -> Said {
        self.said_while(self.command("profile.yaml"), meanwhile)
    }

    pub fn said_while(&self, mut command: Command, meanwhile: impl FnOnce() + Send) -> Said {
        std::thread::scope(|scope| {
            let up = scope.spawn(|| Said::of(&mut command));
            meanwhile();
            up.join().expect("up runs")
        })
    }

    /// Waits until one of its pods is so.
    pub fn wait_for_pod(&self, what: &str, is: impl Fn(&Pod) -> bool) {
        eventually(what, Duration::from_secs(90), || {
            let pods = self.cluster().pods(self.name);
            pods.iter().any(&is).then_some(())
        });
    }
}

impl Drop for Scenario {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.cluster().remove_namespace(self.name);
        }
    }
}

/// What the program said, and how it ended.
pub struct Said {
    pub code: i32,
    pub text: String,
}

impl Said {
    pub fn of(command: &mut Command) -> Said {
        let output = command.output().expect("stackctl runs");
        table::check();
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        Said {
            code: output.status.code().unwrap_or(-1),
            text: format!("{stderr}{stdout}"),
        }
    }

    #[track_caller]
    pub fn expect_code(self, code: i32) -> Said {
        assert_eq!(self.code, code, "{}", self.text);
        self
    }

    /// Without the lines that end in this: what a scenario may say, and needn't.
    pub fn without(mut self, end: &str) -> Said {
        let lines = self.text.lines().filter(|line| !line.ends_with(end));
        self.text = lines.collect::<Vec<_>>().join("\n");
        self
    }

    /// The text without what differs from run to run: times, generated names, how often something
    /// was repeated. Lines of several releases, and of a pod and its log, come in the order of two
    /// watches that know nothing of each other: they are sorted by release, states before logs.
    /// Left out is what was merely waited for at some moment, that helm was through, which comes
    /// before or after what the watches tell, and restarts on the way and logs of theirs, of which
    /// a slow machine shows fewer.
    pub fn normalized(&self) -> String {
        let (timeline, rest): (Vec<&str>, Vec<&str>) =
            self.text.lines().partition(|line| STAMP.is_match(line));
        let mut timeline: Vec<String> = timeline
            .into_iter()
            .map(|line| settled(&STAMP.replace(line, "")))
            .filter(|line| !WAITING.is_match(line))
            .collect();
        let stack = timeline.first().map(|line| subject(line));
        timeline.sort_by_cached_key(|line| {
            let subject = subject(line);
            (
                Some(&subject) != stack.as_ref(),
                subject,
                LOG.is_match(line),
            )
        });
        // Which of a release's objects is ready first is the cluster's affair.
        for ready in timeline.chunk_by_mut(|a, b| READY.is_match(a) && READY.is_match(b)) {
            ready.sort();
        }
        timeline.dedup();
        let rest = rest.into_iter().map(settled);
        let mut lines: Vec<String> = timeline.into_iter().chain(rest).collect();
        lines.dedup();
        format!("exit code {}\n\n{}", self.code, lines.join("\n"))
    }
}

fn subject(line: &str) -> String {
    line.split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned()
}

static STAMP: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^ +(\d+\.\d|\d+m\d\d)s {2}").expect("a pattern"));
static READY: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\S+ +\S+/\S+ ready$").expect("a pattern"));
static LOG: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\S+ +\| ").expect("a pattern"));
static WAITING: LazyLock<Regex> = LazyLock::new(|| {
    const RESTART: &str = r".* \d+ restarts?$";
    const LOST: &str = r"\| .*\[its log has made room for a later one\]$";
    let waiting =
        format!(r"^\S+ +(waits for|still waiting|starting up|deployed, |{RESTART}|{LOST})");
    Regex::new(&waiting).expect("a pattern")
});
/// What differs, and what stands in its place. Generated names are made of consonants and digits
/// (Kubernetes `apimachinery/pkg/util/rand`).
static VOLATILE: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    const NAME: &str = "[bcdfghjklmnpqrstvwxz2456789]";
    let patterns = [
        (r" --profile [^ `]+".to_owned(), " --profile PROFILE"),
        (format!(r"-{NAME}{{8,10}}-{NAME}{{5}}\b"), "-HASH"),
        (format!(r"-{NAME}{{8,10}}\b"), "-HASH"),
        (format!(r"-{NAME}{{5}}\b"), "-HASH"),
        (r"\b(\d+h)?(\d+m)?\d+(\.\d+)?s\b".to_owned(), "TIME"),
        (r"\b\d{1,3}(\.\d{1,3}){3}\b".to_owned(), "ADDRESS"),
        (r"\b[0-9a-f]{64}\b".to_owned(), "DIGEST"),
        (
            r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b".to_owned(),
            "UID",
        ),
        (r" \(\d+ times\)".to_owned(), ""),
        (r" \(TIME\)$".to_owned(), ""),
        (r"\b\d+ times\b".to_owned(), "N times"),
        (format!(r"-HASH-{NAME}{{5}}_"), "-HASH_"),
        ("-{4,}".to_owned(), "----"),
        (r"\d{4}-\d\d-\d\dT[\d:.]+Z".to_owned(), "DATE"),
    ];
    patterns
        .into_iter()
        .map(|(pattern, stand_in)| (Regex::new(&pattern).expect("a pattern"), stand_in))
        .collect()
});

fn settled(line: &str) -> String {
    let root = env!("CARGO_MANIFEST_DIR");
    let mut line = line.replace(&format!("{root}/"), "");
    for (pattern, stand_in) in VOLATILE.iter() {
        line = pattern.replace_all(&line, *stand_in).into_owned();
    }
    line.trim_end().to_owned()
}
