//! Which troubles are borne because another release may still end them.
//!
//! A trouble that names what is missing may be ended by any release that is yet to come or coming
//! up, operators among them, unless that release waits for this very one. Another trouble may be
//! the shadow of a need that is not ready at the moment. Whoever only waits for releases that wait
//! for each other, waits for nothing: of those, none *moves*, and none holds another.

use std::collections::HashSet;

use crate::plan::Plan;
use crate::verdict::{Finding, Hope};

/// Where a release stands, as far as others may wait for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Its helm has not been started.
    Waiting,
    Deploying,
    Converging,
    Ready,
    /// Ended or given up.
    Over,
}

/// A release and the likely troubles it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub stage: Stage,
    /// Some name an object whose coming would end them.
    pub lacks: bool,
    /// Some don't.
    pub ails: bool,
}

/// What is borne for now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    lacking: bool,
    ailing: bool,
}

/// Who needs whom, near or far.
#[derive(Debug)]
pub struct Holds {
    needs: Vec<Vec<usize>>,
    far: Vec<Vec<bool>>,
    /// Needs that are met though the release that is needed is not ready: who needs, and whom.
    met: HashSet<(usize, usize)>,
    /// Who waits for whom, near or far: the needs without those.
    waits: Vec<Vec<bool>>,
}

impl Standing {
    pub fn new(stage: Stage, findings: &[Finding]) -> Standing {
        let mut likely = findings
            .iter()
            .filter(|f| matches!(f.hope, Hope::Likely(_)));
        Standing {
            stage,
            lacks: likely.clone().any(|f| f.missing.is_some()),
            ails: likely.any(|f| f.missing.is_none()),
        }
    }

    fn is_active(self) -> bool {
        matches!(self.stage, Stage::Deploying | Stage::Converging)
    }
}

impl Held {
    /// While nothing can be seen, nothing is given up.
    pub const ALL: Held = Held {
        lacking: true,
        ailing: true,
    };

    pub fn holds(self, finding: &Finding) -> bool {
        if finding.missing.is_some() {
            self.lacking
        } else {
            self.ailing
        }
    }
}

impl Holds {
    pub fn new(plan: &Plan) -> Holds {
        Holds::over(plan.steps().iter().map(|step| step.needs.clone()).collect())
    }

    /// A release comes after all that it needs.
    fn over(needs: Vec<Vec<usize>>) -> Holds {
        let far = near_or_far(&needs);
        Holds {
            needs,
            waits: far.clone(),
            far,
            met: HashSet::new(),
        }
    }

    /// Takes note of whether a need is met though the release that is needed is not ready.
    pub fn set_met(&mut self, at: usize, need: usize, met: bool) {
        let changed = if met {
            self.met.insert((at, need))
        } else {
            self.met.remove(&(at, need))
        };
        if changed {
            let open = |(at, list): (usize, &Vec<usize>)| {
                let open = list
                    .iter()
                    .copied()
                    .filter(|&need| !self.met.contains(&(at, need)));
                open.collect()
            };
            let open: Vec<Vec<usize>> = self.needs.iter().enumerate().map(open).collect();
            self.waits = near_or_far(&open);
        }
    }

    /// Whether a release needs another, directly or by way of others.
    pub fn needs(&self, at: usize, other: usize) -> bool {
        self.far[at][other]
    }

    /// For each release what is borne. `place_is_free`: one more helm may be started.
    pub fn held(&self, releases: &[Standing], place_is_free: bool) -> Vec<Held> {
        let moves = self.moving(releases, place_is_free);
        let held = |at: usize| Held {
            lacking: releases[at].lacks && self.bringers(releases, at).any(|other| moves[other]),
            ailing: releases[at].ails && self.open_needs(releases, at).any(|need| moves[need]),
        };
        (0..releases.len()).map(held).collect()
    }

    /// Who gets on by itself or will be given up. Found from those that wait for nobody, so that a
    /// cycle of waiting moves nobody.
    fn moving(&self, releases: &[Standing], place_is_free: bool) -> Vec<bool> {
        let mut moves = vec![false; releases.len()];
        loop {
            let place = place_is_free
                || (0..releases.len())
                    .any(|at| moves[at] && releases[at].stage == Stage::Deploying);
            let more: Vec<usize> = (0..releases.len())
                .filter(|&at| !moves[at] && self.can_move(releases, at, &moves, place))
                .collect();
            if more.is_empty() {
                return moves;
            }
            for at in more {
                moves[at] = true;
            }
        }
    }

