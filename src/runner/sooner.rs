//! Needs that are met before the release that is needed is ready.

use super::tracked::{Phase, Tracked};
use crate::event::{Health, Verdict, VerdictClass};
use crate::plan::{Plan, Until};
use crate::snapshot::{Hook, Leaves, ObjectRef};
use crate::wording;

/// For each release who needs only a part of it.
#[derive(Debug)]
pub struct Sooner(Vec<Vec<Edge>>);

#[derive(Debug)]
struct Edge {
    dependent: usize,
    until: Vec<Until>,
}

/// What has become of a need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    Met,
    /// What it waits for, once helm is through with the release.
    Open(Option<String>),
    /// The release has no such object, so that the need can't be met.
    Never(Box<Verdict>),
}

impl Sooner {
    pub fn new(plan: &Plan) -> Sooner {
        let mut edges: Vec<Vec<Edge>> = plan.steps().iter().map(|_| Vec::new()).collect();
        for (dependent, step) in plan.steps().iter().enumerate() {
            for sooner in &step.sooner {
                edges[sooner.need].push(Edge {
                    dependent,
                    until: sooner.until.clone(),
                });
            }
        }
        Sooner(edges)
    }

    /// How the needs on this release stand: who needs it, and what has become of that.
    pub fn turns(&self, at: usize, release: &Tracked<'_>) -> Vec<(usize, Turn)> {
        let edges = self.0[at].iter();
        edges
            .map(|edge| (edge.dependent, turn(&edge.until, release)))
            .collect()
    }
}

/// The objects of a release that others need, by kind and name.
pub fn needed(plan: &Plan, at: usize) -> Vec<(&str, &str)> {
    let edges = plan.steps().iter().flat_map(|step| &step.sooner);
    let until = edges.filter(|it| it.need == at).flat_map(|it| &it.until);
    let objects = until.filter_map(|until| match until {
        Until::Object { kind, name } => Some((kind.as_str(), name.as_str())),
        Until::Ready | Until::Deployed => None,
    });
    objects.collect()
}

fn turn(until: &[Until], release: &Tracked<'_>) -> Turn {
    if !matches!(release.phase, Phase::Converging | Phase::Ready) || release.doom.is_some() {
        return Turn::Open(None);
    }
    let absent = until.iter().find(|until| is_absent(until, release));
    if let Some(absent) = absent {
        return Turn::Never(Box::new(nothing_there(absent, release)));
    }
    let mut open = until.iter().filter_map(|until| lacks(until, release));
    match open.next() {
        None => Turn::Met,
        Some(first) => Turn::Open(Some(open.fold(first, |all, one| format!("{all}, {one}")))),
    }
}

/// Why a need is not met yet.
fn lacks(until: &Until, release: &Tracked<'_>) -> Option<String> {
    let of_release = format!("{until} of release `{}`", release.step.id);
    match until {
        Until::Ready => (release.phase != Phase::Ready).then_some(of_release),
        Until::Deployed => None,
        Until::Object { kind, name } if is_done(release, kind, name) => None,
        Until::Object { .. } if !release.looked_at => Some(of_release),
        Until::Object { kind, name } => {
            // What has no readiness is there, and that is all that can be said of it.
            let assessment = &release.assessment;
            let assessed = assessment.objects.iter().chain(&assessment.left_by_hooks);
            let mut assessed = assessed.filter(|it| it.object.is_called(kind, name));
            let (namespace, why) = assessed.find_map(|it| {
                let why = match it.health {
                    // A Service is ready by itself, and of use to others when somebody answers for it.
                    Health::Ready if it.ready < it.desired.min(1) => match it.reason.as_str() {
                        "" => "none of its endpoints is ready",
                        unseen => unseen,
                    },
                    Health::Ready => return None,
                    _ => it.reason.as_str(),
                };
                Some((it.object.namespace.as_deref(), why))
            })?;
            let own = release.step.namespace.as_str();
            let place = match namespace {
                Some(other) if other != own => format!(" in namespace `{other}`"),
                _ => String::new(),
            };
            Some(match why {
                "" => of_release + &place,
                why => format!("{of_release}{place}: {why}"),
            })
        }
    }
}

fn is_absent(until: &Until, release: &Tracked<'_>) -> bool {
    let (Until::Object { kind, name }, Some(contents)) = (until, &release.contents) else {
        return false;
    };
    let is_left = |hook: &Hook| {
        let is_one = hook.leaves_something(contents.revision) && hook.object.is_called(kind, name);
        is_one && !is_gone(release, hook)
    };
    let mut objects = contents.objects.iter();
    !objects.any(|object| object.is_called(kind, name))
        && !contents.hooks.iter().any(is_left)
        && !is_done(release, kind, name)
}

fn is_done(release: &Tracked<'_>, kind: &str, name: &str) -> bool {
    let mut done = release.past.done.iter();
    done.any(|object| object.is_called(kind, name))
}

/// helm has made it, and it is not there any more.
fn is_gone(release: &Tracked<'_>, hook: &Hook) -> bool {
    release.past.gone.contains(&hook.object) || release.lost_hooks.contains(&hook.object)
}

/// Why what a hook makes is not there; None where no hook makes it.
fn left_by_no_hook(until: &Until, release: &Tracked<'_>) -> Option<String> {
    let (Until::Object { kind, name }, Some(contents)) = (until, &release.contents) else {
        return None;
    };
    let mut hooks = contents.hooks.iter();
    let hook = hooks.find(|hook| hook.object.is_called(kind, name))?;
    let events: Vec<String> = hook.events.iter().map(|it| format!("`{it}`")).collect();
    let id = &release.step.id;
    let why = match hook.leaves(contents.revision) {
        Leaves::NotRun => format!("it is for {} and has not run", wording::list(&events)),
        Leaves::Object if is_gone(release, hook) => "it is gone".to_owned(),
        _ => "helm has deleted it again (`hook-succeeded`)".to_owned(),
    };
    Some(format!(
        "it needs {until} of release `{id}`, which only a hook makes: {why}"
    ))
}

fn nothing_there(until: &Until, release: &Tracked<'_>) -> Verdict {
    let id = &release.step.id;
    let objects = release
        .contents
        .iter()
        .flat_map(|contents| &contents.objects);
    let same_kind = |object: &&ObjectRef| match until {
        Until::Object { kind, .. } => object.is_of(kind),
        _ => false,
    };
    let no_hook = left_by_no_hook(until, release);
    let others: Vec<String> = objects
        .filter(same_kind)
        .map(|object| format!("`{}/{}`", object.kind.to_lowercase(), object.name))
        .collect();
    Verdict {
        class: VerdictClass::Certain,
        sentence: no_hook.unwrap_or_else(|| until.of_none(id.as_str())),
        chain: Vec::new(),
        evidence: Vec::new(),
        hints: match others.as_slice() {
            [] => vec![format!("`{id}` alone waits until all of it is ready")],
            others => vec![format!("release `{id}` has {}", others.join(", "))],
        },
    }
}
