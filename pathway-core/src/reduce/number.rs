//! Which types can be summed and averaged, and what comes out.

use crate::dataflow::fold::Number;
use crate::schema::Schema;
use crate::stage::Inputs;

/// A number, or an optional one, that can be summed.
///
/// Integers sum to 64 bits of the same sign (128 stay 128): the accumulator has 128 bits, and a
/// sum that does not fit when an epoch closes is an error. Floats sum exactly, rounded once.
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
    ($($int:ty => $sum:ty),* $(,)?) => {$(
        impl Summable for $int {
            type Sum = $sum;
            const NUMBER: Number = Number::Int;

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
    i8 => i64, i16 => i64, i32 => i64, i64 => i64, isize => i64, i128 => i128,
    u8 => u64, u16 => u64, u32 => u64, u64 => u64, usize => u64,
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
