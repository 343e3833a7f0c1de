//! Numbers of any size and precision, for sums of squares: they are exact, so that they depend on
//! neither order nor batching and return to exactly zero when all that was added has been taken
//! away, and so that the difference of two large ones loses nothing.
//!
//! A number is an integer in two's complement times a power of 2^64; it has as many limbs as it
//! needs, which for ordinary data are three or four.

use crate::schema::{Schema, put_len, take_len};

/// An exact number.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExactNumber {
    /// The limbs stand for units of 2^(64 * low).
    low: i32,
    /// Two's complement, least significant first. Limbs that say nothing stay where they are: the
    /// next value is likely to need them.
    limbs: Vec<u64>,
}

/// The limbs of what is added: the square of 128 bits times 64 bits, with one limb for the bits
/// that a shift moves out and one for the sign.
type Addend = [u64; 8];

const POSITIVE: u64 = 0;
const NEGATIVE: u64 = u64::MAX;

fn sign(limbs: &[u64]) -> u64 {
    if limbs.last().is_some_and(|limb| limb >> 63 == 1) { NEGATIVE } else { POSITIVE }
}

/// The limbs of the number with the other sign.
fn negate(limbs: &mut [u64]) {
    let mut carry = true;
    for limb in limbs {
        let (value, over) = (!*limb).overflowing_add(u64::from(carry));
        *limb = value;
        carry = over;
    }
}

