//! Sums of floats that are exact, so that they depend on neither order nor batching, and return
//! to exactly zero when everything added has been taken away.
//!
//! A float is an integer times a power of two. While all values of a sum lie within a window of
//! 127 bits, which ordinary data does, the sum is one 128-bit integer in units of 2^`base`. A
//! value outside of it turns the sum into a [`Wide`] one: an integer of 2176 bits that covers
//! every finite float, with NaN and infinities counted apart.
//!
//! Either way the result is rounded once, to nearest, ties to even, when it is read.

use crate::stage::Diff;

/// The exact sum of floats.
#[derive(Clone, Debug)]
pub(crate) enum ExactSum {
    /// Units of 2^base, in two halves so that the value needs no 16-byte alignment.
    Small {
        base: i32,
        low: u64,
        high: i64,
    },
    Wide(Box<Wide>),
}

/// The headroom left below the first value's last bit.
const ROOM_BELOW: i32 = 30;
/// The exponent of the smallest subnormal.
const LEAST: i32 = -1074;
/// 2^(64 * 34) units of 2^-1074 exceed the largest float by more than 2^60 times.
const LIMBS: usize = 34;

/// An integer wide enough for every float.
#[derive(Clone, Debug)]
pub(crate) struct Wide {
    /// Two's complement, least significant first, in units of 2^-1074.
    limbs: [u64; LIMBS],
    nan: i64,
    plus_infinity: i64,
    minus_infinity: i64,
}

/// A finite float as `mantissa * 2^exponent`.
fn split(value: f64) -> (i64, i32) {
    let bits = value.to_bits();
    let exponent = i32::try_from((bits >> 52) & 0x7ff).expect("eleven bits");
    let fraction = (bits & ((1 << 52) - 1)).cast_signed();
    let (mantissa, exponent) =
        if exponent == 0 { (fraction, LEAST) } else { (fraction | (1 << 52), exponent - 1075) };
    (if value.is_sign_negative() { -mantissa } else { mantissa }, exponent)
}

impl Default for ExactSum {
    fn default() -> Self {
        Self::Small { base: i32::MIN, low: 0, high: 0 }
    }
}

#[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "splits into halves")]
fn halves(value: i128) -> (u64, i64) {
    (value as u64, (value >> 64) as i64)
}

fn whole(low: u64, high: i64) -> i128 {
    (i128::from(high) << 64) | i128::from(low)
}

impl ExactSum {
    /// Adds `value`, `diff` times.
    #[inline]
    pub(crate) fn add(&mut self, value: f64, diff: Diff) {
        if value.is_finite()
            && let Self::Small { base, low, high } = self
        {
            let (mantissa, exponent) = split(value);
            if mantissa == 0 {
                return;
            }
            if *base == i32::MIN {
                let exponent = exponent + i32::try_from(mantissa.trailing_zeros()).unwrap_or(0);
                *base = (exponent - ROOM_BELOW).max(LEAST);
            }
            if let Some(sum) = add_small(*base, whole(*low, *high), mantissa, exponent, diff) {
                (*low, *high) = halves(sum);
                return;
            }
        }
        self.widen().add(value, diff);
    }

    /// Adds another sum.
    pub(crate) fn merge(&mut self, other: &Self) {
        match (&mut *self, other) {
            (_, Self::Small { base: i32::MIN, .. }) => {}
            (Self::Small { base: i32::MIN, .. }, other) => *self = other.clone(),
            (
                Self::Small { base: a, low, high },
                Self::Small { base: b, low: other_low, high: other_high },
            ) if a == b
                && whole(*low, *high).checked_add(whole(*other_low, *other_high)).is_some() =>
            {
                (*low, *high) =
                    halves(whole(*low, *high).wrapping_add(whole(*other_low, *other_high)));
            }
            (_, other) => {
                let other = other.to_wide();
                self.widen().merge(&other);
            }
        }
    }

    /// The sum, rounded once.
    pub(crate) fn value(&self) -> f64 {
        match self {
            Self::Small { base: i32::MIN, .. } => 0.0,
            Self::Small { base, low, high } => {
                let sum = whole(*low, *high);
                // The conversion rounds to nearest, ties to even; scaling is exact unless the
                // result is subnormal or overflows, where the wide path rounds only once.
                let scaled = sum as f64;
                let (_, exponent) = split(scaled);
                if sum == 0 {
                    0.0
                } else if (-1000..900).contains(&(exponent + base)) {
                    scale(scaled, *base)
                } else {
                    self.to_wide().value()
                }
            }
            Self::Wide(wide) => wide.value(),
        }
    }

    fn to_wide(&self) -> Wide {
        match self {
            Self::Wide(wide) => (**wide).clone(),
            Self::Small { base: i32::MIN, .. } => Wide::zero(),
            Self::Small { base, low, high } => {
                let mut wide = Wide::zero();
                wide.add_shifted(whole(*low, *high), *base);
                wide
            }
        }
    }

