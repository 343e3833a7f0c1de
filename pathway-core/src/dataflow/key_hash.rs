//! How tables find their keys: a hash of 32 bits under a seed of the process.

use super::small_bytes::SmallBytes;
use std::hash::{BuildHasher, Hasher};

/// Hashes keys. Seeded per table, so that no input can be made to collide.
#[derive(Clone, Debug)]
pub(crate) struct KeyHash {
    seed: [u64; 2],
    long: foldhash::fast::RandomState,
}

impl Default for KeyHash {
    fn default() -> Self {
        let long = foldhash::fast::RandomState::default();
        Self { seed: [long.hash_one(0u64), long.hash_one(1u64)], long }
    }
}

impl KeyHash {
    /// The hash of a key whose inline form is `inline`.
    #[inline]
    pub(crate) fn hash(&self, key: &[u8], inline: Option<SmallBytes>) -> u32 {
        match inline {
            Some(inline) => (inline.hash_inline(self.seed) >> 32) as u32,
            None => (self.hash_bytes(key) >> 32) as u32,
        }
    }

    /// A hash of 64 bits, of bytes of any length.
    pub(crate) fn hash_bytes(&self, bytes: &[u8]) -> u64 {
        let mut hasher = self.long.build_hasher();
        hasher.write(bytes);
        hasher.finish()
    }
}

/// Spreads the 32 bits of hash that a slot keeps over the 64 that an index wants.
#[inline]
pub(crate) fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
