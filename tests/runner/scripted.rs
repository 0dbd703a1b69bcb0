//! A cluster that tells what a script says, when it says it.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use futures::stream::{self, LocalBoxStream};
use futures::{FutureExt, StreamExt};
use jiff::Timestamp;
use stackctl::memory::Left;
use stackctl::names::{Namespace, ReleaseName, StackName};
use stackctl::plan::{Command, Step};
use stackctl::runner::ports::{
    Cancel, DeployError, Deployer, Ensured, History, Life, LogPart, LogTarget, Maker, ObserveError,
    Observer, RevisionEnd,
};
use stackctl::snapshot::{
    ContainerSpec, ContainerState, ContainerStatus, Contents, Drift, Endpoints, Hook, Lingering,
    Meta, ObjectRef, Observation, Owner, Pod, Record, RecordStatus, ReplicaSet, Service, Snapshot,
    Surveyed, Terminated, Uid, Unread, UpdateStrategy, Workload, WorkloadKind,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;

use crate::fakes::{closed, record};

/// What one release does; times are in milliseconds from the start of its helm.
#[derive(Default, Clone)]
pub struct Script {
    pub objects: Vec<ObjectRef>,
    pub hooks: Vec<ObjectRef>,
    /// Hooks that come after the objects.
    pub later_hooks: Vec<ObjectRef>,
    pub other_hooks: Vec<Hook>,
    pub unread: Vec<Unread>,
    pub tells: Vec<(u64, Observation)>,
    /// How long helm is at work.
    pub helm: u64,
    /// It does not end when it is asked to.
    pub deaf: bool,
}

/// By pod and container: parts with the time since the part before.
type Logs = HashMap<(String, String), Vec<(u64, LogPart)>>;

#[derive(Clone)]
pub struct Scripted {
    scripts: Rc<HashMap<String, Script>>,
    logs: Rc<Logs>,
    sender: UnboundedSender<Observation>,
    receiver: Rc<RefCell<Option<UnboundedReceiver<Observation>>>>,
    /// How often a record could not be read because nobody answered.
    pub unanswered: Rc<RefCell<u32>>,
    /// What the reader of each container's log is told of it.
    pub lives: Rc<RefCell<HashMap<String, watch::Receiver<Life>>>>,
    /// What objects are found to be when they are asked for, one time after the other; the last stays.
    pub answers: Rc<RefCell<VecDeque<Vec<Observation>>>>,
}

impl Scripted {
    pub fn new(scripts: impl IntoIterator<Item = (&'static str, Script)>) -> Scripted {
        let (sender, receiver) = unbounded_channel();
        let scripts = scripts.into_iter().map(|(id, it)| (id.to_owned(), it));
        Scripted {
            scripts: Rc::new(scripts.collect()),
            logs: Rc::default(),
            sender,
            receiver: Rc::new(RefCell::new(Some(receiver))),
            unanswered: Rc::default(),
            lives: Rc::default(),
            answers: Rc::default(),
        }
    }

    pub fn log(mut self, pod: &str, container: &str, parts: &[(u64, &str)]) -> Scripted {
        let part = |(pause, text): &(u64, &str)| {
            let part = match text.strip_prefix("lost: ") {
                Some(why) => LogPart::Lost(why.to_owned()),
                None => LogPart::Line((*text).to_owned()),
            };
            (*pause, part)
        };
        let key = (pod.to_owned(), container.to_owned());
        let logs = Rc::get_mut(&mut self.logs).unwrap();
        logs.insert(key, parts.iter().map(part).collect());
        self
    }

    /// Tells something so many milliseconds from now.
    pub fn tell(&self, after: u64, observation: Observation) {
        let sender = self.sender.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(after)).await;
            let _ = sender.send(observation);
        });
    }
}

