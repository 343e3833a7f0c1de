//! Loops: a closure is applied to a table again and again, until nothing changes.

use super::{Graph, IntoTable, Table};
use crate::dataflow::Limit;
use crate::plan::{LoopId, Operation, Port};
use crate::schema::Schema;
use crate::stage::RowType;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

impl<T> Table<T> {
    /// Applies a closure to this table, then to what it has given, and so on until nothing
    /// changes: recursion to a fixpoint.
    ///
    /// In the closure the table is what the round before has made of it. Tables from outside can
    /// be used there too, and loops can stand in loops. What begins with the table itself and
    /// grows is a `concat` with the table and a [`distinct`](Table::distinct).
    ///
    /// **Shape.** The table of the last round, which the closure no longer changes. If it never
    /// comes to that, the epoch never ends, and a run that is stopped fails;
    /// [`iterate_at_most`](Self::iterate_at_most) and [`iterate_within`](Self::iterate_within) set a
    /// limit.
    /// **Time.** A change of an input changes of each round what depends on it, and no more.
    /// **State.** The tables that the closure joins and reduces, with their changes from round to
    /// round. A sorted partition, a group of reducers that do not add up and a whole table are
    /// evaluated from all of their rows when they change.
    ///
    /// # Errors
    ///
    /// A verb that cannot be repeated (a sink, `changes`, `upsert`) on a table of the loop is
    /// [`BuildError::Loop`](crate::error::BuildError::Loop) when the pipeline starts.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let edges = app.rows(vec![(1, 2), (2, 3), (3, 1), (4, 5)]);
    /// let roots = app.rows(vec![1]);
    /// let reached = roots.iterate(|reached| {
    ///     reached
    ///         .join(&edges)
    ///         .on(|node| *node, |edge| edge.0)
    ///         .select(|_, edge| edge.1)
    ///         .concat(&roots)
    ///         .distinct()
    /// });
    /// assert_eq!(reached.collect()?, [1, 2, 3]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    #[track_caller]
    pub fn iterate<F, N>(&self, f: F) -> Self
    where
        T: Schema,
        F: FnOnce(Self) -> N,
        N: IntoTable<Row = T>,
    {
        one(self, Limit::None, "iterate", Location::caller(), f)
    }

    /// Applies a closure to this table `rounds` times, or until nothing changes if that is sooner;
    /// see [`iterate`](Self::iterate).
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let doubled = app.rows(vec![1, 5]).iterate_at_most(3, |numbers| numbers.map(|n| n * 2));
    /// assert_eq!(doubled.collect()?, [8, 40]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    #[track_caller]
    pub fn iterate_at_most<F, N>(&self, rounds: u64, f: F) -> Self
    where
        T: Schema,
        F: FnOnce(Self) -> N,
        N: IntoTable<Row = T>,
    {
        one(self, Limit::Last(rounds), "iterate_at_most", Location::caller(), f)
    }

    /// Applies a closure to this table until nothing changes, and fails if the last of `rounds`
    /// rounds still changes something; see [`iterate`](Self::iterate).
    ///
    /// # Errors
    ///
    /// A table that has not settled when an epoch closes ends the run with
    /// [`RunError::Operator`](crate::error::RunError::Operator).
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let endless = app.rows(vec![1]).iterate_within(10, |numbers| numbers.map(|n| n + 1));
    /// let error = endless.collect().unwrap_err().to_string();
    /// assert!(error.contains("after 10 rounds"), "{error}");
    /// ```
    #[track_caller]
    pub fn iterate_within<F, N>(&self, rounds: u64, f: F) -> Self
    where
        T: Schema,
        F: FnOnce(Self) -> N,
        N: IntoTable<Row = T>,
    {
        one(self, Limit::Fail(rounds), "iterate_within", Location::caller(), f)
    }
}

/// Applies a closure to several tables at once, then to those that it has given, and so on until
/// nothing changes; see [`Table::iterate`].
///
/// ```
/// # use pathway::prelude::*;
/// let app = Pipeline::new("example");
/// // Numbers that are an even and an odd number of steps from the start.
/// let (even, odd) = (app.rows(vec![0]), app.rows(Vec::<i32>::new()));
/// let (even, odd) = iterate((&even, &odd), |(even, odd)| {
///     let step = |n: &i32| if *n < 5 { *n + 1 } else { *n };
///     let next_odd = even.select(step).concat(&odd).distinct();
///     let next_even = odd.select(step).concat(&even).distinct();
///     (next_even, next_odd)
/// });
/// assert_eq!(even.collect()?, [0, 2, 4, 5]);
/// # let _ = odd;
/// # Ok::<(), pathway::Error>(())
/// ```
#[track_caller]
pub fn iterate<A, F, N>(tables: A, f: F) -> A::Variables
where
    A: LoopTables,
    F: FnOnce(A::Variables) -> N,
    N: NextTables<A::Variables>,
{
    several(tables, Limit::None, "iterate", Location::caller(), f)
}

/// Applies a closure to several tables `rounds` times, or until nothing changes if that is sooner;
/// see [`iterate`].
///
/// ```
/// # use pathway::prelude::*;
/// let app = Pipeline::new("example");
/// let (a, b) = (app.rows(vec![1]), app.rows(vec![10]));
/// let (a, b) = iterate_at_most(3, (&a, &b), |(a, b)| (b, a));
/// assert_eq!(a.collect()?, [10]);
/// # let _ = b;
/// # Ok::<(), pathway::Error>(())
/// ```
#[track_caller]
pub fn iterate_at_most<A, F, N>(rounds: u64, tables: A, f: F) -> A::Variables
where
    A: LoopTables,
    F: FnOnce(A::Variables) -> N,
    N: NextTables<A::Variables>,
{
    several(tables, Limit::Last(rounds), "iterate_at_most", Location::caller(), f)
}

