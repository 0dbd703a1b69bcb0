//! Waiting until all of a release is gone, and who holds what is not.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::FutureExt;
use tokio::time::Instant;

use super::{Done, Down, Phase, Removed};
use crate::event::EventKind;
use crate::runner::ports::ObserveError;
use crate::snapshot::{Lingering, ObjectRef};
use crate::wording;

/// Before it is asked again what is there of kinds that are not watched; the same while something
/// that is watched is left anyway.
const PAUSE: Duration = Duration::from_secs(1);
const LONG_PAUSE: Duration = Duration::from_secs(5);

impl Down<'_> {
    /// Whether all of it is gone. What is watched tells by itself; what else there is has to be
    /// asked for.
    pub(super) fn vanishes(&mut self, at: usize) -> bool {
        let left = self.left(&self.releases[at]);
        let release = &self.releases[at];
        let lingering = release.lingering.as_deref();
        if left.is_empty() && lingering.is_some_and(<[_]>::is_empty) {
            return true;
        }
        let is_due = self.asks_at(release).is_none_or(|at| at <= Instant::now());
        if is_due && !release.asking {
            self.ask_what_lingers(at);
        }
        let release = &self.releases[at];
        let told: Vec<String> = release.lingering.iter().flatten().map(told).collect();
        let all = if left.is_empty() { told } else { left };
        let on = match &release.unanswered {
            Some((error, _)) => format!("an answer to what is left of it: {error}"),
            None if all.is_empty() => return false,
            None => to_be_gone(&all),
        };
        let release = &mut self.releases[at];
        if release.waiting.as_ref() != Some(&on) {
            release.waiting = Some(on.clone());
            self.emitter.emit(EventKind::ReleaseWaiting {
                release: release.step.id.clone(),
                on,
                since: None,
            });
        }
        false
    }

    /// When it is to be asked what is there.
    pub(super) fn asks_at(&self, release: &Removed) -> Option<Instant> {
        let pause = match (&release.unanswered, self.left(release).is_empty()) {
            (Some((_, pause)), _) => *pause,
            (None, true) if release.lingering.is_none() => Duration::ZERO,
            (None, true) => PAUSE,
            (None, false) => LONG_PAUSE,
        };
        Some(release.asked_at? + pause)
    }

    /// Asks what is still there of all kinds, those that are not watched too.
    fn ask_what_lingers(&mut self, at: usize) {
        let release = &self.releases[at];
        let mut objects = self.objects(release);
        objects.extend(release.swept.iter().chain(&release.stays).cloned());
        objects.sort();
        objects.dedup();
        let (observer, limits) = (self.observer, release.limits());
        self.releases[at].asking = true;
        let asked =
            async move { Done::Lingering(at, limits.unless(observer.lingering(&objects)).await) };
        self.work.push(asked.boxed_local());
    }

    pub(super) fn lingers(&mut self, at: usize, found: Result<Vec<Lingering>, ObserveError>) {
        let release = &mut self.releases[at];
        release.asking = false;
        release.asked_at = Some(Instant::now());
        match found {
            Ok(found) => {
                release.backoff.reset();
                release.unanswered = None;
                self.sort_out(at, found);
                self.note_what_is_held(at);
            }
            // What was told before may be so no more.
            Err(error) => {
                let pause = release.backoff.after(&error);
                release.unanswered = Some((error, pause));
                release.lingering = None;
            }
        }
    }

    /// Writes down what is held by a finalizer, once: helm has forgotten the release by now, and a run
    /// that is killed tells the next one nothing.
    fn note_what_is_held(&mut self, at: usize) {
        let release = &self.releases[at];
        let is_known = |it: &Lingering| release.noted.iter().any(|noted| noted.uid == it.uid);
        let is_held = |it: &Lingering| it.is_going && !it.finalizers.is_empty() && !is_known(it);
        let is_over = release.phase != Phase::Vanishing || release.is_held_noted;
        if is_over || !release.lingering.iter().flatten().any(is_held) {
            return;
        }
        let left = self.to_remember(at, self.still_there(at));
        let release = &mut self.releases[at];
        release.is_held_noted = true;
        let (limits, notes) = (release.limits(), self.notes());
        let noted = async move {
            // Where that fails, the end of the run does it.
            drop(limits.unless(notes.remember(&left)).await);
            Done::HeldNoted
        };
        self.work.push(noted.boxed_local());
    }
}

/// `certificate/web (held by finalizer `example.com/cleanup`) to be gone`.
pub fn going(all: &[Lingering]) -> String {
    to_be_gone(&all.iter().map(told).collect::<Vec<_>>())
}

/// `pod/web-0, claim/data and 4 more to be gone`.
fn to_be_gone(all: &[String]) -> String {
    let first = &all[..all.len().min(3)];
    let more = match all.len() - first.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more} to be gone", wording::list(first))
}

/// `certificate/web (held by finalizer example.com/cleanup)`.
fn told(lingering: &Lingering) -> String {
    let object = lingering.object.short();
    match lingering.finalizers.as_slice() {
        [] => object,
        [one] => format!("{object} (held by finalizer `{one}`)"),
        some => format!("{object} (held by finalizers `{}`)", some.join("`, `")),
    }
}

/// What helps where these are still there: of each finalizer who takes it away, shown on one object.
pub fn remedies(all: &[Lingering]) -> Vec<String> {
    let mut held: BTreeMap<&String, &ObjectRef> = BTreeMap::new();
    for one in all {
        for finalizer in &one.finalizers {
            held.entry(finalizer).or_insert(&one.object);
        }
    }
    let remedies = held.into_iter();
    let remedies = remedies.map(|(finalizer, object)| owner(finalizer, object));
    let remedies: Vec<String> = remedies.collect();
    match all.first().filter(|_| remedies.is_empty()) {
        Some(first) => {
            let object = addressed(&first.object);
            vec![format!(
                "look at what is left: `kubectl get {object} -o yaml`"
            )]
        }
        None => remedies,
    }
}

