//! Rows from a user's own `proptest` strategy.

use super::Random;
use super::check::Check;
use super::rows::{MakeRows, Simplify};
use crate::schema::Schema;
use crate::table::{Stream, Table};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::panic::Location;
use std::rc::Rc;

impl Check {
    /// A stream of rows that a `proptest` strategy makes. Needs the feature `proptest`.
    ///
    /// A failing history is made smaller as the strategy says.
    ///
    /// ```
    /// use pathway::prelude::*;
    /// use pathway::testing::check_incremental;
    /// use proptest::prelude::*;
    ///
    /// fn words(lines: &Table<String>) -> Table<(String, u64)> {
    ///     let words = lines.flat_map(|line| line.split(' ').map(str::to_owned).collect::<Vec<_>>());
    ///     words.group_by(|word| word.clone()).reduce(|g| g.count()).into()
    /// }
    ///
    /// check_incremental(|t| words(&t.stream_of("[ab]{1,2}( [ab]{1,2}){0,3}"))).cases(16).run();
    /// ```
    #[track_caller]
    pub fn stream_of<S>(&self, strategy: S) -> Stream<S::Value>
    where
        S: Strategy<Value: Schema> + 'static,
    {
        self.input(true, Some(Rc::new(Made(strategy))), Location::caller()).into_stream()
    }

    /// A table of rows that a `proptest` strategy makes, and that come and go. Needs the feature
    /// `proptest`.
    ///
    /// ```
    /// use pathway::prelude::*;
    /// use pathway::testing::check_incremental;
    /// use proptest::prelude::*;
    ///
    /// #[derive(Clone, Debug, Schema)]
    /// struct Order {
    ///     user: u32,
    ///     cents: i64,
    /// }
    ///
    /// fn order() -> impl Strategy<Value = Order> {
    ///     (0..3_u32, 1..10_000_i64).prop_map(|(user, cents)| Order { user, cents })
    /// }
    ///
    /// fn totals(orders: &Table<Order>) -> Table<(u32, i64)> {
    ///     orders.group_by(Order.user).reduce(|g| g.sum(Order.cents)).into()
    /// }
    ///
    /// check_incremental(|t| totals(&t.table_of(order()))).cases(16).run();
    /// ```
    #[track_caller]
    pub fn table_of<S>(&self, strategy: S) -> Table<S::Value>
    where
        S: Strategy<Value: Schema> + 'static,
    {
        self.input(false, Some(Rc::new(Made(strategy))), Location::caller())
    }
}

/// Rows of a strategy. Of the choices behind a row the first is the seed; those behind it are the
/// steps by which it was made simpler.
struct Made<S>(S);

const SIMPLIFY: u64 = 1;
const COMPLICATE: u64 = 0;

impl<S: Strategy> Made<S> {
    /// What a seed gives.
    ///
    /// # Panics
    ///
    /// If the strategy rejects too many values.
    fn tree(&self, seed: u64) -> S::Tree {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let tree = self.0.new_tree(&mut runner);
        tree.unwrap_or_else(|reason| panic!("the strategy of a check gave no row: {reason}"))
    }
}

impl<S: Strategy<Value: Schema> + 'static> MakeRows for Made<S> {
    fn row(&self, random: &mut Random) -> Vec<u8> {
        self.tree(random.below(u64::MAX)).current().to_row_bytes()
    }

    fn simplify(&self, choices: &[u64]) -> Option<Box<dyn Simplify>> {
        let (seed, steps) = choices.split_first()?;
        let mut tree = self.tree(*seed);
        for step in steps {
            if *step == SIMPLIFY {
                tree.simplify()
            } else {
                tree.complicate()
            };
        }
        Some(Box::new(Simplified { tree, choices: choices.to_vec() }))
    }
}

struct Simplified<T> {
    tree: T,
    choices: Vec<u64>,
}

impl<T: ValueTree<Value: Schema>> Simplify for Simplified<T> {
    fn simplify(&mut self) -> bool {
        self.choices.push(SIMPLIFY);
        self.tree.simplify()
    }

    fn complicate(&mut self) -> bool {
        self.choices.push(COMPLICATE);
        self.tree.complicate()
    }

    fn row(&self) -> (Vec<u8>, Vec<u64>) {
        (self.tree.current().to_row_bytes(), self.choices.clone())
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_incremental;
    use proptest::prelude::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn rows_are_those_of_the_strategy() {
        let even = (0..50_u32).prop_map(|n| n * 2);
        check_incremental(|t| {
            let odd =
                |n: &u32| assert!(n.is_multiple_of(2) && *n < 100, "{n} is none of the strategy");
            let table = t.table_of(even.clone());
            table.inspect(move |n, _| odd(n)).concat(&t.stream_of(even.clone()))
        })
        .cases(16)
        .run();
    }

    #[test]
    fn a_failing_row_is_made_as_simple_as_the_strategy_can() {
        // Rows from 100 on become others in each run.
        static CALLS: AtomicU64 = AtomicU64::new(1000);
        let wrong = |n| if n < 100 { n } else { CALLS.fetch_add(1, Ordering::Relaxed) };
        let check = check_incremental(|t| t.table_of(7..100_000_u64).map(wrong)).seed(1);
        let panic = catch_unwind(AssertUnwindSafe(|| check.run())).expect_err("the map is wrong");
        let report = panic.downcast_ref::<String>().expect("a check panics with a report");
        assert!(report.contains(" 100\n"), "{report}");
        assert_eq!(report.matches("    + ").count(), 1, "{report}");
    }
}
