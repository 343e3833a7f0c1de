//! Rows with multiplicities, in one buffer.

/// Updates of one epoch: encoded rows, each with its diff.
#[derive(Clone, Debug, Default)]
pub struct Updates {
    bytes: Vec<u8>,
    entries: Vec<(usize, i64)>,
}

impl Updates {
    /// Appends one update.
    pub fn push(&mut self, row: &[u8], diff: i64) {
        self.bytes.extend_from_slice(row);
        self.entries.push((self.bytes.len(), diff));
    }

    /// How many updates there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The updates in order: the row's compact bytes and its diff.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], i64)> {
        let mut start = 0;
        self.entries.iter().map(move |&(end, diff)| {
            let row = &self.bytes[start..end];
            start = end;
            (row, diff)
        })
    }

    /// Removes all updates and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }

    /// The bytes that the rows take.
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }
}
