//! Folds that look for values by their rank or by how often they occur.

use super::column::{Output, number};
use super::multiset::Multiset;
use super::values::Read;
use crate::schema::{DataType, RowEncoder, Schema, ordered, put_len};
use crate::stage::{Diff, Input};

/// A quantile of numbers, interpolated between the two values next to it.
#[derive(Debug)]
pub struct Quantile {
    /// Which one: 0 is the least, 1 the greatest.
    pub q: f64,
    /// The type of the numbers.
    pub element: DataType,
    /// Whether there may be no values, and the quantile is then null.
    pub nullable: bool,
}

impl Read for Quantile {
    fn keeps_all(&self) -> bool {
        true
    }

    fn nullable(&self) -> bool {
        self.nullable
    }

    fn read(&self, values: &Multiset, out: &mut RowEncoder<'_>) -> Result<(), String> {
        let len = values.len();
        if len == 0 {
            out.null();
            return Ok(());
        }
        let position = self.q * (len - 1) as f64;
        let below = position.floor();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a position")]
        let index = (below as u64).min(len - 1);
        let value = |position| {
            let value = values.at(position).expect("the position is below the length");
            number(self.element, value)
        };
        let low = value(index);
        let high = if index + 1 < len { value(index + 1) } else { low };
        let quantile = between(low, high, position - below);
        quantile.encode(if self.nullable { out.present() } else { out.value() });
        Ok(())
    }
}

/// The value `part` of the way from `low` to `high`, which lies between the two.
fn between(low: f64, high: f64, part: f64) -> f64 {
    let distance = high - low;
    if part == 0.0 || low == high {
        low
    } else if !distance.is_finite() && low.is_finite() && high.is_finite() {
        low * (1.0 - part) + high * part
    } else if part < 0.5 {
        low + distance * part
    } else {
        // From the nearer end, so that the result never passes `high`.
        high - distance * (1.0 - part)
    }
}

/// The least value that is not less than a share of all values.
#[derive(Debug)]
pub struct QuantileDiscrete {
    /// The share.
    pub q: f64,
    /// The values.
    pub output: Output,
}

/// The position, from 0, of the least of `len` values that is not less than a share of `q`.
pub(super) fn discrete_position(q: f64, len: u64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a position")]
    let rank = (q * len as f64).ceil() as u64;
    rank.clamp(1, len.max(1)) - 1
}

impl Read for QuantileDiscrete {
    fn keeps_all(&self) -> bool {
        true
    }

    fn nullable(&self) -> bool {
        self.output.nullable
    }

    fn read(&self, values: &Multiset, out: &mut RowEncoder<'_>) -> Result<(), String> {
        let position = discrete_position(self.q, values.len());
        self.output.put_or_null(values.at(position), out);
        Ok(())
    }
}

/// Values by how often they occur: the most frequent first, equally frequent ones in row order.
fn by_frequency(values: &Multiset) -> Vec<(i64, &[u8])> {
    let mut values: Vec<(i64, &[u8])> =
        values.iter().map(|(value, count)| (-count, value)).collect();
    values.sort_unstable();
    values
}

/// The most frequent value.
#[derive(Debug)]
pub struct Mode(pub Output);

impl Read for Mode {
    fn keeps_all(&self) -> bool {
        true
    }

    fn nullable(&self) -> bool {
        self.0.nullable
    }

    fn read(&self, values: &Multiset, out: &mut RowEncoder<'_>) -> Result<(), String> {
        // `max_by_key` would take the last of several.
        let mode = values.iter().min_by_key(|(_, count)| -count);
        self.0.put_or_null(mode.map(|(value, _)| value), out);
        Ok(())
    }
}

/// The most frequent values, with how often each occurs.
#[derive(Debug)]
pub struct MostFrequent {
    /// How many.
    pub k: usize,
    /// The type of the values.
    pub element: DataType,
    /// Whether values can be null; here none is.
    pub nullable: bool,
}

impl Read for MostFrequent {
    fn read(&self, values: &Multiset, out: &mut RowEncoder<'_>) -> Result<(), String> {
        let frequent = by_frequency(values);
        let out = out.value();
        put_len(frequent.len().min(self.k), out);
        for (count, value) in frequent.into_iter().take(self.k) {
            // Each is a pair, so a value that can be null is a bit in front and not a tag.
            let mut pair = RowEncoder::new(out, usize::from(self.nullable));
            Output { data_type: self.element, nullable: self.nullable }.put(value, &mut pair);
            u64::try_from(-count).unwrap_or(0).encode(pair.value());
        }
        Ok(())
    }
}

