//! Reducers over booleans and over the bits of integers.

use super::{Group, Reducer, Summable};
use crate::dataflow::fold::{BitOperation, Bits, Tally};
use crate::schema::{DataType, Expr, Schema};
use crate::stage::{ColumnInput, Inputs};

type OrNull<V> = <V as Schema>::OrNull;

/// A `bool`, or an optional one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither true nor false",
    label = "`bool_and` and `bool_or` need a `bool`, or an `Option` of one",
    note = "compare it with something: `g.bool_and(|row| row.amount > 0)`"
)]
pub trait Truth: Schema {
    #[doc(hidden)]
    fn truth(&self) -> Option<bool>;
}

impl Truth for bool {
    fn truth(&self) -> Option<bool> {
        Some(*self)
    }
}

impl Truth for Option<bool> {
    fn truth(&self) -> Option<bool> {
        *self
    }
}

/// An integer, or an optional one, whose bits can be combined.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no bits to combine",
    label = "`bit_and`, `bit_or` and `bit_xor` need an integer, or an `Option` of one"
)]
pub trait BitInteger: Summable {}

macro_rules! integers {
    ($($int:ty),*) => {$(
        impl BitInteger for $int {}
        impl BitInteger for Option<$int> {}
    )*};
}

integers!(i8, i16, i32, i64, isize, i128, u8, u16, u32, u64, usize);

fn fold<V: Schema>(operation: BitOperation) -> Tally<Bits> {
    let output = match V::data_type() {
        DataType::Option(inner) => inner(),
        other => other,
    };
    Tally(Bits { operation, output, nullable: V::NULLABLE })
}

fn truth(value: &impl Truth, inputs: &mut Inputs) {
    match value.truth() {
        Some(value) => inputs.int(value.into()),
        None => inputs.null(),
    }
}

impl<T> Group<T> {
    fn truths<E, F>(
        &self,
        operation: BitOperation,
        value: F,
    ) -> Reducer<T, E::Value, OrNull<E::Value>>
    where
        E: Expr<T, Value: Truth>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        Self::reducer(fold::<E::Value>(operation), None, move |row, inputs| {
            value(row).with(row, |value| truth(value, inputs));
        })
    }

    fn bits<E, F>(
        &self,
        operation: BitOperation,
        value: F,
    ) -> Reducer<T, E::Value, OrNull<E::Value>>
    where
        E: Expr<T, Value: BitInteger>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        let column = E::COLUMN.map(ColumnInput::Number);
        Self::reducer(fold::<E::Value>(operation), column, move |row, inputs| {
            value(row).with(row, |value| value.input(inputs));
        })
    }

    /// Whether all values are true (SQL's `BOOL_AND` and `EVERY`). Null values are skipped; of
    /// nulls alone it is null.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![1, 2, 3]);
    /// let positive = rows.group_by(|_| ()).reduce(|g| g.bool_and(|n| *n > 0));
    /// assert_eq!(positive.collect()?, [((), true)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn bool_and<E, F>(&self, value: F) -> Reducer<T, E::Value, OrNull<E::Value>>
    where
        E: Expr<T, Value: Truth>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        self.truths(BitOperation::And, value)
    }

    /// Whether one of the values is true (SQL's `BOOL_OR`; [`any`](Self::any) gives one of the
    /// values). Null values are skipped; of nulls alone it is null.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![Some(false), None, Some(true)]);
    /// let some = rows.group_by(|_| ()).reduce(|g| g.bool_or(|ok| *ok));
    /// assert_eq!(some.collect()?, [((), Some(true))]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn bool_or<E, F>(&self, value: F) -> Reducer<T, E::Value, OrNull<E::Value>>
    where
        E: Expr<T, Value: Truth>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        self.truths(BitOperation::Or, value)
    }

    /// The bits that are set in all integers. Null values are skipped.
    ///
    /// **State.** A count for each bit.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let bits = app.rows(vec![0b110u8, 0b011]).group_by(|_| ()).reduce(|g| g.bit_and(|n| *n));
    /// assert_eq!(bits.collect()?, [((), 0b010)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn bit_and<E, F>(&self, value: F) -> Reducer<T, E::Value, OrNull<E::Value>>
    where
        E: Expr<T, Value: BitInteger>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        self.bits(BitOperation::And, value)
    }

    /// The bits that are set in one of the integers or more. Null values are skipped.
    ///
    /// **State.** A count for each bit.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let bits = app.rows(vec![0b110u8, 0b011]).group_by(|_| ()).reduce(|g| g.bit_or(|n| *n));
    /// assert_eq!(bits.collect()?, [((), 0b111)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn bit_or<E, F>(&self, value: F) -> Reducer<T, E::Value, OrNull<E::Value>>
    where
        E: Expr<T, Value: BitInteger>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        self.bits(BitOperation::Or, value)
    }

    /// The bits that are set in an odd number of integers. Null values are skipped.
    ///
    /// **State.** A count for each bit.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let bits = app.rows(vec![0b110u8, 0b011]).group_by(|_| ()).reduce(|g| g.bit_xor(|n| *n));
    /// assert_eq!(bits.collect()?, [((), 0b101)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn bit_xor<E, F>(&self, value: F) -> Reducer<T, E::Value, OrNull<E::Value>>
    where
        E: Expr<T, Value: BitInteger>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        self.bits(BitOperation::Xor, value)
    }
}