impl Deployer for Scripted {
    fn deploy<'a>(
        &'a self,
        step: &'a Step,
        _revision: u32,
        _limit: Duration,
        cancel: Cancel,
    ) -> LocalBoxFuture<'a, Result<(), DeployError>> {
        async move {
            let script = &self.scripts[step.id.as_str()];
            let pending = Observation::Seen(record(step, RecordStatus::PendingInstall));
            let _ = self.sender.send(pending);
            for (at, observation) in script.tells.clone() {
                self.tell(at, observation);
            }
            let gently = async {
                match script.deaf {
                    true => std::future::pending().await,
                    false => cancel.gently.cancelled().await,
                }
            };
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(script.helm)) => {}
                () = gently => return Err(DeployError::Cancelled),
                () = cancel.now.cancelled() => return Err(DeployError::Cancelled),
            }
            let deployed = Observation::Seen(record(step, RecordStatus::Deployed));
            let _ = self.sender.send(deployed);
            Ok(())
        }
        .boxed_local()
    }

    fn roll_back<'a>(
        &'a self,
        _: &'a Step,
        _: u32,
        _: Duration,
        _: Cancel,
    ) -> LocalBoxFuture<'a, Result<(), DeployError>> {
        async { Ok(()) }.boxed_local()
    }

    fn would_apply<'a>(
        &'a self,
        _: &'a Step,
        _: u32,
        _: Cancel,
    ) -> LocalBoxFuture<'a, Result<Vec<ObjectRef>, DeployError>> {
        async { Ok(Vec::new()) }.boxed_local()
    }

    fn command<'a>(
        &'a self,
        _step: &'a Step,
        _command: &'a Command,
        _limit: Duration,
        _cancel: Cancel,
    ) -> LocalBoxFuture<'a, Result<(), DeployError>> {
        async { Ok(()) }.boxed_local()
    }

    fn remove<'a>(
        &'a self,
        _: &'a Step,
        _: History,
        _: Duration,
        _: Cancel,
    ) -> LocalBoxFuture<'a, Result<(), DeployError>> {
        async { Ok(()) }.boxed_local()
    }
}

impl Observer for Scripted {
    fn watch<'a>(&'a self, _: &'a [Namespace]) -> LocalBoxFuture<'a, Result<(), ObserveError>> {
        async { Ok(()) }.boxed_local()
    }

    fn ensure<'a>(
        &'a self,
        _: &'a Namespace,
        _: bool,
    ) -> LocalBoxFuture<'a, Result<Ensured, ObserveError>> {
        async { Ok(Ensured::Existed) }.boxed_local()
    }

    fn observations(&self) -> LocalBoxStream<'static, Observation> {
        let receiver = self.receiver.borrow_mut().take().unwrap();
        stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.map(|seen| (seen, receiver))
        })
        .boxed_local()
    }

    /// As a cluster does that has to be asked about every kind first.
    fn follow<'a>(&'a self, _: &'a [ObjectRef]) -> LocalBoxFuture<'a, Result<(), ObserveError>> {
        let asked = tokio::time::sleep(Duration::from_millis(500));
        asked.map(Ok).boxed_local()
    }

    fn contents<'a>(
        &'a self,
        _: &'a Namespace,
        release: &'a ReleaseName,
        revision: u32,
    ) -> LocalBoxFuture<'a, Result<Contents, ObserveError>> {
        async move {
            let left = *self.unanswered.borrow();
            if left > 0 {
                *self.unanswered.borrow_mut() -= 1;
                return Err(ObserveError::Unreachable("nobody answers".into()));
            }
            let script = &self.scripts[release.as_str()];
            let hook = |event: &str, object: &ObjectRef| Hook {
                object: object.clone(),
                events: vec![event.to_owned()],
                ran: false,
                succeeded: false,
                stays: true,
                weight: 0,
            };
            let before = script.hooks.iter().map(|it| hook("pre-install", it));
            let after = script.later_hooks.iter();
            let hooks = before.chain(after.map(|it| hook("post-install", it)));
            Ok(Contents {
                revision,
                chart: format!("{release}-1.0.0"),
                objects: script.objects.clone(),
                hooks: hooks.chain(script.other_hooks.clone()).collect(),
                kept: Vec::new(),
                claims: Vec::new(),
                is_cut_off: false,
                unread: script.unread.clone(),
            })
        }
        .boxed_local()
    }

    fn refresh<'a>(
        &'a self,
        _: &'a [ObjectRef],
    ) -> LocalBoxFuture<'a, Result<Vec<Observation>, ObserveError>> {
        let mut answers = self.answers.borrow_mut();
        let answer = match answers.len() {
            0 | 1 => answers.front().cloned(),
            _ => answers.pop_front(),
        };
        async { Ok(answer.unwrap_or_default()) }.boxed_local()
    }

    fn survey<'a>(
        &'a self,
        _: &'a [ObjectRef],
    ) -> LocalBoxFuture<'a, Result<Vec<Surveyed>, ObserveError>> {
        async { Ok(Vec::new()) }.boxed_local()
    }

    fn lingering<'a>(
        &'a self,
        _: &'a [ObjectRef],
    ) -> LocalBoxFuture<'a, Result<Vec<Lingering>, ObserveError>> {
        async { Ok(Vec::new()) }.boxed_local()
    }

    fn delete<'a>(
        &'a self,
        _: &'a Namespace,
        _: &'a ReleaseName,
        _: &'a [ObjectRef],
    ) -> LocalBoxFuture<'a, Result<Vec<ObjectRef>, ObserveError>> {
        async { Ok(Vec::new()) }.boxed_local()
    }

    fn drift<'a>(
        &'a self,
        _: &'a Namespace,
        _: &'a ReleaseName,
        _: u32,
        _: &'a [ObjectRef],
    ) -> LocalBoxFuture<'a, Result<Drift, ObserveError>> {
        async { Ok(Drift::default()) }.boxed_local()
    }

    fn log(&self, target: LogTarget) -> LocalBoxStream<'static, LogPart> {
        let mut lives = self.lives.borrow_mut();
        lives.insert(target.container.clone(), target.life);
        let parts = self.logs.get(&(target.pod, target.container));
        stream::iter(parts.cloned().unwrap_or_default())
            .then(|(pause, part)| async move {
                tokio::time::sleep(Duration::from_millis(pause)).await;
                part
            })
            .boxed_local()
    }

    fn revisions<'a>(
        &'a self,
        _: &'a Namespace,
        _: &'a ReleaseName,
    ) -> LocalBoxFuture<'a, Result<Vec<Record>, ObserveError>> {
        async { Ok(Vec::new()) }.boxed_local()
    }

    fn close<'a>(
        &'a self,
        namespace: &'a Namespace,
        release: &'a ReleaseName,
        revision: u32,
        end: RevisionEnd,
    ) -> LocalBoxFuture<'a, Result<Record, ObserveError>> {
        let record = closed(namespace, release, revision, end);
        async { Ok(record) }.boxed_local()
    }

    fn mark_target<'a>(
        &'a self,
        _: &'a Namespace,
        _: &'a ReleaseName,
        _: u32,
        _: u32,
        _: Maker<'a>,
    ) -> LocalBoxFuture<'a, Result<(), ObserveError>> {
        async { Ok(()) }.boxed_local()
    }

    fn delete_pod<'a>(&'a self, _: &'a Meta) -> LocalBoxFuture<'a, Result<(), ObserveError>> {
        async { Ok(()) }.boxed_local()
    }

    fn mark_removal<'a>(
        &'a self,
        _: &'a Namespace,
        _: &'a ReleaseName,
        _: u32,
    ) -> LocalBoxFuture<'a, Result<(), ObserveError>> {
        async { Ok(()) }.boxed_local()
    }

    fn remember<'a>(
        &'a self,
        _: &'a StackName,
        _: &'a Namespace,
        _: &'a Left,
    ) -> LocalBoxFuture<'a, Result<(), ObserveError>> {
        async { Ok(()) }.boxed_local()
    }

    fn mark_verified<'a>(
        &'a self,
        _: &'a Namespace,
        _: &'a ReleaseName,
        _: u32,
    ) -> LocalBoxFuture<'a, Result<(), ObserveError>> {
        async { Ok(()) }.boxed_local()
    }
}

