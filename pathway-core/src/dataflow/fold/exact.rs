//! Sums of integers of 128 bits and of decimals, and means of the former: accumulated exactly,
//! in as many bits as they need.

use super::moments::moments;
use super::{Acc, Fold, Moments, Number, Total};
use crate::dataflow::exact_number::{ExactNumber, scale};
use crate::schema::{DataType, RowEncoder, Schema};
use crate::stage::{Diff, Input};

/// A sum of [wide](Number::Wide) integers or of [decimals](Number::Decimal), or their mean.
///
/// Its state is that of a variance, without the squares.
#[derive(Debug)]
pub struct ExactTotal {
    /// What the numbers are.
    pub number: Number,
    /// What becomes of the sum.
    pub total: Total,
    /// Whether there may be no values, and the result is then null.
    pub nullable: bool,
}

/// Decimals have at most so many digits behind the point, and are added in units of the last.
const DECIMAL_SCALE: u32 = 28;
/// A decimal's digits, as an integer, are below this.
const DECIMAL_END: u128 = 1 << 96;

/// The parts of an encoded decimal: whether it is negative, its digits and how many of them are
/// behind the point.
fn decimal(bytes: &[u8]) -> (bool, u128, u32) {
    let mut digits = [0; 16];
    digits[..12].copy_from_slice(&bytes[4..16]);
    (bytes[3] & 0x80 != 0, u128::from_le_bytes(digits), bytes[2].into())
}

fn put_decimal(negative: bool, digits: u128, scale: u32, out: &mut Vec<u8>) {
    let scale = u8::try_from(scale).expect("at most 28");
    out.extend_from_slice(&[0, 0, scale, if negative { 0x80 } else { 0 }]);
    out.extend_from_slice(&digits.to_le_bytes()[..12]);
}

/// Divides by ten; the digit that was last.
fn pop_digit(limbs: &mut [u64]) -> u8 {
    let mut rest = 0;
    for limb in limbs.iter_mut().rev() {
        let all = rest << 64 | u128::from(*limb);
        *limb = u64::try_from(all / 10).expect("the rest is below ten");
        rest = all % 10;
    }
    u8::try_from(rest).expect("it is below ten")
}

/// An integer without sign that fits 128 bits.
fn narrow(limbs: &[u64]) -> Option<u128> {
    let (low, high) = limbs.split_at(limbs.len().min(2));
    let part = |at: usize| u128::from(low.get(at).copied().unwrap_or(0));
    high.iter().all(|limb| *limb == 0).then(|| part(1) << 64 | part(0))
}

