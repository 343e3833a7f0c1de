//! Sums and means of floats, accumulated exactly and rounded once.

use super::{Acc, Float, Fold, Kept, Total};
use crate::dataflow::exact_sum::ExactSum;
use crate::schema::{DataType, RowEncoder, Schema};
use crate::stage::{Diff, Input};

/// A sum of floats, or their mean.
#[derive(Debug)]
pub struct FloatTotal {
    /// What becomes of the sum.
    pub total: Total,
    /// Whether there may be no values, and the result is then null.
    pub nullable: bool,
}

fn state(acc: &mut Acc) -> (&mut i64, &mut ExactSum) {
    if let Acc::Empty = acc {
        *acc = Acc::Float(0, Float::default());
    }
    let Acc::Float(count, sum) = acc else { unreachable!("a sum of floats has its own state") };
    (count, &mut sum.0)
}

impl Fold for FloatTotal {
    fn kept(&self) -> Option<Kept> {
        Some(Kept::FloatSum)
    }

    fn update(&self, acc: &mut Acc, input: Input<'_>, diff: Diff) {
        match input {
            Input::Absent | Input::Null => {}
            Input::Float(value) => {
                let (count, sum) = state(acc);
                *count += diff;
                sum.add(value, diff);
            }
            input => unreachable!("a sum of floats was given {input:?}"),
        }
    }

    fn write(&self, acc: &Acc, out: &mut Vec<u8>) {
        match acc {
            Acc::Float(count, sum) => {
                out.push(1);
                count.encode(out);
                sum.0.write(out);
            }
            _ => out.push(0),
        }
    }

    fn merge(&self, acc: &mut Acc, input: &mut &[u8]) {
        if bool::decode(input) {
            let (count, sum) = state(acc);
            *count += i64::decode(input);
            sum.merge(&ExactSum::read(input));
        }
    }

    fn nullable(&self) -> bool {
        self.nullable
    }

    fn memory(&self, acc: &Acc) -> usize {
        match acc {
            Acc::Float(_, Float(ExactSum::Wide(wide))) => size_of_val(&**wide),
            _ => 0,
        }
    }

    fn finish(&self, acc: &Acc, _rows: i64, out: &mut RowEncoder<'_>) -> Result<(), String> {
        let (count, sum) = match acc {
            Acc::Float(count, sum) => (*count, sum.0.value()),
            _ => (0, 0.0),
        };
        if self.nullable && count == 0 {
            out.null();
            return Ok(());
        }
        let out = if self.nullable { out.present() } else { out.value() };
        match self.total {
            Total::Mean => (sum / count as f64).encode(out),
            Total::Sum(mut output) => {
                // The sum of options of options is one too, and there is a value.
                while let DataType::Option(inner) = output {
                    out.push(1);
                    output = inner();
                }
                sum.encode(out);
            }
        }
        Ok(())
    }
}
