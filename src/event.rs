//! What happens during a run, as a stream of small owned values: the wire format that every
//! reader (terminal, plain lines, JSON, recordings) is written against.
//!
//! Additions don't bump [`SCHEMA`]; readers ignore fields that they don't know.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::names::{Namespace, ReleaseId, ReleaseName, RunId, StackName};

/// The version of the wire format, sent once in `run-started`.
pub const SCHEMA: u32 = 1;

/// One thing that happened. `seq` counts from 1 without gaps; `elapsed_ms` is taken from a
/// clock that never goes back, `at` from the wall clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    #[serde(flatten)]
    pub kind: EventKind,
    pub seq: u64,
    pub at: Timestamp,
    pub elapsed_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum EventKind {
    RunStarted {
        schema: u32,
        run: RunId,
        verb: Verb,
        stack: StackName,
        namespace: Namespace,
        context: String,
        releases: Vec<PlannedRelease>,
    },
    /// Another run has the stack; told again when that one has got further.
    LockWaiting {
        holder: Holder,
    },
    /// A namespace of the stack is being deleted, and nothing begins before it is gone; told again
    /// when something else keeps it.
    NamespaceWaiting {
        namespace: Namespace,
        /// What keeps it, in the cluster's words.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        kept: Vec<String>,
    },
    ReleaseStarted {
        release: ReleaseId,
    },
    /// It goes back to an earlier revision, as a new one.
    ReleaseRollingBack {
        release: ReleaseId,
        to: u32,
    },
    /// What an earlier run has left half done is put right first: `from` is the status of helm's
    /// last record of it.
    ReleaseRecovering {
        release: ReleaseId,
        from: String,
    },
    /// It is in the cluster as it is to be, and needs no helm. One that was not `verified` in an
    /// earlier run is now.
    ReleaseUnchanged {
        release: ReleaseId,
        revision: u32,
        verified: bool,
    },
    /// Helm returned well; the objects are in the cluster and come up from here on.
    ReleaseDeployed {
        release: ReleaseId,
        revision: u32,
    },
    HookChanged {
        release: ReleaseId,
        kind: String,
        name: String,
        phase: HookPhase,
    },
    ObjectChanged {
        release: ReleaseId,
        kind: String,
        namespace: Option<String>,
        name: String,
        health: Health,
        reason: String,
        ready: u32,
        desired: u32,
    },
    PodChanged(PodChanged),
    PodGone {
        release: ReleaseId,
        pod: String,
    },
    ContainerLog {
        release: ReleaseId,
        pod: String,
        container: String,
        role: ContainerRole,
        /// 1 for the first run of the container, counted up by each restart.
        attempt: u32,
        line: String,
    },
    /// What an unready release waits for right now: the deepest thing that blocks it.
    /// `since` is when that began, where the cluster says so.
    ReleaseWaiting {
        release: ReleaseId,
        on: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<Timestamp>,
    },
    ReleaseReady {
        release: ReleaseId,
    },
    /// Was ready, is not any more: opens the release again.
    ReleaseDegraded {
        release: ReleaseId,
        reason: String,
    },
    ReleaseFailed {
        release: ReleaseId,
        verdict: Verdict,
    },
    /// Will not start: something it needs, near or far, did not become ready.
    ReleaseBlocked {
        release: ReleaseId,
        by: Vec<ReleaseId>,
    },
    ReleaseCancelled {
        release: ReleaseId,
    },
    ReleaseRemoved {
        release: ReleaseId,
        /// What its chart leaves behind, `persistentvolumeclaim/data`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        kept: Vec<String>,
        /// There was nothing of it to remove: it is not installed, or is another stack's by now.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        untouched: bool,
    },
    Warning {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        release: Option<ReleaseId>,
        message: String,
    },
    RunCancelling {
        reason: CancelReason,
    },
    /// It has failed, and brings back what it has changed to the revisions that this run had verified.
    RunRollingBack {
        to: RunId,
        /// The releases that go back.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        releases: Vec<ReleaseId>,
        /// Those that are not as they were then, and can't go back.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        left: Vec<ReleaseId>,
    },
    RunFinished {
        outcome: Outcome,
        counts: Counts,
    },
}

