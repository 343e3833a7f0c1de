//! Joins by time beside a naive evaluation, over random histories with watermarks on both sides.

use super::*;
use crate::dataflow::chunk::Chunk;
use crate::dataflow::state::State;
use crate::dataflow::watermark::{END, START};
use crate::schema::Schema;
use crate::stage::{Diff, EncodedStep};
use crate::testing::Random;
use std::collections::BTreeMap;

/// Key, time and a number.
type Row = (Option<u8>, i64, u8);
/// A result: the rows of both sides.
type Pair = (Option<Row>, Option<Row>);

#[derive(Default)]
struct Root(Vec<(Pair, Diff)>);

impl EncodedStep for Root {
    fn push(&mut self, mut left: &[u8], mut right: &[u8], diff: Diff) {
        let pair = (Some(Row::decode(&mut left)), Some(Row::decode(&mut right)));
        self.0.push((pair, diff));
    }

    fn push_left(&mut self, mut left: &[u8], diff: Diff) {
        self.0.push(((Some(Row::decode(&mut left)), None), diff));
    }

    fn push_right(&mut self, mut right: &[u8], diff: Diff) {
        self.0.push(((None, Some(Row::decode(&mut right))), diff));
    }
}

fn is_end_row(row: &Row) -> bool {
    row.2 == 0
}

/// What a join gives, as its definition says.
#[derive(Clone, Copy, Debug)]
struct Naive {
    plan: TimeJoinPlan,
    retracts: [bool; 2],
}

impl Naive {
    fn is_pair(&self, left: &Row, right: &Row) -> bool {
        let Meets::Interval { lower, upper } = self.plan.meets else { unreachable!() };
        let apart = i128::from(right.1) - i128::from(left.1);
        left.0.is_some() && left.0 == right.0 && (lower..=upper).contains(&apart)
    }

    fn find(&self, as_of: AsOf, left: &Row, right: &[Row]) -> Option<Row> {
        let apart = |row: &Row| (row.1 - left.1).abs();
        let looks_at = |row: &&Row| {
            left.0.is_some()
                && row.0 == left.0
                && as_of.within.is_none_or(|within| i128::from(apart(row)) <= within)
                && match as_of.direction {
                    Direction::Backward => row.1 <= left.1,
                    Direction::Forward => row.1 >= left.1,
                    Direction::Nearest => true,
                }
        };
        let found = right
            .iter()
            .filter(looks_at)
            .min_by_key(|row| (apart(row), row.1, std::cmp::Reverse(row.2)));
        found.copied().filter(|row| !(as_of.versions && is_end_row(row)))
    }

    fn results(&self, left: &[Row], right: &[Row]) -> Vec<Pair> {
        let mut results = Vec::new();
        match self.plan.meets {
            Meets::AsOf(as_of) => {
                for row in left {
                    let found = self.find(as_of, row, right);
                    if found.is_some() || self.plan.left_alone {
                        results.push((Some(*row), found));
                    }
                }
            }
            _ => {
                for row in left {
                    let matches = right.iter().filter(|other| self.is_pair(row, other));
                    let before = results.len();
                    results.extend(matches.map(|other| (Some(*row), Some(*other))));
                    if results.len() == before && self.plan.left_alone {
                        results.push((Some(*row), None));
                    }
                }
                for row in right {
                    let has_match = left.iter().any(|other| self.is_pair(other, row));
                    if !has_match && self.plan.right_alone {
                        results.push((None, Some(*row)));
                    }
                }
            }
        }
        results
    }

