//! An independent oracle: a pipeline's rows after every epoch of random histories, beside a naive
//! evaluation in plain Rust.

use pathway::prelude::*;
use pathway::table::IntoTable;
use pathway::testing::{Harness, Random};
use std::collections::BTreeMap;

const HISTORIES: u64 = 24;
const EPOCHS: u64 = 8;

/// Rows by key.
pub(crate) fn groups<T, K: Ord>(rows: &[T], key: impl Fn(&T) -> K) -> BTreeMap<K, Vec<&T>> {
    let mut groups: BTreeMap<K, Vec<&T>> = BTreeMap::new();
    for row in rows {
        groups.entry(key(row)).or_default().push(row);
    }
    groups
}

/// A random number below another, of any type that has it.
pub(crate) fn small<N: TryFrom<u64>>(random: &mut Random, below: u64) -> N {
    let Ok(number) = N::try_from(random.below(below)) else {
        unreachable!("the numbers of tests are small")
    };
    number
}

/// One input of a history, and what is in it.
struct Changing<T> {
    table: pathway::testing::TestTable<T>,
    rows: Vec<T>,
}

impl<T: Schema + Clone> Changing<T> {
    fn new(t: &Harness) -> Self {
        Self { table: t.table(), rows: Vec::new() }
    }

    fn change(&mut self, random: &mut Random, row: &impl Fn(&mut Random) -> T) {
        for _ in 0..random.below(10) {
            if random.one_in(2) && !self.rows.is_empty() {
                let at = random.index(self.rows.len());
                self.table.remove(self.rows.swap_remove(at));
            } else {
                let row = row(random);
                self.table.insert(row.clone());
                self.rows.push(row);
            }
        }
        // Now and then nothing is left.
        if random.one_in(12) {
            self.rows.drain(..).for_each(|row| self.table.remove(row));
        }
    }
}

/// Compares a pipeline over two tables with a naive evaluation, on one, two and four workers.
pub(crate) fn against<A, B, C>(
    pipeline: impl Fn(&Table<A>, &Table<B>) -> C,
    naive: impl Fn(&[A], &[B]) -> Vec<C::Row>,
    left_row: impl Fn(&mut Random) -> A,
    right_row: impl Fn(&mut Random) -> B,
) where
    A: Schema + Clone,
    B: Schema + Clone,
    C: IntoTable,
{
    for threads in [1, 2, 4] {
        for seed in 0..HISTORIES {
            let mut random = Random::new(seed);
            let mut t = Harness::with_threads(threads);
            let (mut left, mut right) = (Changing::<A>::new(&t), Changing::<B>::new(&t));
            let output = t.capture(pipeline(&left.table.rows(), &right.table.rows()));
            for _ in 0..EPOCHS {
                left.change(&mut random, &left_row);
                right.change(&mut random, &right_row);
                t.step();
                output.assert_rows(naive(&left.rows, &right.rows));
            }
        }
    }
}
