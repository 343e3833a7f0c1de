//! The random choices behind a row, which can be replayed and made simpler.

use super::random_rows;
use crate::schema::Schema;

/// Random choices, for a generator of rows.
///
/// Every choice is a number below a bound, and it is recorded: a failing check is shrunk by making
/// the choices smaller and generating the row again. So let the least choice be the simplest.
#[derive(Debug)]
pub struct Random {
    source: Source,
    /// The choices that were made.
    choices: Vec<u64>,
}

#[derive(Debug)]
enum Source {
    Seed(u64),
    /// Choices that were made before; behind their end, every choice is the least.
    Replay(std::vec::IntoIter<u64>),
}

impl Random {
    /// Choices from a seed: equal seeds give equal choices.
    pub fn new(seed: u64) -> Self {
        Self { source: Source::Seed(seed), choices: Vec::new() }
    }

    pub(super) fn replay(choices: Vec<u64>) -> Self {
        Self { source: Source::Replay(choices.into_iter()), choices: Vec::new() }
    }

    /// Takes the choices since this was called last.
    pub(super) fn take_choices(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.choices)
    }

    /// A number from 0 up to, but not including, `bound`; zero if the bound is.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound <= 1 {
            return 0;
        }
        let choice = match &mut self.source {
            Source::Seed(state) => next(state) % bound,
            Source::Replay(choices) => choices.next().unwrap_or(0).min(bound - 1),
        };
        self.choices.push(choice);
        choice
    }

    /// A position below a length; zero if that is.
    pub fn index(&mut self, len: usize) -> usize {
        // A choice below a length fits what a length fits.
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: u64) -> bool {
        n <= 1 || self.below(n) == n - 1
    }

    /// One of the values.
    ///
    /// # Panics
    ///
    /// If there are none.
    pub fn pick<'a, T>(&mut self, values: &'a [T]) -> &'a T {
        assert!(!values.is_empty(), "`pick` needs a value to choose");
        &values[self.index(values.len())]
    }

    /// A value of any type that can be a row or a column, as a check makes them itself.
    ///
    /// ```
    /// # use pathway::testing::Random;
    /// # fn row(random: &mut Random) -> (u32, Option<String>) {
    /// let id = u32::try_from(random.below(3)).unwrap();
    /// (id, random.value())
    /// # }
    /// ```
    pub fn value<T: Schema>(&mut self) -> T {
        let mut row = Vec::new();
        random_rows::generate(T::data_type(), self, &mut row);
        T::decode(&mut row.as_slice())
    }
}

/// `SplitMix64`: every seed gives a sequence of its own.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