    fn widen(&mut self) -> &mut Wide {
        if let Self::Small { .. } = self {
            *self = Self::Wide(Box::new(self.to_wide()));
        }
        match self {
            Self::Wide(wide) => wide,
            Self::Small { .. } => unreachable!("the sum was made wide above"),
        }
    }

    /// Appends the sum to a partial result.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Small { base, low, high } => {
                out.push(0);
                out.extend_from_slice(&base.to_le_bytes());
                out.extend_from_slice(&low.to_le_bytes());
                out.extend_from_slice(&high.to_le_bytes());
            }
            Self::Wide(wide) => {
                out.push(1);
                for limb in wide.limbs {
                    out.extend_from_slice(&limb.to_le_bytes());
                }
                for count in [wide.nan, wide.plus_infinity, wide.minus_infinity] {
                    out.extend_from_slice(&count.to_le_bytes());
                }
            }
        }
    }

    /// Reads a sum back.
    pub(crate) fn read(input: &mut &[u8]) -> Self {
        use crate::schema::Schema;
        if u8::decode(input) == 0 {
            let base = i32::decode(input);
            return Self::Small { base, low: u64::decode(input), high: i64::decode(input) };
        }
        Self::Wide(Box::new(Wide {
            limbs: std::array::from_fn(|_| u64::decode(input)),
            nan: i64::decode(input),
            plus_infinity: i64::decode(input),
            minus_infinity: i64::decode(input),
        }))
    }
}

/// `sum + mantissa * 2^(exponent - base) * diff`, if every step is exact.
#[inline]
fn add_small(base: i32, sum: i128, mantissa: i64, exponent: i32, diff: Diff) -> Option<i128> {
    let shift = exponent - base;
    let mantissa = i128::from(mantissa);
    let units = if shift >= 0 {
        // 53 bits of mantissa leave 74 for the shift.
        if shift > 73 {
            return None;
        }
        mantissa << shift
    } else {
        let below = shift.unsigned_abs();
        if below > 52 || mantissa.trailing_zeros() < below {
            return None;
        }
        mantissa >> below
    };
    let units = if diff == 1 { units } else { units.checked_mul(i128::from(diff))? };
    sum.checked_add(units)
}

/// `value * 2^exponent`, where the result is an ordinary float.
fn scale(value: f64, exponent: i32) -> f64 {
    // Two factors, because one power of two may be out of range where the product is not.
    let half = exponent / 2;
    value * 2f64.powi(half) * 2f64.powi(exponent - half)
}

impl Wide {
    fn zero() -> Self {
        Self { limbs: [0; LIMBS], nan: 0, plus_infinity: 0, minus_infinity: 0 }
    }

    fn add(&mut self, value: f64, diff: Diff) {
        if value.is_nan() {
            self.nan += diff;
        } else if value == f64::INFINITY {
            self.plus_infinity += diff;
        } else if value == f64::NEG_INFINITY {
            self.minus_infinity += diff;
        } else {
            let (mantissa, exponent) = split(value);
            self.add_shifted(i128::from(mantissa) * i128::from(diff), exponent);
        }
    }

    /// Adds `units * 2^exponent`.
    fn add_shifted(&mut self, units: i128, exponent: i32) {
        let bits = usize::try_from(exponent - LEAST).expect("no float has a smaller exponent");
        let (limb, shift) = (bits / 64, bits % 64);
        let (low, high) = halves(units);
        // 128 bits shifted by under 64 span three limbs, and the sign fills those above.
        let sign = if units < 0 { u64::MAX } else { 0 };
        let parts = [low, high.cast_unsigned(), sign];
        let mut carry = false;
        for at in limb..LIMBS {
            let part = |index: usize| parts.get(index).copied().unwrap_or(sign);
            let index = at - limb;
            let below = if index == 0 { 0 } else { part(index - 1) };
            let value =
                if shift == 0 { part(index) } else { part(index) << shift | below >> (64 - shift) };
            let (sum, over) = self.limbs[at].overflowing_add(value);
            let (sum, over_again) = sum.overflowing_add(u64::from(carry));
            self.limbs[at] = sum;
            carry = over || over_again;
        }
    }

    fn merge(&mut self, other: &Self) {
        let mut carry = false;
        for (limb, &value) in self.limbs.iter_mut().zip(&other.limbs) {
            let (sum, over) = limb.overflowing_add(value);
            let (sum, over_again) = sum.overflowing_add(u64::from(carry));
            *limb = sum;
            carry = over || over_again;
        }
        self.nan += other.nan;
        self.plus_infinity += other.plus_infinity;
        self.minus_infinity += other.minus_infinity;
    }

    fn value(&self) -> f64 {
        match (self.nan != 0, self.plus_infinity != 0, self.minus_infinity != 0) {
            (true, _, _) | (_, true, true) => f64::NAN,
            (_, true, false) => f64::INFINITY,
            (_, false, true) => f64::NEG_INFINITY,
            _ => self.finite(),
        }
    }

