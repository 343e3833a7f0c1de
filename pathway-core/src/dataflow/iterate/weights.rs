//! Reductions in a loop whose state adds up: what a row adds is its weight.
//!
//! Rows of a group that come at one time are one update then, and a group is read off its weights
//! rather than folded from its rows. This is for a count, and for a sum or a mean of one number
//! that is never null; others are evaluated from their rows.

use super::blocks::BlockBatcher;
use super::keyed::Spine;
use super::tables::{Builder, as_flow};
use super::{Flow, Kept, LoopTime, Row, SharedFeed, Update};
use crate::dataflow::ReducePlan;
use crate::stage::{Batch, Diff, InputsCollector, SharedBatch};
use differential_dataflow::VecCollection;
use differential_dataflow::difference::{IsZero, Semigroup};
use differential_dataflow::operators::arrange::TraceAgent;
use differential_dataflow::operators::arrange::arrangement::{Arranged, arrange_core};
use differential_dataflow::trace::implementations::{KeyBuilder, KeySpine};
use serde::{Deserialize, Serialize};
use std::rc::Rc;
use timely::dataflow::channels::pact::Exchange;

/// What rows add to their group: how many they are, and a sum as a reducer keeps it, in two words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Weight {
    rows: Diff,
    words: [u64; 2],
}

impl IsZero for Weight {
    fn is_zero(&self) -> bool {
        self.rows == 0 && self.words == [0; 2]
    }
}

impl Semigroup for Weight {
    fn plus_equals(&mut self, other: &Self) {
        self.rows += other.rows;
        let (low, carry) = self.words[0].overflowing_add(other.words[0]);
        let high = self.words[1].wrapping_add(other.words[1]);
        self.words = [low, high.wrapping_add(u64::from(carry))];
    }
}

impl Weight {
    #[cfg(test)]
    pub(super) fn new(rows: Diff, word: u64) -> Self {
        Self { rows, words: [word, 0] }
    }
}

/// One change of what is added up: the group, and the weight that is added.
pub(crate) type Weighed = ((Row, ()), LoopTime, Weight);

/// Weights of groups, as they flow.
pub(crate) type Weights<'scope> = VecCollection<'scope, LoopTime, (Row, ()), Weight>;

/// Takes what rows add to their group.
pub(crate) struct WeightsFeed {
    feed: SharedFeed<Weighed>,
    plan: ReducePlan,
    /// One row: the next may have another time.
    batch: SharedBatch,
}

impl WeightsFeed {
    pub(crate) fn new(feed: SharedFeed<Weighed>, plan: ReducePlan) -> Self {
        Self { feed, plan, batch: Batch::shared(1) }
    }
}

impl InputsCollector for WeightsFeed {
    fn batch(&self) -> SharedBatch {
        Rc::clone(&self.batch)
    }

    fn settle(&mut self) {
        let mut batch = self.batch.borrow_mut();
        for (key, diff) in batch.rows() {
            let mut words = [0; 2];
            let state = (&mut words[..self.plan.words], [].as_mut_slice());
            self.plan.update(state, batch.inputs(), 0, diff);
            let weight = Weight { rows: diff, words };
            self.feed.push(|time| ((Row::new(key), ()), time, weight));
        }
        batch.clear();
    }
}

type Batcher = BlockBatcher<(Row, ()), Weight, KeyBuilder<Row, LoopTime, Weight>>;
pub(super) type WeightSpine = KeySpine<Row, LoopTime, Weight>;

/// Sums the weights of each group.
fn sums<'scope>(weights: Weights<'scope>, name: &str) -> Arranged<'scope, TraceAgent<WeightSpine>> {
    let by_key = Exchange::new(|((key, ()), _, _): &Weighed| key.route());
    arrange_core::<_, _, Batcher, WeightSpine>(weights.inner, by_key, name, Batcher::new)
}

/// As [`reduce`](super::reduce), for a plan that [adds up](ReducePlan::adds_up).
pub(crate) fn reduce_weights<'scope>(
    weights: Weights<'scope>,
    name: &str,
    kept: &Kept,
    plan: &ReducePlan,
    fail: impl Fn(&Row, String) + 'static,
) -> Flow<'scope> {
    let (sums, plan) = (sums(weights, name), plan.clone());
    kept.keep(&sums);
    let mut outputs = Vec::new();
    let logic = move |key: &Row, weights: &[(&(), Weight)], out: &mut Vec<(Row, Diff)>| {
        let [((), Weight { rows, words })] = weights else { return };
        if *rows <= 0 {
            let problem = format!("a group has {rows} rows, but values: others were taken away");
            return fail(key, problem);
        }
        outputs.clear();
        match plan.encode_outputs((&words[..plan.words], &[]), *rows, &mut outputs) {
            Ok(()) => out.push((Row::new(&outputs), 1)),
            Err(problem) => fail(key, problem),
        }
    };
    let reduced = sums.reduce_abelian::<_, Builder, Spine, _, _>(
        name,
        logic,
        |updates: &mut Vec<Update>, key, changes| {
            updates.clear();
            let update = |(row, time, diff)| ((key.clone(), row), time, diff);
            updates.extend(changes.drain(..).map(update));
        },
    );
    kept.keep(&reduced);
    as_flow(reduced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_add_up_as_numbers_do() {
        let weight = |rows, number: i128| {
            let bytes = number.to_le_bytes();
            let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
            Weight { rows, words: [word(0), word(8)] }
        };
        for (a, b) in
            [(1, -1), (-5, 3), (1 << 64, -1), (i128::MAX, -7), (-1, -1), (1 << 63, 1 << 63)]
        {
            let mut sum = weight(2, a);
            sum.plus_equals(&weight(-1, b));
            assert_eq!(sum, weight(1, a + b));
        }
        let mut nothing = weight(1, -9);
        nothing.plus_equals(&weight(-1, 9));
        assert!(nothing.is_zero());
    }
}