pub fn seen(snapshot: Snapshot) -> Observation {
    Observation::Seen(snapshot)
}

pub fn deployment(name: &str) -> ObjectRef {
    object("apps/v1", "Deployment", name)
}

pub fn object(api_version: &str, kind: &str, name: &str) -> ObjectRef {
    ObjectRef {
        api_version: api_version.into(),
        kind: kind.into(),
        namespace: Some("test".into()),
        name: name.into(),
    }
}

pub fn meta(uid: &str, name: &str, owner: Option<(String, &str, &str)>) -> Meta {
    Meta {
        uid: Uid::from(uid),
        namespace: "test".into(),
        name: name.into(),
        generation: 1,
        created: Timestamp::UNIX_EPOCH,
        deleting: false,
        owner: owner.map(|(uid, kind, name)| Owner {
            uid: Uid::from(uid.as_str()),
            kind: kind.into(),
            name: name.into(),
        }),
        revision_hash: None,
        hook: false,
    }
}

/// A Deployment of one pod, and its ReplicaSet.
pub fn workload(name: &str, available: bool) -> [Snapshot; 2] {
    let count = u32::from(available);
    [
        Snapshot::Workload(Workload {
            kind: WorkloadKind::Deployment,
            meta: meta(&format!("d-{name}"), name, None),
            observed_generation: 1,
            desired: 1,
            current: 1,
            updated: 1,
            ready: count,
            available: count,
            strategy: UpdateStrategy::Rolling { partition: 0 },
            ordered: false,
            paused: false,
            revision: 1,
            current_revision: String::new(),
            update_revision: String::new(),
            conditions: Vec::new(),
        }),
        Snapshot::ReplicaSet(ReplicaSet {
            meta: meta(
                &format!("rs-{name}"),
                &format!("{name}-1"),
                Some((format!("d-{name}"), "Deployment", name)),
            ),
            revision: 1,
            desired: 1,
            ready: count,
            conditions: Vec::new(),
        }),
    ]
}

