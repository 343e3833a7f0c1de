//! The arguments of a group's reducers.

use crate::schema::{Schema, ordered, put_len, take_bytes, take_len};

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

/// The first byte of an encoded argument; an integer's is its length on top of the last.
const NULL: u8 = 0;
const FLOAT: u8 = 1;
const BYTES: u8 = 2;
const ABSENT: u8 = 3;
const INT: u8 = 4;

/// The bytes of an integer that say something: the others repeat the sign.
fn significant(value: i128) -> usize {
    let magnitude = if value < 0 { !value } else { value };
    let bits = if value == 0 { 0 } else { 129 - magnitude.leading_zeros() };
    bits.div_ceil(8) as usize
}

impl<'a> Input<'a> {
    /// Appends the argument: equal arguments, equal bytes.
    fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::Absent => out.push(ABSENT),
            Self::Null => out.push(NULL),
            Self::Int(value) => {
                let len = significant(value);
                out.push(INT + u8::try_from(len).expect("at most sixteen"));
                out.extend_from_slice(&value.to_le_bytes()[..len]);
            }
            Self::Float(value) => {
                out.push(FLOAT);
                value.encode(out);
            }
            Self::Bytes(bytes) => {
                out.push(BYTES);
                put_len(bytes.len(), out);
                out.extend_from_slice(bytes);
            }
        }
    }

    /// Reads an argument that [`Inputs::write`] wrote, and advances past it.
    pub(crate) fn take(input: &mut &'a [u8]) -> Self {
        match take_bytes(input, 1)[0] {
            NULL => Self::Null,
            ABSENT => Self::Absent,
            FLOAT => Self::Float(f64::decode(input)),
            BYTES => {
                let len = take_len(input);
                Self::Bytes(take_bytes(input, len))
            }
            tag => {
                let bytes = take_bytes(input, usize::from(tag - INT));
                let negative = bytes.last().is_some_and(|last| last & 0x80 != 0);
                let mut value = if negative { [0xff; 16] } else { [0; 16] };
                value[..bytes.len()].copy_from_slice(bytes);
                Self::Int(i128::from_le_bytes(value))
            }
        }
    }
}

/// Sixteen bytes: integers that need more are written where byte strings are.
#[derive(Clone, Copy, Debug)]
enum Slot {
    Absent,
    Null,
    Int(i64),
    Wide { start: u32 },
    Float(f64),
    Bytes { start: u32, end: u32 },
}

pub(super) fn place(at: usize) -> u32 {
    u32::try_from(at).expect("a row is under 4 GiB: sources bound their records far below")
}

/// The arguments of all reducers of one group, for one row or several. Reused from row to row.
#[derive(Debug, Default)]
pub struct Inputs {
    slots: Vec<Slot>,
    bytes: Vec<u8>,
    scratch: Vec<u8>,
}

impl Inputs {
    /// Begins anew.
    pub fn clear(&mut self) {
        self.slots.clear();
        self.bytes.clear();
    }

    /// Adds the arguments of another row behind those that are there.
    pub(crate) fn append(&mut self, row: &Self) {
        let shift = place(self.bytes.len());
        self.bytes.extend_from_slice(&row.bytes);
        self.slots.extend(row.slots.iter().map(|&slot| match slot {
            Slot::Bytes { start, end } => Slot::Bytes { start: start + shift, end: end + shift },
            Slot::Wide { start } => Slot::Wide { start: start + shift },
            other => other,
        }));
    }

    /// How many bytes the arguments take beside their slots.
    pub(crate) fn bytes_len(&self) -> usize {
        self.bytes.len()
    }

    /// Adds the place of a reducer that the row does not concern: one with a condition.
    pub fn absent(&mut self) {
        self.slots.push(Slot::Absent);
    }

    /// Adds a null, or the place of a reducer that takes no argument.
    #[cfg_attr(not(debug_assertions), inline)]
    pub fn null(&mut self) {
        self.slots.push(Slot::Null);
    }

