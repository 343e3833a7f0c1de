//! Which types have differences, and which can be interpolated.

use crate::dataflow::fold::Number;
use crate::reduce::Summable;
use crate::schema::{DateTime, Duration, NaiveDateTime, Schema};
use crate::stage::Inputs;

/// A number, an instant or a length of time, or an option of one, that has differences.
///
/// Integers differ by 64 bits with a sign (128 stay 128), and a difference that does not fit is
/// an error; floats differ by an `f64`; times by a [`Duration`].
#[diagnostic::on_unimplemented(
    message = "values of type `{Self}` have no difference",
    label = "this needs a number, a time, or an `Option` of one",
    note = "turn it into a number first, such as `|row| row.text.len() as i64`"
)]
pub trait Subtract: Schema {
    /// The type of the difference.
    type Difference: Schema;
    #[doc(hidden)]
    const NUMBER: Number;
    #[doc(hidden)]
    fn operand(&self, inputs: &mut Inputs);
}

/// A number, or an option of one, that lies on a line with its neighbours.
#[diagnostic::on_unimplemented(
    message = "values of type `{Self}` cannot be interpolated",
    label = "`interpolate` needs an `Option` of a number",
    note = "turn it into a number first, such as `|row| row.price.map(|price| price.cents as f64)`"
)]
pub trait Interpolate: Summable {}

macro_rules! numbers {
    ($($number:ty => $difference:ty),* $(,)?) => {$(
        impl Subtract for $number {
            type Difference = $difference;
            const NUMBER: Number = <$number as Summable>::NUMBER;

            fn operand(&self, inputs: &mut Inputs) {
                self.input(inputs);
            }
        }

        impl Interpolate for $number {}
    )*};
}

numbers! {
    i8 => i64, i16 => i64, i32 => i64, i64 => i64, isize => i64, i128 => i128,
    u8 => i64, u16 => i64, u32 => i64, u64 => i64, usize => i64,
    f32 => f64, f64 => f64,
}

impl<N: Interpolate> Interpolate for Option<N> {}

impl<N: Subtract> Subtract for Option<N> {
    type Difference = N::Difference;
    const NUMBER: Number = N::NUMBER;

    fn operand(&self, inputs: &mut Inputs) {
        match self {
            Some(value) => value.operand(inputs),
            None => inputs.null(),
        }
    }
}

// Times as nanoseconds.
impl Subtract for DateTime {
    type Difference = Duration;
    const NUMBER: Number = Number::Int;

    fn operand(&self, inputs: &mut Inputs) {
        inputs.int(self.as_nanosecond());
    }
}

impl Subtract for NaiveDateTime {
    type Difference = Duration;
    const NUMBER: Number = Number::Int;

    fn operand(&self, inputs: &mut Inputs) {
        inputs.int(self.duration_since(Self::ZERO).as_nanos());
    }
}

impl Subtract for Duration {
    type Difference = Self;
    const NUMBER: Number = Number::Int;

    fn operand(&self, inputs: &mut Inputs) {
        inputs.int(self.as_nanos());
    }
}
