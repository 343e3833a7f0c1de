//! The rows of a table as they stand.

use super::Updates;
use crate::schema::{DataType, Schema, ordered, put_len, take_bytes, take_len};
use std::collections::BTreeMap;

/// The rows of a table as they stand, for sinks that publish the whole state.
///
/// Nearly all rows lie one behind the other in order; what has changed lately stands in a tree
/// beside them, until it is enough to write all of them anew.
#[derive(Debug)]
pub struct CurrentState {
    data_type: DataType,
    settled: Settled,
    /// What has been added to the settled rows since and taken away from them.
    recent: BTreeMap<Vec<u8>, i64>,
    /// How many rows there are.
    len: i64,
}

/// Rows in the ordered encoding and in order, each there once.
#[derive(Debug, Default)]
struct Settled {
    bytes: Vec<u8>,
    /// Where each ends, and how often it is there.
    rows: Vec<(usize, i64)>,
}

/// So many changes may stand beside the settled rows, or a quarter of these.
const RECENT_MAX: usize = 1_024;

impl Settled {
    fn iter(&self) -> impl Iterator<Item = (&[u8], i64)> {
        let mut start = 0;
        self.rows
            .iter()
            .map(move |&(end, count)| (&self.bytes[std::mem::replace(&mut start, end)..end], count))
    }

    fn push(&mut self, row: &[u8], count: i64) {
        if count != 0 {
            self.bytes.extend_from_slice(row);
            self.rows.push((self.bytes.len(), count));
        }
    }
}

