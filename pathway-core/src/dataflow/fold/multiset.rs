//! Values in order, with how often each is there.
//!
//! Blocks of a few dozen values, each with how many values it holds, so that the value at a
//! position is found without a walk over all before it. A tree of the standard library holds no
//! such counts. The first eight bytes of a value stand beside it, so that a search seldom follows
//! a pointer.

use crate::schema::ordered::front;
use crate::stage::Diff;

pub(super) const TAKEN_AWAY: &str = "a value was taken away more often than it had been added";

/// Roughly what a value costs in a table beyond its bytes.
pub(super) const ENTRY_BYTES: usize = 32;

/// A larger block is divided in two.
const BLOCK_VALUES_MAX: usize = 128;

/// Values in the ordered encoding, with how often each was added.
#[derive(Debug, Default)]
pub struct Multiset {
    /// In order; none is empty.
    blocks: Vec<Block>,
    /// How many different values there are.
    distinct: usize,
    /// How many values were taken away more often than added.
    negative: usize,
}

#[derive(Debug, Default)]
struct Block {
    /// How many values there are, each as often as it is there.
    count: i64,
    /// The front of the last value.
    last: u64,
    values: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    /// The front of the value.
    front: u64,
    value: Box<[u8]>,
    count: i64,
}

impl Block {
    /// Whether all its values are less.
    fn is_below(&self, front: u64, value: &[u8]) -> bool {
        let last = || self.values.last().is_some_and(|last| *last.value < *value);
        self.last < front || (self.last == front && last())
    }

    fn remember_last(&mut self) {
        self.last = self.values.last().map_or(0, |last| last.front);
    }
}

impl Multiset {
    /// Adds a value `diff` times.
    pub fn add(&mut self, value: &[u8], diff: Diff) {
        if diff == 0 {
            return;
        }
        if self.blocks.is_empty() {
            self.blocks.push(Block::default());
        }
        let front = front(value);
        let at = match self.blocks.as_slice() {
            [_] => 0,
            blocks => {
                let at = blocks.partition_point(|block| block.is_below(front, value));
                at.min(blocks.len() - 1)
            }
        };
        let block = &mut self.blocks[at];
        block.count += diff;
        let place = block.values.binary_search_by(|other| {
            other.front.cmp(&front).then_with(|| (*other.value).cmp(value))
        });
        match place {
            Ok(place) => {
                let count = &mut block.values[place].count;
                let before = *count;
                *count += diff;
                self.negative += usize::from(*count < 0);
                self.negative -= usize::from(before < 0);
                if *count == 0 {
                    block.values.remove(place);
                    block.remember_last();
                    self.distinct -= 1;
                    if block.values.is_empty() {
                        self.blocks.remove(at);
                    }
                }
            }
            Err(place) => {
                block.values.insert(place, Entry { front, value: value.into(), count: diff });
                block.remember_last();
                self.distinct += 1;
                self.negative += usize::from(diff < 0);
                if block.values.len() > BLOCK_VALUES_MAX {
                    self.divide(at);
                }
            }
        }
    }

    fn divide(&mut self, at: usize) {
        let block = &mut self.blocks[at];
        let values = block.values.split_off(BLOCK_VALUES_MAX / 2);
        let count = values.iter().map(|entry| entry.count).sum();
        let last = block.last;
        block.count -= count;
        block.remember_last();
        self.blocks.insert(at + 1, Block { count, last, values });
    }

    /// The values in order, each with how often it is there.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&[u8], i64)> {
        let values = self.blocks.iter().flat_map(|block| &block.values);
        values.map(|entry| (&*entry.value, entry.count))
    }

    /// How many different values there are.
    pub fn distinct(&self) -> usize {
        self.distinct
    }

    /// How many values there are, each as often as it is there.
    pub fn len(&self) -> u64 {
        let count: i64 = self.blocks.iter().map(|block| block.count).sum();
        u64::try_from(count).unwrap_or(0)
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The value at a position, counted from 0. No value is there less than no times.
    pub(super) fn at(&self, position: u64) -> Option<&[u8]> {
        let mut left = i64::try_from(position).ok()?;
        for block in &self.blocks {
            if left < block.count {
                return block.values.iter().find_map(|entry| {
                    left -= entry.count;
                    (left < 0).then_some(&*entry.value)
                });
            }
            left -= block.count;
        }
        None
    }

    /// Removes the last value altogether.
    pub(super) fn forget_last(&mut self) {
        let last = self.iter().next_back().map(|(value, count)| (value.to_vec(), count));
        if let Some((value, count)) = last {
            self.add(&value, -count);
        }
    }

    /// Removes the first value altogether.
    pub(super) fn forget_first(&mut self) {
        let first = self.iter().next().map(|(value, count)| (value.to_vec(), count));
        if let Some((value, count)) = first {
            self.add(&value, -count);
        }
    }

    /// Removes all values but the first and the last.
    pub(super) fn keep_ends(&mut self) {
        let mut kept = Self::default();
        for (value, count) in [self.iter().next(), self.iter().next_back()].into_iter().flatten() {
            kept.add(value, count);
        }
        *self = kept;
    }

    /// Refuses values that are there less than no times.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.negative > 0 { Err(TAKEN_AWAY.to_owned()) } else { Ok(()) }
    }

    pub(super) fn memory(&self) -> usize {
        let places = |block: &Block| block.values.capacity() * size_of::<Entry>();
        size_of::<Self>()
            + self.blocks.capacity() * size_of::<Block>()
            + self.blocks.iter().map(places).sum::<usize>()
            + self.iter().map(|(value, _)| value.len()).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn as_a_tree_would_have_it(
            updates in prop::collection::vec((0u16..600, -2i64..4), 0..2_000),
            positions in prop::collection::vec(0u64..3_000, 8),
        ) {
            let (mut values, mut tree) = (Multiset::default(), BTreeMap::<Vec<u8>, i64>::new());
            for (value, diff) in updates {
                let value = value.to_be_bytes();
                values.add(&value, diff);
                *tree.entry(value.to_vec()).or_default() += diff;
                tree.retain(|_, count| *count != 0);
            }
            let all = |tree: &BTreeMap<Vec<u8>, i64>| {
                tree.iter().map(|(value, count)| (value.clone(), *count)).collect::<Vec<_>>()
            };
            let of = |values: &Multiset| {
                values.iter().map(|(value, count)| (value.to_vec(), count)).collect::<Vec<_>>()
            };
            prop_assert_eq!(of(&values), all(&tree));
            prop_assert_eq!(values.distinct(), tree.len());
            prop_assert_eq!(values.check().is_err(), tree.values().any(|count| *count < 0));
            // Take away what is there less than no times, so that positions have a meaning.
            for (value, count) in all(&tree).iter().filter(|(_, count)| *count < 0) {
                values.add(value, -count);
            }
            tree.retain(|_, count| *count > 0);
            prop_assert!(values.check().is_ok());
            prop_assert_eq!(values.len(), tree.values().sum::<i64>().unsigned_abs());
            let flat: Vec<&Vec<u8>> = tree
                .iter()
                .flat_map(|(value, count)| (0..*count).map(move |_| value))
                .collect();
            for position in positions {
                let expected = flat.get(usize::try_from(position).unwrap()).map(|v| v.as_slice());
                prop_assert_eq!(values.at(position), expected);
            }
            values.forget_first();
            values.forget_last();
            tree.pop_first();
            tree.pop_last();
            prop_assert_eq!(of(&values), all(&tree));
            values.keep_ends();
            prop_assert!(values.distinct() <= 2);
        }
    }
}
