//! Encoded rows as differential's operators hold them: short ones inline.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// An encoded row, or a part of one, which is cheap to clone, to compare and to hash.
///
/// The order is some total order, not that of the bytes: the words of an inline row compare as
/// integers.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "Option<Vec<u8>>", into = "Option<Vec<u8>>")]
pub(crate) enum Row {
    /// Up to [`INLINE_BYTES_MAX`] bytes, padded with zeros. The parts that differ most come first.
    Inline {
        first: u64,
        second: u64,
        third: u32,
        fourth: u16,
        len: u8,
    },
    Long(Arc<[u8]>),
}

const INLINE_BYTES_MAX: usize = 22;
/// The length of no row at all.
const ABSENT: u8 = u8::MAX;

/// The bytes of an inline row, on the stack.
pub(crate) type Buffer = [u8; INLINE_BYTES_MAX];

impl Default for Row {
    fn default() -> Self {
        Self::inline(&[])
    }
}

impl Row {
    /// No row; equal to none that is one.
    pub(crate) const ABSENT: Self =
        Self::Inline { first: 0, second: 0, third: 0, fourth: 0, len: ABSENT };

    fn inline(bytes: &[u8]) -> Self {
        let mut padded: Buffer = [0; INLINE_BYTES_MAX];
        padded[..bytes.len()].copy_from_slice(bytes);
        let word =
            |at: usize| u64::from_le_bytes(padded[at..at + 8].try_into().expect("eight bytes"));
        Self::Inline {
            first: word(0),
            second: word(8),
            third: u32::from_le_bytes(padded[16..20].try_into().expect("four bytes")),
            fourth: u16::from_le_bytes(padded[20..22].try_into().expect("two bytes")),
            len: u8::try_from(bytes.len()).expect("an inline row is short"),
        }
    }

    pub(crate) fn new(bytes: &[u8]) -> Self {
        if bytes.len() <= INLINE_BYTES_MAX { Self::inline(bytes) } else { Self::Long(bytes.into()) }
    }

    /// The row, or [`ABSENT`](Self::ABSENT).
    pub(crate) fn of(bytes: Option<&[u8]>) -> Self {
        bytes.map_or(Self::ABSENT, Self::new)
    }

    pub(crate) fn is_absent(&self) -> bool {
        *self == Self::ABSENT
    }

    /// The bytes; those of an inline row are put into `buffer`. An absent row has none.
    pub(crate) fn bytes<'a>(&'a self, buffer: &'a mut Buffer) -> &'a [u8] {
        match self {
            Self::Inline { first, second, third, fourth, len } => {
                buffer[..8].copy_from_slice(&first.to_le_bytes());
                buffer[8..16].copy_from_slice(&second.to_le_bytes());
                buffer[16..20].copy_from_slice(&third.to_le_bytes());
                buffer[20..].copy_from_slice(&fourth.to_le_bytes());
                let len = if *len == ABSENT { 0 } else { usize::from(*len) };
                &buffer[..len]
            }
            Self::Long(bytes) => bytes,
        }
    }

    /// Words to be hashed; equal rows have equal ones.
    pub(super) fn words(&self) -> [u64; 3] {
        match self {
            Self::Inline { first, second, third, fourth, len } => {
                let rest = u64::from(*third) << 24 | u64::from(*fourth) << 8 | u64::from(*len);
                [*first, *second, rest]
            }
            Self::Long(bytes) => [crate::schema::stable_hash(bytes), bytes.len() as u64, 0],
        }
    }

    /// The memory that the row points to.
    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            Self::Inline { .. } => 0,
            // With the two counts in front of the bytes.
            Self::Long(bytes) => bytes.len() + 2 * size_of::<usize>(),
        }
    }

    /// The stable hash of the bytes: which worker owns the row.
    pub(crate) fn route(&self) -> u64 {
        crate::schema::stable_hash(self.bytes(&mut Buffer::default()))
    }
}

impl From<Option<Vec<u8>>> for Row {
    fn from(bytes: Option<Vec<u8>>) -> Self {
        Self::of(bytes.as_deref())
    }
}

impl From<Row> for Option<Vec<u8>> {
    fn from(row: Row) -> Self {
        (!row.is_absent()).then(|| row.bytes(&mut Buffer::default()).to_vec())
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_absent() {
            return f.write_str("absent");
        }
        write!(f, "{:02x?}", self.bytes(&mut Buffer::default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_all_lengths_come_back() {
        let mut rows = vec![Row::ABSENT];
        for len in [0, 1, 7, 8, 9, 15, 16, 20, 21, 22, 23, 100] {
            let bytes: Vec<u8> = (1..=255).cycle().take(len).collect();
            let row = Row::new(&bytes);
            assert_eq!(row.bytes(&mut Buffer::default()), bytes);
            assert_eq!(Row::from(Option::<Vec<u8>>::from(row.clone())), row);
            rows.push(row);
        }
        // Zeros at the end count.
        rows.extend([Row::new(&[0]), Row::new(&[0, 0]), Row::new(&[0; 22]), Row::new(&[0; 23])]);
        rows.sort();
        rows.dedup();
        assert_eq!(rows.len(), 17);
        assert_eq!(size_of::<Row>(), 24);
    }
}