/// The one value of a group.
#[derive(Debug)]
pub struct Unique {
    /// The value.
    pub output: Output,
    /// Whether nothing is ever retracted, so that two values are as bad as many.
    pub append_only: bool,
}

impl Read for Unique {
    fn nullable(&self) -> bool {
        self.output.nullable
    }

    fn trim(&self, values: &mut Multiset) {
        if self.append_only && values.distinct() > 2 {
            // The message names the least and the greatest, whichever order they came in.
            values.keep_ends();
        }
    }

    fn read(&self, values: &Multiset, out: &mut RowEncoder<'_>) -> Result<(), String> {
        let first = values.iter().next().map(|(value, _)| value);
        let last = values.iter().next_back().map(|(value, _)| value);
        if let (Some(first), Some(last)) = (first, last)
            && first != last
        {
            return Err(format!(
                "`unique` found several values, such as {} and {}",
                self.output.display(first),
                self.output.display(last)
            ));
        }
        self.output.put_or_null(first, out);
        Ok(())
    }
}

/// An approximate quantile of numbers: values are counted in buckets of the form that
/// `bucket` describes.
#[derive(Debug)]
pub struct ApproxQuantile {
    /// The share.
    pub q: f64,
    /// Whether there may be no values, and the quantile is then null.
    pub nullable: bool,
}

/// A float without its lower 45 bits, sortable: seven bits of the fraction are left, so a bucket
/// is at most 1/128 of its lower end wide, and integers up to 256 have buckets of their own.
/// Negative floats are cut towards zero as positive ones are.
fn bucket(value: f64) -> [u8; 8] {
    let value = if value.is_nan() { f64::NAN } else { value + 0.0 };
    let mut sortable = Vec::with_capacity(8);
    let cut = f64::from_bits(value.to_bits() >> 45 << 45) + 0.0;
    let cut = if value.is_nan() { value } else { cut };
    ordered::from_compact(DataType::F64, &mut cut.to_le_bytes().as_slice(), &mut sortable);
    sortable.try_into().expect("a float has eight bytes")
}

impl Read for ApproxQuantile {
    fn nullable(&self) -> bool {
        self.nullable
    }

    fn add(&self, values: &mut Multiset, input: Input<'_>, diff: Diff) {
        let value = match input {
            Input::Float(value) => value,
            Input::Int(value) => value as f64,
            _ => return,
        };
        values.add(&bucket(value), diff);
    }

    fn read(&self, values: &Multiset, out: &mut RowEncoder<'_>) -> Result<(), String> {
        match values.at(discrete_position(self.q, values.len())) {
            None => out.null(),
            Some(value) => {
                let value = number(DataType::F64, value);
                value.encode(if self.nullable { out.present() } else { out.value() });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn interpolation_stays_between_the_values() {
        assert_eq!(between(1.0, 3.0, 0.25), 1.5);
        assert_eq!(between(-f64::MAX, f64::MAX, 0.5), 0.0);
        assert_eq!(between(1.0, f64::INFINITY, 0.0), 1.0);
        assert_eq!(between(1.0, f64::INFINITY, 0.3), f64::INFINITY);
        assert_eq!(between(f64::INFINITY, f64::INFINITY, 0.3), f64::INFINITY);
    }

    #[test]
    fn a_share_of_none_is_the_least() {
        assert_eq!(discrete_position(0.0, 4), 0);
        assert_eq!(discrete_position(0.25, 4), 0);
        assert_eq!(discrete_position(0.26, 4), 1);
        assert_eq!(discrete_position(1.0, 4), 3);
    }

    proptest! {
        #[test]
        fn buckets_are_near_and_in_order(a in any::<f64>(), b in any::<f64>()) {
            let of = |value: f64| number(DataType::F64, &bucket(value));
            if a.is_finite() {
                prop_assert!((of(a) - a).abs() <= a.abs() / 128.0 || a.abs() < 1e-300);
                prop_assert!(of(a).abs() <= a.abs());
            }
            if a < b {
                prop_assert!(bucket(a) <= bucket(b));
            }
        }

        #[test]
        fn small_integers_have_buckets_of_their_own(n in -256i32..=256) {
            prop_assert_eq!(number(DataType::F64, &bucket(n.into())), f64::from(n));
        }
    }
}
