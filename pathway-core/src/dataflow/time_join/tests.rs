//! Joins by time beside a naive evaluation, over random histories with watermarks on both sides.

use super::*;
use crate::dataflow::chunk::Chunk;
use crate::dataflow::state::{State, Stored};
use crate::dataflow::watermark::{END, START};
use crate::dataflow::window::Emission;
use crate::schema::Schema;
use crate::stage::{Diff, EncodedStep};
use crate::testing::Random;
use std::collections::BTreeMap;

/// How long results wait where they come out at intervals.
const INTERVAL: i64 = 10;

/// Key, time and a number.
type Row = (Option<u8>, i64, u8);
/// A result: the bounds of a session, and the rows of both sides.
type Pair = (Option<(i64, i64)>, Option<Row>, Option<Row>);

#[derive(Default)]
struct Root {
    /// Whether rows have the bounds of a session in front of them.
    sessions: bool,
    given: Vec<(Pair, Diff)>,
}

impl Root {
    fn give(&mut self, left: Option<&[u8]>, right: Option<&[u8]>, diff: Diff) {
        let mut bounds = None;
        let mut row = |row: &[u8]| {
            let (front, mut row) = row.split_at(if self.sessions { BOUNDS_LEN } else { 0 });
            if self.sessions {
                let mut front = front;
                let mut bound = || i64::try_from(i128::decode(&mut front)).unwrap();
                bounds = Some((bound(), bound()));
            }
            Row::decode(&mut row)
        };
        let (left, right) = (left.map(&mut row), right.map(row));
        self.given.push(((bounds, left, right), diff));
    }
}

impl EncodedStep for Root {
    fn push(&mut self, left: &[u8], right: &[u8], diff: Diff) {
        self.give(Some(left), Some(right), diff);
    }

    fn push_left(&mut self, left: &[u8], diff: Diff) {
        self.give(Some(left), None, diff);
    }

    fn push_right(&mut self, right: &[u8], diff: Diff) {
        self.give(None, Some(right), diff);
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
            Meets::Session { gap } => {
                return self.sessions(i64::try_from(gap).unwrap(), left, right);
            }
            Meets::AsOf(as_of) => {
                for row in left {
                    let found = self.find(as_of, row, right);
                    if found.is_some() || self.plan.left_alone {
                        results.push((None, Some(*row), found));
                    }
                }
            }
            _ => {
                for row in left {
                    let matches = right.iter().filter(|other| self.is_pair(row, other));
                    let before = results.len();
                    results.extend(matches.map(|other| (None, Some(*row), Some(*other))));
                    if results.len() == before && self.plan.left_alone {
                        results.push((None, Some(*row), None));
                    }
                }
                for row in right {
                    let has_match = left.iter().any(|other| self.is_pair(other, row));
                    if !has_match && self.plan.right_alone {
                        results.push((None, None, Some(*row)));
                    }
                }
            }
        }
        results
    }

    fn sessions(&self, gap: i64, left: &[Row], right: &[Row]) -> Vec<Pair> {
        let mut results = Vec::new();
        let mut give = |bounds: (i64, i64), left: Vec<Row>, right: Vec<Row>| {
            for row in &left {
                results.extend(right.iter().map(|other| (Some(bounds), Some(*row), Some(*other))));
            }
            if right.is_empty() && self.plan.left_alone {
                results.extend(left.iter().map(|row| (Some(bounds), Some(*row), None)));
            }
            if left.is_empty() && self.plan.right_alone {
                results.extend(right.iter().map(|row| (Some(bounds), None, Some(*row))));
            }
        };
        for key in 0..2 {
            let of_key = |row: &&Row| row.0 == Some(key);
            let rows = left.iter().chain(right).filter(of_key);
            let mut times: Vec<i64> = rows.map(|row| row.1).collect();
            times.sort_unstable();
            for session in times.chunk_by(|one, next| next - one < gap) {
                let (start, last) = (session[0], session[session.len() - 1]);
                let within = |rows: &[Row]| {
                    let rows = rows.iter().filter(of_key);
                    rows.filter(|row| (start..=last).contains(&row.1)).copied().collect()
                };
                give((start, last + gap), within(left), within(right));
            }
        }
        let alone = |row: &&Row| row.0.is_none();
        left.iter().filter(alone).for_each(|r| give((r.1, r.1 + gap), vec![*r], vec![]));
        right.iter().filter(alone).for_each(|r| give((r.1, r.1 + gap), vec![], vec![*r]));
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
    stored: Stored,
}

impl Joined {
    fn new(naive: Naive) -> Self {
        let types = [Row::data_type(), Row::data_type()];
        let state = TimeJoinState::new(naive.plan, types, naive.retracts);
        Self { naive, state, given: BTreeMap::new(), stored: Stored::default() }
    }

    fn close(&mut self, updates: &[Vec<(Row, Diff)>; 2], at: [i128; 2], now: i64) {
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
        let sessions = matches!(self.naive.plan.meets, Meets::Session { .. });
        let mut root = Root { sessions, ..Root::default() };
        self.state.close(&chunks, at, now, &mut root).unwrap();
        for (pair, diff) in &root.given {
            *self.given.entry(*pair).or_insert(0) += diff;
        }
        self.given.retain(|_, diff| *diff != 0);
        for (pair, diff) in &root.given {
            // Nothing is given that is there neither before nor after.
            let there = if *diff > 0 { &self.given } else { &before };
            assert!(there.contains_key(pair), "{pair:?} {diff:+}: {:?}", self.naive);
        }
    }

