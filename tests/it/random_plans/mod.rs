//! Random pipelines out of every verb of a table, beside a naive evaluator, after every epoch.
//!
//! A plan is a list of nodes over one row type, each node derived from earlier ones, so that
//! tables are shared, joined with themselves and with what is derived from them; a loop has a plan
//! of its own in it, and verbs of event time stand outside of loops. Left out are the verbs that
//! depend on the history. Failing seeds are kept in [`KNOWN`].

mod build;
mod closures;
mod folds;
mod keyed;
mod naive;
mod plan;
mod times;
mod windows;

use build::build;
use naive::evaluate;
use pathway::testing::{Harness, Random};
use plan::{INPUTS, plan};

/// A key, a key that can be null, and a number.
type Row = (u8, Option<u8>, i64);

/// Plans that have failed once.
const KNOWN: [u64; 0] = [];

/// How many plans are tried, beside those.
const PLANS: u64 = 400;

fn check(seed: u64) {
    let mut random = Random::new(seed);
    let nodes = plan(&mut random);
    let mut t = Harness::with_threads(1 + random.index(3));
    let inputs: Vec<_> = (0..INPUTS).map(|_| t.table::<Row>()).collect();
    let mut tables = Vec::new();
    build(&nodes, &inputs.iter().map(|input| input.rows()).collect::<Vec<_>>(), &mut tables);
    let captured: Vec<_> = tables.into_iter().map(|table| t.capture(table)).collect();
    let mut rows: Vec<Vec<Row>> = vec![Vec::new(); INPUTS];
    for _ in 0..5 {
        let mut changes = Vec::new();
        for (input, rows) in inputs.iter().zip(&mut rows) {
            for _ in 0..random.below(7) {
                if random.one_in(3) && !rows.is_empty() {
                    let row = rows.swap_remove(random.index(rows.len()));
                    changes.push((input, row, -1));
                } else {
                    let key = random.value::<u8>() % 5;
                    let nullable = (key > 0).then_some(key % 4);
                    let row = (random.value::<u8>() % 4, nullable, random.value::<i64>() % 20);
                    changes.push((input, row, 1));
                    rows.push(row);
                }
            }
        }
        let mut expected = Vec::new();
        // What is too large for an evaluation is not pushed either: a pipeline that is dropped may
        // still begin with what it has been given.
        if evaluate(&nodes, &rows, &mut expected).is_none() {
            return;
        }
        for (input, row, diff) in changes {
            if diff > 0 { input.insert(row) } else { input.remove(row) }
        }
        t.step();
        for (at, (captured, mut expected)) in captured.iter().zip(expected).enumerate() {
            let mut rows = captured.rows();
            rows.sort_unstable();
            expected.sort_unstable();
            assert_eq!(rows, expected, "seed {seed}: node {at} of {nodes:#?}");
        }
    }
}

#[test]
fn every_node_of_random_plans_agrees_with_a_naive_evaluator() {
    KNOWN.into_iter().for_each(check);
    let plans = std::env::var("PATHWAY_RANDOM_PLANS").ok().and_then(|plans| plans.parse().ok());
    (0..plans.unwrap_or(PLANS)).for_each(check);
}
