//! Typed sources over files: what `csv::files::<Flight>("data/*.csv")` returns.

use crate::files::{FileReader, Stdin};
use crate::format::Format;
use pathway_core::io::{BadRow, Reader};
use pathway_core::schema::{Keyed, Schema};
use pathway_core::table::{Pipeline, ReaderSource, Source, Stream, Table};
use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Files that are read once.
#[derive(Clone, Copy, Debug)]
pub enum Once {}

/// Files that are read, and then watched for new files and appended lines.
#[derive(Clone, Copy, Debug)]
pub enum Watched {}

/// Files that may also change and disappear.
#[derive(Clone, Copy, Debug)]
pub enum Mutable {}

/// Rows of type `T` in files of format `F`.
///
/// Read it with [`Pipeline::read`]. Read once, it is a [`Stream`] that ends; with
/// [`watch`](Files::watch) it is a `Stream` that goes on; with [`mutable`](Files::mutable) it is
/// a [`Table`], because changed and deleted files retract their rows.
#[must_use = "a source does nothing until it is read: `app.read(source)`"]
pub struct Files<T, F, M = Once> {
    pattern: PathBuf,
    pub(crate) format: F,
    readers: Option<usize>,
    poll_interval: Option<Duration>,
    rows: PhantomData<fn() -> (T, M)>,
}

impl<T, F, M> fmt::Debug for Files<T, F, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Files").field(&self.pattern).finish()
    }
}

impl<T, F> Files<T, F> {
    pub(crate) fn new(pattern: impl Into<PathBuf>, format: F) -> Self {
        let pattern = pattern.into();
        Self { pattern, format, readers: None, poll_interval: None, rows: PhantomData }
    }

    /// Goes on after the end: new files and appended lines are rows too. A file that is changed
    /// or deleted under it is an error; see [`mutable`](Files::mutable).
    pub fn watch(self) -> Files<T, F, Watched> {
        self.mode()
    }
}

impl<T, F> Files<T, F, Watched> {
    /// Lets files change and disappear: the result is a table, and a file that changes gives
    /// exactly the retractions and insertions between its old and its new rows, in one epoch.
    ///
    /// **State.** The rows of every file.
    pub fn mutable(self) -> Files<T, F, Mutable> {
        self.mode()
    }
}

impl<T, F, M> Files<T, F, M> {
    fn mode<N>(self) -> Files<T, F, N> {
        let Self { pattern, format, readers, poll_interval, rows: _ } = self;
        Files { pattern, format, readers, poll_interval, rows: PhantomData }
    }

    /// How many files are read at once. Default: the machine's cores, at most 4.
    pub fn readers(mut self, readers: usize) -> Self {
        self.readers = Some(readers);
        self
    }

    /// How often watched files are looked at. Default: every 100 ms.
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = Some(interval);
        self
    }

    /// Takes bad rows as a stream of their own, so that they do not end the run: reading gives a
    /// pair, the rows and the [`BadRow`]s.
    pub fn or_errors(self) -> WithErrors<Self> {
        WithErrors(self)
    }

    /// Keeps the latest row of each key: reading gives a [`Table`]. See
    /// [`Stream::upsert`].
    pub fn upsert(self) -> Upsert<Self>
    where
        T: Keyed,
    {
        Upsert(self)
    }
}

impl<T, F: Format, M> Files<T, F, M> {
    fn reader(self) -> FileReader {
        let extensions = self.format.extensions();
        let mut reader = FileReader::new(self.pattern, Arc::new(self.format));
        if !extensions.is_empty() {
            reader = reader.extensions(extensions);
        }
        if let Some(readers) = self.readers {
            reader = reader.readers(readers);
        }
        if let Some(interval) = self.poll_interval {
            reader = reader.poll_interval(interval);
        }
        reader
    }
}

fn source<T: Schema>(reader: impl Reader + 'static) -> ReaderSource<T> {
    ReaderSource::new(reader)
}

impl<T: Schema, F: Format> Source for Files<T, F, Once> {
    type Output = Stream<T>;

    #[track_caller]
    fn read(self, pipeline: &Pipeline) -> Stream<T> {
        source(self.reader()).stream(pipeline)
    }
}

impl<T: Schema, F: Format> Source for WithErrors<Files<T, F, Once>> {
    type Output = (Stream<T>, Stream<BadRow>);

    #[track_caller]
    fn read(self, pipeline: &Pipeline) -> Self::Output {
        source(self.0.reader()).stream_or_errors(pipeline)
    }
}

impl<T: Schema, F: Format> Source for Files<T, F, Watched> {
    type Output = Stream<T>;

    #[track_caller]
    fn read(self, pipeline: &Pipeline) -> Stream<T> {
        source(self.reader().watch()).stream(pipeline)
    }
}

impl<T: Schema, F: Format> Source for WithErrors<Files<T, F, Watched>> {
    type Output = (Stream<T>, Stream<BadRow>);

    #[track_caller]
    fn read(self, pipeline: &Pipeline) -> Self::Output {
        source(self.0.reader().watch()).stream_or_errors(pipeline)
    }
}

impl<T: Schema, F: Format> Source for Files<T, F, Mutable> {
    type Output = Table<T>;

    #[track_caller]
    fn read(self, pipeline: &Pipeline) -> Table<T> {
        source(self.reader().mutable()).table(pipeline)
    }
}

impl<T: Schema, F: Format> Source for WithErrors<Files<T, F, Mutable>> {
    type Output = (Table<T>, Table<BadRow>);

    #[track_caller]
    fn read(self, pipeline: &Pipeline) -> Self::Output {
        source(self.0.reader().mutable()).table_or_errors(pipeline)
    }
}

/// A source whose bad rows are taken as a stream of their own: `source.or_errors()`.
#[must_use = "a source does nothing until it is read: `app.read(source)`"]
#[derive(Clone, Debug)]
pub struct WithErrors<S>(S);

/// A source of keyed rows, of which the latest counts.
#[must_use = "a source does nothing until it is read: `app.read(source)`"]
#[derive(Clone, Debug)]
pub struct Upsert<S>(S);

impl<T: Keyed, S: Source<Output = Stream<T>>> Source for Upsert<S> {
    type Output = Table<T>;

    #[track_caller]
    fn read(self, pipeline: &Pipeline) -> Table<T> {
        self.0.read(pipeline).upsert()
    }
}

/// Rows of type `T` on standard input.
#[must_use = "a source does nothing until it is read: `app.read(source)`"]
pub struct StandardInput<T, F> {
    pub(crate) format: F,
    rows: PhantomData<fn() -> T>,
}

impl<T, F> fmt::Debug for StandardInput<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StandardInput")
    }
}

impl<T, F> StandardInput<T, F> {
    pub(crate) fn new(format: F) -> Self {
        Self { format, rows: PhantomData }
    }

    /// Takes bad rows as a stream of their own; see [`Files::or_errors`].
    pub fn or_errors(self) -> WithErrors<Self> {
        WithErrors(self)
    }
}

impl<T: Schema, F: Format> Source for StandardInput<T, F> {
    type Output = Stream<T>;

    #[track_caller]
    fn read(self, pipeline: &Pipeline) -> Stream<T> {
        source(Stdin::new(Arc::new(self.format))).stream(pipeline)
    }
}

impl<T: Schema, F: Format> Source for WithErrors<StandardInput<T, F>> {
    type Output = (Stream<T>, Stream<BadRow>);

    #[track_caller]
    fn read(self, pipeline: &Pipeline) -> Self::Output {
        source(Stdin::new(Arc::new(self.0.format))).stream_or_errors(pipeline)
    }
}
