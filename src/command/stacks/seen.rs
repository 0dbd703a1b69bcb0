use super::Member;
use super::gone::Look;
use super::known::Known;
use crate::snapshot::{Contents, Lingering, Record, RecordStatus, World};
use crate::verdict::{self, Assessment, Baseline, CompletedRule, Scope};

/// A release as the cluster has it now.
#[derive(Debug)]
pub struct Seen {
    pub record: Option<Record>,
    pub assessment: Option<Assessment>,
    /// Why what helm's record holds is not known, or not seen, and the release can't be judged.
    pub unreadable: Option<String>,
    /// helm was ended before it was through with it.
    pub is_cut_off: bool,
    /// What its removal waits for, where helm has forgotten it.
    pub held: Vec<Lingering>,
}

impl Seen {
    pub fn of(
        world: &World,
        member: &Member,
        (known, look): (&Known, &Look),
        completed: CompletedRule,
    ) -> Seen {
        let record = installed(world, member);
        let (contents, unreadable) = match known {
            Known::Nothing => (None, None),
            Known::Contents(contents) => (Some(contents), None),
            Known::Unreadable { why, .. } => (None, Some(why.clone())),
        };
        let is_going = record.is_some_and(|it| it.status == RecordStatus::Uninstalling);
        // What is left of its objects says nothing of a release that is being removed.
        let removal = contents.filter(|_| is_going).map(Contents::of_removal);
        let verified = record.filter(|it| it.is_verified());
        let settled = contents
            .filter(|_| verified.is_some())
            .map(|it| it.once_ready(world));
        let contents = settled.as_ref().or(contents);
        // What a hook was there to put right counts from when helm was through with it.
        let has_hooks = contents.is_some_and(Contents::has_later_hooks);
        let deployed = record.filter(|it| has_hooks && it.status == RecordStatus::Deployed);
        let before = match deployed.and_then(|record| record.modified) {
            Some(through) => Baseline::until(world, through),
            None => Baseline::default(),
        };
        let mut assessment = removal.as_ref().or(contents).map(|contents| {
            let scope = Scope {
                id: &member.id,
                contents,
                applied: record.is_some_and(is_applied),
                helm_at_work: is_going || record.is_some_and(|it| it.status.is_pending()),
                before: &before,
                completed,
                repeating: verdict::nothing_repeats(),
                providers: verdict::nobody_knows(),
            };
            verdict::assess(world, &scope, &member.budgets)
        });
        let mut objects = assessment.iter().flat_map(|it| &it.objects);
        let hidden = objects.find_map(|health| {
            let watched = world.hides(&health.object)?;
            let object = health.object.short();
            Some(format!(
                "the state of {object} is not known: these credentials may not list {watched}"
            ))
        });
        let unreadable = unreadable.or(hidden).or_else(|| look.open().cloned());
        if let Some(assessment) = &mut assessment {
            look.tell(assessment);
        }
        Seen {
            record: record.cloned(),
            assessment,
            unreadable,
            is_cut_off: contents.is_some_and(|it| it.is_cut_off),
            held: look.held().to_vec(),
        }
    }

    /// Helm is through with the last revision, so all of it has to be there.
    pub fn is_applied(&self) -> bool {
        self.record.as_ref().is_some_and(is_applied)
    }
}

/// Of a revision that helm has given up, the hooks are not past.
fn is_applied(record: &Record) -> bool {
    let status = record.status;
    !status.is_pending() && !matches!(status, RecordStatus::Failed | RecordStatus::Uninstalling)
}

/// The last revision of a release, None where it is uninstalled.
pub fn installed<'a>(world: &'a World, member: &Member) -> Option<&'a Record> {
    let last = world.last_record(member.namespace.as_str(), member.release.as_str());
    last.filter(|record| record.status != RecordStatus::Uninstalled)
}
