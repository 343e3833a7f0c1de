//! Reductions in a loop whose state adds up: what a row adds is its weight.
//!
//! Rows of a group that come at one time are one update then, and a group is read off its weights
//! rather than folded from its rows. This is for a count, and for a sum or a mean of one number
//! that is never null; others are evaluated from their rows.

use super::keyed::Spine;
use super::tables::{Builder, as_flow};
use super::{Buffer, Flow, LoopTime, Row, Update};
use crate::dataflow::ReducePlan;
use crate::stage::{Diff, Inputs};
use differential_dataflow::difference::{IsZero, Semigroup};
use differential_dataflow::operators::arrange::TraceAgent;
use differential_dataflow::operators::arrange::arrangement::{Arranged, arrange_core};
use differential_dataflow::trace::implementations::{KeyBatcher, KeySpine};
use serde::{Deserialize, Serialize};
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::generic::operator::Operator as _;

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

type Weighed<'scope> = Arranged<'scope, TraceAgent<KeySpine<Row, LoopTime, Weight>>>;

/// Sums the weights of each group.
fn weighed<'scope>(flow: Flow<'scope>, name: &str, plan: ReducePlan) -> Weighed<'scope> {
    let mut inputs = Inputs::default();
    let mut weigh = move |((key, row), time, diff): Update| {
        inputs.read(row.bytes(&mut Buffer::default()));
        let mut words = [0; 2];
        plan.update((&mut words[..plan.words], &mut []), &inputs, 0, diff);
        ((key, ()), time, Weight { rows: diff, words })
    };
    // Rows travel rather than weights: channels between workers are compiled for each type.
    let by_key = Exchange::new(|((key, _), _, _): &Update| key.route());
    let weights = flow.inner.unary(by_key, "Weigh", move |_, _| {
        move |input, output| {
            input.for_each(|capability, updates: &mut Vec<Update>| {
                let mut weights: Vec<_> = updates.drain(..).map(&mut weigh).collect();
                output.session(&capability).give_container(&mut weights);
            });
        }
    });
    arrange_core::<_, _, KeyBatcher<Row, LoopTime, Weight>, _>(
        weights,
        Pipeline,
        name,
        KeyBatcher::<Row, LoopTime, Weight>::new,
    )
}

/// As [`reduce`](super::reduce), for a plan that [adds up](ReducePlan::adds_up).
pub(crate) fn reduce_weights<'scope>(
    flow: Flow<'scope>,
    name: &str,
    plan: &ReducePlan,
    fail: impl Fn(&Row, String) + 'static,
) -> Flow<'scope> {
    let (weighed, plan) = (weighed(flow, name, plan.clone()), plan.clone());
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
    let reduced = weighed.reduce_abelian::<_, Builder, Spine, _, _>(
        name,
        logic,
        |updates: &mut Vec<Update>, key, changes| {
            updates.clear();
            let update = |(row, time, diff)| ((key.clone(), row), time, diff);
            updates.extend(changes.drain(..).map(update));
        },
    );
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
