//! Variance and standard deviation: folds that subtract.

use super::Number;
use super::{Acc, Fold};
use crate::dataflow::exact_number::{ExactNumber, scale};
use crate::schema::{RowEncoder, Schema};
use crate::stage::{Diff, Input};

/// The numbers of a group: how many there are, their sum and the sum of their squares.
#[derive(Debug, Default)]
pub struct Moments {
    /// How many finite numbers.
    pub(super) count: i64,
    /// How many infinities and NaN.
    not_finite: i64,
    pub(super) sum: ExactNumber,
    squares: ExactNumber,
}

impl Moments {
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0 && self.not_finite == 0 && self.sum.is_zero() && self.squares.is_zero()
    }

    fn add(&mut self, value: i128, exponent: i32, diff: Diff) {
        self.count += diff;
        self.sum.add_scaled(value, exponent, diff);
        self.squares.add_square(value, exponent, diff);
    }

    /// The sum of the squared distances from the mean, times how many numbers there are: exact,
    /// because it is the difference of two large numbers where the values are near each other.
    fn spread(&self) -> ExactNumber {
        let mut spread = ExactNumber::default();
        spread.add_scaled(self.count.into(), 0, 1);
        spread = spread.times(&self.squares);
        spread.add(&self.sum.times(&self.sum).negated());
        spread
    }
}

/// The variance of numbers, or its root.
#[derive(Debug)]
pub struct Variance {
    /// What the numbers are.
    pub number: Number,
    /// Whether the numbers are all there are, rather than a sample.
    pub population: bool,
    /// Whether the standard deviation is wanted.
    pub root: bool,
    /// Whether there may be no values, and the variance is then null; that of a sample of one
    /// always is.
    pub nullable: bool,
}

/// A finite float as `mantissa * 2^exponent`, with an odd mantissa.
fn split(value: f64) -> (i64, i32) {
    let bits = value.to_bits();
    let exponent = i32::try_from((bits >> 52) & 0x7ff).expect("eleven bits");
    let fraction = (bits & ((1 << 52) - 1)).cast_signed();
    let (mantissa, exponent) =
        if exponent == 0 { (fraction, -1074) } else { (fraction | (1 << 52), exponent - 1075) };
    if mantissa == 0 {
        return (0, 0);
    }
    let zeros = mantissa.trailing_zeros();
    let exponent = exponent + i32::try_from(zeros).expect("under 64");
    let mantissa = mantissa >> zeros;
    (if value.is_sign_negative() { -mantissa } else { mantissa }, exponent)
}

impl Variance {
    fn value(&self, moments: &Moments) -> Option<f64> {
        let all = moments.count + moments.not_finite;
        let divisor = if self.population { all } else { all - 1 };
        if divisor < 1 {
            return None;
        }
        if moments.not_finite != 0 {
            return Some(f64::NAN);
        }
        let (spread, exponent) = moments.spread().scaled();
        let divisor = i128::from(moments.count) * i128::from(divisor);
        let (variance, exponent) = (spread / divisor as f64, exponent);
        Some(match (self.root, exponent % 2) {
            (false, _) => scale(variance, exponent),
            (true, 0) => scale(variance.sqrt(), exponent / 2),
            (true, _) => scale((variance * 2.0).sqrt(), (exponent - 1) / 2),
        })
    }
}

impl Fold for Variance {
    fn update(&self, acc: &mut Acc, input: Input<'_>, diff: Diff) {
        if input == Input::Null {
            return;
        }
        let moments = moments(acc);
        match input {
            Input::Int(value) => moments.add(value, 0, diff),
            Input::Float(value) if value.is_finite() => {
                let (mantissa, exponent) = split(value);
                moments.add(mantissa.into(), exponent, diff);
            }
            Input::Float(_) => moments.not_finite += diff,
            other => unreachable!("a variance over {:?} was given {other:?}", self.number),
        }
    }

    fn write(&self, acc: &Acc, out: &mut Vec<u8>) {
        let Acc::Moments(moments) = acc else {
            out.push(0);
            return;
        };
        out.push(1);
        moments.count.encode(out);
        moments.not_finite.encode(out);
        moments.sum.write(out);
        moments.squares.write(out);
    }

    fn merge(&self, acc: &mut Acc, input: &mut &[u8]) {
        if bool::decode(input) {
            let moments = moments(acc);
            moments.count += i64::decode(input);
            moments.not_finite += i64::decode(input);
            moments.sum.add(&ExactNumber::read(input));
            moments.squares.add(&ExactNumber::read(input));
        }
    }

    fn nullable(&self) -> bool {
        self.nullable
    }

    fn memory(&self, acc: &Acc) -> usize {
        match acc {
            Acc::Moments(moments) => {
                size_of::<Moments>() + moments.sum.memory() + moments.squares.memory()
            }
            _ => 0,
        }
    }

    fn finish(&self, acc: &Acc, _rows: i64, out: &mut RowEncoder<'_>) -> Result<(), String> {
        let zero = Moments::default();
        let moments = if let Acc::Moments(moments) = acc { &**moments } else { &zero };
        if moments.count < 0 || moments.not_finite < 0 || moments.spread().is_negative() {
            return Err(super::multiset::TAKEN_AWAY.to_owned());
        }
        match self.value(moments) {
            Some(value) if self.nullable => value.encode(out.present()),
            Some(value) => value.encode(out.value()),
            None => out.null(),
        }
        Ok(())
    }
}

pub(super) fn moments(acc: &mut Acc) -> &mut Moments {
    if !matches!(acc, Acc::Moments(_)) {
        *acc = Acc::Moments(Box::default());
    }
    let Acc::Moments(moments) = acc else { unreachable!("the state was made above") };
    moments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64], population: bool, root: bool) -> Option<f64> {
        let fold = Variance { number: Number::Float, population, root, nullable: true };
        let mut acc = Acc::Empty;
        values.iter().for_each(|value| fold.update(&mut acc, Input::Float(*value), 1));
        let Acc::Moments(moments) = &acc else { return None };
        fold.value(moments)
    }

    #[test]
    fn large_values_that_are_near_each_other_lose_nothing() {
        let values = [1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0];
        assert_eq!(of(&values, false, false), Some(30.0));
        assert_eq!(of(&values, true, false), Some(22.5));
        assert_eq!(of(&[1e16, 1e16 + 2.0], false, false), Some(2.0));
        // As floats, the squares and even the sum of these are infinite.
        assert_eq!(of(&[1e200, -1e200], true, true), Some(1e200));
        assert_eq!(of(&[1e200, -1e200], true, false), Some(f64::INFINITY));
        assert_eq!(of(&[1e-200, -1e-200], true, true), Some(1e-200));
        assert_eq!(of(&[5e-324, 1.5e-323], false, true), Some(5e-324));
        assert_eq!(of(&[f64::MAX, f64::MAX], true, true), Some(0.0));
    }

    #[test]
    fn few_values_and_values_that_are_no_numbers() {
        assert_eq!(of(&[3.0], false, false), None);
        assert_eq!(of(&[3.0], true, true), Some(0.0));
        assert!(of(&[3.0, f64::INFINITY], true, true).is_some_and(f64::is_nan));
        assert_eq!(of(&[f64::NAN], false, true), None);
        assert_eq!(of(&[0.0, -0.0], false, true), Some(0.0));
    }
}