/// A Service and who answers for it.
pub fn service(name: &str, pods: &[&Pod]) -> [Snapshot; 2] {
    let count = u32::try_from(pods.len()).unwrap_or(u32::MAX);
    [
        Snapshot::Service(Service {
            meta: meta(&format!("svc-{name}"), name, None),
            kind: "ClusterIP".into(),
            has_selector: true,
            has_ingress: false,
            target_ports: vec!["80".into()],
        }),
        Snapshot::Endpoints(Endpoints {
            meta: meta(&format!("eps-{name}"), &format!("{name}-x"), None),
            service: name.into(),
            ready_pods: pods.iter().map(|pod| pod.meta.uid.clone()).collect(),
            ready: count,
            has_ports: true,
        }),
    ]
}

/// The pod of such a Deployment; `init`: what is told is its init container `wait`.
pub fn pod_of(name: &str, init: bool, state: ContainerState, restarts: u32) -> Pod {
    let running = matches!(state, ContainerState::Running { .. });
    let container = |name: &str| ContainerSpec {
        name: name.into(),
        image: "image".into(),
        sidecar: false,
        has_readiness_probe: false,
        has_startup_probe: false,
    };
    let status = |name: &str, state, restarts| ContainerStatus {
        name: name.into(),
        container_id: Some(format!("containerd://{name}-{restarts}")),
        last: (restarts > 0).then(|| end(1, restarts - 1)),
        ready: running && !init,
        started: Some(running),
        state,
        restarts,
    };
    let told = status(if init { "wait" } else { "app" }, state, restarts);
    Pod {
        meta: meta(
            &format!("pod-{name}"),
            &format!("{name}-1-x"),
            Some((format!("rs-{name}"), "ReplicaSet", &format!("{name}-1"))),
        ),
        phase: if running && !init {
            "Running"
        } else {
            "Pending"
        }
        .into(),
        reason: String::new(),
        message: String::new(),
        node: Some("node".into()),
        restart_policy: "Always".into(),
        conditions: Vec::new(),
        volumes: Vec::new(),
        init_containers: if init {
            vec![container("wait")]
        } else {
            Vec::new()
        },
        containers: vec![container("app")],
        init_statuses: if init { vec![told.clone()] } else { Vec::new() },
        statuses: if init { Vec::new() } else { vec![told] },
    }
}

pub fn end(exit_code: i32, restarts: u32) -> Terminated {
    Terminated {
        exit_code,
        signal: 0,
        reason: "Error".into(),
        message: String::new(),
        started: None,
        finished: None,
        container_id: Some(format!("containerd://app-{restarts}")),
    }
}

pub fn running() -> ContainerState {
    ContainerState::Running { since: None }
}

/// It waits for a Secret.
pub fn lacks(secret: &str) -> ContainerState {
    ContainerState::Waiting {
        reason: "CreateContainerConfigError".into(),
        message: format!("secret \"{secret}\" not found"),
    }
}

/// A Deployment whose pod is in this state from the start, and, where it heals, runs from then on.
pub fn app(name: &'static str, state: &ContainerState, heals: Option<u64>) -> Script {
    let is_up = matches!(state, ContainerState::Running { .. });
    let mut tells: Vec<(u64, Observation)> = Vec::new();
    tells.extend(workload(name, is_up).map(|it| (100, seen(it))));
    let pod = pod_of(name, false, state.clone(), 0);
    tells.push((200, seen(Snapshot::Pod(pod))));
    if let Some(heals) = heals {
        let pod = pod_of(name, false, running(), 0);
        tells.push((heals, seen(Snapshot::Pod(pod))));
        tells.extend(workload(name, true).map(|it| (heals, seen(it))));
    }
    Script {
        objects: vec![deployment(name)],
        tells,
        helm: 300,
        ..Script::default()
    }
}

/// A Deployment whose pod runs at once and that becomes available then.
pub fn slow(name: &'static str, ready_at: u64) -> Script {
    let mut script = app(name, &running(), None);
    for (at, seen) in &mut script.tells {
        if matches!(seen, Observation::Seen(Snapshot::Workload(w)) if w.available > 0) {
            *at = ready_at;
        }
    }
    if ready_at > 100 {
        let [workload, _] = workload(name, false);
        script.tells.push((100, seen(workload)));
    }
    script
}
