//! How tables find their keys: a hash of 32 bits under a seed of the process.

use super::small_bytes::SmallBytes;
use std::hash::{BuildHasher, Hasher};
use std::sync::LazyLock;

/// Hashes keys. All tables of a process hash alike, so that a hash is computed once and carried
/// along; the seed is random, so that no input can be made to collide.
#[derive(Clone, Debug)]
pub(crate) struct KeyHash {
    seed: [u64; 2],
    long: foldhash::fast::RandomState,
}

static OF_THE_PROCESS: LazyLock<KeyHash> = LazyLock::new(|| {
    let long = foldhash::fast::RandomState::default();
    KeyHash { seed: [long.hash_one(0u64), long.hash_one(1u64)], long }
});

impl Default for KeyHash {
    fn default() -> Self {
        OF_THE_PROCESS.clone()
    }
}

/// A key on its way into a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) inline: Option<SmallBytes>,
    pub(crate) hash: u32,
}

impl Key<'_> {
    /// The key of no bytes, with a hash of nothing: to fill an array.
    pub(crate) const EMPTY: Self = Self { bytes: &[], inline: None, hash: 0 };
}

impl KeyHash {
    /// The key with its inline form and its hash.
    // A call would return it through memory, in parts, and who copies it would wait for them.
    #[inline(always)]
    pub(crate) fn key<'a>(&self, bytes: &'a [u8]) -> Key<'a> {
        let inline = SmallBytes::inline(bytes);
        let hash = match inline {
            Some(inline) => (inline.hash_inline(self.seed) >> 32) as u32,
            None => (self.hash_bytes(bytes) >> 32) as u32,
        };
        Key { bytes, inline, hash }
    }

    /// A hash of 64 bits, of bytes of any length.
    pub(crate) fn hash_bytes(&self, bytes: &[u8]) -> u64 {
        let mut hasher = self.long.build_hasher();
        hasher.write(bytes);
        hasher.finish()
    }
}
