//! Rows on their way into a reduction: keys and arguments of several at once.
//!
//! A terminal writes into a batch that the reduction reads, so that nothing is copied in between
//! and nothing is called for each row; and the reduction looks all keys of a batch up together.

use super::inputs::place;
use super::{Diff, Inputs};
use std::cell::RefCell;
use std::rc::Rc;

/// Rows that wait, each with its key, its arguments and its diff.
#[derive(Debug)]
pub struct Batch {
    keys: Vec<u8>,
    rows: Vec<Row>,
    inputs: Inputs,
    rows_max: usize,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    key_end: u32,
    diff: Diff,
}

/// A batch that the terminals in front of a reduction and the reduction share.
pub type SharedBatch = Rc<RefCell<Batch>>;

/// Rows with keys and arguments that are larger than this do not wait for others.
const BYTES_MAX: usize = 1 << 16;

impl Batch {
    /// A batch of so many rows.
    pub(crate) fn new(rows_max: usize) -> Self {
        Self { keys: Vec::new(), rows: Vec::new(), inputs: Inputs::default(), rows_max }
    }

    pub(crate) fn shared(rows_max: usize) -> SharedBatch {
        Rc::new(RefCell::new(Self::new(rows_max)))
    }

    /// Where the key and the arguments of the next row are written; [`end_row`](Self::end_row)
    /// ends it.
    #[cfg_attr(not(debug_assertions), inline)]
    pub fn row(&mut self) -> (&mut Vec<u8>, &mut Inputs) {
        (&mut self.keys, &mut self.inputs)
    }

    /// Ends a row. Answers whether the batch is full and is to be handed over.
    #[cfg_attr(not(debug_assertions), inline)]
    pub fn end_row(&mut self, diff: Diff) -> bool {
        let len = self.keys.len() + self.inputs.bytes_len();
        let key_end = place(self.keys.len());
        self.rows.push(Row { key_end, diff });
        self.rows.len() >= self.rows_max || len >= BYTES_MAX
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, key: &[u8], inputs: &Inputs, diff: Diff) -> bool {
        self.keys.extend_from_slice(key);
        self.inputs.append(inputs);
        self.end_row(diff)
    }

    /// How many rows wait.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The rows: key and diff.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&[u8], Diff)> {
        let mut start = 0;
        self.rows.iter().map(move |row| {
            let end = row.key_end as usize;
            (&self.keys[std::mem::replace(&mut start, end)..end], row.diff)
        })
    }

    /// The arguments of all rows, those of one behind those of the other.
    pub(crate) fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    pub(crate) fn clear(&mut self) {
        self.keys.clear();
        self.rows.clear();
        self.inputs.clear();
    }
}