    /// What came out at intervals: all that is final, nothing twice, and, when an interval is over,
    /// what is right.
    fn check_early(&self, rows: &[Vec<Row>; 2], at: [i128; 2], is_due: bool, what: &str) {
        let right = counts(self.naive.results(&rows[0], &rows[1]));
        if is_due {
            assert_eq!(self.given, right, "{what}");
        }
        let finals = counts(self.naive.final_results(rows, at));
        for (result, copies) in &finals {
            assert!(self.given.get(result) >= Some(copies), "{what}: {result:?} {:?}", self.given);
        }
        assert!(self.given.values().all(|copies| *copies > 0), "{what}: {:?}", self.given);
        // A final result is beside none that cannot be there with it.
        for (one, other) in finals.keys().flat_map(|one| self.given.keys().map(move |b| (one, b))) {
            let is_same = |a: &Option<Row>, b: &Option<Row>| a.is_some() && a == b;
            let (same_left, same_right) = (is_same(&one.1, &other.1), is_same(&one.2, &other.2));
            let apart = match self.naive.plan.meets {
                Meets::Session { .. } => (same_left || same_right) && one.0 != other.0,
                Meets::AsOf(_) => same_left && one.2 != other.2,
                _ => false,
            };
            let alone = |a: &Pair, b: &Pair| {
                a.1.is_none() != b.1.is_none() || a.2.is_none() != b.2.is_none()
            };
            let apart = apart || ((same_left || same_right) && alone(one, other));
            assert!(!apart, "{what}: {one:?} beside {other:?}");
        }
    }

    fn save_and_load(&mut self) {
        self.stored.save(&mut self.state);
        let mut loaded = Self::new(self.naive);
        self.stored.load(&mut loaded.state);
        assert_eq!(loaded.state.size().rows, self.state.size().rows);
        self.state = loaded.state;
    }
}

fn random_plan(random: &mut Random) -> Naive {
    let emission = match random.below(4) {
        0 => Emission::EveryChange,
        1 => Emission::WhenFinal,
        _ => Emission::Early(INTERVAL),
    };
    let (left_alone, both) = (random.one_in(2), random.one_in(2));
    let small = |random: &mut Random, below| i128::from(random.below(below));
    let meets = if random.one_in(4) {
        // A session of one step cannot grow, so that its results would be final before it is over.
        Meets::Session { gap: 2 + small(random, 4) }
    } else if random.one_in(2) {
        let lower = small(random, 14) - 9;
        Meets::Interval { lower, upper: lower + small(random, 8) }
    } else {
        let direction = [Direction::Backward, Direction::Forward, Direction::Nearest];
        let direction = direction[random.index(3)];
        let versions = direction == Direction::Backward && random.one_in(2);
        let within = random.one_in(2).then(|| small(random, 9));
        Meets::AsOf(AsOf { direction, within, versions })
    };
    let right_alone = both && !matches!(meets, Meets::AsOf(_));
    let plan = TimeJoinPlan { meets, left_alone, right_alone, emission };
    Naive { plan, retracts: [random.one_in(2), random.one_in(2)] }
}

fn history(seed: u64) {
    let random = &mut Random::new(seed);
    let mut joined = Joined::new(random_plan(random));
    let naive = joined.naive;
    let has_watermark = [random.one_in(4), random.one_in(4)].map(|without| !without);
    let mut rows: [Vec<Row>; 2] = Default::default();
    let (mut at, mut now) = ([START; 2], 0);
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
        now += i64::try_from(random.below(8)).unwrap();
        let was_due = joined.state.due();
        joined.close(&updates, at, now);
        let what = format!("{seed} {epoch} {at:?} {rows:?} {naive:?}");
        let expected = match naive.plan.emission {
            Emission::EveryChange => naive.results(&rows[0], &rows[1]),
            Emission::WhenFinal => naive.final_results(&rows, at),
            Emission::Early(_) => {
                let is_due = ends || was_due.is_some_and(|due| due <= now);
                joined.check_early(&rows, at, is_due, &what);
                // What waits is due an interval later at most.
                let due = joined.state.due();
                assert!(due.is_none_or(|due| due > now && due <= now + INTERVAL), "{what}");
                if due.is_none() { naive.results(&rows[0], &rows[1]) } else { Vec::new() }
            }
        };
        if joined.state.due().is_none() {
            assert_eq!(joined.given, counts(expected), "{what}");
        }
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
    (0..400).for_each(history);
}

/// Rows come with time, and the watermarks behind them.
fn kept(naive: Naive, epochs: i64) -> usize {
    let mut joined = Joined::new(naive);
    let mut largest = 0;
    for epoch in 0..epochs {
        let rows =
            |side: u8| (0..8).map(move |n| ((Some(n % 3), epoch * 4 + i64::from(n), side), 1));
        let at = i128::from(epoch * 30 - 6);
        joined.close(&[rows(1).collect(), rows(2).collect()], [at, at + 3], epoch);
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
    let (meets, emission) = (Meets::Interval { lower: 0, upper: 5 }, Emission::EveryChange);
    let plan = TimeJoinPlan { meets, left_alone: false, right_alone: false, emission };
    let types = [Row::data_type(), Row::data_type()];
    let mut state = TimeJoinState::new(plan, types, [true; 2]);
    let mut chunk = Chunk::for_target(0);
    let mut message = 7i128.to_le_bytes().to_vec();
    (Some(1u8), 7i64, 3u8).encode(&mut message);
    chunk.push(Some(&[1]), &message, -2);
    let problem = state.close(&[vec![], vec![chunk]], [START; 2], 0, &mut Root::default());
    let problem = problem.unwrap_err();
    assert!(
        problem.contains("there would be -2 copies of (Some(1), 7, 3) on the right"),
        "{problem}"
    );
}
