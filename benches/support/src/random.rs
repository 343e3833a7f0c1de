//! Numbers that look random and are the same in every run.

/// A generator of numbers from a seed (`SplitMix64`).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator; equal seeds give equal numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The next number below `bound`, which is small enough that the remainder's bias is nothing.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.number() % bound
    }

    /// The next letter, from `a` to `z`.
    #[expect(clippy::cast_possible_truncation, reason = "it is below 26")]
    pub fn letter(&mut self) -> char {
        char::from(b'a' + self.below(26) as u8)
    }
}