/// Two runs of rows in order as one, with the sums of their counts.
fn merged<'a>(
    first: impl Iterator<Item = (&'a [u8], i64)>,
    second: impl Iterator<Item = (&'a [u8], i64)>,
) -> impl Iterator<Item = (&'a [u8], i64)> {
    let (mut first, mut second) = (first.peekable(), second.peekable());
    std::iter::from_fn(move || {
        let (Some(&(a, _)), Some(&(b, _))) = (first.peek(), second.peek()) else {
            return first.next().or_else(|| second.next());
        };
        match a.cmp(b) {
            std::cmp::Ordering::Less => first.next(),
            std::cmp::Ordering::Greater => second.next(),
            std::cmp::Ordering::Equal => {
                let ((row, count), (_, change)) = (first.next()?, second.next()?);
                Some((row, count + change))
            }
        }
    })
}

impl CurrentState {
    /// An empty table.
    pub fn new(data_type: DataType) -> Self {
        Self { data_type, settled: Settled::default(), recent: BTreeMap::new(), len: 0 }
    }

    /// Applies the updates of an epoch.
    pub fn apply(&mut self, updates: &Updates) {
        self.len += updates.iter().map(|(_, diff)| diff).sum::<i64>();
        let changes = updates.len() + self.recent.len();
        if changes > RECENT_MAX.max(self.settled.rows.len() / 4) {
            self.settle(updates);
            return;
        }
        for (mut row, diff) in updates.iter() {
            let mut key = Vec::with_capacity(row.len() + 8);
            ordered::from_compact(self.data_type, &mut row, &mut key);
            match self.recent.entry(key) {
                std::collections::btree_map::Entry::Vacant(place) => {
                    place.insert(diff);
                }
                std::collections::btree_map::Entry::Occupied(mut place) => {
                    *place.get_mut() += diff;
                    if *place.get() == 0 {
                        place.remove();
                    }
                }
            }
        }
    }

    /// Writes all rows anew, with recent changes and with these updates.
    fn settle(&mut self, updates: &Updates) {
        let mut bytes = Vec::with_capacity(updates.byte_len());
        let mut changes = Vec::with_capacity(updates.len());
        for (mut row, diff) in updates.iter() {
            let start = bytes.len();
            ordered::from_compact(self.data_type, &mut row, &mut bytes);
            changes.push((ordered::front(&bytes[start..]), start..bytes.len(), diff));
        }
        // Those of an epoch that only adds are in order, which is soon seen.
        changes.sort_unstable_by(|(a_front, a, _), (b_front, b, _)| {
            a_front.cmp(b_front).then_with(|| bytes[a.clone()].cmp(&bytes[b.clone()]))
        });
        let mut added = Settled::default();
        added.bytes.reserve_exact(bytes.len());
        added.rows.reserve_exact(changes.len());
        let mut changes = changes.into_iter().peekable();
        while let Some((front, row, mut count)) = changes.next() {
            let is_same = |(other_front, other, _): &(u64, std::ops::Range<usize>, i64)| {
                *other_front == front && bytes[other.clone()] == bytes[row.clone()]
            };
            while let Some((_, _, diff)) = changes.next_if(is_same) {
                count += diff;
            }
            added.push(&bytes[row], count);
        }
        drop(bytes);
        let recent = std::mem::take(&mut self.recent);
        if self.settled.rows.is_empty() && recent.is_empty() {
            self.settled = added;
            return;
        }
        let mut settled = Settled::default();
        let recent = recent.iter().map(|(row, &count)| (row.as_slice(), count));
        for (row, count) in merged(merged(self.settled.iter(), added.iter()), recent) {
            settled.push(row, count);
        }
        self.settled = settled;
    }

    /// The rows that are there, in the ordered encoding, with their copies.
    fn counts(&self) -> impl Iterator<Item = (&[u8], i64)> {
        let recent = self.recent.iter().map(|(row, &count)| (row.as_slice(), count));
        merged(self.settled.iter(), recent).filter(|(_, count)| *count != 0)
    }

    /// Appends the rows with their copies: what [`load`](Self::load) reads.
    pub fn save(&self, out: &mut Vec<u8>) {
        put_len(self.counts().count(), out);
        for (row, count) in self.counts() {
            put_len(row.len(), out);
            out.extend_from_slice(row);
            count.encode(out);
        }
    }

    /// Reads what [`save`](Self::save) wrote, in place of the rows that are there.
    pub fn load(&mut self, input: &mut &[u8]) {
        *self = Self::new(self.data_type);
        for _ in 0..take_len(input) {
            let len = take_len(input);
            let row = take_bytes(input, len);
            let count = i64::decode(input);
            self.settled.push(row, count);
            self.len += count;
        }
    }

    /// Calls `f` with the compact bytes of every row, in row order, once for each copy.
    ///
    /// # Errors
    ///
    /// The first error of `f`.
    pub fn for_each<E>(&self, mut f: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let mut compact = Vec::new();
        for (mut row, count) in self.counts() {
            if count > 0 {
                compact.clear();
                ordered::to_compact(self.data_type, &mut row, &mut compact);
                (0..count).try_for_each(|_| f(&compact))?;
            }
        }
        Ok(())
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        usize::try_from(self.len).unwrap_or(0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Row = (String, u16);

    proptest! {
        #[test]
        fn rows_are_those_of_all_updates(
            epochs in prop::collection::vec(
                (prop::collection::vec((0u16..400, any::<bool>()), 0..60), 0usize..1_500),
                0..8,
            ),
        ) {
            let mut state = CurrentState::new(Row::data_type());
            let mut rows = BTreeMap::<Row, i64>::new();
            for (changes, more) in epochs {
                let mut updates = Updates::default();
                // Some by chance, and many as they come.
                let many = (0..more).map(|n| (u16::try_from(n * 7 % 3_000).unwrap(), true));
                for (number, adds) in changes.into_iter().chain(many) {
                    let row: Row = ("x".repeat(usize::from(number % 20)), number);
                    let count = rows.entry(row.clone()).or_default();
                    if adds || *count > 0 {
                        let diff = if adds { 1 } else { -1 };
                        *count += diff;
                        updates.push(&row.to_row_bytes(), diff);
                    }
                }
                rows.retain(|_, count| *count != 0);
                state.apply(&updates);
                if more % 4 == 0 {
                    let mut saved = Vec::new();
                    state.save(&mut saved);
                    state = CurrentState::new(Row::data_type());
                    state.load(&mut saved.as_slice());
                }
                let mut found = Vec::new();
                let all = state.for_each(|mut row| {
                    found.push(Row::decode(&mut row));
                    Ok::<(), ()>(())
                });
                prop_assert_eq!(all, Ok(()));
                let expected: Vec<Row> = rows
                    .iter()
                    .flat_map(|(row, &count)| (0..count).map(|_| row.clone()))
                    .collect();
                prop_assert_eq!(state.len(), expected.len());
                prop_assert_eq!(state.is_empty(), expected.is_empty());
                prop_assert_eq!(found, expected);
            }
        }
    }
}
