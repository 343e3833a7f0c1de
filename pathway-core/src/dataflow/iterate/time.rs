//! Time inside of a loop.

use crate::dataflow::operator::Epoch;
use differential_dataflow::lattice::Lattice;
use serde::{Deserialize, Serialize};
use timely::order::PartialOrder;
use timely::progress::timestamp::Refines;
use timely::progress::{PathSummary, Timestamp};

/// Loops nest at most so deep.
pub(crate) const LEVELS_MAX: usize = 4;

/// The epoch, and for each loop from the outermost inwards the round, counted from zero.
///
/// One type for loops of any depth, so that a loop's operators are compiled once. It is that of
/// differential's `dynamic` module with a bound on the depth, hence flat: times are most of what
/// a loop compares and copies.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub(crate) struct LoopTime {
    epoch: Epoch,
    rounds: [u32; LEVELS_MAX],
}

impl LoopTime {
    /// The round of the loop at that level; the outermost loop is at level one.
    pub(crate) fn round(&self, level: usize) -> u64 {
        self.rounds[level - 1].into()
    }

    /// The epoch.
    pub(super) fn epoch(&self) -> Epoch {
        self.epoch
    }
}

impl PartialOrder for LoopTime {
    #[inline]
    fn less_equal(&self, other: &Self) -> bool {
        self.epoch <= other.epoch
            && self.rounds.iter().zip(&other.rounds).all(|(round, other)| round <= other)
    }
}

impl Timestamp for LoopTime {
    type Summary = Summary;

    fn minimum() -> Self {
        Self::default()
    }
}

impl Refines<Epoch> for LoopTime {
    fn to_inner(epoch: Epoch) -> Self {
        Self { epoch, ..Self::default() }
    }

    fn to_outer(self) -> Epoch {
        self.epoch
    }

    fn summarize(_: Summary) -> <Epoch as Timestamp>::Summary {
        // No way through a loop leads to another epoch.
        <Epoch as Timestamp>::Summary::default()
    }
}

impl LoopTime {
    #[inline]
    fn with(&self, other: &Self, f: fn(u32, u32) -> u32) -> [u32; LEVELS_MAX] {
        std::array::from_fn(|level| f(self.rounds[level], other.rounds[level]))
    }
}

impl Lattice for LoopTime {
    #[inline]
    fn join(&self, other: &Self) -> Self {
        Self { epoch: self.epoch.max(other.epoch), rounds: self.with(other, u32::max) }
    }

    #[inline]
    fn meet(&self, other: &Self) -> Self {
        Self { epoch: self.epoch.min(other.epoch), rounds: self.with(other, u32::min) }
    }
}

/// What a way through the loops does to a time: rounds from `kept` inwards begin anew, then so
/// many are added to each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Summary {
    kept: usize,
    added: [u32; LEVELS_MAX],
}

impl Default for Summary {
    fn default() -> Self {
        Self { kept: LEVELS_MAX, added: [0; LEVELS_MAX] }
    }
}

impl Summary {
    /// From a round of the loop at that level to its next.
    pub(crate) fn next_round(level: usize) -> Self {
        let mut added = [0; LEVELS_MAX];
        added[level - 1] = 1;
        Self { added, ..Self::default() }
    }

    /// Out of the loop at that level.
    pub(crate) fn leave(level: usize) -> Self {
        Self { kept: level - 1, ..Self::default() }
    }

    fn apply(&self, rounds: &[u32; LEVELS_MAX]) -> Option<[u32; LEVELS_MAX]> {
        let mut after = self.added;
        for (after, round) in after.iter_mut().zip(&rounds[..self.kept]) {
            *after = after.checked_add(*round)?;
        }
        Some(after)
    }
}

impl PartialOrder for Summary {
    fn less_equal(&self, other: &Self) -> bool {
        self.kept == other.kept
            && self.added.iter().zip(&other.added).all(|(added, other)| added <= other)
    }
}

impl PathSummary<LoopTime> for Summary {
    fn results_in(&self, time: &LoopTime) -> Option<LoopTime> {
        Some(LoopTime { rounds: self.apply(&time.rounds)?, ..*time })
    }

    fn followed_by(&self, other: &Self) -> Option<Self> {
        Some(Self { kept: self.kept.min(other.kept), added: other.apply(&self.added)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    fn time(random: &mut Random) -> LoopTime {
        let mut below = |bound| random.below(bound);
        let mut round = || u32::try_from(below(3)).unwrap();
        LoopTime { rounds: std::array::from_fn(|_| round()), epoch: below(3) }
    }

    fn summary(random: &mut Random) -> Summary {
        let level = 1 + random.index(LEVELS_MAX);
        if random.one_in(2) { Summary::next_round(level) } else { Summary::leave(level) }
    }

    #[test]
    fn times_are_a_lattice() {
        let mut random = Random::new(1);
        for _ in 0..10_000 {
            let (a, b, c) = (time(&mut random), time(&mut random), time(&mut random));
            let (join, meet) = (a.join(&b), a.meet(&b));
            assert!(a.less_equal(&join) && b.less_equal(&join));
            assert!(meet.less_equal(&a) && meet.less_equal(&b));
            assert!(!a.less_equal(&c) || !b.less_equal(&c) || join.less_equal(&c));
            assert!(!c.less_equal(&a) || !c.less_equal(&b) || c.less_equal(&meet));
            assert!(!a.less_equal(&b) || a <= b, "the total order extends the partial one");
        }
    }

    #[test]
    fn ways_compose() {
        let mut random = Random::new(1);
        for _ in 0..10_000 {
            let time = time(&mut random);
            let mut way = Summary::default();
            let mut at = time;
            for _ in 0..random.below(6) {
                let step = summary(&mut random);
                way = way.followed_by(&step).unwrap();
                at = step.results_in(&at).unwrap();
                assert_eq!(way.results_in(&time), Some(at));
            }
        }
    }
}