    /// The results that no change can take back: tries them all.
    fn final_results(&self, rows: &[Vec<Row>; 2], at: [i128; 2]) -> Vec<Pair> {
        let may_go = |side: usize, row: &Row| self.retracts[side] && i128::from(row.1) >= at[side];
        let mut results = self.results(&rows[0], &rows[1]);
        let stays = |results: &mut Vec<Pair>, rows: [&[Row]; 2]| {
            let others = counts(self.results(rows[0], rows[1]));
            results.retain(|result| others.contains_key(result));
        };
        for side in [0, 1] {
            for at in 0..rows[side].len() {
                if may_go(side, &rows[side][at]) {
                    let mut less = rows.clone();
                    less[side].remove(at);
                    // A row that is there twice may go twice.
                    let gone = rows[side][at];
                    less[side].retain(|row| *row != gone);
                    stays(&mut results, [&less[0], &less[1]]);
                }
            }
            for time in -20..52 {
                if i128::from(time) < at[side] {
                    continue;
                }
                for key in 0..2 {
                    for number in [0, u8::MAX] {
                        let mut more = rows.clone();
                        more[side].push((Some(key), time, number));
                        stays(&mut results, [&more[0], &more[1]]);
                    }
                }
            }
        }
        results
    }
}

fn counts(results: Vec<Pair>) -> BTreeMap<Pair, Diff> {
    let mut counts = BTreeMap::new();
    for result in results {
        *counts.entry(result).or_insert(0) += 1;
    }
    counts
}

struct Joined {
    naive: Naive,
    state: TimeJoinState,
    given: BTreeMap<Pair, Diff>,
}

impl Joined {
    fn new(naive: Naive) -> Self {
        let types = [Row::data_type(), Row::data_type()];
        let state = TimeJoinState::new(naive.plan, types, naive.retracts);
        Self { naive, state, given: BTreeMap::new() }
    }

    fn close(&mut self, updates: &[Vec<(Row, Diff)>; 2], at: [i128; 2]) {
        let chunks = [0, 1].map(|side| {
            let mut chunk = Chunk::for_target(0);
            for (row, diff) in &updates[side] {
                let mut message = i128::from(row.1).to_le_bytes().to_vec();
                if self.naive.plan.fronts()[side] > 0 {
                    message.push(u8::from(is_end_row(row)));
                }
                row.encode(&mut message);
                chunk.push(row.0.as_ref().map(std::slice::from_ref), &message, *diff);
            }
            vec![chunk]
        });
        let before = self.given.clone();
        let mut root = Root::default();
        self.state.close(&chunks, at, &mut root).unwrap();
        for (pair, diff) in &root.0 {
            *self.given.entry(*pair).or_insert(0) += diff;
        }
        self.given.retain(|_, diff| *diff != 0);
        for (pair, diff) in &root.0 {
            // Nothing is given that is there neither before nor after.
            let there = if *diff > 0 { &self.given } else { &before };
            assert!(there.contains_key(pair), "{pair:?} {diff:+}: {:?}", self.naive);
        }
    }

    fn save_and_load(&mut self) {
        let mut saved = Vec::new();
        self.state.save(&mut saved);
        let mut loaded = Self::new(self.naive);
        let mut input = saved.as_slice();
        loaded.state.load(&mut input);
        assert!(input.is_empty());
        assert_eq!(loaded.state.size().rows, self.state.size().rows);
        self.state = loaded.state;
    }
}

fn random_plan(random: &mut Random) -> Naive {
    let when_final = random.one_in(2);
    let (left_alone, both) = (random.one_in(2), random.one_in(2));
    let small = |random: &mut Random, below| i128::from(random.below(below));
    let meets = if random.one_in(2) {
        let lower = small(random, 14) - 9;
        Meets::Interval { lower, upper: lower + small(random, 8) }
    } else {
        let direction = [Direction::Backward, Direction::Forward, Direction::Nearest];
        let direction = direction[random.index(3)];
        let versions = direction == Direction::Backward && random.one_in(2);
        let within = random.one_in(2).then(|| small(random, 9));
        Meets::AsOf(AsOf { direction, within, versions })
    };
    let right_alone = both && matches!(meets, Meets::Interval { .. });
    let plan = TimeJoinPlan { meets, left_alone, right_alone, when_final };
    Naive { plan, retracts: [random.one_in(2), random.one_in(2)] }
}