    fn finite(&self) -> f64 {
        let negative = self.limbs[LIMBS - 1] >> 63 == 1;
        let mut limbs = self.limbs;
        if negative {
            let mut carry = true;
            for limb in &mut limbs {
                let (value, over) = (!*limb).overflowing_add(u64::from(carry));
                *limb = value;
                carry = over;
            }
        }
        let Some(top) = (0..LIMBS).rev().find(|&at| limbs[at] != 0) else { return 0.0 };
        let bit = |at: usize| limbs[at / 64] >> (at % 64) & 1;
        let highest = top * 64 + 63 - limbs[top].leading_zeros() as usize;
        // The 53 bits below and including the highest, or fewer near the bottom: subnormals.
        let lowest = highest.saturating_sub(52);
        let mut mantissa = (lowest..=highest).rev().fold(0, |value, at| value << 1 | bit(at));
        if lowest > 0 {
            let half = bit(lowest - 1) == 1;
            let below = (0..lowest - 1).any(|at| bit(at) == 1);
            if half && (below || mantissa & 1 == 1) {
                mantissa += 1;
            }
        }
        let exponent = i32::try_from(lowest).expect("under 2176") + LEAST;
        let magnitude = scale(mantissa as f64, exponent);
        if negative { -magnitude } else { magnitude }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum(values: &[f64]) -> ExactSum {
        let mut sum = ExactSum::default();
        for &value in values {
            sum.add(value, 1);
        }
        sum
    }

    #[test]
    fn huge_and_tiny_values_cancel_to_nothing() {
        let values = [1e308, 1e-308, -1e308, 5e-324, 1e308, 3.5, 1e308];
        let mut all = sum(&values);
        for &value in values.iter().rev() {
            all.add(value, -1);
        }
        assert_eq!(all.value(), 0.0);
        assert_eq!(sum(&[1e308, 1e-308, -1e308]).value(), 1e-308);
    }

    #[test]
    fn infinities_and_nan_are_counted() {
        let mut all = sum(&[1.0, f64::INFINITY, f64::NAN]);
        assert!(all.value().is_nan());
        all.add(f64::NAN, -1);
        assert_eq!(all.value(), f64::INFINITY);
        all.add(f64::NEG_INFINITY, 1);
        assert!(all.value().is_nan());
        all.add(f64::INFINITY, -1);
        all.add(f64::NEG_INFINITY, -1);
        assert_eq!(all.value(), 1.0);
    }

    #[test]
    fn overflow_and_subnormals_round_once() {
        assert_eq!(sum(&[f64::MAX, f64::MAX]).value(), f64::INFINITY);
        assert_eq!(sum(&[f64::MAX, f64::MAX, -f64::MAX]).value(), f64::MAX);
        assert_eq!(sum(&[5e-324, 5e-324]).value(), 1e-323);
        assert_eq!(sum(&[f64::MIN_POSITIVE, -5e-324]).value(), f64::MIN_POSITIVE - 5e-324);
        // Ties to even: half an ulp above 1 is 1, a hair more is the next float.
        let half = f64::EPSILON / 2.0;
        assert_eq!(sum(&[1.0, half]).value(), 1.0);
        assert_eq!(sum(&[1.0, half, 1e-300]).value(), 1.0 + f64::EPSILON);
    }

    proptest! {
        #[test]
        fn sums_do_not_depend_on_order_or_batches(
            mut values in prop::collection::vec(any::<f64>(), 0..40),
            cut in 0usize..40,
        ) {
            let forwards = sum(&values);
            let cut = cut.min(values.len());
            let mut merged = sum(&values[..cut]);
            merged.merge(&sum(&values[cut..]));
            let mut copy = Vec::new();
            merged.write(&mut copy);
            let copy = ExactSum::read(&mut copy.as_slice());
            values.reverse();
            let backwards = sum(&values);
            let bits = |sum: &ExactSum| sum.value().to_bits();
            prop_assert_eq!(bits(&forwards), bits(&backwards));
            prop_assert_eq!(bits(&forwards), bits(&merged));
            prop_assert_eq!(bits(&forwards), bits(&copy));
        }

        #[test]
        fn small_and_wide_sums_agree(values in prop::collection::vec(-1e9f64..1e9, 1..40)) {
            let small = sum(&values);
            let mut wide = sum(&values);
            wide.widen();
            prop_assert_eq!(small.value().to_bits(), wide.value().to_bits());
        }

        #[test]
        fn two_values_add_as_the_machine_adds(a in any::<f64>(), b in any::<f64>()) {
            let (exact, machine) = (sum(&[a, b]).value(), a + b);
            prop_assert!(exact == machine || (exact.is_nan() && machine.is_nan()));
        }
    }
}