/// An object as kubectl is told of it. Two groups may have a kind of the same name, and kubectl takes
/// the first one of those.
fn addressed(object: &ObjectRef) -> String {
    let kind = object.kind.to_lowercase();
    let named = match object.api_version.split_once('/') {
        Some((group, version)) if group.contains('.') => {
            format!("{kind}.{version}.{group}/{}", object.name)
        }
        _ => object.short(),
    };
    match &object.namespace {
        Some(namespace) => format!("{named} -n {namespace}"),
        None => named,
    }
}

/// Who takes an object's finalizer away, or what that waits for. None that Kubernetes or a controller
/// of storage sets is to be patched away: data or a load balancer would stay with nobody to know of it.
fn owner(finalizer: &str, object: &ObjectRef) -> String {
    let shown = addressed(object);
    let (domain, name) = finalizer.split_once('/').unwrap_or((finalizer, ""));
    match (domain, name) {
        ("customresourcecleanup.apiextensions.k8s.io", _) => format!(
            "the definition goes once its instances are gone, and what holds them is in their own \
             `metadata.finalizers`: `kubectl get {} --all-namespaces` shows which are left",
            object.name
        ),
        ("kubernetes.io", "pvc-protection") => "a pod still uses the claim".to_owned(),
        ("kubernetes.io", "pv-protection") => "a claim is still bound to the volume".to_owned(),
        ("resource.kubernetes.io", "delete-protection") => "a pod still uses the claim".to_owned(),
        ("foregroundDeletion", _) => "what it owns is still there".to_owned(),
        ("orphan", _) => format!(
            "Kubernetes' garbage collector has to let go of what it owns: `kubectl get {shown} -o yaml`"
        ),
        ("kubernetes", _) => format!(
            "what is in the namespace is still there: `kubectl get {shown} -o yaml` says in its status \
             what keeps it"
        ),
        ("service.kubernetes.io", "load-balancer-cleanup") => format!(
            "the cloud's controller has to remove the load balancer first: `kubectl describe {shown}` \
             shows what it says"
        ),
        ("batch.kubernetes.io", "job-tracking") => {
            "Kubernetes' job controller has to count the pod first".to_owned()
        }
        ("networking.k8s.io", "service-cidr-finalizer") => {
            "services still have addresses of this range".to_owned()
        }
        ("snapshot.storage.kubernetes.io", _) => format!(
            "the snapshot controller has to take finalizer `{finalizer}` away, once the snapshot is not \
             used any more: `kubectl describe {shown}` shows what it says"
        ),
        ("external-attacher", driver) => format!(
            "the volume is still attached to a node, and `{driver}` has to detach it: `kubectl get \
             volumeattachments` shows where"
        ),
        ("external-provisioner.volume.kubernetes.io", _) | ("kubernetes.io", "pv-controller") => {
            format!(
                "the volume's storage has to be deleted first: `kubectl describe {shown}` shows what its \
                 driver says"
            )
        }
        _ => format!(
            "the controller of `{domain}` has to take finalizer `{finalizer}` away; if there is none \
             any more: `kubectl patch {shown} --type merge -p \
             '{{\"metadata\":{{\"finalizers\":null}}}}'`"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remedy(kind: &str, name: &str, namespace: Option<&str>, finalizer: &str) -> String {
        let api_version = match kind {
            "Certificate" => "cert-manager.io/v1",
            _ => "v1",
        };
        let object = ObjectRef {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        };
        owner(finalizer, &object)
    }

    #[test]
    fn a_definition_waits_for_its_instances() {
        let remedy = remedy(
            "CustomResourceDefinition",
            "gadgets.example.com",
            None,
            "customresourcecleanup.apiextensions.k8s.io",
        );
        assert!(remedy.contains("`kubectl get gadgets.example.com --all-namespaces`"));
        assert!(!remedy.contains("patch"), "{remedy}");
    }

    #[test]
    fn what_kubernetes_itself_sets_is_never_to_be_patched_away() {
        let built_in = [
            "customresourcecleanup.apiextensions.k8s.io",
            "kubernetes.io/pvc-protection",
            "kubernetes.io/pv-protection",
            "kubernetes.io/pv-controller",
            "kubernetes",
            "foregroundDeletion",
            "orphan",
            "service.kubernetes.io/load-balancer-cleanup",
            "batch.kubernetes.io/job-tracking",
            "resource.kubernetes.io/delete-protection",
            "networking.k8s.io/service-cidr-finalizer",
            "snapshot.storage.kubernetes.io/volumesnapshot-bound-protection",
            "external-attacher/csi-example-com",
            "external-provisioner.volume.kubernetes.io/finalizer",
        ];
        for finalizer in built_in {
            let remedy = remedy("Secret", "web", Some("shop"), finalizer);
            assert!(!remedy.contains("patch"), "{finalizer}: {remedy}");
        }
    }

    #[test]
    fn what_another_controller_sets_is_its_own_to_take_away() {
        let remedy = remedy("Certificate", "web", Some("shop"), "example.com/cleanup");
        assert!(remedy.starts_with("the controller of `example.com` has to take finalizer"));
        assert!(
            remedy
                .contains("kubectl patch certificate.v1.cert-manager.io/web -n shop --type merge")
        );
    }
}
