//! What travels between operators: encoded updates in one buffer.

use crate::stage::Diff;
use serde::{Deserialize, Serialize};

/// Where the rows of a chunk come from, so that a consumer that cares about order can restore it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Origin {
    /// A number for the source's partition; zero where rows have no order.
    pub(crate) partition: u64,
    /// A number for the way from the partition to here: rows that a concatenation brings together
    /// again after they were taken apart have an order only along each of their ways.
    pub(crate) way: u64,
    /// The chunk's position among those of its partition and way.
    pub(crate) sequence: u64,
}

impl Origin {
    /// Whether two rows are in order because they come from the same place by the same way.
    pub(crate) fn is_in_order_with(self, other: Self) -> bool {
        self.partition != 0 && (self.partition, self.way) == (other.partition, other.way)
    }

    /// The origin behind an input of a concatenation.
    pub(crate) fn by_way(self, node: u32, port: usize) -> Self {
        // The first inputs keep their order in front of the others.
        let step = u64::from(node) << 1 | u64::from(port != 0);
        Self { way: self.way.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(step), ..self }
    }
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Entry {
    key_len: u32,
    value_len: u32,
    diff: Diff,
}

const NULL_KEY: u32 = u32::MAX;

/// Updates for one worker: each a key (or null), a value and a diff.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Chunk {
    /// The worker that it is for.
    pub(crate) target: usize,
    pub(crate) origin: Origin,
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

impl Chunk {
    /// Chunks are sent once they hold this much.
    const BYTES_FULL: usize = 1 << 16;
    const ENTRIES_FULL: usize = 1 << 12;

    pub(crate) fn for_target(target: usize) -> Self {
        Self { target, ..Self::default() }
    }

    pub(crate) fn push(&mut self, key: Option<&[u8]>, value: &[u8], diff: Diff) {
        let len = |bytes: &[u8]| {
            u32::try_from(bytes.len())
                .ok()
                .filter(|&len| len < NULL_KEY)
                .expect("a row is under 4 GiB: sources bound their records far below")
        };
        let key_len = key.map_or(NULL_KEY, len);
        self.bytes.extend_from_slice(key.unwrap_or_default());
        self.bytes.extend_from_slice(value);
        self.entries.push(Entry { key_len, value_len: len(value), diff });
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bytes.len() >= Self::BYTES_FULL || self.entries.len() >= Self::ENTRIES_FULL
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The number of updates.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The updates: key, value, diff.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Option<&[u8]>, &[u8], Diff)> {
        let mut rest = self.bytes.as_slice();
        self.entries.iter().map(move |entry| {
            let key = (entry.key_len != NULL_KEY).then(|| take(&mut rest, entry.key_len));
            (key, take(&mut rest, entry.value_len), entry.diff)
        })
    }
}

fn take<'a>(rest: &mut &'a [u8], len: u32) -> &'a [u8] {
    let (front, back) = rest.split_at(len as usize);
    *rest = back;
    front
}
