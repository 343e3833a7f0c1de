//! One reducer of a group.

use crate::dataflow::fold::{AnyFold, Filtered, OrNull};
use crate::plan::Mistake;
use crate::schema::{DataType, Schema};
use crate::stage::{ColumnInput, Extract, Inputs};
use std::any::TypeId;
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;

/// A reducer without its result type.
#[doc(hidden)]
pub struct Part<T> {
    pub(crate) fold: AnyFold,
    pub(crate) extract: Extract<T>,
    /// How the argument is taken from a column, where it is one.
    pub(crate) column: Option<ColumnInput>,
    /// What is wrong with the reducer's own arguments.
    pub(crate) mistake: Option<Mistake>,
    /// What an error about its result says of it.
    pub(crate) origin: Option<Origin>,
}

/// Where a reducer was written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    verb: &'static str,
    /// The position of the column that is its argument, where it is one.
    column: Option<usize>,
    location: &'static Location<'static>,
}

impl Origin {
    /// For people; `rows` are what is reduced.
    pub(crate) fn describe(self, rows: DataType) -> String {
        let Self { verb, column, location } = self;
        let column = column.and_then(|at| rows.columns().get(at));
        let of = column.map(|column| format!(" of `{}`", column.name)).unwrap_or_default();
        format!("in `{verb}`{of} at {}:{}", location.file(), location.line())
    }
}

impl<T> fmt::Debug for Part<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part").field("column", &self.column).finish_non_exhaustive()
    }
}

/// One reducer of a group of `T` rows, whose result is an `O`; an `N` where there may be no rows:
/// [`when`](Self::when) a condition holds, and in a [table as a
/// whole](crate::table::Table::reduce). `N` is `O`, or an `Option` of it.
#[must_use = "a reducer does nothing until it is returned from the closure of `reduce`"]
pub struct Reducer<T, O, N = O> {
    part: Part<T>,
    output: PhantomData<fn() -> (O, N)>,
}

impl<T, O, N> fmt::Debug for Reducer<T, O, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reducer").finish_non_exhaustive()
    }
}

impl<T, O, N> Reducer<T, O, N> {
    pub(super) fn new(
        fold: AnyFold,
        column: Option<ColumnInput>,
        extract: impl Fn(&T, &mut Inputs) + Send + Sync + 'static,
    ) -> Self {
        let part = Part { fold, extract: Arc::new(extract), column, mistake: None, origin: None };
        Self { part, output: PhantomData }
    }

    /// Refuses an argument, unless it is right.
    pub(super) fn expect(
        mut self,
        right: bool,
        verb: &'static str,
        location: &'static Location<'static>,
        problem: impl FnOnce() -> String,
    ) -> Self {
        if !right {
            self.part.mistake = Some(Mistake { verb, location, problem: problem() });
        }
        self
    }

    /// Notes where it was written, for errors about its result.
    pub(super) fn written(
        mut self,
        verb: &'static str,
        column: Option<usize>,
        location: &'static Location<'static>,
    ) -> Self {
        self.part.origin = Some(Origin { verb, column, location });
        self
    }

    pub(super) fn into_part(self) -> Part<T> {
        self.part
    }
}

impl<T, O: Schema, N: Schema> Reducer<T, O, N> {
    /// Whether the result of no rows is a null that the reducer itself does not know.
    fn is_optional() -> bool {
        TypeId::of::<O>() != TypeId::of::<N>()
    }

    /// Folds only the rows that `condition` holds for: SQL's `FILTER (WHERE ..)`.
    ///
    /// Groups stay as they are; one in which the condition holds for no row has a count and a sum
    /// of zero, empty lists, and null where no rows have no result: the least value, the mean.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let delays = app.rows(vec![("UA", 5), ("UA", -2), ("AA", -1)].into_iter().map(|(c, d)| (c.to_owned(), d)));
    /// let late = delays.group_by(|row| row.0.clone()).reduce(|g| {
    ///     (g.count().when(|row| row.1 > 0), g.max(|row| row.1).when(|row| row.1 > 0))
    /// });
    /// let expected = [("AA".to_owned(), (0, None)), ("UA".to_owned(), (1, Some(5)))];
    /// assert_eq!(late.collect()?, expected);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn when<F>(self, condition: F) -> Reducer<T, N>
    where
        T: 'static,
        F: Fn(&T) -> bool + Send + Sync + 'static,
    {
        let Part { fold, extract, mistake, origin, .. } = self.part;
        let filtered = Filtered { fold: fold.in_acc(), optional: Self::is_optional() };
        let fold = AnyFold::Acc(Arc::new(filtered));
        let extract: Extract<T> = Arc::new(move |row, inputs| {
            if condition(row) {
                extract(row, inputs);
            } else {
                inputs.absent();
            }
        });
        let part = Part { fold, extract, column: None, mistake, origin };
        Reducer { part, output: PhantomData }
    }

    /// The reducer of a group that may have no rows.
    pub(super) fn into_optional_part(self) -> Part<T> {
        if !Self::is_optional() {
            return self.part;
        }
        let fold = AnyFold::Acc(Arc::new(OrNull { fold: self.part.fold.in_acc() }));
        Part { fold, ..self.part }
    }
}
