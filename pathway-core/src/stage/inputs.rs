//! The arguments of a group's reducers, for one row.

use crate::schema::{Schema, ordered};

/// The argument of one reducer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Input<'a> {
    /// The row does not concern the reducer.
    Absent,
    /// Null, or no argument at all.
    Null,
    /// An integer.
    Int(i128),
    /// A float.
    Float(f64),
    /// An encoded value; in which encoding is between the reducer and its verb.
    Bytes(&'a [u8]),
}

#[derive(Clone, Copy, Debug)]
enum Slot {
    Absent,
    Null,
    Int(i128),
    Float(f64),
    Bytes { start: usize, end: usize },
}

/// The arguments of all reducers of one group, for one row. Reused from row to row.
#[derive(Debug, Default)]
pub struct Inputs {
    slots: Vec<Slot>,
    bytes: Vec<u8>,
    scratch: Vec<u8>,
}

impl Inputs {
    /// Begins a row.
    pub fn clear(&mut self) {
        self.slots.clear();
        self.bytes.clear();
    }

    /// Adds the place of a reducer that the row does not concern: one with a condition.
    pub fn absent(&mut self) {
        self.slots.push(Slot::Absent);
    }

    /// Adds a null, or the place of a reducer that takes no argument.
    pub fn null(&mut self) {
        self.slots.push(Slot::Null);
    }

    /// Adds an integer.
    pub fn int(&mut self, value: i128) {
        self.slots.push(Slot::Int(value));
    }

    /// Adds a float.
    pub fn float(&mut self, value: f64) {
        self.slots.push(Slot::Float(value));
    }

    /// Adds a value in the compact encoding, null as null.
    pub fn compact<V: Schema>(&mut self, value: &V) {
        if value.is_null() { self.null() } else { self.compact_or_null(value) }
    }

    /// Adds a value in the compact encoding, null as an encoded value.
    pub fn compact_or_null<V: Schema>(&mut self, value: &V) {
        self.bytes(|out| value.encode(out));
    }

    /// Adds an encoded value.
    pub(crate) fn bytes(&mut self, f: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        f(&mut self.bytes);
        self.slots.push(Slot::Bytes { start, end: self.bytes.len() });
    }

    /// Adds a value in the ordered encoding, null as null.
    pub fn ordered<V: Schema>(&mut self, value: &V) {
        if value.is_null() { self.null() } else { self.ordered_or_null(value) }
    }

    /// Adds a value in the ordered encoding, null as an encoded value.
    pub fn ordered_or_null<V: Schema>(&mut self, value: &V) {
        let start = self.bytes.len();
        self.append_ordered(value);
        self.slots.push(Slot::Bytes { start, end: self.bytes.len() });
    }

    /// Adds a pair in the ordered encoding: nulls of the first behind its values, and its values
    /// from the largest down if `descending`.
    pub fn ordered_pair<A: Schema, B: Schema>(&mut self, by: &A, of: &B, descending: bool) {
        let start = self.bytes.len();
        self.bytes.push(u8::from(by.is_null()));
        let at = self.bytes.len();
        self.append_ordered(by);
        if descending {
            // No encoding is a prefix of another, so flipping every bit reverses the order.
            self.bytes[at..].iter_mut().for_each(|byte| *byte = !*byte);
        }
        self.append_ordered(of);
        self.slots.push(Slot::Bytes { start, end: self.bytes.len() });
    }

    /// Adds two values in the ordered encoding, one behind the other, null as encoded values.
    pub fn ordered_both<A: Schema, B: Schema>(&mut self, first: &A, second: &B) {
        let start = self.bytes.len();
        self.append_ordered(first);
        self.append_ordered(second);
        self.slots.push(Slot::Bytes { start, end: self.bytes.len() });
    }

    fn append_ordered<V: Schema>(&mut self, value: &V) {
        self.scratch.clear();
        value.encode(&mut self.scratch);
        ordered::from_compact(V::data_type(), &mut self.scratch.as_slice(), &mut self.bytes);
    }

    /// The argument of the reducer at that position.
    pub fn get(&self, index: usize) -> Input<'_> {
        match self.slots[index] {
            Slot::Absent => Input::Absent,
            Slot::Null => Input::Null,
            Slot::Int(value) => Input::Int(value),
            Slot::Float(value) => Input::Float(value),
            Slot::Bytes { start, end } => Input::Bytes(&self.bytes[start..end]),
        }
    }
}
