//! Results reduced to what can be compared.

/// A digest of a table that does not depend on the order of its updates: rows that were
/// retracted leave nothing behind, so two programs agree whose last states agree, however they
/// came there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    /// How many rows there are.
    pub rows: i64,
    /// The sum of the rows' hashes.
    pub sum: u64,
}

impl Digest {
    /// Applies one update of a row of a key and two numbers.
    pub fn update(&mut self, key: &[u8], numbers: [i64; 2], diff: i64) {
        self.rows += diff;
        let hash = numbers.map(i64::cast_unsigned).iter().fold(fnv(key), |hash, number| {
            (hash ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
        });
        self.sum = self.sum.wrapping_add(hash.wrapping_mul(diff.cast_unsigned()));
    }
}

/// FNV-1a.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retracted_row_leaves_nothing() {
        let (mut detour, mut direct) = (Digest::default(), Digest::default());
        detour.update(b"a", [1, 10], 1);
        detour.update(b"a", [2, 30], 1);
        detour.update(b"a", [1, 10], -1);
        direct.update(b"a", [2, 30], 1);
        assert_eq!(detour, direct);
    }

    #[test]
    fn every_part_of_a_row_counts() {
        let of = |key: &[u8], numbers| {
            let mut digest = Digest::default();
            digest.update(key, numbers, 1);
            digest
        };
        assert_ne!(of(b"a", [1, 2]), of(b"b", [1, 2]));
        assert_ne!(of(b"a", [1, 2]), of(b"a", [2, 1]));
    }
}