/// A number of units of `10^-scale` as text.
fn text(negative: bool, mut limbs: Vec<u64>, scale: u32) -> String {
    let mut digits = Vec::new();
    while limbs.iter().any(|limb| *limb != 0) || digits.len() <= scale as usize {
        digits.push(char::from(b'0' + pop_digit(&mut limbs)));
    }
    let behind: String = digits.drain(..scale as usize).rev().collect();
    let front: String = digits.into_iter().rev().collect();
    let text = format!("{}{front}.{behind}", if negative { "-" } else { "" });
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The nearest decimal, of two the even one; nothing if there is none so large.
fn nearest_decimal(mut limbs: Vec<u64>) -> Option<(u128, u32)> {
    let mut scale = DECIMAL_SCALE;
    let (mut last, mut further) = (0, false);
    loop {
        if let Some(digits) = narrow(&limbs) {
            let odd = digits % 2 == 1;
            let up = last > 5 || last == 5 && (further || odd);
            let digits = digits.saturating_add(u128::from(up));
            if digits < DECIMAL_END {
                return Some(normal(digits, scale));
            }
        }
        scale = scale.checked_sub(1)?;
        further |= last != 0;
        last = pop_digit(&mut limbs);
    }
}

/// The same decimal with as few digits as it needs.
fn normal(mut digits: u128, mut scale: u32) -> (u128, u32) {
    while scale > 0 && digits.is_multiple_of(10) {
        digits /= 10;
        scale -= 1;
    }
    (digits, scale)
}

impl ExactTotal {
    fn put(&self, mut output: DataType, sum: &ExactNumber, out: &mut Vec<u8>) -> Option<()> {
        // The sum of options of options is one too, and there is a value.
        while let DataType::Option(inner) = output {
            out.push(1);
            output = inner();
        }
        let (negative, limbs) = sum.integer();
        match output {
            DataType::Decimal => {
                let (digits, scale) = nearest_decimal(limbs)?;
                put_decimal(negative && digits > 0, digits, scale, out);
            }
            DataType::U128 => {
                narrow(&limbs).filter(|sum| !negative || *sum == 0)?.encode(out);
            }
            _ => {
                let magnitude = narrow(&limbs)?;
                let sum = if negative {
                    0_i128.checked_sub_unsigned(magnitude)?
                } else {
                    i128::try_from(magnitude).ok()?
                };
                sum.encode(out);
            }
        }
        Some(())
    }
}

impl Fold for ExactTotal {
    fn update(&self, acc: &mut Acc, input: Input<'_>, diff: Diff) {
        let moments = match input {
            Input::Absent | Input::Null => return,
            _ => moments(acc),
        };
        moments.count += diff;
        match (self.number, input) {
            (Number::Wide, Input::Int(value)) => moments.sum.add_scaled(value, 0, diff),
            (Number::Wide, Input::Bytes(mut bytes)) => {
                moments.sum.add_product(false, [u128::decode(&mut bytes), 1], diff);
            }
            (Number::Decimal, Input::Bytes(bytes)) => {
                let (negative, digits, scale) = decimal(bytes);
                let unit = 10_u128.pow(DECIMAL_SCALE - scale);
                moments.sum.add_product(negative, [digits, unit], diff);
            }
            (number, input) => unreachable!("a sum over {number:?} was given {input:?}"),
        }
    }

    fn write(&self, acc: &Acc, out: &mut Vec<u8>) {
        let Acc::Moments(moments) = acc else {
            out.push(0);
            return;
        };
        out.push(1);
        moments.count.encode(out);
        moments.sum.write(out);
    }

    fn merge(&self, acc: &mut Acc, input: &mut &[u8]) {
        if bool::decode(input) {
            let moments = moments(acc);
            moments.count += i64::decode(input);
            moments.sum.add(&ExactNumber::read(input));
        }
    }

    fn nullable(&self) -> bool {
        self.nullable
    }

    fn memory(&self, acc: &Acc) -> usize {
        match acc {
            Acc::Moments(moments) => size_of::<Moments>() + moments.sum.memory(),
            _ => 0,
        }
    }

    fn finish(&self, acc: &Acc, _rows: i64, out: &mut RowEncoder<'_>) -> Result<(), String> {
        let zero = Moments::default();
        let moments = if let Acc::Moments(moments) = acc { &**moments } else { &zero };
        if self.nullable && moments.count == 0 {
            out.null();
            return Ok(());
        }
        let out = if self.nullable { out.present() } else { out.value() };
        match self.total {
            Total::Mean => {
                let (mantissa, exponent) = moments.sum.scaled();
                let magnitude = scale(mantissa, exponent) / moments.count as f64;
                (if moments.sum.is_negative() { -magnitude } else { magnitude }).encode(out);
                Ok(())
            }
            Total::Sum(output) => self.put(output, &moments.sum, out).ok_or_else(|| {
                let (negative, limbs) = moments.sum.integer();
                let scale = if self.number == Number::Decimal { DECIMAL_SCALE } else { 0 };
                let sum = text(negative, limbs, scale);
                format!("the sum {sum} does not fit `{}`", output.name())
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The decimal that is nearest to that many units of 10^-28, as text.
    fn nearest(sum: &[u64]) -> Option<String> {
        let (digits, scale) = nearest_decimal(sum.to_vec())?;
        Some(text(false, units(digits, 0), scale))
    }

    fn units(digits: u128, tens: u32) -> Vec<u64> {
        let mut number = ExactNumber::default();
        number.add_product(false, [digits, 10_u128.pow(tens)], 1);
        number.integer().1
    }

    #[test]
    fn a_decimal_is_rounded_once_and_to_even() {
        assert_eq!(nearest(&units(15, 27)).unwrap(), "1.5");
        assert_eq!(nearest(&units(0, 0)).unwrap(), "0");
        assert_eq!(nearest(&units(1, 0)).unwrap(), "0.0000000000000000000000000001");
        // 8 followed by 28 digits has one digit too many.
        let eight = 8 * 10_u128.pow(28);
        assert_eq!(nearest(&units(eight + 5, 0)).unwrap(), "8");
        assert_eq!(nearest(&units(eight + 15, 0)).unwrap(), "8.000000000000000000000000002");
        assert_eq!(nearest(&units(eight + 6, 0)).unwrap(), "8.000000000000000000000000001");
        assert_eq!(nearest(&units(DECIMAL_END - 1, 28)).unwrap(), "79228162514264337593543950335");
        assert_eq!(nearest(&units(DECIMAL_END, 28)), None);
        let mut almost = ExactNumber::default();
        almost.add_product(false, [DECIMAL_END - 1, 10_u128.pow(28)], 1);
        almost.add_product(false, [4, 10_u128.pow(27)], 1);
        assert_eq!(nearest(&almost.integer().1).unwrap(), "79228162514264337593543950335");
        almost.add_product(false, [1, 10_u128.pow(27)], 1);
        assert_eq!(
            nearest(&almost.integer().1),
            None,
            "a half is rounded to even, which is too large"
        );
    }

    #[test]
    fn numbers_are_written_out() {
        assert_eq!(text(true, vec![0, 1], 0), "-18446744073709551616");
        assert_eq!(text(false, vec![1234], 3), "1.234");
        assert_eq!(text(true, vec![5], 3), "-0.005");
    }
}