impl EventKind {
    /// The release that the event speaks of, if it speaks of one.
    pub fn release(&self) -> Option<&ReleaseId> {
        match self {
            EventKind::PodChanged(PodChanged { release, .. })
            | EventKind::ReleaseStarted { release }
            | EventKind::ReleaseRollingBack { release, .. }
            | EventKind::ReleaseRecovering { release, .. }
            | EventKind::ReleaseUnchanged { release, .. }
            | EventKind::ReleaseDeployed { release, .. }
            | EventKind::HookChanged { release, .. }
            | EventKind::ObjectChanged { release, .. }
            | EventKind::PodGone { release, .. }
            | EventKind::ContainerLog { release, .. }
            | EventKind::ReleaseWaiting { release, .. }
            | EventKind::ReleaseReady { release }
            | EventKind::ReleaseDegraded { release, .. }
            | EventKind::ReleaseFailed { release, .. }
            | EventKind::ReleaseBlocked { release, .. }
            | EventKind::ReleaseCancelled { release }
            | EventKind::ReleaseRemoved { release, .. } => Some(release),
            EventKind::Warning { release, .. } => release.as_ref(),
            EventKind::RunStarted { .. }
            | EventKind::LockWaiting { .. }
            | EventKind::NamespaceWaiting { .. }
            | EventKind::RunCancelling { .. }
            | EventKind::RunRollingBack { .. }
            | EventKind::RunFinished { .. } => None,
        }
    }

    /// Whether the release's fate is sealed by this event (until a `release-degraded`).
    pub fn is_terminal(&self) -> bool {
        matches!(
            self,
            EventKind::ReleaseReady { .. }
                | EventKind::ReleaseFailed { .. }
                | EventKind::ReleaseBlocked { .. }
                | EventKind::ReleaseCancelled { .. }
                | EventKind::ReleaseRemoved { .. }
        )
    }
}

/// What the run does to the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    Up,
    Down,
    Rollback,
}

