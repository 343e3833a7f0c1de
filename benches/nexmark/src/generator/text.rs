//! Random text.

use bench_support::Random;

const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Letters and digits, from `least` to `most` of them.
pub(super) fn text(random: &mut Random, least: usize, most: usize) -> String {
    let length = least + index(random, most - least + 1);
    (0..length).map(|_| char::from(LETTERS[index(random, LETTERS.len())])).collect()
}

/// One of the values.
pub(super) fn pick<T: Copy>(random: &mut Random, values: &[T]) -> T {
    values[index(random, values.len())]
}

fn index(random: &mut Random, bound: usize) -> usize {
    usize::try_from(random.below(bound as u64)).expect("it is below a `usize`")
}