    fn can_move(&self, releases: &[Standing], at: usize, moves: &[bool], place: bool) -> bool {
        let release = releases[at];
        match release.stage {
            Stage::Ready | Stage::Over => false,
            Stage::Waiting => {
                let comes = |&need: &usize| {
                    let is_met =
                        releases[need].stage == Stage::Ready || self.met.contains(&(at, need));
                    is_met || moves[need]
                };
                place && self.needs[at].iter().all(comes)
            }
            Stage::Deploying | Stage::Converging => {
                !(release.lacks || release.ails)
                    || release.lacks && none_or_moving(self.bringers(releases, at), moves)
                    || release.ails && none_or_moving(self.open_needs(releases, at), moves)
            }
        }
    }

    /// Who may bring an object that this release lacks.
    fn bringers(&self, releases: &[Standing], at: usize) -> impl Iterator<Item = usize> {
        let comes = move |&other: &usize| {
            let may = releases[other].stage == Stage::Waiting || releases[other].is_active();
            may && other != at && !self.waits[other][at]
        };
        (0..releases.len()).filter(comes)
    }

    /// What this release needs and is not ready, or not any more.
    fn open_needs(&self, releases: &[Standing], at: usize) -> impl Iterator<Item = usize> {
        (0..releases.len()).filter(move |&need| self.far[at][need] && releases[need].is_active())
    }
}

/// For each release whom it needs, near or far.
fn near_or_far(needs: &[Vec<usize>]) -> Vec<Vec<bool>> {
    let mut far: Vec<Vec<bool>> = Vec::with_capacity(needs.len());
    for list in needs {
        let reaches = |other: usize| list.iter().any(|&need| need == other || far[need][other]);
        far.push((0..needs.len()).map(reaches).collect());
    }
    far
}

