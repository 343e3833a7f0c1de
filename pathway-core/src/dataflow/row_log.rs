//! Rows by key as chains through one log: what an index keeps.
//!
//! A row is appended where the log ends, whatever its key, and linked in front of the rows that
//! its key has already. So adding a row writes in one place only; a key's rows are found by
//! following the links.
//!
//! ```text
//! [next, 4 bytes][previous, 4][length, 4][diff, 8][row …]      padded to a multiple of eight
//! ```
//!
//! The topmost bit of the length is the owner's: an index marks the rows that have been saved.

use super::key_table;
use crate::stage::Diff;
use std::cell::Cell;

/// The place of a row in a log: in units of eight bytes.
pub(crate) type Place = u32;

/// No row: the end of a chain.
pub(crate) const NONE: Place = u32::MAX;

const PAGE_BITS: u32 = 17;
const PAGE_BYTES: usize = 8 << PAGE_BITS;
const NEXT: usize = 0;
const PREVIOUS: usize = 4;
const LEN: usize = 8;
const DIFF: usize = 12;
const HEADER: usize = 20;
const MARK: u32 = 1 << 31;

/// How many chains are walked side by side at most.
const FETCHED_CHAINS: usize = key_table::BATCH;
/// How many rows are fetched before they are read: they must still be in the cache then.
const FETCHED_ROWS: usize = 1024;
/// A row that is no further behind, in units of eight bytes, is as good as next to it.
const NEAR: Place = 64;
/// A log so small that it is in the cache gains nothing.
const SCATTERED_MIN: usize = 1 << 14;

/// Two places, or a place and a number, in a word of a key's record.
pub(crate) fn word(low: Place, high: Place) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

#[expect(clippy::cast_possible_truncation, reason = "takes the halves apart")]
pub(crate) fn halves(word: u64) -> (Place, Place) {
    (word as u32, (word >> 32) as u32)
}

/// Rows with their diffs, linked in chains.
#[derive(Debug, Default)]
pub(crate) struct RowLog {
    /// A row larger than a page has one of its own.
    pages: Vec<Vec<u8>>,
    live: usize,
    dead: usize,
    rows: usize,
    /// How many rows have been fetched that did not stand behind the one in front of them.
    scattered: Cell<usize>,
}

fn padded(len: usize) -> usize {
    (HEADER + len).next_multiple_of(8)
}

impl RowLog {
    fn at(&self, place: Place) -> &[u8] {
        let page = &self.pages[(place >> PAGE_BITS) as usize];
        &page[(place as usize & ((1 << PAGE_BITS) - 1)) * 8..]
    }

    fn at_mut(&mut self, place: Place) -> &mut [u8] {
        let page = &mut self.pages[(place >> PAGE_BITS) as usize];
        &mut page[(place as usize & ((1 << PAGE_BITS) - 1)) * 8..]
    }

    fn number(&self, place: Place, field: usize) -> u32 {
        let bytes = &self.at(place)[field..field + 4];
        u32::from_le_bytes(bytes.try_into().expect("four bytes"))
    }

    fn set_number(&mut self, place: Place, field: usize, value: u32) {
        self.at_mut(place)[field..field + 4].copy_from_slice(&value.to_le_bytes());
    }

    /// Appends a row that is in no chain yet.
    pub(crate) fn push(&mut self, row: &[u8], diff: Diff) -> Place {
        let size = padded(row.len());
        if self.pages.last().is_none_or(|page| page.len() + size > PAGE_BYTES) {
            // The first page grows, so that many small indexes stay small.
            let first = if self.pages.is_empty() { 0 } else { PAGE_BYTES };
            self.pages.push(Vec::with_capacity(first.max(size)));
        }
        let number = self.pages.len() - 1;
        let page = &mut self.pages[number];
        let place = u32::try_from((number << PAGE_BITS) | (page.len() / 8))
            .ok()
            .filter(|&place| place != NONE)
            .expect("a worker's index holds under 32 GiB of rows");
        let len = u32::try_from(row.len()).ok().filter(|len| len & MARK == 0);
        let len = len.expect("a row is under 2 GiB: sources bound them");
        let mut header = [0xff; HEADER];
        header[LEN..DIFF].copy_from_slice(&len.to_le_bytes());
        header[DIFF..].copy_from_slice(&diff.to_le_bytes());
        page.extend_from_slice(&header);
        page.extend_from_slice(row);
        page.resize(page.len().next_multiple_of(8), 0);
        self.live += size;
        self.rows += 1;
        place
    }

    /// Lets `next` follow `place` in its chain.
    pub(crate) fn link(&mut self, place: Place, next: Place) {
        self.set_number(place, NEXT, next);
    }

    /// Notes that `previous` stands in front of `place`: for chains that [`unlink`](Self::unlink)
    /// is used on.
    pub(crate) fn link_back(&mut self, place: Place, previous: Place) {
        if place != NONE {
            self.set_number(place, PREVIOUS, previous);
        }
    }

    /// The row behind this one in its chain.
    pub(crate) fn next(&self, place: Place) -> Place {
        self.number(place, NEXT)
    }

    pub(crate) fn row(&self, place: Place) -> &[u8] {
        &self.at(place)[HEADER..HEADER + self.len_of(place)]
    }

