//! The steps between a root and its terminals.

use super::{AnyStep, Diff, Step, enter};
use crate::io::terminal;
use crate::schema::Schema;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// What a step is given when a worker builds it.
#[derive(Clone)]
pub struct StepContext {
    /// The number of its plan node.
    pub node: u32,
    /// Ends the run with a message: a bad row, where the program does not take the errors.
    pub fail: Arc<dyn Fn(u32, String) + Send + Sync>,
    /// Whether the program takes the node's error stream.
    pub errors_taken: bool,
}

impl fmt::Debug for StepContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepContext").field("node", &self.node).finish_non_exhaustive()
    }
}

/// Builds the step of one plan node in front of the steps of its outputs.
pub type StepFactory = Arc<dyn Fn(&StepContext, Vec<AnyStep>) -> AnyStep + Send + Sync>;

fn only(next: Vec<AnyStep>) -> AnyStep {
    next.into_iter().next().expect("a step has one output unless it says otherwise")
}

struct Map<T, U, F> {
    node: u32,
    f: Arc<F>,
    next: Box<dyn Step<U>>,
    rows: PhantomData<fn(T)>,
}

impl<T: Schema, U: Schema, F: Fn(T) -> U> Step<T> for Map<T, U, F> {
    fn push(&mut self, row: T, diff: Diff) {
        enter(self.node);
        let row = (self.f)(row);
        self.next.push(row, diff);
    }

    fn push_ref(&mut self, row: &T, diff: Diff) {
        self.push(row.duplicate(), diff);
    }
}

/// Calls `f` on every row.
pub fn map<T, U, F>(f: F) -> StepFactory
where
    T: Schema,
    U: Schema,
    F: Fn(T) -> U + Send + Sync + 'static,
{
    let f = Arc::new(f);
    Arc::new(move |context, next| {
        let (f, next) = (Arc::clone(&f), only(next).typed::<U>());
        AnyStep::new::<T>(Box::new(Map { node: context.node, f, next, rows: PhantomData }))
    })
}

struct Filter<T, F> {
    node: u32,
    f: Arc<F>,
    next: Box<dyn Step<T>>,
}

impl<T: Schema, F: Fn(&T) -> bool> Step<T> for Filter<T, F> {
    fn push(&mut self, row: T, diff: Diff) {
        enter(self.node);
        if (self.f)(&row) {
            self.next.push(row, diff);
        }
    }

    fn push_ref(&mut self, row: &T, diff: Diff) {
        enter(self.node);
        if (self.f)(row) {
            self.next.push_ref(row, diff);
        }
    }
}

/// Keeps the rows for which `f` holds.
pub fn filter<T, F>(f: F) -> StepFactory
where
    T: Schema,
    F: Fn(&T) -> bool + Send + Sync + 'static,
{
    let f = Arc::new(f);
    Arc::new(move |context, next| {
        let (f, next) = (Arc::clone(&f), only(next).typed::<T>());
        AnyStep::new::<T>(Box::new(Filter { node: context.node, f, next }))
    })
}

struct FilterMap<T, U, F> {
    node: u32,
    f: Arc<F>,
    next: Box<dyn Step<U>>,
    rows: PhantomData<fn(T)>,
}

impl<T: Schema, U: Schema, F: Fn(T) -> Option<U>> Step<T> for FilterMap<T, U, F> {
    fn push(&mut self, row: T, diff: Diff) {
        enter(self.node);
        if let Some(row) = (self.f)(row) {
            self.next.push(row, diff);
        }
    }

    fn push_ref(&mut self, row: &T, diff: Diff) {
        self.push(row.duplicate(), diff);
    }
}

/// Calls `f` on every row and keeps what it returns.
pub fn filter_map<T, U, F>(f: F) -> StepFactory
where
    T: Schema,
    U: Schema,
    F: Fn(T) -> Option<U> + Send + Sync + 'static,
{
    let f = Arc::new(f);
    Arc::new(move |context, next| {
        let (f, next) = (Arc::clone(&f), only(next).typed::<U>());
        AnyStep::new::<T>(Box::new(FilterMap { node: context.node, f, next, rows: PhantomData }))
    })
}

