//! Bytes with their length and checksums, and a reader that never reads past the end.
//!
//! The length has a checksum of its own: one that is too large would otherwise look like bytes that
//! are missing at the end, which a crash leaves.

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// The length of what stands in front of a frame's bytes.
pub(super) const HEAD_LEN: usize = 8 + 8 + 16;

/// What stands in front of these bytes.
pub(super) fn head(bytes: &[u8]) -> [u8; HEAD_LEN] {
    let len = (bytes.len() as u64).to_le_bytes();
    let mut head = [0; HEAD_LEN];
    head[..8].copy_from_slice(&len);
    head[8..16].copy_from_slice(&xxh3_64(&len).to_le_bytes());
    head[16..].copy_from_slice(&xxh3_128(bytes).to_le_bytes());
    head
}

/// Appends a frame.
pub(super) fn put(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&head(bytes));
    out.extend_from_slice(bytes);
}

/// What stands where a frame should.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Framed<'a> {
    /// A frame, and how long it is with its head.
    Whole(&'a [u8], usize),
    /// The bytes end before the frame does.
    Short,
    /// The bytes are others than those that were written; how long the frame is, if that is known.
    Damaged(Option<usize>),
    /// There is nothing.
    End,
}

/// Reads the frame at the front.
pub(super) fn read(bytes: &[u8]) -> Framed<'_> {
    // A disk that has lost its power may leave room for what it did not write.
    if bytes.iter().all(|byte| *byte == 0) {
        return if bytes.is_empty() { Framed::End } else { Framed::Short };
    }
    let Some((head, rest)) = bytes.split_first_chunk::<HEAD_LEN>() else { return Framed::Short };
    let (len, sums) = head.split_at(8);
    let (sum_of_len, sum) = sums.split_at(8);
    if xxh3_64(len).to_le_bytes() != *sum_of_len {
        return Framed::Damaged(None);
    }
    let len = u64::from_le_bytes(len.try_into().expect("eight bytes were split off"));
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    let Some(body) = rest.get(..len) else { return Framed::Short };
    if xxh3_128(body).to_le_bytes() != *sum {
        return Framed::Damaged(Some(HEAD_LEN + len));
    }
    Framed::Whole(body, HEAD_LEN + len)
}
