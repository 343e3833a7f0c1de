//! Bytes into records of cells.
//!
//! There are two ways. Almost every record lies within a block, and its quoted cells hold no
//! doubled quotes: its cells are found in place by one scan, and nothing is copied. For the
//! others (a record that goes on in the next block, `"say ""hi"""`, `a"b`) `csv-core` copies the
//! cells. Both agree on what a record is; the tests compare them on random text.

use super::Options;
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use memchr::memchr;

/// Where a cell begins and ends in the record's text.
pub(super) type Cell = (usize, usize);

/// What the scan found at the beginning of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scanned {
    /// A record whose cells are now in [`Scan::cells`].
    Record {
        /// Where the text ends, and where the next record begins.
        end: usize,
        next: usize,
        /// How many lines end in the record.
        lines: u64,
    },
    /// A record for [`Pending`].
    Other,
}

/// Finds the cells of records in place.
#[derive(Debug)]
pub(super) struct Scan {
    delimiter: u8,
    quote: u8,
    special: [bool; 256],
    pub(super) cells: Vec<Cell>,
}

impl Scan {
    pub(super) fn new(options: &Options) -> Self {
        let mut special = [false; 256];
        for byte in [options.delimiter, options.quote, b'\n', b'\r'] {
            special[usize::from(byte)] = true;
        }
        let Options { delimiter, quote, .. } = *options;
        Self { delimiter, quote, special, cells: Vec::new() }
    }

    /// Scans the record that begins at `start`.
    #[inline]
    pub(super) fn record(&mut self, bytes: &[u8], start: usize) -> Scanned {
        self.cells.clear();
        let (mut at, mut cell, mut lines) = (start, start, 0);
        while let Some(&byte) = bytes.get(at) {
            if !self.special[usize::from(byte)] {
                at += 1;
                continue;
            }
            let mut end = at;
            if byte == self.quote {
                if at != cell {
                    return Scanned::Other;
                }
                cell = at + 1;
                let Some(len) = memchr(self.quote, &bytes[cell..]) else {
                    return Scanned::Other;
                };
                end = cell + len;
                at = end + 1;
                lines += count_lines(&bytes[cell..end]);
            }
            match bytes.get(at) {
                Some(&byte) if byte == self.delimiter => {
                    self.cells.push((cell, end));
                    at += 1;
                    cell = at;
                }
                Some(b'\n') => {
                    self.cells.push((cell, end));
                    return Scanned::Record { end: at, next: at + 1, lines: lines + 1 };
                }
                Some(b'\r') => {
                    self.cells.push((cell, end));
                    return match bytes.get(at + 1) {
                        Some(b'\n') => Scanned::Record { end: at, next: at + 2, lines: lines + 1 },
                        Some(_) => Scanned::Record { end: at, next: at + 1, lines },
                        None => Scanned::Other,
                    };
                }
                _ => return Scanned::Other,
            }
        }
        Scanned::Other
    }
}

/// How many lines end in these bytes.
pub(super) fn count_lines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).map(|_| 1).sum()
}

/// A record that is put together by `csv-core`, block by block.
#[derive(Debug)]
pub(super) struct Pending {
    reader: Box<Reader>,
    bytes_max: usize,
    output: Vec<u8>,
    output_len: usize,
    ends: Vec<usize>,
    ends_len: usize,
    /// The record as it was read, up to the limit.
    pub(super) raw: Vec<u8>,
    pub(super) too_long: bool,
    /// Whether a record has begun.
    pub(super) active: bool,
    /// How many lines have ended in it.
    pub(super) lines: u64,
}

impl Pending {
    pub(super) fn new(options: &Options) -> Self {
        let mut reader = Box::new(
            ReaderBuilder::new().delimiter(options.delimiter).quote(options.quote).build(),
        );
        // Past its first bytes the reader leaves byte order marks alone: one in the middle of a
        // file is text. A blank line is no record.
        reader.read_record(b"\n", &mut [0], &mut [0]);
        Self {
            reader,
            bytes_max: options.record_bytes_max,
            output: vec![0; 256],
            output_len: 0,
            ends: vec![0; 16],
            ends_len: 0,
            raw: Vec::new(),
            too_long: false,
            active: false,
            lines: 0,
        }
    }

    /// Takes bytes up to the end of the record, and answers how many if it ends here.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Option<usize> {
        // To csv-core no bytes are the end of the file.
        if bytes.is_empty() {
            return None;
        }
        self.active = true;
        let mut taken = 0;
        loop {
            let (result, read, written, ended) = self.reader.read_record(
                &bytes[taken..],
                &mut self.output[self.output_len..],
                &mut self.ends[self.ends_len..],
            );
            self.keep(&bytes[taken..taken + read]);
            taken += read;
            self.output_len += written;
            self.ends_len += ended;
            match result {
                ReadRecordResult::Record => return Some(taken),
                _ if taken == bytes.len() => return None,
                ReadRecordResult::InputEmpty | ReadRecordResult::End => return None,
                ReadRecordResult::OutputFull if self.too_long => self.output_len = 0,
                ReadRecordResult::OutputEndsFull if self.too_long => self.ends_len = 0,
                ReadRecordResult::OutputFull => self.output.resize(self.output.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
            }
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.lines += count_lines(bytes);
        let room = self.bytes_max.saturating_sub(self.raw.len());
        // The end of the line is no part of the record's length.
        let len = bytes.len() - bytes.iter().rev().take_while(|byte| is_end(**byte)).count();
        self.too_long |= len > room;
        self.raw.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Puts the places of the cells into `cells`, and answers their text.
    pub(super) fn cells(&self, cells: &mut Vec<Cell>) -> &[u8] {
        cells.clear();
        let mut start = 0;
        for &end in &self.ends[..self.ends_len] {
            cells.push((start, end));
            start = end;
        }
        &self.output[..self.output_len]
    }

    /// The record as it was read, without the end of the line.
    pub(super) fn record(&self) -> &[u8] {
        let end = self.raw.iter().rposition(|byte| !is_end(*byte)).map_or(0, |last| last + 1);
        &self.raw[..end]
    }

    /// Makes room for the next record.
    pub(super) fn clear(&mut self) {
        self.raw.clear();
        (self.output_len, self.ends_len, self.lines) = (0, 0, 0);
        (self.too_long, self.active) = (false, false);
    }
}

fn is_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}
