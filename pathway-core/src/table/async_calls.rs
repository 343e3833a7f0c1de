//! Asynchronous functions on rows.

use super::collection::Collection;
use super::{Fallible, RowError, Stream, Table};
use crate::plan::{CallSettings, CallsNode, Mistake, Operation};
use crate::schema::Schema;
use crate::stage::{self, Attempt, CallError, RowType};
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

/// How an asynchronous function is called: how many calls at once, how long each may take, what
/// happens when one fails.
///
/// ```
/// # use pathway::prelude::*;
/// let calls = Calls::default().capacity(8).retries(3).timeout(std::time::Duration::from_secs(5));
/// # let _ = calls;
/// ```
///
/// | | default |
/// |---|---|
/// | [`capacity`](Self::capacity) | 64 calls at once |
/// | [`retries`](Self::retries), [`backoff`](Self::backoff) | none; from 100 ms to 30 s |
/// | [`timeout`](Self::timeout) | none |
/// | [`rate`](Self::rate) | none |
/// | [`cache`](Self::cache) | off |
/// | [`detached`](Self::detached), [`ordered`](Self::ordered) | off |
/// | [`grace`](Self::grace) | 10 s |
///
/// A value that has no meaning, such as a capacity of zero, is an error when the pipeline starts.
#[derive(Clone, Debug)]
#[must_use = "settings do nothing until they are given to a verb, such as `map_async`"]
pub struct Calls<R = Always> {
    settings: CallSettings,
    negative: Option<&'static str>,
    retry_if: R,
}

// For no other `R`, so that `Calls::default()` alone says which it is.
impl Default for Calls {
    fn default() -> Self {
        Self { settings: CallSettings::default(), negative: None, retry_if: Always }
    }
}

/// Every failure is worth another attempt.
#[derive(Clone, Copy, Debug, Default)]
pub struct Always;

/// The failures for which a closure holds are worth another attempt.
#[derive(Clone, Copy)]
pub struct When<F>(F);

impl<F> fmt::Debug for When<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("When")
    }
}

/// Which failures are worth another attempt. You will rarely name it: see
/// [`Calls::retry_if`].
#[diagnostic::on_unimplemented(
    message = "`retry_if` of these calls does not look at a `{E}`",
    label = "the function fails with `{E}`",
    note = "write its type in the closure: `.retry_if(|error: &{E}| ..)`"
)]
pub trait RetryIf<E>: Send + Sync + 'static {
    /// Whether the failure is worth another attempt.
    fn retry_if(&self, error: &E) -> bool;
}

impl<E> RetryIf<E> for Always {
    fn retry_if(&self, _error: &E) -> bool {
        true
    }
}

impl<E, F: Fn(&E) -> bool + Send + Sync + 'static> RetryIf<E> for When<F> {
    fn retry_if(&self, error: &E) -> bool {
        (self.0)(error)
    }
}

impl<R> Calls<R> {
    /// Sets the most calls at once, over all workers of the run; 64 by default. Rows beyond are
    /// held back at their source.
    pub fn capacity(mut self, calls: usize) -> Self {
        self.settings.capacity = calls;
        self
    }

    /// Sets how often a call that failed, or took too long, is tried again; never by default.
    pub fn retries(mut self, retries: u32) -> Self {
        self.settings.retries = retries;
        self
    }

    /// Sets how long a call that failed waits for its next attempt: `first`, then twice as long
    /// each time, up to `longest`. From each wait up to half is taken off, by the row and the
    /// attempt, so that calls that failed together come back apart.
    pub fn backoff<D: TryInto<Duration>>(mut self, first: D, longest: D) -> Self {
        if let (Some(first), Some(longest)) =
            (self.time("backoff", first), self.time("backoff", longest))
        {
            self.settings.backoff = first;
            self.settings.backoff_max = longest;
        }
        self
    }

    /// Sets which failures are worth another attempt; all of them by default. A call that took
    /// too long always is.
    pub fn retry_if<E, F>(self, f: F) -> Calls<When<F>>
    where
        F: Fn(&E) -> bool + Send + Sync + 'static,
    {
        Calls { settings: self.settings, negative: self.negative, retry_if: When(f) }
    }