impl Verb {
    pub fn as_str(self) -> &'static str {
        match self {
            Verb::Up => "up",
            Verb::Down => "down",
            Verb::Rollback => "rollback",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedRelease {
    pub id: ReleaseId,
    pub namespace: Namespace,
    pub name: ReleaseName,
    /// Name and version, `php-fpm-0.3.0`.
    pub chart: String,
    pub needs: Vec<ReleaseId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodChanged {
    pub release: ReleaseId,
    pub pod: String,
    /// `kind/name` of the object in the release that the pod belongs to.
    pub owner: String,
    /// STATUS, READY and RESTARTS as `kubectl get pods` prints them, RESTARTS without its age.
    pub status: String,
    pub ready: String,
    pub restarts: u32,
    pub created: Timestamp,
    /// Belongs to an old revision of its workload and is on its way out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub outgoing: bool,
    pub containers: Vec<ContainerView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerView {
    pub name: String,
    pub role: ContainerRole,
    /// For init containers: `(2, 3)` is the second of three, sidecars not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<(u32, u32)>,
    /// `pending`, `waiting: CrashLoopBackOff`, `running`, `done`, `exit 3`, `signal 9`.
    pub state: String,
    /// When that state began, where the cluster says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    pub ready: bool,
    pub restarts: u32,
}

/// What a container is there for. `Hook` is a container of a helm hook's pod that is not an
/// init container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContainerRole {
    Init,
    Sidecar,
    Main,
    Hook,
}

impl ContainerRole {
    pub fn as_str(self) -> &'static str {
        match self {
            ContainerRole::Init => "init",
            ContainerRole::Sidecar => "sidecar",
            ContainerRole::Main => "main",
            ContainerRole::Hook => "hook",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HookPhase {
    Running,
    Succeeded,
    Failed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    Ready,
    Progressing,
    Failed,
    /// Not in the cluster (yet, or any more).
    Missing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CancelReason {
    Interrupt,
    Terminate,
    /// The run's own time is up: nothing new is started.
    Deadline,
    /// Another run asks for the stack: nothing new is started.
    Superseded,
    /// Another run has the stack, because this one could not renew its Lease.
    LockLost,
    /// Somebody has deleted the stack's namespace, and its Lease with it.
    NamespaceGone,
}

impl CancelReason {
    /// Somebody asks, and a second time means it.
    pub fn is_a_signal(self) -> bool {
        matches!(self, CancelReason::Interrupt | CancelReason::Terminate)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Ready,
    Removed,
    Failed,
    /// Nothing failed, but not everything was ready when the time was up.
    DeadlinePassed,
    /// It made way for another run.
    Superseded,
    /// Another run has taken the stack.
    LockLost,
    Interrupted,
    Terminated,
}

/// Who works on a stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub run: RunId,
    pub verb: Verb,
    pub host: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    pub pid: u32,
    /// What no other process on any machine is, where that can be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<String>,
    /// The CI job that it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// By its own clock.
    pub since: Timestamp,
    /// How far it is, `3 of 9 ready`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub progress: String,
}

impl Holder {
    /// One that has not said who it is.
    pub fn unknown(run: RunId, since: Timestamp) -> Holder {
        Holder {
            run,
            verb: Verb::Up,
            host: "unknown".to_owned(),
            user: None,
            pid: 0,
            process: None,
            link: None,
            commit: None,
            since,
            progress: String::new(),
        }
    }

    /// The same process in the same run, however far it is.
    pub fn is(&self, other: &Holder) -> bool {
        let who = |it: &Holder| (it.run.clone(), it.host.clone(), it.pid, it.process.clone());
        who(self) == who(other)
    }
}

impl fmt::Display for Holder {
    /// `` `stackctl up` of ann on runner-3 (process 4711), since 2026-01-02 03:04:05 UTC, 3 of 9 ready``,
    /// of a stranger `` `somebody`, since 2026-01-02 03:04:05 UTC``
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pid == 0 {
            // Nothing but its name is known: it is no stackctl, or one that wrote otherwise.
            let since = self.since.strftime("%Y-%m-%d %H:%M:%S UTC");
            return write!(f, "`{}`, since {since}", self.run);
        }
        let verb = self.verb.as_str();
        let user = self
            .user
            .as_ref()
            .map_or(String::new(), |it| format!(" of {it}"));
        let since = self.since.strftime("%Y-%m-%d %H:%M:%S UTC");
        let (host, pid) = (&self.host, self.pid);
        write!(
            f,
            "`stackctl {verb}`{user} on {host} (process {pid}), since {since}"
        )?;
        if let Some(commit) = &self.commit {
            let short = commit.get(..12).unwrap_or(commit);
            write!(f, ", commit {short}")?;
        }
        match self.progress.as_str() {
            "" => Ok(()),
            progress => write!(f, ", {progress}"),
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub ready: u32,
    pub removed: u32,
    pub failed: u32,
    pub blocked: u32,
    pub cancelled: u32,
}

/// Why a release can't become ready, with the proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub class: VerdictClass,
    /// One sentence that a tired person understands, without colour and without its release.
    pub sentence: String,
    /// From the release down to the deepest cause, `deployment/php-fpm`, `pod/...`, `init container migrate`.
    pub chain: Vec<String>,
    pub evidence: Vec<Evidence>,
    pub hints: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictClass {
    /// Can't heal without somebody changing something.
    Certain,
    /// Could heal, but has used up its budget.
    Likely,
    /// Nothing is known to be wrong; the deadline passed.
    Expired,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Evidence {
    /// The last lines of a container's log, oldest first.
    Log {
        pod: String,
        container: String,
        attempt: u32,
        lines: Vec<String>,
    },
    /// An event that the cluster recorded.
    ClusterEvent {
        object: String,
        reason: String,
        message: String,
        count: u32,
    },
    /// A container's state or an object's condition, in the cluster's own words.
    Status {
        object: String,
        reason: String,
        message: String,
    },
    /// What helm printed.
    Helm { lines: Vec<String> },
    /// What a command of the profile printed.
    Command { command: String, lines: Vec<String> },
}

impl fmt::Display for VerdictClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            VerdictClass::Certain => "certain",
            VerdictClass::Likely => "likely",
            VerdictClass::Expired => "expired",
        })
    }
}
