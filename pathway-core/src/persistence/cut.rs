//! What one worker let into one epoch, as the log holds it.
//!
//! Rows come in the order in which they entered, each behind the mark of its source and partition.
//! Behind them stand the positions of the partitions, as they are then.

use crate::schema::{
    Schema, put_bytes, put_len, put_str, take_bytes, take_len, take_sized, take_str,
};

/// How far a partition of a source has been read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// The partition's name, which finds it again in another run.
    pub(crate) label: String,
    /// Rows that have entered, good and bad.
    pub(crate) rows: u64,
    /// A hash of them in order.
    pub(crate) hash: u64,
    /// Whether no more will come.
    pub(crate) ended: bool,
    /// Whether the rows are kept, to be replaced as a whole.
    pub(crate) kept: bool,
}

impl Position {
    /// Whether its rows were kept and have been taken away for good.
    pub(crate) fn is_gone(&self) -> bool {
        self.kept && self.ended
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_str(&self.label, out);
        self.rows.encode(out);
        self.hash.encode(out);
        self.ended.encode(out);
        self.kept.encode(out);
    }

    pub(crate) fn decode(input: &mut &[u8]) -> Self {
        let label = take_str(input).to_owned();
        let (rows, hash) = (u64::decode(input), u64::decode(input));
        let (ended, kept) = (bool::decode(input), bool::decode(input));
        Self { label, rows, hash, ended, kept }
    }
}

/// One thing that happened to an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event<'a> {
    /// What follows belongs to this partition of this source.
    At {
        /// The source's place in the run.
        source: usize,
        /// The partition.
        partition: u32,
    },
    /// A row, or one of the error stream.
    Row {
        /// Its bytes.
        row: &'a [u8],
        /// Its copies.
        diff: i64,
        /// Whether it is one of the error stream.
        error: bool,
    },
    /// How far the partition is at the end of the epoch.
    Position(Position),
    /// The source has ended on this worker.
    Closed,
    /// What an asynchronous call has given.
    Result(CallResult<'a>),
}

/// What an asynchronous call has given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CallResult<'a> {
    /// The operator's place in the run.
    pub(crate) operator: usize,
    /// The row that was called for.
    pub(crate) row: &'a [u8],
    /// One of the constants.
    pub(crate) kind: u8,
    /// The bytes of a row, or of one of the error stream.
    pub(crate) outcome: &'a [u8],
}

impl CallResult<'_> {
    pub(crate) const ROW: u8 = 0;
    pub(crate) const NOTHING: u8 = 1;
    pub(crate) const FAILED: u8 = 2;
}

/// So much room is made for the next epoch at most.
const KEPT_BYTES_MAX: usize = 1 << 22;

const AT: u8 = 0;
/// One copy of a row, which most are.
const ADDED: u8 = 1;
const UPDATED: u8 = 2;
const ERROR: u8 = 3;
const POSITION: u8 = 4;
const CLOSED: u8 = 5;
const RESULT: u8 = 6;

/// What enters an epoch on one worker, while it enters.
#[derive(Debug, Default)]
pub(crate) struct Cut {
    bytes: Vec<u8>,
    at: Option<(usize, u32)>,
}

impl Cut {
    /// Takes the mark of what follows.
    pub(crate) fn at(&mut self, source: usize, partition: u32) {
        if self.at == Some((source, partition)) {
            return;
        }
        self.at = Some((source, partition));
        self.bytes.push(AT);
        put_len(source, &mut self.bytes);
        put_len(partition as usize, &mut self.bytes);
    }

    pub(crate) fn row(&mut self, row: &[u8], diff: i64) {
        if diff == 1 {
            self.bytes.push(ADDED);
        } else {
            self.bytes.push(UPDATED);
            diff.encode(&mut self.bytes);
        }
        self.put(row);
    }

    pub(crate) fn error(&mut self, row: &[u8], diff: i64) {
        self.bytes.push(ERROR);
        diff.encode(&mut self.bytes);
        self.put(row);
    }

    fn put(&mut self, row: &[u8]) {
        put_len(row.len(), &mut self.bytes);
        self.bytes.extend_from_slice(row);
    }

    pub(crate) fn position(&mut self, position: &Position) {
        self.bytes.push(POSITION);
        position.encode(&mut self.bytes);
    }

    pub(crate) fn closed(&mut self) {
        self.bytes.push(CLOSED);
    }

    /// Appends what a call has given to what entered the epoch.
    pub(crate) fn result(result: &CallResult<'_>, part: &mut Vec<u8>) {
        part.push(RESULT);
        put_len(result.operator, part);
        put_bytes(result.row, part);
        part.push(result.kind);
        put_bytes(result.outcome, part);
    }

    /// Ends the epoch, and begins the next one.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        self.at = None;
        // Epochs are often alike, and to grow is to copy.
        let next = Vec::with_capacity(self.bytes.len().min(KEPT_BYTES_MAX));
        std::mem::replace(&mut self.bytes, next)
    }
}

/// Reads what one worker let into an epoch.
pub(crate) fn events(mut bytes: &[u8]) -> impl Iterator<Item = Event<'_>> {
    std::iter::from_fn(move || {
        let (&kind, rest) = bytes.split_first()?;
        bytes = rest;
        let input = &mut bytes;
        let row = |input: &mut &'_ [u8]| take_len(input);
        Some(match kind {
            AT => {
                let source = take_len(input);
                let partition = u32::try_from(take_len(input)).expect("partitions are numbered");
                Event::At { source, partition }
            }
            ADDED => {
                let len = row(input);
                Event::Row { row: take_bytes(input, len), diff: 1, error: false }
            }
            UPDATED | ERROR => {
                let diff = i64::decode(input);
                let len = row(input);
                Event::Row { row: take_bytes(input, len), diff, error: kind == ERROR }
            }
            POSITION => Event::Position(Position::decode(input)),
            CLOSED => Event::Closed,
            RESULT => {
                let (operator, row) = (take_len(input), take_sized(input));
                let kind = take_bytes(input, 1)[0];
                Event::Result(CallResult { operator, row, kind, outcome: take_sized(input) })
            }
            _ => unreachable!("the checksum of a cut is that of one we wrote"),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_entered_an_epoch_is_read_in_order() {
        let position =
            Position { label: "a.csv".into(), rows: 3, hash: 9, ended: true, kept: true };
        let mut cut = Cut::default();
        cut.at(2, 7);
        cut.row(b"one", 1);
        cut.at(2, 7);
        cut.row(b"", -3);
        cut.error(b"bad", 1);
        cut.at(0, 1);
        cut.position(&position);
        cut.closed();
        let mut bytes = cut.take();
        let result =
            CallResult { operator: 3, row: b"row", kind: CallResult::FAILED, outcome: b"why" };
        Cut::result(&result, &mut bytes);
        let expected = [
            Event::At { source: 2, partition: 7 },
            Event::Row { row: b"one", diff: 1, error: false },
            Event::Row { row: b"", diff: -3, error: false },
            Event::Row { row: b"bad", diff: 1, error: true },
            Event::At { source: 0, partition: 1 },
            Event::Position(position),
            Event::Closed,
            Event::Result(result),
        ];
        assert_eq!(events(&bytes).collect::<Vec<_>>(), expected);
        cut.at(0, 1);
        assert_eq!(events(&cut.take()).count(), 1, "an epoch names its partitions by itself");
    }
}