/// The product of two integers without sign, least significant limb first.
fn product(a: &[u64], b: &[u64]) -> Vec<u64> {
    let mut out = vec![0; a.len() + b.len()];
    for (at, &a) in a.iter().enumerate() {
        let mut carry = 0;
        for (slot, &b) in out[at..].iter_mut().zip(b.iter().chain(std::iter::repeat(&0))) {
            let sum = u128::from(a) * u128::from(b) + u128::from(*slot) + carry;
            *slot = low_half(sum);
            carry = sum >> 64;
        }
    }
    out
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is wanted")]
fn low_half(value: u128) -> u64 {
    value as u64
}

/// The halves of an integer.
fn halves(value: u128) -> [u64; 2] {
    [low_half(value), low_half(value >> 64)]
}

impl ExactNumber {
    pub(crate) fn is_zero(&self) -> bool {
        self.limbs.iter().all(|limb| *limb == 0)
    }

    pub(crate) fn is_negative(&self) -> bool {
        sign(&self.limbs) == NEGATIVE
    }

    /// Adds `value * times * 2^exponent`.
    pub(crate) fn add_scaled(&mut self, value: i128, exponent: i32, times: i64) {
        let mut addend = Addend::default();
        addend[..2].copy_from_slice(&halves(value.unsigned_abs()));
        self.add_times(addend, exponent, times, value < 0);
    }

    /// Adds the product of two integers, `times`; takes it away if it is `negative`.
    pub(crate) fn add_product(&mut self, negative: bool, [a, b]: [u128; 2], times: i64) {
        let mut addend = Addend::default();
        addend[..4].copy_from_slice(&product(&halves(a), &halves(b)));
        self.add_times(addend, 0, times, negative);
    }

    /// Adds `value * value * times * 2^(2 * exponent)`.
    pub(crate) fn add_square(&mut self, value: i128, exponent: i32, times: i64) {
        let mut addend = Addend::default();
        let root = value.unsigned_abs();
        if let Ok(root) = u64::try_from(root) {
            addend[..2].copy_from_slice(&halves(u128::from(root) * u128::from(root)));
        } else {
            let root = halves(root);
            addend[..4].copy_from_slice(&product(&root, &root));
        }
        self.add_times(addend, 2 * exponent, times, false);
    }

    fn add_times(&mut self, mut addend: Addend, exponent: i32, times: i64, negative: bool) {
        let mut len = addend.iter().rposition(|limb| *limb != 0).map_or(0, |top| top + 1);
        if len == 0 || times == 0 {
            return;
        }
        if times != 1 && times != -1 {
            let mut carry = 0;
            for limb in &mut addend[..=len] {
                let sum = u128::from(*limb) * u128::from(times.unsigned_abs()) + carry;
                *limb = low_half(sum);
                carry = sum >> 64;
            }
            len += 1;
        }
        let shift = exponent.rem_euclid(64);
        if shift > 0 {
            let mut carry = 0;
            for limb in &mut addend[..=len] {
                let moved = *limb >> (64 - shift);
                *limb = *limb << shift | carry;
                carry = moved;
            }
            len += 1;
        }
        if addend[len - 1] >> 63 == 1 {
            len += 1;
        }
        if negative != (times < 0) {
            negate(&mut addend[..len]);
        }
        self.add_limbs(exponent.div_euclid(64), &addend[..len]);
    }

    /// Adds another number.
    pub(crate) fn add(&mut self, other: &Self) {
        self.add_limbs(other.low, &other.limbs);
    }

    /// Adds two's complement limbs that stand for units of 2^(64 * low).
    fn add_limbs(&mut self, low: i32, limbs: &[u64]) {
        if limbs.is_empty() {
            return;
        }
        let end = low + i32::try_from(limbs.len()).expect("a number has few limbs");
        match self.top() {
            None => {
                self.low = low;
                self.limbs.extend_from_slice(limbs);
                return;
            }
            Some(top) => {
                if low < self.low {
                    self.limbs.splice(0..0, std::iter::repeat_n(0, distance(low, self.low)));
                    self.low = low;
                }
                if end > top {
                    let extension = sign(&self.limbs);
                    self.limbs.resize(distance(self.low, end), extension);
                }
            }
        }
        let (mine, others) = (sign(&self.limbs), sign(limbs));
        let mut carry = false;
        let (added, above) = self.limbs[distance(self.low, low)..].split_at_mut(limbs.len());
        for (limb, value) in added.iter_mut().zip(limbs) {
            let (sum, over) = limb.overflowing_add(*value);
            let (sum, over_again) = sum.overflowing_add(u64::from(carry));
            *limb = sum;
            carry = over || over_again;
        }
        for limb in above {
            // A sign that meets its carry changes nothing, nor does no sign without one.
            if carry == (others == NEGATIVE) {
                break;
            }
            let (sum, over) = limb.overflowing_add(others);
            let (sum, over_again) = sum.overflowing_add(u64::from(carry));
            *limb = sum;
            carry = over || over_again;
        }
        if mine == others && sign(&self.limbs) != mine {
            self.limbs.push(mine);
        }
    }

    /// The place behind the last limb.
    fn top(&self) -> Option<i32> {
        let len = i32::try_from(self.limbs.len()).expect("a number has few limbs");
        (len > 0).then_some(self.low + len)
    }

    /// The limbs that say something, and their place.
    fn trimmed(&self) -> (i32, &[u64]) {
        let mut limbs = self.limbs.as_slice();
        while let [front @ .., last] = limbs
            && *last == sign(front)
        {
            limbs = front;
        }
        let zeros = limbs.iter().take_while(|limb| **limb == 0).count();
        let low = self.low + i32::try_from(zeros).expect("a number has few limbs");
        if zeros == limbs.len() { (0, &[]) } else { (low, &limbs[zeros..]) }
    }

    fn magnitude(&self) -> Vec<u64> {
        let mut limbs = self.limbs.clone();
        if self.is_negative() {
            negate(&mut limbs);
        }
        limbs
    }

    /// The number as an integer, which it is if all that was added was: whether it is negative,
    /// and its magnitude.
    pub(crate) fn integer(&self) -> (bool, Vec<u64>) {
        let mut limbs = vec![0; distance(0, self.low)];
        limbs.extend(self.magnitude());
        (self.is_negative(), limbs)
    }

    /// The product of two numbers.
    pub(crate) fn times(&self, other: &Self) -> Self {
        let mut limbs = product(&self.magnitude(), &other.magnitude());
        limbs.push(0);
        if self.is_negative() != other.is_negative() {
            negate(&mut limbs);
        }
        Self { low: self.low + other.low, limbs }
    }

    /// The number with the other sign.
    pub(crate) fn negated(&self) -> Self {
        // A limb more, because the least of all numbers has no opposite of the same width.
        let mut limbs = self.limbs.clone();
        limbs.push(sign(&self.limbs));
        negate(&mut limbs);
        Self { low: self.low, limbs }
    }

    /// The magnitude as `mantissa * 2^exponent`, rounded once, to nearest; the mantissa is zero
    /// or at least 2^63.
    pub(crate) fn scaled(&self) -> (f64, i32) {
        let limbs = self.magnitude();
        let Some(top) = limbs.iter().rposition(|limb| *limb != 0) else { return (0.0, 0) };
        let shift = limbs[top].leading_zeros();
        let below = |at: usize| if at > 0 { limbs[at - 1] } else { 0 };
        let mut bits = limbs[top] << shift;
        let mut rest = below(top);
        if shift > 0 {
            bits |= rest >> (64 - shift);
            rest <<= shift;
        }
        // What lies below the 64 bits matters only to a tie.
        if rest != 0 || limbs[..top.saturating_sub(1)].iter().any(|limb| *limb != 0) {
            bits |= 1;
        }
        let at = i32::try_from(top).expect("a number has few limbs") + self.low;
        (bits as f64, at * 64 - i32::try_from(shift).expect("under 64"))
    }

    /// Appends the number to a partial result.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let (low, limbs) = self.trimmed();
        low.encode(out);
        put_len(limbs.len(), out);
        limbs.iter().for_each(|limb| limb.encode(out));
    }

    /// Reads a number back.
    pub(crate) fn read(input: &mut &[u8]) -> Self {
        let low = i32::decode(input);
        Self { low, limbs: (0..take_len(input)).map(|_| u64::decode(input)).collect() }
    }

    pub(crate) fn memory(&self) -> usize {
        self.limbs.capacity() * size_of::<u64>()
    }
}