struct FlatMap<T, I: IntoIterator, F> {
    node: u32,
    f: Arc<F>,
    next: Box<dyn Step<I::Item>>,
    rows: PhantomData<fn(T)>,
}

impl<T: Schema, I: IntoIterator<Item: Schema>, F: Fn(T) -> I> Step<T> for FlatMap<T, I, F> {
    fn push(&mut self, row: T, diff: Diff) {
        enter(self.node);
        let rows = (self.f)(row).into_iter();
        for row in rows {
            self.next.push(row, diff);
            // The iterator is the user's code too.
            enter(self.node);
        }
    }

    fn push_ref(&mut self, row: &T, diff: Diff) {
        self.push(row.duplicate(), diff);
    }
}

/// Calls `f` on every row and flattens what it returns.
pub fn flat_map<T, I, F>(f: F) -> StepFactory
where
    T: Schema,
    I: IntoIterator<Item: Schema> + 'static,
    F: Fn(T) -> I + Send + Sync + 'static,
{
    let f = Arc::new(f);
    Arc::new(move |context, next| {
        let (f, next) = (Arc::clone(&f), only(next).typed::<I::Item>());
        AnyStep::new::<T>(Box::new(FlatMap { node: context.node, f, next, rows: PhantomData }))
    })
}

struct Inspect<T, F> {
    node: u32,
    f: Arc<F>,
    next: Box<dyn Step<T>>,
}

impl<T: Schema, F: Fn(&T, Diff)> Step<T> for Inspect<T, F> {
    fn push(&mut self, row: T, diff: Diff) {
        enter(self.node);
        terminal::print(|| (self.f)(&row, diff));
        self.next.push(row, diff);
    }

    fn push_ref(&mut self, row: &T, diff: Diff) {
        enter(self.node);
        terminal::print(|| (self.f)(row, diff));
        self.next.push_ref(row, diff);
    }
}

/// Shows every update to `f`.
pub fn inspect<T, F>(f: F) -> StepFactory
where
    T: Schema,
    F: Fn(&T, Diff) + Send + Sync + 'static,
{
    let f = Arc::new(f);
    Arc::new(move |context, next| {
        let (f, next) = (Arc::clone(&f), only(next).typed::<T>());
        AnyStep::new::<T>(Box::new(Inspect { node: context.node, f, next }))
    })
}

struct TryMap<T, U, X, F> {
    context: StepContext,
    f: Arc<F>,
    next: Box<dyn Step<U>>,
    errors: Box<dyn Step<X>>,
    rows: PhantomData<fn(T)>,
}

impl<T, U, X, F> Step<T> for TryMap<T, U, X, F>
where
    T: Schema,
    U: Schema,
    X: Schema + fmt::Display,
    F: Fn(T) -> Result<U, X>,
{
    fn push(&mut self, row: T, diff: Diff) {
        enter(self.context.node);
        match (self.f)(row) {
            Ok(row) => self.next.push(row, diff),
            Err(error) if self.context.errors_taken => self.errors.push(error, diff),
            Err(error) => (self.context.fail)(self.context.node, error.to_string()),
        }
    }

    fn push_ref(&mut self, row: &T, diff: Diff) {
        self.push(row.duplicate(), diff);
    }
}

/// Calls `f` on every row, and splits off the errors to a second output.
pub fn try_map<T, U, X, F>(f: F) -> StepFactory
where
    T: Schema,
    U: Schema,
    X: Schema + fmt::Display,
    F: Fn(T) -> Result<U, X> + Send + Sync + 'static,
{
    let f = Arc::new(f);
    Arc::new(move |context, next| {
        let mut next = next.into_iter();
        let mut take = || next.next().expect("a fallible step has two outputs");
        let (ok, errors) = (take().typed::<U>(), take().typed::<X>());
        let (context, f) = (context.clone(), Arc::clone(&f));
        AnyStep::new::<T>(Box::new(TryMap { context, f, next: ok, errors, rows: PhantomData }))
    })
}