    /// Sets how long each attempt may take. Its future is dropped then.
    pub fn timeout<D: TryInto<Duration>>(mut self, timeout: D) -> Self {
        if let Some(timeout) = self.time("timeout", timeout) {
            self.settings.timeout = Some(timeout);
        }
        self
    }

    /// Sets how many attempts may begin in so much time. They begin evenly: 100 in a second are
    /// one every ten milliseconds.
    pub fn rate<D: TryInto<Duration>>(mut self, attempts: u32, per: D) -> Self {
        if let Some(per) = self.time("rate", per) {
            self.settings.rate = Some((attempts, per));
        }
        self
    }

    /// Remembers the results of that many rows, in memory, and calls equal rows that are under
    /// way together once. Failures are not remembered. The rows asked for last stay.
    pub fn cache(mut self, rows: usize) -> Self {
        self.settings.cache = rows;
        self
    }

    /// Lets results join a later epoch, as if they came from a new source, instead of holding
    /// their epoch until they are there. So slow calls hold nothing else up.
    ///
    /// What comes out then depends on how fast calls are: it is a function of the history.
    pub fn detached(mut self) -> Self {
        self.settings.detached = true;
        self
    }

    /// Lets no result of a detached operator join before those of earlier epochs.
    pub fn ordered(mut self) -> Self {
        self.settings.ordered = true;
        self
    }

    /// Sets how long calls that are under way may go on once the run is asked to stop; 10 seconds
    /// by default. If some take longer, they are cancelled, and the run ends with an error.
    pub fn grace<D: TryInto<Duration>>(mut self, grace: D) -> Self {
        if let Some(grace) = self.time("grace", grace) {
            self.settings.grace = grace;
        }
        self
    }

    /// The settings, and which failures are worth another attempt.
    pub(super) fn apart(self) -> (Calls, R) {
        let Self { settings, negative, retry_if } = self;
        (Calls { settings, negative, retry_if: Always }, retry_if)
    }

    fn batch(mut self, rows: usize, linger: Duration) -> Self {
        self.settings.batch = Some(rows);
        self.settings.linger = linger;
        self
    }

    fn time<D: TryInto<Duration>>(&mut self, of: &'static str, time: D) -> Option<Duration> {
        let time = time.try_into().ok();
        if time.is_none() {
            self.negative = Some(of);
        }
        time
    }
}

/// How rows are put together for a function that takes a batch.
///
/// ```
/// # use pathway::prelude::*;
/// let batches = Batches::of(100).linger(std::time::Duration::from_millis(20));
/// # let _ = batches;
/// ```
#[derive(Clone, Debug)]
#[must_use = "settings do nothing until they are given to a verb, such as `map_batches_async`"]
pub struct Batches<R = Always> {
    rows: usize,
    linger: Duration,
    calls: Calls<R>,
}

/// How long a batch waits for more rows, unless it is told.
const LINGER: Duration = Duration::from_millis(5);

impl Batches {
    /// Batches of at most that many rows.
    pub fn of(rows: usize) -> Self {
        Self { rows, linger: LINGER, calls: Calls::default() }
    }
}

impl<R> Batches<R> {
    /// Sets how long a batch that is not full waits for more rows; 5 milliseconds by default.
    pub fn linger<D: TryInto<Duration>>(mut self, linger: D) -> Self {
        if let Some(linger) = self.calls.time("linger", linger) {
            self.linger = linger;
        }
        self
    }

    /// Sets how the function is called. A failure, a retry and the capacity are those of whole
    /// batches.
    pub fn calls<S>(self, calls: Calls<S>) -> Batches<S> {
        Batches { rows: self.rows, linger: self.linger, calls }
    }

    pub(super) fn into_calls(self) -> Calls<R> {
        self.calls.batch(self.rows, self.linger)
    }
}

fn encoded<U: Schema>(row: &U) -> Option<Vec<u8>> {
    Some(row.to_row_bytes())
}

fn error_row<T: Schema>(mut row: &[u8], error: &str) -> Vec<u8> {
    RowError { row: T::decode(&mut row), error: error.to_owned() }.to_row_bytes()
}

