//! Which types can be summed and averaged, and what comes out.

use crate::dataflow::fold::Number;
use crate::schema::Schema;
use crate::stage::Inputs;

/// A number, or an optional one, that can be summed.
///
/// Integers sum to 64 bits of the same sign (128 stay 128): the accumulator has as many bits as it
/// needs, and a sum that does not fit when an epoch closes is an error. Floats sum exactly, rounded
/// once, and so do decimals (the feature `decimal`): a sum of more digits than a decimal has is
/// rounded to the nearest, of two the even one, and one that is too large is an error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be summed",
    label = "`sum` needs a number, or an `Option` of one",
    note = "turn it into a number first: `g.sum(|row| row.text.len() as u64)`; to count rows, use `g.count()`"
)]
pub trait Summable: Schema {
    /// The type of the sum.
    type Sum: Schema;
    #[doc(hidden)]
    const NUMBER: Number;
    #[doc(hidden)]
    fn input(&self, inputs: &mut Inputs);
}

/// A number, or an optional one, that has a mean.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no mean",
    label = "`mean` needs a number, or an `Option` of one",
    note = "turn it into a number first: `g.mean(|row| row.text.len() as f64)`"
)]
pub trait Average: Summable {
    /// `f64`, or `Option<f64>` where values can be null.
    type Mean: Schema;
}

macro_rules! integers {
    ($($int:ty => $sum:ty, $number:ident);* $(;)?) => {$(
        impl Summable for $int {
            type Sum = $sum;
            const NUMBER: Number = Number::$number;

            fn input(&self, inputs: &mut Inputs) {
                #[allow(clippy::cast_lossless, reason = "one macro for all widths")]
                inputs.int(*self as i128);
            }
        }

        impl Average for $int {
            type Mean = f64;
        }
    )*};
}

integers! {
    i8 => i64, Int; i16 => i64, Int; i32 => i64, Int; i64 => i64, Int; isize => i64, Int;
    u8 => u64, Int; u16 => u64, Int; u32 => u64, Int; u64 => u64, Int; usize => u64, Int;
    i128 => i128, Wide;
}

impl Summable for u128 {
    type Sum = Self;
    const NUMBER: Number = Number::Wide;

    fn input(&self, inputs: &mut Inputs) {
        inputs.compact(self);
    }
}

#[cfg(feature = "decimal")]
impl Summable for rust_decimal::Decimal {
    type Sum = Self;
    const NUMBER: Number = Number::Decimal;

    fn input(&self, inputs: &mut Inputs) {
        inputs.compact(self);
    }
}

macro_rules! floats {
    ($($float:ty),*) => {$(
        impl Summable for $float {
            type Sum = f64;
            const NUMBER: Number = Number::Float;

            fn input(&self, inputs: &mut Inputs) {
                inputs.float(f64::from(*self));
            }
        }

        impl Average for $float {
            type Mean = f64;
        }
    )*};
}

floats!(f32, f64);

impl<N: Summable> Summable for Option<N> {
    type Sum = Option<N::Sum>;
    const NUMBER: Number = N::NUMBER;

    fn input(&self, inputs: &mut Inputs) {
        match self {
            Some(value) => value.input(inputs),
            None => inputs.null(),
        }
    }
}

impl<N: Average> Average for Option<N> {
    type Mean = Option<f64>;
}

#[cfg(all(test, feature = "decimal"))]
mod tests {
    use crate::table::{Pipeline, Table};
    use crate::testing::{Harness, check_incremental};
    use rust_decimal::Decimal;

    fn decimal(text: &str) -> Decimal {
        text.parse().expect("it is a decimal")
    }

    fn sums(rows: &Table<(u8, Option<Decimal>)>) -> Table<(u8, Option<Decimal>)> {
        rows.group_by(|row| row.0).reduce(|g| g.sum(|row| row.1)).into()
    }

    #[test]
    fn decimals_are_summed_incrementally() {
        check_incremental(|t| sums(&t.table())).run();
        check_incremental(|t| sums(&t.stream())).run();
    }

    #[test]
    fn decimals_are_summed_exactly() {
        for threads in [1, 3] {
            let mut t = Harness::with_threads(threads);
            let rows = t.table::<(u8, Option<Decimal>)>();
            let sums = t.capture(sums(&rows.rows()));
            let cents = decimal("0.01");
            (0..300).for_each(|_| rows.insert((0, Some(cents))));
            rows.insert((1, None));
            t.step();
            sums.assert_rows([(0, Some(decimal("3"))), (1, None)]);
            // Each is more precise than their sum can be, and nothing is lost in between.
            let (large, small) = (Decimal::MAX, decimal("-0.0000000000000000000000000001"));
            for value in [large, large, small, small] {
                rows.insert((1, Some(value)));
            }
            rows.remove((1, Some(large)));
            t.step();
            sums.assert_rows([(0, Some(decimal("3"))), (1, Some(large))]);
            rows.remove((1, Some(large)));
            t.step();
            sums.assert_rows([(0, Some(decimal("3"))), (1, Some(small + small))]);
        }
    }

    #[test]
    fn a_sum_of_decimals_that_does_not_fit_says_so() {
        let app = Pipeline::new("test");
        let rows = app.rows([Decimal::MAX, decimal("0.5")]);
        let error = rows.reduce(|g| g.sum(|n| *n)).collect().expect_err("it does not fit");
        let expected = "the sum 79228162514264337593543950335.5 does not fit `Decimal`";
        assert!(error.to_string().contains(expected), "{error}");
    }
}