impl PartialEq for ExactNumber {
    fn eq(&self, other: &Self) -> bool {
        self.trimmed() == other.trimmed()
    }
}

fn distance(from: i32, to: i32) -> usize {
    usize::try_from(to - from).expect("the second is not below the first")
}

/// `value * 2^exponent`.
pub(crate) fn scale(mut value: f64, mut exponent: i32) -> f64 {
    // In steps, because a power of two may be out of range where the product is not.
    while exponent != 0 && value != 0.0 && value.is_finite() {
        let step = exponent.clamp(-900, 900);
        value *= 2f64.powi(step);
        exponent -= step;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value(number: &ExactNumber) -> f64 {
        let (mantissa, exponent) = number.scaled();
        let magnitude = scale(mantissa, exponent);
        if number.is_negative() { -magnitude } else { magnitude }
    }

    #[test]
    fn squares_of_the_widest_integers() {
        let mut number = ExactNumber::default();
        number.add_square(i128::MIN, 0, i64::MAX);
        assert_eq!(value(&number), 2f64.powi(254) * 2f64.powi(63));
        number.add_square(i128::MIN, 0, -i64::MAX);
        assert!(number.is_zero());
        number.add_scaled(i128::MIN, 0, i64::MIN);
        assert_eq!(value(&number), 2f64.powi(127) * 2f64.powi(63));
    }

    proptest! {
        #[test]
        fn sums_and_products_are_those_of_integers(
            values in prop::collection::vec((-(1i128 << 50)..1i128 << 50, -130i32..130, -9i64..9), 0..20),
        ) {
            // Exponents apart, the sum of small integers is an integer.
            let (mut number, mut sum, mut squares) = (ExactNumber::default(), 0i128, ExactNumber::default());
            for (value, _, times) in &values {
                number.add_scaled(*value, 0, *times);
                squares.add_square(*value, 0, *times);
                sum += value * i128::from(*times);
            }
            prop_assert_eq!(value(&number), sum as f64);
            prop_assert_eq!(value(&number.negated()), -(sum as f64) + 0.0);
            let mut twice = number.times(&number);
            let mut square = ExactNumber::default();
            square.add_square(sum, 0, 1);
            prop_assert_eq!(&twice, &square);
            twice.add(&square.negated());
            prop_assert!(twice.is_zero());
        }

        #[test]
        fn what_was_added_can_be_taken_away_in_any_order(
            mut values in prop::collection::vec((any::<i128>(), -1100i32..1000, any::<i64>()), 0..12),
        ) {
            let mut number = ExactNumber::default();
            let mut parts = [ExactNumber::default(), ExactNumber::default()];
            for (at, (value, exponent, times)) in values.iter().enumerate() {
                number.add_scaled(*value, *exponent, *times);
                number.add_square(*value, *exponent, *times);
                parts[at % 2].add_scaled(*value, *exponent, *times);
                parts[at % 2].add_square(*value, *exponent, *times);
            }
            let mut merged = parts[0].clone();
            merged.add(&parts[1]);
            prop_assert_eq!(&merged, &number);
            let mut bytes = Vec::new();
            number.write(&mut bytes);
            prop_assert_eq!(&ExactNumber::read(&mut bytes.as_slice()), &number);
            values.reverse();
            for (value, exponent, times) in values {
                number.add_scaled(value, exponent, times.checked_neg().unwrap_or(0));
                if times == i64::MIN {
                    number.add_scaled(value, exponent, i64::MAX);
                    number.add_scaled(value, exponent, 1);
                    number.add_square(value, exponent, i64::MAX);
                    number.add_square(value, exponent, 1);
                }
                number.add_square(value, exponent, times.checked_neg().unwrap_or(0));
            }
            prop_assert!(number.is_zero());
        }
    }
}
