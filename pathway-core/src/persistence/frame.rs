//! Bytes with their length and a checksum, and a reader that never reads past the end.

use xxhash_rust::xxh3::xxh3_128;

/// The length of what stands in front of a frame's bytes.
pub(super) const HEAD_LEN: usize = 8 + 16;

/// Appends a frame.
pub(super) fn put(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    out.extend_from_slice(&xxh3_128(bytes).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// What stands where a frame should.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Framed<'a> {
    /// A frame, and how long it is with its head.
    Whole(&'a [u8], usize),
    /// The bytes end before the frame does.
    Short,
    /// The bytes are others than those that were written.
    Damaged(usize),
    /// There is nothing.
    End,
}

/// Reads the frame at the front.
pub(super) fn read(bytes: &[u8]) -> Framed<'_> {
    if bytes.is_empty() {
        return Framed::End;
    }
    let Some((len, rest)) = bytes.split_first_chunk::<8>() else { return Framed::Short };
    let Some((sum, rest)) = rest.split_first_chunk::<16>() else { return Framed::Short };
    let len = usize::try_from(u64::from_le_bytes(*len)).unwrap_or(usize::MAX);
    let Some(body) = rest.get(..len) else { return Framed::Short };
    if xxh3_128(body) != u128::from_le_bytes(*sum) {
        return Framed::Damaged(HEAD_LEN + len);
    }
    Framed::Whole(body, HEAD_LEN + len)
}
