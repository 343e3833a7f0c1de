//! Byte strings in sixteen bytes: short ones inline, longer ones in an arena.

/// Where long byte strings live: append-only pages, counted so that the owner knows when to
/// rebuild it.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    pages: Vec<Vec<u8>>,
    live: usize,
    dead: usize,
}

/// Longer strings get a page of their own.
const PAGE_BYTES: usize = 1 << 20;
const INLINE_BYTES_MAX: usize = 15;
const IN_ARENA: u8 = 0xff;
const ABSENT: u8 = 0xfe;

/// A byte string. Its bytes are found with the arena that it was made with.
///
/// The last byte is the length of an inline string, or a mark. Inline strings are padded with
/// zeros, so that two of them are equal exactly if their sixteen bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(8))]
pub(crate) struct SmallBytes([u8; 16]);

/// Up to eight bytes as a word.
#[inline]
fn word(bytes: &[u8]) -> u64 {
    let at = |start: usize, len: usize| &bytes[start..start + len];
    match bytes.len() {
        8 => u64::from_le_bytes(bytes.try_into().expect("eight bytes")),
        len @ 4..8 => {
            // Two loads that overlap; the bytes that both have are shifted out of the second.
            let low = u32::from_le_bytes(at(0, 4).try_into().expect("four bytes"));
            let high = u32::from_le_bytes(at(len - 4, 4).try_into().expect("four bytes"));
            u64::from(low) | (u64::from(high) << ((len - 4) * 8))
        }
        _ => bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
    }
}

impl SmallBytes {
    /// No byte string; equal to none that is one.
    pub(crate) const ABSENT: Self = Self([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ABSENT]);

    /// The string in its inline form, if it is short enough.
    #[inline(always)]
    pub(crate) fn inline(bytes: &[u8]) -> Option<Self> {
        let len = bytes.len();
        if len > INLINE_BYTES_MAX {
            return None;
        }
        let mark = (len as u64) << 56;
        Some(match bytes.split_at_checked(8) {
            Some((low, high)) => Self::from_words(word(low), word(high) | mark),
            None => Self::from_words(word(bytes), mark),
        })
    }

    /// The string, in the arena if it is long.
    #[inline]
    pub(crate) fn new(bytes: &[u8], arena: &mut Arena) -> Self {
        Self::inline(bytes).unwrap_or_else(|| arena.put(bytes))
    }

    #[inline(always)]
    pub(crate) fn from_words(low: u64, high: u64) -> Self {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&low.to_le_bytes());
        bytes[8..].copy_from_slice(&high.to_le_bytes());
        Self(bytes)
    }

    #[inline]
    pub(crate) fn words(self) -> (u64, u64) {
        let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
        (word(&self.0[..8]), word(&self.0[8..]))
    }

    #[inline]
    fn mark(self) -> u8 {
        self.0[15]
    }

    pub(crate) fn is_absent(self) -> bool {
        self.mark() == ABSENT
    }

    /// The bytes.
    #[inline]
    pub(crate) fn get<'a>(&'a self, arena: &'a Arena) -> &'a [u8] {
        match self.mark() {
            IN_ARENA => arena.get(self.place()),
            ABSENT => &[],
            len => &self.0[..usize::from(len)],
        }
    }

    /// The bytes of a string that is known to be inline.
    #[inline]
    pub(crate) fn inline_bytes(&self) -> &[u8] {
        &self.0[..usize::from(self.mark())]
    }

    /// Whether this is `bytes`, whose inline form is `inline`.
    #[inline]
    pub(crate) fn is(self, bytes: &[u8], inline: Option<Self>, arena: &Arena) -> bool {
        match inline {
            Some(inline) => self == inline,
            None => self.mark() == IN_ARENA && arena.get(self.place()) == bytes,
        }
    }

    /// A hash of an inline string under a seed: one multiplication.
    #[inline(always)]
    pub(crate) fn hash_inline(self, seed: [u64; 2]) -> u64 {
        let (low, high) = self.words();
        let product = u128::from(low ^ seed[0]) * u128::from(high ^ seed[1]);
        #[expect(clippy::cast_possible_truncation, reason = "folds the halves")]
        {
            (product >> 64) as u64 ^ product as u64
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "takes the words apart")]
    fn place(self) -> (u32, u32, u32) {
        let (low, high) = self.words();
        (low as u32, (low >> 32) as u32, high as u32)
    }
}

impl Arena {
    fn put(&mut self, bytes: &[u8]) -> SmallBytes {
        self.live += bytes.len();
        let fits = |page: &Vec<u8>| page.capacity() - page.len() >= bytes.len();
        if !self.pages.last().is_some_and(fits) {
            // The first page is small, so that many small tables stay small.
            let size = if self.pages.is_empty() { 4096 } else { PAGE_BYTES };
            self.pages.push(Vec::with_capacity(size.max(bytes.len())));
        }
        let index = self.pages.len() - 1;
        let page = &mut self.pages[index];
        let part = |value: usize| {
            let part = u32::try_from(value);
            u64::from(part.expect("an arena's pages, offsets and lengths fit 32 bits"))
        };
        let place = part(index) | part(page.len()) << 32;
        let small = SmallBytes::from_words(place, part(bytes.len()) | u64::from(IN_ARENA) << 56);
        page.extend_from_slice(bytes);
        small
    }

    fn get(&self, (page, offset, len): (u32, u32, u32)) -> &[u8] {
        &self.pages[page as usize][offset as usize..(offset + len) as usize]
    }

    /// Notes that a string is no longer used.
    pub(crate) fn release(&mut self, bytes: SmallBytes) {
        if bytes.mark() == IN_ARENA {
            let len = bytes.place().2 as usize;
            self.live -= len;
            self.dead += len;
        }
    }

    /// Whether more than half of a large arena is unused, so that its owner should copy what is
    /// left into a new one.
    pub(crate) fn is_wasteful(&self) -> bool {
        self.dead > self.live + PAGE_BYTES
    }

    /// The memory of the pages, in bytes.
    pub(crate) fn memory(&self) -> usize {
        self.pages.iter().map(Vec::capacity).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_strings_come_back() {
        let mut arena = Arena::default();
        for len in [0, 1, 14, 15, 16, 100, PAGE_BYTES - 1, PAGE_BYTES, PAGE_BYTES * 2] {
            let bytes: Vec<u8> = (0u8..251).cycle().take(len).collect();
            let small = SmallBytes::new(&bytes, &mut arena);
            assert_eq!(small.get(&arena), bytes);
            assert!(small.is(&bytes, SmallBytes::inline(&bytes), &arena));
            assert!(!small.is(b"other", SmallBytes::inline(b"other"), &arena));
        }
    }

    #[test]
    fn an_absent_string_equals_no_string() {
        let arena = Arena::default();
        assert!(!SmallBytes::ABSENT.is(b"", SmallBytes::inline(b""), &arena));
    }

    #[test]
    fn released_bytes_make_an_arena_wasteful() {
        let mut arena = Arena::default();
        let many: Vec<_> =
            (0..3).map(|_| SmallBytes::new(&vec![7; PAGE_BYTES], &mut arena)).collect();
        assert!(!arena.is_wasteful());
        for small in many {
            arena.release(small);
        }
        assert!(arena.is_wasteful());
    }
}
