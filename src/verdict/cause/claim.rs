//! Claims that get no volume. The claim's own status only says `Pending`; why is told in events of
//! the volume controller and the provisioners.

use crate::snapshot::{Claim, ClusterEvent, ObjectRef, Pod};

use super::super::Hope;
use super::super::missing::Missing;
use super::super::words::brief;
use super::report::Draft;
use super::{Case, Cause};

/// Why a claim gets no volume.
pub struct Trouble<'a> {
    pub claim: &'a str,
    pub sentence: String,
    missing: Option<Missing>,
    event: &'a ClusterEvent,
    hint: &'static str,
}

/// A claim that stands in the release itself.
pub fn find(case: &Case<'_>, claim: &Claim, name: &str) -> Option<Draft> {
    if claim.phase == "Lost" {
        let volume = claim.volume.as_deref().unwrap_or("its volume");
        let sentence = format!("{name} has lost its data: volume {volume} is gone");
        let draft = Draft::new(Cause::ClaimLost, Hope::Certain, sentence);
        return Some(
            draft
                .status(name.to_owned(), "Lost", "")
                .hint("restore the volume, or delete the claim to start with an empty one"),
        );
    }
    let trouble = trouble(case, claim)?;
    let draft = Draft::new(Cause::ClaimUnbound, trouble.hope(case), &*trouble.sentence);
    Some(trouble.prove(draft))
}

/// Of the claims that a pod mounts, the first that gets no volume.
pub fn of_pod<'a>(case: &Case<'a>, pod: &Pod) -> Option<Trouble<'a>> {
    let mounted = |claim: &&Claim| {
        claim.meta.namespace == pod.meta.namespace
            && pod
                .volumes
                .iter()
                .any(|v| v.kind == "PersistentVolumeClaim" && v.object == claim.meta.name)
    };
    let mut claims: Vec<&Claim> = case.world.claims.values().filter(mounted).collect();
    claims.sort_by(|a, b| a.meta.name.cmp(&b.meta.name));
    claims.into_iter().find_map(|claim| trouble(case, claim))
}

/// The claim stands in the release.
pub fn is_own(case: &Case<'_>, claim: &str) -> bool {
    let named = |object: &ObjectRef| object.kind == "PersistentVolumeClaim" && object.name == claim;
    case.subjects.iter().any(|subject| named(&subject.object))
}

fn trouble<'a>(case: &Case<'a>, claim: &'a Claim) -> Option<Trouble<'a>> {
    if claim.phase != "Pending" {
        return None;
    }
    let event = case
        .world
        .past
        .events_about(&claim.meta.uid)
        .iter()
        .rfind(|event| matches!(&*event.reason, "ProvisioningFailed" | "FailedBinding"))?;
    let missing = Missing::in_message(&event.message, &claim.meta.namespace);
    let (why, hint) = match &missing {
        Some(missing) => (missing.sentence(), "set another `storageClassName`"),
        None if event.message.contains("no storage class is set") => (
            "it names no storage class, the cluster has no default one, and no volume fits"
                .to_owned(),
            "set `storageClassName`, or make one class the cluster's default",
        ),
        None => (
            brief(&event.message),
            "look at the provisioner of the claim's storage class",
        ),
    };
    Some(Trouble {
        claim: &claim.meta.name,
        sentence: format!(
            "persistentvolumeclaim/{} gets no volume: {why}",
            claim.meta.name
        ),
        missing,
        event,
        hint,
    })
}

impl Trouble<'_> {
    pub fn hope(&self, case: &Case<'_>) -> Hope {
        Hope::Likely(case.budgets.failed_mount)
    }

    pub fn prove(&self, draft: Draft) -> Draft {
        let draft = draft.told_by(Some(self.event));
        let draft = match &self.missing {
            Some(missing) => draft.missing(missing),
            None => draft,
        };
        draft.hint(self.hint)
    }
}
