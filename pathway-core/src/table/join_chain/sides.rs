//! The tables of a join of many, as types: which rows a closure is given, and which tables there
//! are.

use crate::schema::Schema;
use std::marker::PhantomData;

mod sealed {
    use crate::schema::Schema;

    pub trait Sealed {}
    impl<T: Schema> Sealed for T {}
    impl<T: Schema> Sealed for super::Optional<T> {}
}

/// A table of a join of many that may have no row for a combination: that of a `left_join`.
#[derive(Debug)]
pub struct Optional<T>(PhantomData<fn() -> T>);

/// A table of a join of many: its row type, or [`Optional`] of it.
pub trait Side: sealed::Sealed + 'static {
    /// The type of its rows.
    type Row: Schema;
    /// What a closure is given: a reference to a row, or an option of one.
    type Ref<'a>: Copy;
    #[doc(hidden)]
    const OPTIONAL: bool;

    #[doc(hidden)]
    fn side(row: Option<&Self::Row>) -> Self::Ref<'_>;
}

impl<T: Schema> Side for T {
    type Row = T;
    type Ref<'a> = &'a T;
    const OPTIONAL: bool = false;

    fn side(row: Option<&T>) -> &T {
        row.unwrap_or_else(|| unreachable!("only optional tables may have no row"))
    }
}

impl<T: Schema> Side for Optional<T> {
    type Row = T;
    type Ref<'a> = Option<&'a T>;
    const OPTIONAL: bool = true;

    fn side(row: Option<&T>) -> Option<&T> {
        row
    }
}

/// The tables of a join that have rows of type `S`: exactly one. `P` is its position.
#[diagnostic::on_unimplemented(
    message = "`{S}` is no table of this join",
    label = "the key is a column of `{S}`, and the tables joined so far are `{Self}`",
    note = "the first key of `.on(..)` is a column of a table that is joined already, the second one of the table that is joined now"
)]
pub trait RowsOf<S, P> {
    #[doc(hidden)]
    const AT: usize;
}

/// The table of a join at a position.
#[diagnostic::on_unimplemented(
    message = "this join has no table at that position yet",
    label = "the tables joined so far are `{Self}`"
)]
pub trait TableAt<P> {
    /// The type of its rows.
    type Row: Schema;
    #[doc(hidden)]
    const AT: usize;
}

/// The tables of a join, with one more.
#[diagnostic::on_unimplemented(
    message = "a chain joins at most six tables",
    label = "these are six already",
    note = "make rows of them with `.select(..)`, and join those"
)]
pub trait With<N> {
    /// All of them.
    type Tables;
}

/// The tables of a join, of which the last is not optional.
#[diagnostic::on_unimplemented(
    message = "an optional table is joined by one key",
    label = "the last table was joined by `left_join`",
    note = "name several columns as one key: `.on(|a| (a.x, a.y), |b| (b.x, b.y))`"
)]
pub trait Grown {
    /// The tables in front of the last.
    type Before;
    /// The rows of the last.
    type Last: Schema;
}

macro_rules! positions {
    ($($name:ident, $text:literal;)*) => {$(
        #[doc = concat!("The ", $text, " table of a join.")]
        #[derive(Clone, Copy, Debug)]
        pub struct $name;
    )*};
}

positions! {
    First, "first";
    Second, "second";
    Third, "third";
    Fourth, "fourth";
    Fifth, "fifth";
}

macro_rules! tables {
    (($($before:ident),*) $last:ident; $($position:ident $at:literal ($($front:ident),*) $row:ident ($($behind:ident),*);)*) => {
        $(
            #[diagnostic::do_not_recommend]
            impl<$($front,)* $row: Schema, $($behind),*> RowsOf<$row, $position>
                for ($($front,)* $row, $($behind),*)
            {
                const AT: usize = $at;
            }

            #[diagnostic::do_not_recommend]
            impl<$($front,)* $row: Schema, $($behind),*> RowsOf<$row, $position>
                for ($($front,)* Optional<$row>, $($behind),*)
            {
                const AT: usize = $at;
            }

            #[diagnostic::do_not_recommend]
            impl<$($front,)* $row: Side, $($behind),*> TableAt<$position>
                for ($($front,)* $row, $($behind),*)
            {
                type Row = $row::Row;
                const AT: usize = $at;
            }
        )*

        #[diagnostic::do_not_recommend]
        impl<$($before,)* $last> With<$last> for ($($before,)*) {
            type Tables = ($($before,)* $last,);
        }

        #[diagnostic::do_not_recommend]
        impl<$($before,)* $last: Schema> Grown for ($($before,)* $last,) {
            type Before = ($($before,)*);
            type Last = $last;
        }
    };
}

tables! {
    (A, B) C;
    First 0 () A (B);
    Second 1 (A) B ();
}
tables! {
    (A, B, C) D;
    First 0 () A (B, C);
    Second 1 (A) B (C);
    Third 2 (A, B) C ();
}
tables! {
    (A, B, C, D) E;
    First 0 () A (B, C, D);
    Second 1 (A) B (C, D);
    Third 2 (A, B) C (D);
    Fourth 3 (A, B, C) D ();
}
tables! {
    (A, B, C, D, E) G;
    First 0 () A (B, C, D, E);
    Second 1 (A) B (C, D, E);
    Third 2 (A, B) C (D, E);
    Fourth 3 (A, B, C) D (E);
    Fifth 4 (A, B, C, D) E ();
}
