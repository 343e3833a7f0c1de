//! A row in its place: what it is sorted by, and the arguments that a window takes from it.

use crate::schema::take_len;
use crate::stage::{Diff, Input, put_sort_header};

/// A row with the bytes that it is sorted by: its key, then the row itself, both in the ordered
/// encoding, so that ties are broken by row order. Behind them stand the arguments.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    bytes: Box<[u8]>,
    key_len: u32,
    sort_len: u32,
    /// How many copies of the row there are.
    pub(crate) copies: i64,
}

impl Entry {
    /// Reads a row as it travels.
    pub(crate) fn read(mut message: &[u8], copies: i64) -> Self {
        let key_len = take_len(&mut message);
        let sort_len = take_len(&mut message);
        Self::new(message, key_len, sort_len, copies)
    }

    pub(crate) fn new(bytes: &[u8], key_len: usize, sort_len: usize, copies: i64) -> Self {
        let len = |len: usize| u32::try_from(len).expect("a row is under 4 GiB");
        Self { bytes: bytes.into(), key_len: len(key_len), sort_len: len(sort_len), copies }
    }

    /// What a row is sorted by, of the row as it travels.
    pub(crate) fn sort_in(mut message: &[u8]) -> &[u8] {
        take_len(&mut message);
        let sort_len = take_len(&mut message);
        &message[..sort_len]
    }

    /// Appends the row as it travels.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        put_sort_header(self.key_len as usize, self.sort_len as usize, out);
        out.extend_from_slice(&self.bytes);
    }

    /// The length of what [`write`](Self::write) appends behind the header.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// What rows are sorted by.
    pub(crate) fn sort(&self) -> &[u8] {
        &self.bytes[..self.sort_len as usize]
    }

    /// The sort key alone; rows with equal ones are ties.
    pub(crate) fn key(&self) -> &[u8] {
        &self.bytes[..self.key_len as usize]
    }

    /// The row in the ordered encoding.
    pub(crate) fn row(&self) -> &[u8] {
        &self.bytes[self.key_len as usize..self.sort_len as usize]
    }

    /// The arguments, as they were written.
    pub(crate) fn arguments(&self) -> &[u8] {
        &self.bytes[self.sort_len as usize..]
    }

    /// One of the arguments.
    pub(crate) fn argument(&self, index: usize) -> Input<'_> {
        let mut rest = &self.bytes[self.sort_len as usize..];
        for _ in 0..index {
            Input::take(&mut rest);
        }
        Input::take(&mut rest)
    }
}

/// How many rows of a tree come as one.
pub(super) fn rows(copies: i64) -> u64 {
    u64::try_from(copies).expect("an entry with fewer than no copies was refused")
}

/// Adds copies to what there are.
pub(super) fn plus(copies: u64, diff: Diff) -> Option<u64> {
    copies.checked_add_signed(diff)
}
