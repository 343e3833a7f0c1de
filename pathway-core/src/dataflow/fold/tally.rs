//! Folds that keep a fixed number of counts: booleans, bits, histograms.

use super::multiset::TAKEN_AWAY;
use super::{Acc, Fold};
use crate::schema::{DataType, RowEncoder, Schema, put_len, take_len};
use crate::stage::{Diff, Input};
use std::fmt;

/// What is counted, and what is made of it.
pub trait Count: Send + Sync {
    /// How many counts there are.
    fn len(&self) -> usize;

    /// Adds an argument that is not null.
    fn add(&self, counts: &mut [i64], input: Input<'_>, diff: Diff);

    /// Writes the result.
    fn read(&self, counts: &[i64], out: &mut RowEncoder<'_>);

    /// Whether the output can be null.
    fn nullable(&self) -> bool {
        false
    }
}

/// A fold that counts.
pub struct Tally<C>(pub C);

impl<C> fmt::Debug for Tally<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tally")
    }
}

impl<C: Count> Tally<C> {
    fn counts<'a>(&self, acc: &'a mut Acc) -> &'a mut [i64] {
        if !matches!(acc, Acc::Tally(_)) {
            *acc = Acc::Tally(vec![0; self.0.len()].into());
        }
        let Acc::Tally(counts) = acc else { unreachable!("the state was made above") };
        counts
    }
}

impl<C: Count> Fold for Tally<C> {
    fn update(&self, acc: &mut Acc, input: Input<'_>, diff: Diff) {
        if input != Input::Null {
            self.0.add(self.counts(acc), input, diff);
        }
    }

    fn write(&self, acc: &Acc, out: &mut Vec<u8>) {
        match acc {
            Acc::Tally(counts) => {
                put_len(counts.len(), out);
                counts.iter().for_each(|count| count.encode(out));
            }
            _ => put_len(0, out),
        }
    }

    fn merge(&self, acc: &mut Acc, input: &mut &[u8]) {
        let len = take_len(input);
        if len > 0 {
            self.counts(acc).iter_mut().for_each(|count| *count += i64::decode(input));
        }
    }

    fn nullable(&self) -> bool {
        self.0.nullable()
    }

    fn memory(&self, acc: &Acc) -> usize {
        if let Acc::Tally(counts) = acc { size_of_val(&**counts) } else { 0 }
    }

    fn finish(&self, acc: &Acc, _rows: i64, out: &mut RowEncoder<'_>) -> Result<(), String> {
        match acc {
            Acc::Tally(counts) if counts.iter().any(|&count| count < 0) => {
                return Err(TAKEN_AWAY.to_owned());
            }
            Acc::Tally(counts) => self.0.read(counts, out),
            _ => self.0.read(&vec![0; self.0.len()], out),
        }
        Ok(())
    }
}

/// How booleans and bits are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BitOperation {
    /// Set where all are.
    And,
    /// Set where one is.
    Or,
    /// Set where an odd number is.
    Xor,
}

impl BitOperation {
    fn of(self, set: i64, all: i64) -> bool {
        match self {
            Self::And => set == all,
            Self::Or => set > 0,
            Self::Xor => set % 2 == 1,
        }
    }
}

/// Combines the bits of integers; a boolean is an integer of one bit.
#[derive(Debug)]
pub struct Bits {
    /// How.
    pub operation: BitOperation,
    /// The type of the integers: of options, what is inside.
    pub output: DataType,
    /// Whether there may be no values, and the result is then null.
    pub nullable: bool,
}

impl Bits {
    fn width(&self) -> usize {
        match self.output {
            DataType::Bool => 1,
            DataType::I8 | DataType::U8 => 8,
            DataType::I16 | DataType::U16 => 16,
            DataType::I32 | DataType::U32 => 32,
            DataType::I64 | DataType::U64 => 64,
            _ => 128,
        }
    }
}

impl Count for Bits {
    /// How often each bit is set, and how many values there are.
    fn len(&self) -> usize {
        self.width() + 1
    }

    fn add(&self, counts: &mut [i64], input: Input<'_>, diff: Diff) {
        if let Input::Int(value) = input
            && let Some((all, bits)) = counts.split_last_mut()
        {
            *all += diff;
            for (at, bit) in bits.iter_mut().enumerate() {
                if value >> at & 1 == 1 {
                    *bit += diff;
                }
            }
        }
    }

    fn nullable(&self) -> bool {
        self.nullable
    }

    fn read(&self, counts: &[i64], out: &mut RowEncoder<'_>) {
        let (&all, bits) = counts.split_last().expect("there is a count of all values");
        if all == 0 && self.nullable {
            out.null();
            return;
        }
        let set = |(at, &bit): (usize, &i64)| u128::from(self.operation.of(bit, all)) << at;
        let value: u128 = bits.iter().enumerate().map(set).fold(0, |value, bit| value | bit);
        let out = if self.nullable { out.present() } else { out.value() };
        // Little-endian at their own width, so the lower bytes are the value.
        out.extend_from_slice(&value.to_le_bytes()[..self.width().div_ceil(8)]);
    }
}

/// Counts numbers between bounds.
#[derive(Debug)]
pub struct Histogram {
    /// The bounds, ascending.
    pub bounds: Vec<f64>,
}

/// Whether an integer is less than a float, without rounding either.
fn less(value: i128, bound: f64) -> bool {
    // A cast saturates, and only the bound's own type is as wide as all integers.
    let least = bound.ceil();
    #[expect(clippy::cast_possible_truncation, reason = "saturates, and is whole")]
    let whole = least as i128;
    value < whole || (value == i128::MAX && least > i128::MAX as f64)
}

impl Count for Histogram {
    fn len(&self) -> usize {
        self.bounds.len() + 1
    }

    fn add(&self, counts: &mut [i64], input: Input<'_>, diff: Diff) {
        let bucket = match input {
            Input::Int(value) => self.bounds.partition_point(|bound| !less(value, *bound)),
            // NaN is greater than all numbers.
            Input::Float(value) if value.is_nan() => self.bounds.len(),
            Input::Float(value) => self.bounds.partition_point(|bound| *bound <= value),
            _ => return,
        };
        counts[bucket] += diff;
    }

    fn read(&self, counts: &[i64], out: &mut RowEncoder<'_>) {
        let out = out.value();
        put_len(counts.len(), out);
        for count in counts {
            u64::try_from(*count).unwrap_or(0).encode(out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::less;

    #[test]
    fn integers_and_floats_compare_exactly() {
        let wide = (1_i128 << 53) + 1;
        assert!(!less(wide, 2f64.powi(53)));
        assert!(less(wide, 2f64.powi(53) + 2.0));
        assert!(less(2, 2.5) && !less(3, 2.5) && !less(2, 2.0));
        assert!(less(-3, -2.5) && !less(-2, -2.5));
        assert!(less(i128::MAX, f64::INFINITY) && !less(i128::MIN, f64::NEG_INFINITY));
    }
}
