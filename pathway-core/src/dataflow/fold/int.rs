//! Sums and means of integers, accumulated in 128 bits.

use super::{KnownFold, WordFold};
use crate::schema::{DataType, RowEncoder, Schema};
use crate::stage::{Diff, Input};

/// What becomes of a sum.
#[derive(Clone, Copy, Debug)]
pub enum Total {
    /// It is the result, as a number of that type.
    Sum(DataType),
    /// It is divided by the number of values.
    Mean,
}

/// A sum of integers, or their mean. Intermediate overflow cancels: the value is judged when it is
/// read.
#[derive(Clone, Copy, Debug)]
pub struct IntTotal {
    /// What becomes of the sum.
    pub total: Total,
    /// Whether there may be no values, and the result is then null. If so, values are counted, in
    /// a word behind the two of the sum; if not, there are as many as rows.
    pub nullable: bool,
}

#[expect(clippy::cast_possible_wrap, reason = "the halves of a number in two's complement")]
fn whole(words: &[u64]) -> i128 {
    i128::from(words[1] as i64) << 64 | i128::from(words[0])
}

#[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "splits into halves")]
fn add(words: &mut [u64], value: i128) {
    let sum = whole(words).wrapping_add(value);
    (words[0], words[1]) = (sum as u64, (sum >> 64) as u64);
}

impl WordFold for IntTotal {
    fn words(&self) -> usize {
        2 + usize::from(self.nullable)
    }

    #[inline]
    fn update(&self, words: &mut [u64], input: Input<'_>, diff: Diff) {
        match input {
            Input::Absent | Input::Null => {}
            Input::Int(value) => {
                add(words, value.wrapping_mul(i128::from(diff)));
                if self.nullable {
                    words[2] = words[2].wrapping_add_signed(diff);
                }
            }
            input => unreachable!("a sum of integers was given {input:?}"),
        }
    }

    fn merge(&self, words: &mut [u64], other: &[u64]) {
        add(words, whole(other));
        if self.nullable {
            words[2] = words[2].wrapping_add(other[2]);
        }
    }

    fn nullable(&self) -> bool {
        self.nullable
    }

    fn is_sum(&self) -> bool {
        !self.nullable
    }

    fn known(&self) -> KnownFold {
        KnownFold::Int(*self)
    }

    #[inline]
    fn finish(&self, words: &[u64], rows: i64, out: &mut RowEncoder<'_>) -> Result<(), String> {
        let count = if self.nullable { words[2].cast_signed() } else { rows };
        if self.nullable && count == 0 {
            out.null();
            return Ok(());
        }
        let out = if self.nullable { out.present() } else { out.value() };
        match self.total {
            Total::Mean => {
                (whole(words) as f64 / count as f64).encode(out);
                Ok(())
            }
            Total::Sum(mut output) => {
                // The sum of options of options is one too, and there is a value.
                while let DataType::Option(inner) = output {
                    out.push(1);
                    output = inner();
                }
                put(output, whole(words), out)
            }
        }
    }
}

#[inline]
fn put(output: DataType, sum: i128, out: &mut Vec<u8>) -> Result<(), String> {
    let overflow = || format!("the sum {sum} does not fit `{}`", output.name());
    match output {
        DataType::I64 => i64::try_from(sum).map_err(|_| overflow())?.encode(out),
        DataType::U64 => u64::try_from(sum).map_err(|_| overflow())?.encode(out),
        DataType::U128 => u128::try_from(sum).map_err(|_| overflow())?.encode(out),
        _ => sum.encode(out),
    }
    Ok(())
}
