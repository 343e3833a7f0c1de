//! What a worker knows of a source: in memory, and as a checkpoint holds it.

use crate::dataflow::state::{Pending, Saved};
use crate::persistence::cut::Position;
use crate::persistence::records::{Id, Record, Records};
use crate::schema::Schema;
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

/// The parts: whether the source has ended, how far partitions are, and the rows that are kept.
const CLOSED: &[u8] = b"closed";
const POSITIONS: &[u8] = b"positions";
const ROWS: &[u8] = b"rows";

/// The partition that a record is of; nothing if it is of the whole source.
pub(super) fn partition_of(place: &[u8]) -> Option<u32> {
    place.first_chunk().map(|partition| u32::from_be_bytes(*partition))
}

/// What a record of a kept row says of it.
fn place(partition: u32, is_error: bool, row: &[u8]) -> Vec<u8> {
    let mut place = Vec::with_capacity(5 + row.len());
    place.extend_from_slice(&partition.to_be_bytes());
    place.push(u8::from(is_error));
    place.extend_from_slice(row);
    place
}

impl SourceState {
    /// Hands over everything but the rows that are kept.
    pub(super) fn save(closed: bool, positions: &BTreeMap<u32, Position>, out: &mut Saved) {
        out.small(CLOSED, |out| closed.encode(out));
        let records = out.part(POSITIONS, true);
        for (partition, position) in positions {
            records.put(Id::at(&partition.to_be_bytes()), |out| position.encode(out));
        }
    }

    /// Takes back a record.
    pub(super) fn load(&mut self, part: &[u8], record: Record<'_>) {
        let Some(partition) = partition_of(record.id.place) else {
            self.closed = is_closed(&record);
            return;
        };
        if part == POSITIONS {
            self.positions.insert(partition, Position::decode(&mut record.bytes()));
            return;
        }
        let (is_error, row) = record.id.place[4..].split_at(1);
        let (rows, errors) = self.kept.entry(partition).or_default();
        add(if is_error == [0] { rows } else { errors }, row, record.copies());
    }
}

/// Whether a record that is of no partition says that the source has ended.
pub(super) fn is_closed(record: &Record<'_>) -> bool {
    bool::decode(&mut record.bytes())
}

/// The part, and the record that says that the source has ended.
pub(super) fn put_closed() -> (Vec<u8>, Records) {
    let mut records = Records::default();
    records.put(Id::default(), |out| true.encode(out));
    (CLOSED.to_vec(), records)
}

/// What has changed of the rows that are kept, since they were saved last.
#[derive(Debug, Default)]
pub(super) struct KeptChanges(Pending);

impl KeptChanges {
    pub(super) fn note(&mut self, partition: u32, is_error: bool, row: &[u8], copies: i64) {
        if self.0.is_on() {
            self.0.add(Id::at(&place(partition, is_error, row)), copies);
        }
    }

    /// Notes that all have been saved as they are.
    pub(super) fn all_saved(&mut self) {
        self.0.begin();
    }

    /// Hands over what has changed of these partitions: number, rows and bad rows.
    pub(super) fn save<'a>(
        &mut self,
        out: &mut Saved,
        kept: impl Iterator<Item = (u32, &'a Multiset, &'a Multiset)>,
    ) {
        self.0.save(out, ROWS, |records| {
            for (partition, rows, errors) in kept {
                for (is_error, rows) in [(false, rows), (true, errors)] {
                    for (row, copies) in rows {
                        records.add(Id::at(&place(partition, is_error, row)), *copies);
                    }
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persistence::records;

    #[test]
    fn a_source_is_read_as_it_was_written() {
        let mut rows = Multiset::new();
        add(&mut rows, b"a", 2);
        add(&mut rows, b"b", 1);
        add(&mut rows, b"b", -1);
        let position = Position { label: "x".into(), rows: 4, hash: 7, ended: true, kept: true };
        let positions = BTreeMap::from([(3, position)]);
        let (errors, mut changes) = (Multiset::new(), KeptChanges::default());
        let mut parts: BTreeMap<Vec<u8>, Vec<Vec<u8>>> = BTreeMap::new();
        for round in 0..3 {
            let mut saved = Saved::default();
            SourceState::save(true, &positions, &mut saved);
            changes.save(&mut saved, [(3, &rows, &errors)].into_iter());
            for part in saved.parts {
                let sections = parts.entry(part.name).or_default();
                if part.whole {
                    sections.clear();
                }
                sections.push(part.records.into_bytes());
            }
            let mut state = SourceState::default();
            for (name, sections) in &parts {
                records::for_each(sections, |record| state.load(name, record));
            }
            let kept = [(3, (rows.clone(), errors.clone()))].into();
            assert_eq!(state, SourceState { closed: true, positions: positions.clone(), kept });
            for (row, copies) in [(&b"a"[..], -1), (b"c", round + 1)] {
                add(&mut rows, row, copies);
                changes.note(3, false, row, copies);
            }
        }
    }
}