    /// Adds an integer.
    #[cfg_attr(not(debug_assertions), inline)]
    pub fn int(&mut self, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.slots.push(Slot::Int(value)),
            Err(_) => self.wide(value),
        }
    }

    fn wide(&mut self, value: i128) {
        self.slots.push(Slot::Wide { start: place(self.bytes.len()) });
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Adds a float.
    #[cfg_attr(not(debug_assertions), inline)]
    pub fn float(&mut self, value: f64) {
        self.slots.push(Slot::Float(value));
    }

    fn bytes_from(&mut self, start: usize) {
        self.slots.push(Slot::Bytes { start: place(start), end: place(self.bytes.len()) });
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
        self.bytes_from(start);
    }

    /// Adds a value in the ordered encoding, null as null.
    pub fn ordered<V: Schema>(&mut self, value: &V) {
        if value.is_null() { self.null() } else { self.ordered_or_null(value) }
    }

    /// Adds a value in the ordered encoding, null as an encoded value.
    pub fn ordered_or_null<V: Schema>(&mut self, value: &V) {
        let start = self.bytes.len();
        self.append_ordered(value);
        self.bytes_from(start);
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
        self.bytes_from(start);
    }

    /// Adds two values in the ordered encoding, one behind the other, null as encoded values.
    pub fn ordered_both<A: Schema, B: Schema>(&mut self, first: &A, second: &B) {
        let start = self.bytes.len();
        self.append_ordered(first);
        self.append_ordered(second);
        self.bytes_from(start);
    }

    fn append_ordered<V: Schema>(&mut self, value: &V) {
        self.scratch.clear();
        value.encode(&mut self.scratch);
        ordered::from_compact(V::data_type(), &mut self.scratch.as_slice(), &mut self.bytes);
    }

    /// Appends all arguments, so that they can be kept with their row or travel.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        (0..self.slots.len()).for_each(|index| self.get(index).write(out));
    }

    /// Takes arguments that were written, in place of those that are there.
    pub(crate) fn read(&mut self, mut input: &[u8]) {
        self.clear();
        while !input.is_empty() {
            match Input::take(&mut input) {
                Input::Absent => self.absent(),
                Input::Null => self.null(),
                Input::Int(value) => self.int(value),
                Input::Float(value) => self.float(value),
                Input::Bytes(bytes) => self.bytes(|out| out.extend_from_slice(bytes)),
            }
        }
    }

    /// The argument of the reducer at that position.
    #[inline]
    pub fn get(&self, index: usize) -> Input<'_> {
        match self.slots[index] {
            Slot::Absent => Input::Absent,
            Slot::Null => Input::Null,
            Slot::Int(value) => Input::Int(value.into()),
            Slot::Wide { start } => {
                let bytes = &self.bytes[start as usize..start as usize + 16];
                Input::Int(i128::from_le_bytes(bytes.try_into().expect("sixteen bytes")))
            }
            Slot::Float(value) => Input::Float(value),
            Slot::Bytes { start, end } => Input::Bytes(&self.bytes[start as usize..end as usize]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_arguments_come_back() {
        let ints = (0..127).flat_map(|bits| [1_i128 << bits, (1 << bits) - 1, -(1 << bits)]);
        for int in ints.chain([0, 1, -1, i128::MIN, i128::MAX]) {
            let mut inputs = Inputs::default();
            inputs.null();
            inputs.int(int);
            inputs.float(-0.5);
            inputs.compact(&"text".to_owned());
            inputs.int(-int.saturating_add(1));
            let mut encoded = Vec::new();
            inputs.write(&mut encoded);
            let mut decoded = Inputs::default();
            decoded.read(&encoded);
            assert_eq!(decoded.slots.len(), 5);
            for index in 0..5 {
                assert_eq!(decoded.get(index), inputs.get(index), "{int}");
            }
        }
    }
}