fn history(seed: u64) {
    let random = &mut Random::new(seed);
    let mut joined = Joined::new(random_plan(random));
    let naive = joined.naive;
    let has_watermark = [random.one_in(4), random.one_in(4)].map(|without| !without);
    let mut rows: [Vec<Row>; 2] = Default::default();
    let mut at = [START; 2];
    for epoch in 0..10 {
        let mut updates: [Vec<(Row, Diff)>; 2] = Default::default();
        for side in [0, 1] {
            for _ in 0..random.below(6) {
                let may_go = |row: &&Row| i128::from(row.1) >= at[side];
                let there: Vec<Row> = rows[side].iter().filter(may_go).copied().collect();
                if naive.retracts[side] && random.one_in(2) && !there.is_empty() {
                    let gone = there[random.index(there.len())];
                    let found = rows[side].iter().position(|row| *row == gone).unwrap();
                    rows[side].remove(found);
                    updates[side].push((gone, -1));
                    continue;
                }
                let time = epoch * 3 + i64::try_from(random.below(16)).unwrap() - 8;
                let key = (!random.one_in(12)).then(|| u8::try_from(random.below(2)).unwrap());
                let row = (key, time, u8::try_from(random.below(4)).unwrap());
                if i128::from(time) >= at[side] {
                    rows[side].push(row);
                    updates[side].push((row, 1));
                }
            }
            // The order of an epoch's updates means nothing.
            let turn = random.index(updates[side].len().max(1));
            updates[side].rotate_left(turn);
        }
        for side in [0, 1] {
            if has_watermark[side] && random.one_in(2) {
                let to = epoch * 3 + i64::try_from(random.below(14)).unwrap() - 9;
                at[side] = at[side].max(to.into());
            }
        }
        let ends = epoch == 9 || random.one_in(30);
        if ends {
            at = [END; 2];
        }
        joined.close(&updates, at);
        let expected = if naive.plan.when_final {
            naive.final_results(&rows, at)
        } else {
            naive.results(&rows[0], &rows[1])
        };
        assert_eq!(joined.given, counts(expected), "{seed} {epoch} {at:?} {rows:?} {naive:?}");
        if ends {
            assert_eq!(joined.state.size().rows, 0, "{seed} {naive:?}");
            assert_eq!(joined.state.keys_len(), 0, "{seed}");
            return;
        }
        if random.one_in(3) {
            joined.save_and_load();
        }
    }
}

#[test]
fn what_is_given_is_what_the_definition_says_at_every_moment() {
    (0..300).for_each(history);
}

/// Rows come with time, and the watermarks behind them.
fn kept(naive: Naive, epochs: i64) -> usize {
    let mut joined = Joined::new(naive);
    let mut largest = 0;
    for epoch in 0..epochs {
        let rows =
            |side: u8| (0..8).map(move |n| ((Some(n % 3), epoch * 4 + i64::from(n), side), 1));
        let at = i128::from(epoch * 4 - 6);
        joined.close(&[rows(1).collect(), rows(2).collect()], [at, at + 3]);
        largest = largest.max(joined.state.size().rows);
    }
    largest
}

#[test]
fn state_does_not_grow_behind_the_watermarks() {
    for seed in 0..60 {
        let naive = random_plan(&mut Random::new(seed));
        assert_eq!(kept(naive, 30), kept(naive, 150), "{naive:?}");
    }
}

#[test]
fn a_row_that_is_taken_away_and_not_there_is_an_error() {
    let meets = Meets::Interval { lower: 0, upper: 5 };
    let plan = TimeJoinPlan { meets, left_alone: false, right_alone: false, when_final: false };
    let types = [Row::data_type(), Row::data_type()];
    let mut state = TimeJoinState::new(plan, types, [true; 2]);
    let mut chunk = Chunk::for_target(0);
    let mut message = 7i128.to_le_bytes().to_vec();
    (Some(1u8), 7i64, 3u8).encode(&mut message);
    chunk.push(Some(&[1]), &message, -2);
    let problem = state.close(&[vec![], vec![chunk]], [START; 2], &mut Root::default());
    let problem = problem.unwrap_err();
    assert!(
        problem.contains("there would be -2 copies of (Some(1), 7, 3) on the right"),
        "{problem}"
    );
}