    fn len_of(&self, place: Place) -> usize {
        (self.number(place, LEN) & !MARK) as usize
    }

    /// Whether the row is marked.
    pub(crate) fn is_marked(&self, place: Place) -> bool {
        self.number(place, LEN) & MARK != 0
    }

    pub(crate) fn mark(&mut self, place: Place) {
        let len = self.number(place, LEN);
        self.set_number(place, LEN, len | MARK);
    }

    /// A row with its diff, and the row behind it in its chain.
    #[inline]
    pub(crate) fn read(&self, place: Place) -> (&[u8], Diff, Place) {
        let bytes = self.at(place);
        let (header, rest) = bytes.split_at(HEADER);
        let number =
            |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("four bytes"));
        let diff = i64::from_le_bytes(header[DIFF..].try_into().expect("eight bytes"));
        (&rest[..(number(LEN) & !MARK) as usize], diff, number(NEXT))
    }

    pub(crate) fn diff(&self, place: Place) -> Diff {
        let bytes = &self.at(place)[DIFF..HEADER];
        i64::from_le_bytes(bytes.try_into().expect("eight bytes"))
    }

    pub(crate) fn set_diff(&mut self, place: Place, diff: Diff) {
        self.at_mut(place)[DIFF..HEADER].copy_from_slice(&diff.to_le_bytes());
    }

    /// The chain that begins at `head`, up to the one at `end`.
    pub(crate) fn chain(&self, head: Place, end: Place) -> Chain<'_> {
        Chain { log: self, at: head, end }
    }

    /// The places of the chain that begins at `head`.
    pub(crate) fn places(&self, head: Place) -> impl Iterator<Item = Place> {
        let is_row = |&place: &Place| place != NONE;
        std::iter::successors(Some(head).filter(is_row), move |&at| {
            Some(self.next(at)).filter(is_row)
        })
    }

    /// Appends the chain that begins at `head` in another log, with its marks. Answers where it begins
    /// here; `moved` is told where each row was and is.
    pub(crate) fn copy_chain(
        &mut self,
        old: &Self,
        head: Place,
        mut moved: impl FnMut(Place, Place),
    ) -> Place {
        let (mut first, mut last) = (NONE, NONE);
        for (at, (row, diff)) in old.places(head).zip(old.chain(head, NONE)) {
            let place = self.push(row, diff);
            if old.is_marked(at) {
                self.mark(place);
            }
            if last == NONE {
                first = place;
            } else {
                self.link(last, place);
            }
            last = place;
            moved(at, place);
        }
        first
    }

    /// Brings chains into the processor's memory, side by side: it waits for the rows of all of
    /// them together, where one chain would keep it waiting for each row.
    pub(crate) fn fetch_chains(&self, heads: impl Iterator<Item = Place>) {
        let mut chains = [NONE; FETCHED_CHAINS];
        let mut left = 0;
        for head in heads.filter(|&head| head != NONE).take(FETCHED_CHAINS) {
            chains[left] = head;
            left += 1;
        }
        let (mut fetched, mut scattered) = (0, 0);
        while left > 0 && fetched < FETCHED_ROWS {
            fetched += left;
            let mut at = 0;
            for chain in 0..left {
                let place = chains[chain];
                let next = self.next(place);
                scattered += usize::from(next.wrapping_sub(place) > NEAR && next != NONE);
                chains[at] = next;
                at += usize::from(next != NONE);
            }
            left = at;
        }
        self.scattered.set(self.scattered.get() + scattered);
    }

    /// Takes a row out of the chain that begins at `head`, and forgets it. Answers where the chain
    /// begins then. All rows of the chain must know their previous ones.
    pub(crate) fn unlink(&mut self, head: Place, place: Place) -> Place {
        let (next, previous) = (self.next(place), self.number(place, PREVIOUS));
        self.forget(place);
        if place == head {
            self.link_back(next, NONE);
            return next;
        }
        self.link_back(next, previous);
        self.link(previous, next);
        head
    }

    /// Notes that a row is no longer used.
    pub(crate) fn forget(&mut self, place: Place) {
        let size = padded(self.len_of(place));
        self.live -= size;
        self.dead += size;
        self.rows -= 1;
    }

    /// Whether more than half of a large log is unused, so that its owner should copy what is
    /// left into a new one.
    pub(crate) fn is_wasteful(&self) -> bool {
        self.dead > self.live + PAGE_BYTES
    }

    /// Whether reading rows one here and one there has cost more than its owner would pay for
    /// copying them into a new log, those of a chain next to each other.
    pub(crate) fn is_scattered(&self) -> bool {
        self.scattered.get() > 2 * self.rows + SCATTERED_MIN
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    /// The memory, in bytes.
    pub(crate) fn memory(&self) -> usize {
        self.pages.iter().map(Vec::capacity).sum()
    }
}

/// The rows of a chain, from its front.
#[derive(Clone)]
pub(crate) struct Chain<'a> {
    log: &'a RowLog,
    at: Place,
    end: Place,
}

impl<'a> Iterator for Chain<'a> {
    type Item = (&'a [u8], Diff);

    fn next(&mut self) -> Option<Self::Item> {
        if self.at == self.end {
            return None;
        }
        let (row, diff, next) = self.log.read(self.at);
        self.at = next;
        Some((row, diff))
    }
}
