//! Count, sum and mean: folds that subtract.

use super::{Acc, Float, Fold};
use crate::schema::{DataType, RowEncoder, Schema};
use crate::stage::{Diff, Input};

/// Counts the rows of a group.
#[derive(Debug)]
pub struct Count;

impl Fold for Count {
    // The group counts its rows anyway.
    fn update(&self, _acc: &mut Acc, _input: Input<'_>, _diff: Diff) {}

    fn write(&self, _acc: &Acc, _out: &mut Vec<u8>) {}

    fn merge(&self, _acc: &mut Acc, _input: &mut &[u8]) {}

    fn finish(&self, _acc: &Acc, rows: i64, out: &mut RowEncoder<'_>) -> Result<(), String> {
        u64::try_from(rows).map_err(|_| "a group has fewer than no rows")?.encode(out.value());
        Ok(())
    }
}

/// What a sum or a mean is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// Integers of any width, accumulated in 128 bits.
    Int,
    /// Floats, accumulated exactly.
    Float,
}

fn update(number: Number, acc: &mut Acc, input: Input<'_>, diff: Diff) {
    if let Acc::Empty = acc {
        *acc = match number {
            Number::Int => Acc::Int { count: 0, low: 0, high: 0 },
            Number::Float => Acc::Float(0, Float::default()),
        };
    }
    match (acc, input) {
        (_, Input::Null) => {}
        (Acc::Int { count, low, high }, Input::Int(value)) => {
            *count += diff;
            (*low, *high) = add(*low, *high, value.wrapping_mul(i128::from(diff)));
        }
        (Acc::Float(count, sum), Input::Float(value)) => {
            *count += diff;
            sum.0.add(value, diff);
        }
        (acc, input) => unreachable!("a sum over {number:?} was given {input:?} for {acc:?}"),
    }
}

/// 128-bit addition that wraps: intermediate overflow cancels, and the value is judged when it is
/// read.
#[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "splits into halves")]
fn add(low: u64, high: i64, value: i128) -> (u64, i64) {
    let sum = ((i128::from(high) << 64) | i128::from(low)).wrapping_add(value);
    (sum as u64, (sum >> 64) as i64)
}

fn write(acc: &Acc, out: &mut Vec<u8>) {
    match acc {
        Acc::Empty => out.push(0),
        Acc::Int { count, low, high } => {
            out.push(1);
            count.encode(out);
            low.encode(out);
            high.encode(out);
        }
        Acc::Float(count, sum) => {
            out.push(2);
            count.encode(out);
            sum.0.write(out);
        }
        other => unreachable!("a number's state is {other:?}"),
    }
}

fn merge(acc: &mut Acc, input: &mut &[u8]) {
    match u8::decode(input) {
        0 => {}
        1 => {
            let (count, low, high) = (i64::decode(input), u64::decode(input), i64::decode(input));
            match acc {
                Acc::Int { count: n, low: l, high: h } => {
                    *n += count;
                    (*l, *h) = add(*l, *h, (i128::from(high) << 64) | i128::from(low));
                }
                _ => *acc = Acc::Int { count, low, high },
            }
        }
        _ => {
            let count = i64::decode(input);
            let other = super::ExactSum::read(input);
            match acc {
                Acc::Float(n, sum) => {
                    *n += count;
                    sum.0.merge(&other);
                }
                _ => *acc = Acc::Float(count, Float(other)),
            }
        }
    }
}

fn memory(acc: &Acc) -> usize {
    match acc {
        Acc::Float(_, Float(super::ExactSum::Wide(wide))) => size_of_val(&**wide),
        _ => 0,
    }
}

/// Sums numbers.
#[derive(Debug)]
pub struct Sum {
    /// What is summed.
    pub number: Number,
    /// The type of the result.
    pub output: DataType,
    /// Whether the sum of no values is null rather than zero.
    pub nullable: bool,
}

impl Fold for Sum {
    fn update(&self, acc: &mut Acc, input: Input<'_>, diff: Diff) {
        update(self.number, acc, input, diff);
    }

    fn write(&self, acc: &Acc, out: &mut Vec<u8>) {
        write(acc, out);
    }

    fn merge(&self, acc: &mut Acc, input: &mut &[u8]) {
        merge(acc, input);
    }

    fn nullable(&self) -> bool {
        self.nullable
    }

    fn memory(&self, acc: &Acc) -> usize {
        memory(acc)
    }

    fn finish(&self, acc: &Acc, _rows: i64, out: &mut RowEncoder<'_>) -> Result<(), String> {
        let count = match acc {
            Acc::Int { count, .. } | Acc::Float(count, _) => *count,
            _ => 0,
        };
        if self.nullable && count == 0 {
            out.null();
            return Ok(());
        }
        let out = if self.nullable { out.present() } else { out.value() };
        // The sum of options of options is one too, and there is a value.
        let mut output = self.output;
        while let DataType::Option(inner) = output {
            out.push(1);
            output = inner();
        }
        match acc {
            Acc::Int { low, high, .. } => {
                let sum = (i128::from(*high) << 64) | i128::from(*low);
                put_int(output, sum, out)
            }
            Acc::Float(_, sum) => {
                sum.0.value().encode(out);
                Ok(())
            }
            _ => match self.number {
                Number::Int => put_int(output, 0, out),
                Number::Float => {
                    0f64.encode(out);
                    Ok(())
                }
            },
        }
    }
}

fn put_int(output: DataType, sum: i128, out: &mut Vec<u8>) -> Result<(), String> {
    let overflow = || format!("the sum {sum} does not fit `{}`", output.name());
    match output {
        DataType::I64 => i64::try_from(sum).map_err(|_| overflow())?.encode(out),
        DataType::U64 => u64::try_from(sum).map_err(|_| overflow())?.encode(out),
        DataType::U128 => u128::try_from(sum).map_err(|_| overflow())?.encode(out),
        _ => sum.encode(out),
    }
    Ok(())
}

/// The mean of numbers.
#[derive(Debug)]
pub struct Mean {
    /// What the mean is over.
    pub number: Number,
    /// Whether there may be no values, and the mean is then null.
    pub nullable: bool,
}

impl Fold for Mean {
    fn update(&self, acc: &mut Acc, input: Input<'_>, diff: Diff) {
        update(self.number, acc, input, diff);
    }

    fn write(&self, acc: &Acc, out: &mut Vec<u8>) {
        write(acc, out);
    }

    fn merge(&self, acc: &mut Acc, input: &mut &[u8]) {
        merge(acc, input);
    }

    fn nullable(&self) -> bool {
        self.nullable
    }

    fn memory(&self, acc: &Acc) -> usize {
        memory(acc)
    }

    fn finish(&self, acc: &Acc, _rows: i64, out: &mut RowEncoder<'_>) -> Result<(), String> {
        let (count, sum) = match acc {
            Acc::Int { count, low, high } => {
                (*count, ((i128::from(*high) << 64) | i128::from(*low)) as f64)
            }
            Acc::Float(count, sum) => (*count, sum.0.value()),
            _ => (0, 0.0),
        };
        if !self.nullable {
            (sum / count as f64).encode(out.value());
        } else if count == 0 {
            out.null();
        } else {
            (sum / count as f64).encode(out.present());
        }
        Ok(())
    }
}
