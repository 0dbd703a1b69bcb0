//! Needs that are met before the release that is needed is ready.

use super::tracked::{Phase, Tracked};
use crate::event::{Health, Verdict, VerdictClass};
use crate::plan::{Plan, Until};
use crate::snapshot::ObjectRef;

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
    Open,
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

fn turn(until: &[Until], release: &Tracked<'_>) -> Turn {
    if !matches!(release.phase, Phase::Converging | Phase::Ready) || release.doom.is_some() {
        return Turn::Open;
    }
    let absent = until.iter().find(|until| is_absent(until, release));
    if let Some(absent) = absent {
        return Turn::Never(Box::new(nothing_there(absent, release)));
    }
    match until.iter().all(|until| is_met(until, release)) {
        true => Turn::Met,
        false => Turn::Open,
    }
}

fn is_met(until: &Until, release: &Tracked<'_>) -> bool {
    match until {
        Until::Ready => release.phase == Phase::Ready,
        Until::Deployed => true,
        Until::Object { kind, name } => {
            let assessed = release.assessment.objects.iter();
            let mut assessed = assessed.filter(|it| is(&it.object, kind, name));
            // What has no readiness is there, and that is all that can be said of it. A Service is
            // ready by itself, and of use to others when somebody answers for it.
            release.looked_at
                && assessed.all(|it| it.health == Health::Ready && it.ready >= it.desired.min(1))
        }
    }
}

fn is_absent(until: &Until, release: &Tracked<'_>) -> bool {
    let (Until::Object { kind, name }, Some(contents)) = (until, &release.contents) else {
        return false;
    };
    let hooks = contents.hooks.iter().map(|hook| &hook.object);
    !contents
        .objects
        .iter()
        .chain(hooks)
        .any(|object| is(object, kind, name))
}

fn is(object: &ObjectRef, kind: &str, name: &str) -> bool {
    object.kind.eq_ignore_ascii_case(kind) && object.name == name
}

fn nothing_there(until: &Until, release: &Tracked<'_>) -> Verdict {
    let id = &release.step.id;
    let objects = release
        .contents
        .iter()
        .flat_map(|contents| &contents.objects);
    let same_kind = |object: &&ObjectRef| match until {
        Until::Object { kind, .. } => object.kind.eq_ignore_ascii_case(kind),
        _ => false,
    };
    let others: Vec<String> = objects
        .filter(same_kind)
        .map(|object| format!("`{}/{}`", object.kind.to_lowercase(), object.name))
        .collect();
    Verdict {
        class: VerdictClass::Certain,
        sentence: format!("it needs {until} of release `{id}`, which has no such object"),
        chain: Vec::new(),
        evidence: Vec::new(),
        hints: match others.as_slice() {
            [] => vec![format!("`{id}` alone waits until all of it is ready")],
            others => vec![format!("release `{id}` has {}", others.join(", "))],
        },
    }
}