/// Applies a closure to several tables until nothing changes, and fails if the last of `rounds`
/// rounds still changes something; see [`iterate`] and [`Table::iterate_within`].
#[track_caller]
pub fn iterate_within<A, F, N>(rounds: u64, tables: A, f: F) -> A::Variables
where
    A: LoopTables,
    F: FnOnce(A::Variables) -> N,
    N: NextTables<A::Variables>,
{
    several(tables, Limit::Fail(rounds), "iterate_within", Location::caller(), f)
}

/// The tables that a loop begins with: a tuple of tables or streams, or of references to them.
///
/// You will rarely name this trait; see [`iterate`].
pub trait LoopTables {
    /// The tables in the loop's closure.
    type Variables;

    #[doc(hidden)]
    fn place(&self) -> Place;

    #[doc(hidden)]
    fn ports(self) -> Vec<(Port, RowType)>;

    #[doc(hidden)]
    fn tables(place: &Place, ports: &[Port]) -> Self::Variables;
}

/// The pipeline of a loop.
#[doc(hidden)]
pub struct Place(Arc<Graph>);

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place")
    }
}

/// What the closure of a loop returns: one table for each that it was given, in the same order.
///
/// You will rarely name this trait; see [`iterate`].
#[diagnostic::on_unimplemented(
    message = "the closure of a loop must return as many tables as it is given, with the same rows",
    label = "returned here for the tables `{Variables}`"
)]
pub trait NextTables<Variables> {
    #[doc(hidden)]
    fn ports(self) -> Vec<Port>;
}

macro_rules! tuples {
    ($($T:ident $t:ident $at:tt),+) => {
        impl<$($T: IntoTable + Clone),+> LoopTables for ($($T,)+) {
            type Variables = ($(Table<$T::Row>,)+);

            fn place(&self) -> Place {
                Place(self.0.clone().into_table().graph)
            }

            fn ports(self) -> Vec<(Port, RowType)> {
                let ($($t,)+) = self;
                vec![$(($t.into_table().port, const { RowType::of::<$T::Row>() })),+]
            }

            fn tables(place: &Place, ports: &[Port]) -> Self::Variables {
                let graph = || Arc::clone(&place.0);
                ($(Table::<$T::Row>::new(graph(), ports[$at].node, ports[$at].output),)+)
            }
        }

        impl<$($T: Schema, $t: IntoTable<Row = $T>),+> NextTables<($(Table<$T>,)+)> for ($($t,)+) {
            fn ports(self) -> Vec<Port> {
                vec![$(self.$at.into_table().port),+]
            }
        }
    };
}

#[expect(non_camel_case_types, reason = "one list of names serves types and variables")]
mod tuples {
    use super::{Arc, IntoTable, LoopTables, NextTables, Place, Port, RowType, Schema, Table};

    tuples!(A a 0);
    tuples!(A a 0, B b 1);
    tuples!(A a 0, B b 1, C c 2);
    tuples!(A a 0, B b 1, C c 2, D d 3);
    tuples!(A a 0, B b 1, C c 2, D d 3, E e 4);
    tuples!(A a 0, B b 1, C c 2, D d 3, E e 4, G g 5);
}

/// Where a loop is called, and what it may do.
#[derive(Clone, Copy)]
struct Call {
    limit: Limit,
    verb: &'static str,
    location: &'static Location<'static>,
}

fn one<T, F, N>(
    table: &Table<T>,
    limit: Limit,
    verb: &'static str,
    location: &'static Location<'static>,
    f: F,
) -> Table<T>
where
    T: Schema,
    F: FnOnce(Table<T>) -> N,
    N: IntoTable<Row = T>,
{
    let f = |(table,): (Table<T>,)| (f(table).into_table(),);
    several((table,), limit, verb, location, f).0
}

fn several<A, F, N>(
    tables: A,
    limit: Limit,
    verb: &'static str,
    location: &'static Location<'static>,
    f: F,
) -> A::Variables
where
    A: LoopTables,
    F: FnOnce(A::Variables) -> N,
    N: NextTables<A::Variables>,
{
    let (place, call) = (tables.place(), Call { limit, verb, location });
    let initial = tables.ports();
    if limit.rounds() == Some(0) {
        let ports: Vec<Port> = initial.into_iter().map(|(port, _)| port).collect();
        return A::tables(&place, &ports);
    }
    let (id, variables) = begin(&place.0, call, &initial);
    let open = Open(&place.0);
    let next = f(A::tables(&place, &variables)).ports();
    let rows = initial.into_iter().map(|(_, rows)| rows).collect();
    let end = place.0.push(verb, location, Operation::Loop(id), next, rows, false);
    drop(open);
    let ends: Vec<Port> = (0..variables.len()).map(|output| Port { node: end, output }).collect();
    A::tables(&place, &ends)
}

/// Closes the loop also if its closure panics.
struct Open<'a>(&'a Graph);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.change(crate::plan::Plan::close_loop);
    }
}

fn begin(graph: &Graph, call: Call, initial: &[(Port, RowType)]) -> (LoopId, Vec<Port>) {
    let Call { limit, verb, location } = call;
    let id = graph.change(|plan| plan.open_loop(verb, location, limit));
    let variable = |&(port, rows): &(Port, RowType)| {
        let operation = Operation::Variable(id);
        let node = graph.push("variable", location, operation, vec![port], vec![rows], false);
        Port { node, output: 0 }
    };
    (id, initial.iter().map(variable).collect())
}