fn none_or_moving(mut others: impl Iterator<Item = usize>, moves: &[bool]) -> bool {
    match others.next() {
        None => true,
        Some(first) => moves[first] || others.any(|other| moves[other]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is(stage: Stage, trouble: &str) -> Standing {
        Standing {
            stage,
            lacks: trouble.contains("lacks"),
            ails: trouble.contains("ails"),
        }
    }

    /// For each release the troubles that are borne.
    fn held(needs: &[&[usize]], releases: &[Standing], place_is_free: bool) -> Vec<&'static str> {
        let holds = Holds::over(needs.iter().map(|list| list.to_vec()).collect());
        let held = holds.held(releases, place_is_free);
        held.iter()
            .map(|held| match (held.lacking, held.ailing) {
                (false, false) => "",
                (true, false) => "lacks",
                (false, true) => "ails",
                (true, true) => "lacks ails",
            })
            .collect()
    }

    #[test]
    fn what_another_release_may_bring_is_waited_for() {
        use Stage::{Converging, Deploying, Over, Ready, Waiting};
        let lacking = is(Converging, "lacks");
        for (stage, borne) in [
            (Waiting, "lacks"),
            (Deploying, "lacks"),
            (Converging, "lacks"),
            (Ready, ""),
            (Over, ""),
        ] {
            let found = held(&[&[], &[]], &[lacking, is(stage, "")], true);
            assert_eq!(found, [borne, ""], "{stage:?}");
        }
        let ailing = is(Converging, "ails");
        assert_eq!(held(&[&[], &[]], &[ailing, is(Waiting, "")], true)[0], "");
    }

    #[test]
    fn who_waits_for_this_very_release_brings_nothing() {
        let releases = [
            is(Stage::Converging, "lacks"),
            is(Stage::Waiting, ""),
            is(Stage::Waiting, ""),
        ];
        assert_eq!(held(&[&[], &[0], &[1]], &releases, true)[0], "");
        assert_eq!(held(&[&[], &[0], &[]], &releases, true)[0], "lacks");
    }

    #[test]
    fn trouble_may_be_the_shadow_of_a_need_that_was_lost() {
        let mut releases = [
            is(Stage::Converging, ""),
            is(Stage::Ready, ""),
            is(Stage::Converging, "ails"),
        ];
        let needs: [&[usize]; 3] = [&[], &[0], &[1]];
        assert_eq!(held(&needs, &releases, true)[2], "ails");
        releases[0] = is(Stage::Converging, "ails");
        assert_eq!(
            held(&needs, &releases, true),
            ["", "", "ails"],
            "its own clock runs"
        );
        releases[0].stage = Stage::Over;
        assert_eq!(held(&needs, &releases, true)[2], "");
    }

    #[test]
    fn who_only_waits_for_each_other_is_not_held() {
        let lacking = is(Stage::Converging, "lacks");
        assert_eq!(held(&[&[], &[]], &[lacking, lacking], true), ["", ""]);
        let free = is(Stage::Converging, "");
        assert_eq!(
            held(&[&[], &[], &[]], &[lacking, lacking, free], true),
            ["lacks", "lacks", ""]
        );
        // 2 waits for 1, which waits for what 0 may bring, and the other way round.
        let waiting = is(Stage::Waiting, "");
        assert_eq!(
            held(&[&[], &[], &[1]], &[lacking, lacking, waiting], true),
            ["", "", ""]
        );
    }

    #[test]
    fn who_waits_for_the_place_of_a_helm_that_waits_for_it_is_not_waited_for() {
        let releases = [is(Stage::Deploying, "lacks"), is(Stage::Waiting, "")];
        assert_eq!(held(&[&[], &[]], &releases, false), ["", ""]);
        assert_eq!(held(&[&[], &[]], &releases, true), ["lacks", ""]);
    }

    #[test]
    fn who_needs_only_a_part_may_bring_what_the_rest_lacks() {
        let releases = [is(Stage::Converging, "lacks"), is(Stage::Waiting, "")];
        let mut holds = Holds::over(vec![vec![], vec![0]]);
        let lacking = |holds: &Holds| holds.held(&releases, true)[0].lacking;
        assert!(!lacking(&holds));
        holds.set_met(1, 0, true);
        assert!(lacking(&holds));
        holds.set_met(1, 0, false);
        assert!(!lacking(&holds));
    }

    type Node = (u8, bool, bool, Vec<prop::sample::Index>);

    fn standings(nodes: &[Node]) -> (Vec<Vec<usize>>, Vec<Standing>) {
        let mut needs: Vec<Vec<usize>> = Vec::new();
        let mut releases: Vec<Standing> = Vec::new();
        for (at, (stage, lacks, ails, picks)) in nodes.iter().enumerate() {
            let picked = picks.iter().filter(|_| at > 0);
            needs.push(picked.map(|pick| pick.index(at.max(1))).collect());
            let met = |&need: &usize| releases[need].stage == Stage::Ready;
            let lost = |&need: &usize| releases[need].stage == Stage::Over;
            let stage = match stage {
                _ if needs[at].iter().any(lost) => Stage::Over,
                _ if !needs[at].iter().all(met) => Stage::Waiting,
                0 => Stage::Waiting,
                1 => Stage::Deploying,
                2..6 => Stage::Converging,
                6 => Stage::Ready,
                _ => Stage::Over,
            };
            let active = matches!(stage, Stage::Deploying | Stage::Converging);
            releases.push(Standing {
                stage,
                lacks: *lacks && active,
                ails: *ails && active,
            });
        }
        (needs, releases)
    }

    proptest! {
        /// Whoever waits for whom: as long as something is open, there is a release that gets on,
        /// or a trouble whose time runs.
        #[test]
        fn no_holding_stops_a_run(nodes in prop::collection::vec(
            (0u8..8, any::<bool>(), any::<bool>(),
             prop::collection::vec(any::<prop::sample::Index>(), 0..3)),
            1..12,
        )) {
            let (needs, releases) = standings(&nodes);
            let deploying = releases.iter().any(|r| r.stage == Stage::Deploying);
            for place in [true, false] {
                if !place && !deploying {
                    continue;
                }
                let met = |&need: &usize| releases[need].stage == Stage::Ready;
                let holds = Holds::over(needs.clone());
                let held = holds.held(&releases, place);
                let gets_on = |at: usize| match releases[at].stage {
                    Stage::Waiting => place && needs[at].iter().all(met),
                    Stage::Deploying | Stage::Converging => {
                        let Standing { lacks, ails, .. } = releases[at];
                        !(lacks || ails)
                            || lacks && !held[at].lacking
                            || ails && !held[at].ailing
                    }
                    Stage::Ready | Stage::Over => false,
                };
                let open = releases
                    .iter()
                    .any(|r| !matches!(r.stage, Stage::Ready | Stage::Over));
                prop_assert!(!open || (0..releases.len()).any(gets_on), "{releases:?}");
            }
        }

        /// What is borne is borne for somebody who is not this release and does not wait for it.
        #[test]
        fn nobody_is_held_by_who_needs_it(nodes in prop::collection::vec(
            (0u8..8, any::<bool>(), any::<bool>(),
             prop::collection::vec(any::<prop::sample::Index>(), 0..3)),
            1..12,
        )) {
            let (needs, mut releases) = standings(&nodes);
            let holds = Holds::over(needs);
            let held = holds.held(&releases, true);
            let lacking = (0..releases.len()).filter(|&at| held[at].lacking);
            for at in lacking.collect::<Vec<_>>() {
                let before = releases.clone();
                for (other, release) in releases.iter_mut().enumerate() {
                    if other != at && !holds.far[other][at] {
                        release.stage = Stage::Over;
                    }
                }
                prop_assert!(!holds.held(&releases, true)[at].lacking);
                releases = before;
            }
        }
    }
}