/// Pushes an operator without errors of its own.
pub(super) fn calling<C: Collection, U: Schema>(
    input: &C,
    verb: &'static str,
    location: &'static Location<'static>,
    calls: Calls,
    attempt: Attempt,
) -> C::Of<U> {
    let outputs = vec![const { RowType::of::<U>() }];
    let node = push(input, verb, location, calls, attempt, outputs);
    C::from_table(Table::new(Arc::clone(&input.as_table().graph), node, 0))
}

/// Pushes an operator with a second output, of errors.
pub(super) fn trying<C: Collection, U: Schema>(
    input: &C,
    verb: &'static str,
    location: &'static Location<'static>,
    calls: Calls,
    attempt: Attempt,
) -> Fallible<C::Of<U>, C::Of<RowError<C::Row>>> {
    let outputs = vec![const { RowType::of::<U>() }, const { RowType::of::<RowError<C::Row>>() }];
    let node = push(input, verb, location, calls, attempt, outputs);
    let graph = &input.as_table().graph;
    let rows = C::from_table(Table::new(Arc::clone(graph), node, 0));
    let errors = C::from_table(Table::new(Arc::clone(graph), node, 1));
    Fallible::new(rows, errors, (Arc::clone(graph), node))
}

fn push<C: Collection>(
    input: &C,
    verb: &'static str,
    location: &'static Location<'static>,
    calls: Calls,
    attempt: Attempt,
    outputs: Vec<RowType>,
) -> crate::plan::NodeId {
    let table = input.as_table();
    let append_only = C::APPEND_ONLY || table.is_append_only();
    let negative = calls.negative.map(|of| format!("its {of} is not a time, or below zero"));
    let problem = negative.or_else(|| calls.settings.mistake());
    let error_row = (outputs.len() > 1).then_some(error_row::<C::Row> as stage::ErrorRow);
    let node = CallsNode { settings: calls.settings, attempt, error_row };
    let graph = &table.graph;
    if let Some(problem) = problem {
        graph.change(|plan| plan.add_mistake(Mistake { verb, location, problem }));
    }
    let operation = Operation::Calls(node);
    graph.push(verb, location, operation, vec![table.port], outputs, append_only)
}

/// The attempts of each kind of function.
pub(super) mod attempts {
    use super::*;

    pub(crate) fn map<T, U, F, Fut>(f: F) -> Attempt
    where
        T: Schema,
        U: Schema,
        F: Fn(T) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = U> + 'static,
    {
        stage::attempt(f, |row: U| Ok(encoded(&row)))
    }

    pub(crate) fn filter_map<T, U, F, Fut>(f: F) -> Attempt
    where
        T: Schema,
        U: Schema,
        F: Fn(T) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Option<U>> + 'static,
    {
        stage::attempt(f, |row: Option<U>| Ok(row.as_ref().and_then(encoded)))
    }

    pub(crate) fn try_map<T, U, E, F, Fut, R>(f: F, retry: R) -> Attempt
    where
        T: Schema,
        U: Schema,
        E: fmt::Display,
        F: Fn(T) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<U, E>> + 'static,
        R: RetryIf<E>,
    {
        stage::attempt(f, move |result: Result<U, E>| match result {
            Ok(row) => Ok(encoded(&row)),
            Err(error) => Err(failed(&error, &retry)),
        })
    }

