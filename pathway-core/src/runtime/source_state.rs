//! What a worker knows of a source: in memory, and as a checkpoint holds it.

use crate::persistence::cut::Position;
use crate::schema::{Schema, put_len, take_bytes, take_len};
use std::collections::BTreeMap;

/// Rows with their copies.
pub(super) type Multiset = BTreeMap<Vec<u8>, i64>;

/// Adds copies of a row, or takes them away.
pub(super) fn add(rows: &mut Multiset, row: &[u8], diff: i64) {
    match rows.get_mut(row) {
        Some(copies) => {
            *copies += diff;
            if *copies == 0 {
                rows.remove(row);
            }
        }
        None => {
            rows.insert(row.to_vec(), diff);
        }
    }
}

/// A source on one worker, as of a closed epoch.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SourceState {
    /// The source has ended on this worker.
    pub(super) closed: bool,
    /// How far each partition has been read.
    pub(super) positions: BTreeMap<u32, Position>,
    /// The rows and the bad rows of the partitions that are kept.
    pub(super) kept: BTreeMap<u32, (Multiset, Multiset)>,
}

impl SourceState {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        self.closed.encode(out);
        put_len(self.positions.len(), out);
        for (partition, position) in &self.positions {
            put_len(*partition as usize, out);
            position.encode(out);
        }
        put_len(self.kept.len(), out);
        for (partition, (rows, errors)) in &self.kept {
            put_len(*partition as usize, out);
            put_rows(rows, out);
            put_rows(errors, out);
        }
    }

    pub(super) fn decode(input: &mut &[u8]) -> Self {
        let partition =
            |input: &mut &[u8]| u32::try_from(take_len(input)).expect("partitions are numbered");
        let closed = bool::decode(input);
        let positions = (0..take_len(input)).map(|_| (partition(input), Position::decode(input)));
        let positions = positions.collect();
        let kept = (0..take_len(input))
            .map(|_| (partition(input), (take_rows(input), take_rows(input))))
            .collect();
        Self { closed, positions, kept }
    }
}

fn put_rows(rows: &Multiset, out: &mut Vec<u8>) {
    put_len(rows.len(), out);
    for (row, copies) in rows {
        put_len(row.len(), out);
        out.extend_from_slice(row);
        copies.encode(out);
    }
}

fn take_rows(input: &mut &[u8]) -> Multiset {
    let row = |input: &mut &[u8]| {
        let len = take_len(input);
        (take_bytes(input, len).to_vec(), i64::decode(input))
    };
    (0..take_len(input)).map(|_| row(input)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_read_as_it_was_written() {
        let mut rows = Multiset::new();
        add(&mut rows, b"a", 2);
        add(&mut rows, b"b", 1);
        add(&mut rows, b"b", -1);
        let position = Position { label: "x".into(), rows: 4, hash: 7, ended: true, kept: true };
        let state = SourceState {
            closed: true,
            positions: [(3, position)].into(),
            kept: [(3, (rows, Multiset::new()))].into(),
        };
        let mut bytes = Vec::new();
        state.encode(&mut bytes);
        let mut input = bytes.as_slice();
        assert_eq!(SourceState::decode(&mut input), state);
        assert!(input.is_empty());
    }
}