    pub(crate) fn map_batches<T, U, F, Fut>(f: F) -> Attempt
    where
        T: Schema,
        U: Schema,
        F: Fn(Vec<T>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Vec<U>> + 'static,
    {
        stage::batch_attempt(f, Ok)
    }

    pub(crate) fn try_map_batches<T, U, E, F, Fut, R>(f: F, retry: R) -> Attempt
    where
        T: Schema,
        U: Schema,
        E: fmt::Display,
        F: Fn(Vec<T>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Vec<U>, E>> + 'static,
        R: RetryIf<E>,
    {
        stage::batch_attempt(f, move |result: Result<Vec<U>, E>| {
            result.map_err(|error| failed(&error, &retry))
        })
    }

    fn failed<E: fmt::Display>(error: &E, retry: &impl RetryIf<E>) -> CallError {
        stage::failed(error, |error| retry.retry_if(error))
    }
}

/// The verbs of both handles; those of a stream return streams.
macro_rules! async_verbs {
    ($Handle:ident) => {
        impl<T> $Handle<T> {
            /// Turns every row into another one by an asynchronous function: a request to a
            /// service, a query.
            ///
            /// [`Calls`] says how many calls run at once and how long each may take. They run on
            /// a tokio runtime of the pipeline's own, on one thread: futures need not be `Send`,
            /// and must not block it.
            ///
            /// **Time.** The epoch of a row stays open until its call has come back, so results
            /// are those of a synchronous function; with [`Calls::detached`] they join a later
            /// epoch. The function may answer differently each time: what it gave for a row of a
            /// table is kept, and a retraction takes back exactly that. A row that is in a table
            /// several times is called once. An operator of this kind cannot stand in a loop.
            /// **State.** None for a stream; for a table each row with its result. In memory also
            /// [`Calls::cache`].
            ///
            /// ```
            /// # use pathway::prelude::*;
            /// let app = Pipeline::new("example");
            /// let names = app.rows(vec!["ada".to_owned(), "alan".to_owned()]);
            /// let greetings = names.map_async(Calls::default().capacity(8), |name| async move {
            ///     // A request, say.
            ///     format!("hello {name}")
            /// });
            /// assert_eq!(greetings.collect()?, ["hello ada", "hello alan"]);
            /// # Ok::<(), pathway::Error>(())
            /// ```
            ///
            /// # Errors
            ///
            /// [`RunError::Operator`](crate::error::RunError::Operator) ends the run if a call
            /// takes longer than [`Calls::timeout`] each time.
            #[track_caller]
            pub fn map_async<U, F, Fut>(&self, calls: Calls, f: F) -> $Handle<U>
            where
                T: Schema,
                U: Schema,
                F: Fn(T) -> Fut + Send + Sync + 'static,
                Fut: Future<Output = U> + 'static,
            {
                let location = Location::caller();
                calling(self, "map_async", location, calls, attempts::map(f))
            }

            /// Calls an asynchronous function on every row, and keeps what it returns; see
            /// [`map_async`](Self::map_async).
            ///
            /// ```
            /// # use pathway::prelude::*;
            /// let app = Pipeline::new("example");
            /// let text = app.rows(vec!["1".to_owned(), "x".to_owned()]);
            /// let numbers = text.filter_map_async(Calls::default(), |text| async move {
            ///     text.parse::<i64>().ok()
            /// });
            /// assert_eq!(numbers.collect()?, [1]);
            /// # Ok::<(), pathway::Error>(())
            /// ```
            #[track_caller]
            pub fn filter_map_async<U, F, Fut>(&self, calls: Calls, f: F) -> $Handle<U>
            where
                T: Schema,
                U: Schema,
                F: Fn(T) -> Fut + Send + Sync + 'static,
                Fut: Future<Output = Option<U>> + 'static,
            {
                let location = Location::caller();
                calling(self, "filter_map_async", location, calls, attempts::filter_map(f))
            }

            /// Calls an asynchronous function that can fail on every row; see
            /// [`map_async`](Self::map_async).
            ///
            /// A call that fails is tried again as [`Calls::retries`] says. The result is a
            /// collection of what succeeded, and the first row whose last attempt has failed ends
            /// the run; [`or_errors`](Fallible::or_errors) gives such rows as a collection of
            /// their own, and the run goes on.
            ///
            /// ```
            /// # use pathway::prelude::*;
            /// # use std::time::Duration;
            /// let app = Pipeline::new("example");
            /// let pages = app.rows(vec!["/".to_owned(), "/nowhere".to_owned()]);
            /// let calls = Calls::default().retries(3).timeout(Duration::from_secs(5));
            /// let calls = calls.retry_if(|error: &String| !error.starts_with("404"));
            /// let fetched = pages.try_map_async(calls, |page: String| async move {
            ///     if page == "/" { Ok("home".to_owned()) } else { Err(format!("404 {page}")) }
            /// });
            /// let (pages, bad) = fetched.or_errors();
            /// assert_eq!(pages.collect()?, ["home"]);
            /// assert_eq!(bad.collect()?[0].error, "404 /nowhere");
            /// # Ok::<(), pathway::Error>(())
            /// ```
            ///
            /// # Errors
            ///
            /// [`DataError::Step`](crate::error::DataError::Step) ends the run, unless the
            /// errors are taken.
            #[track_caller]
            pub fn try_map_async<U, E, R, F, Fut>(
                &self,
                calls: Calls<R>,
                f: F,
            ) -> Fallible<$Handle<U>, $Handle<RowError<T>>>
            where
                T: Schema,
                U: Schema,
                E: fmt::Display,
                R: RetryIf<E>,
                F: Fn(T) -> Fut + Send + Sync + 'static,
                Fut: Future<Output = Result<U, E>> + 'static,
            {
                let location = Location::caller();
                let (calls, retry) = calls.apart();
                let attempt = attempts::try_map(f, retry);
                trying(self, "try_map_async", location, calls, attempt)
            }

            /// Turns rows into others by an asynchronous function of a batch of rows, which
            /// returns one row for each of its rows, in their order; see
            /// [`map_async`](Self::map_async).
            ///
            /// ```
            /// # use pathway::prelude::*;
            /// let app = Pipeline::new("example");
            /// let doubled = app.rows(vec![1, 2, 3]).map_batches_async(
            ///     Batches::of(100),
            ///     |rows: Vec<i32>| async move { rows.iter().map(|n| n * 2).collect::<Vec<_>>() },
            /// );
            /// assert_eq!(doubled.collect()?, [2, 4, 6]);
            /// # Ok::<(), pathway::Error>(())
            /// ```
            ///
            /// # Errors
            ///
            /// [`RunError::Operator`](crate::error::RunError::Operator) ends the run if the
            /// function returns more or fewer rows than it was given.
            #[track_caller]
            pub fn map_batches_async<U, F, Fut>(&self, batches: Batches, f: F) -> $Handle<U>
            where
                T: Schema,
                U: Schema,
                F: Fn(Vec<T>) -> Fut + Send + Sync + 'static,
                Fut: Future<Output = Vec<U>> + 'static,
            {
                let (location, calls) = (Location::caller(), batches.into_calls());
                calling(self, "map_batches_async", location, calls, attempts::map_batches(f))
            }

            /// Calls an asynchronous function of a batch of rows that can fail; see
            /// [`map_batches_async`](Self::map_batches_async). If it fails for good, all rows of
            /// the batch have failed.
            ///
            /// ```
            /// # use pathway::prelude::*;
            /// let app = Pipeline::new("example");
            /// let rows = app.rows(vec![1_u8, 2, 200]);
            /// let doubled = rows.try_map_batches_async(Batches::of(1), |rows: Vec<u8>| async move {
            ///     let doubled: Option<Vec<u8>> = rows.iter().map(|n| n.checked_mul(2)).collect();
            ///     doubled.ok_or("too large")
            /// });
            /// let (doubled, bad) = doubled.or_errors();
            /// assert_eq!(doubled.collect()?, [2, 4]);
            /// assert_eq!(bad.collect()?[0].row, 200);
            /// # Ok::<(), pathway::Error>(())
            /// ```
            ///
            /// # Errors
            ///
            /// As [`try_map_async`](Self::try_map_async) and
            /// [`map_batches_async`](Self::map_batches_async).
            #[track_caller]
            pub fn try_map_batches_async<U, E, R, F, Fut>(
                &self,
                batches: Batches<R>,
                f: F,
            ) -> Fallible<$Handle<U>, $Handle<RowError<T>>>
            where
                T: Schema,
                U: Schema,
                E: fmt::Display,
                R: RetryIf<E>,
                F: Fn(Vec<T>) -> Fut + Send + Sync + 'static,
                Fut: Future<Output = Result<Vec<U>, E>> + 'static,
            {
                let (location, calls) = (Location::caller(), batches.into_calls());
                let (calls, retry) = calls.apart();
                let attempt = attempts::try_map_batches(f, retry);
                trying(self, "try_map_batches_async", location, calls, attempt)
            }
        }
    };
}

async_verbs!(Table);
async_verbs!(Stream);
