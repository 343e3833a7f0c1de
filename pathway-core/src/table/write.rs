//! The ends of tables: sinks, subscriptions, and collecting.

use super::{Stream, Table};
use crate::error::Result;
use crate::io::{CollectionKind, Sink, SinkError, SinkWriter, Updates, Wanted, terminal};
use crate::plan::{NodeId, Operation, SinkKind, SinkSlot};
use crate::runtime;
use crate::schema::{DataType, Schema};
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};

/// A row that was added (`diff` above zero) or taken away (below zero).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change<T> {
    /// The row.
    pub row: T,
    /// How many copies came, or went.
    pub diff: i64,
}

/// Calls a function for each epoch.
struct Subscription<T, F> {
    f: F,
    rows: std::marker::PhantomData<fn(T)>,
}

fn decoded<T: Schema>(updates: &Updates) -> Vec<Change<T>> {
    updates.iter().map(|(mut row, diff)| Change { row: T::decode(&mut row), diff }).collect()
}

impl<T: Schema, F: FnMut(u64, &[Change<T>]) + Send + 'static> Sink for Subscription<T, F> {
    fn open(
        self: Box<Self>,
        _rows: DataType,
        _kind: CollectionKind,
    ) -> Result<Box<dyn SinkWriter>, SinkError> {
        Ok(self)
    }

    fn label(&self) -> String {
        "subscriber".to_owned()
    }
}

impl<T: Schema, F: FnMut(u64, &[Change<T>]) + Send> SinkWriter for Subscription<T, F> {
    fn write(&mut self, epoch: u64, updates: &Updates) -> Result<(), SinkError> {
        let changes = decoded(updates);
        terminal::print(|| (self.f)(epoch, &changes));
        Ok(())
    }
}

/// Keeps all updates, in memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Captured(Arc<Mutex<Vec<(u64, Updates)>>>);

impl Captured {
    pub(crate) fn take(&self) -> Vec<(u64, Updates)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl SinkWriter for Captured {
    fn write(&mut self, epoch: u64, updates: &Updates) -> Result<(), SinkError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((epoch, updates.clone()));
        Ok(())
    }
}

pub(super) struct SinkEnd {
    pub(super) label: String,
    pub(super) fingerprint: String,
    pub(super) kind: CollectionKind,
    pub(super) wants: Wanted,
    pub(super) sink: SinkKind,
}

impl<T> Table<T> {
    pub(super) fn push_sink(
        &self,
        verb: &'static str,
        location: &'static Location<'static>,
        end: SinkEnd,
    ) -> NodeId
    where
        T: Schema,
    {
        let SinkEnd { label, fingerprint, kind, wants, sink } = end;
        let slot = SinkSlot { label, fingerprint, kind, sink: Mutex::new(Some(sink)), wants };
        let sink: Self = self.derive(verb, location, Operation::Sink(slot), &[], false);
        sink.port.node
    }

    /// Captures the updates of every epoch.
    pub(crate) fn capture(&self, kind: CollectionKind) -> (NodeId, Captured)
    where
        T: Schema,
    {
        let captured = Captured::default();
        let end = SinkEnd {
            label: "capture".to_owned(),
            fingerprint: "capture".to_owned(),
            kind,
            wants: Wanted::Sorted,
            sink: SinkKind::Inline(Box::new(captured.clone())),
        };
        (self.push_sink("capture", Location::caller(), end), captured)
    }

    fn write_as<S: Sink>(&self, sink: S, kind: CollectionKind, location: &'static Location<'static>)
    where
        T: Schema,
    {
        let (label, fingerprint, wants) = (sink.label(), sink.fingerprint(), sink.wants());
        let fingerprint = format!("{fingerprint} {kind:?}");
        let sink = SinkKind::Threaded(Box::new(sink));
        self.push_sink("write", location, SinkEnd { label, fingerprint, kind, wants, sink });
    }

    /// Writes the table to a sink. Files receive the current state, unless told otherwise.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example").progress(false);
    /// app.rows(vec![1, 2]).distinct().write(null::sink());
    /// app.run()?;
    /// # Ok::<(), pathway::Error>(())
    /// ```
    #[track_caller]
    pub fn write<S: Sink>(&self, sink: S)
    where
        T: Schema,
    {
        self.write_as(sink, CollectionKind::Table, Location::caller());
    }

    /// Calls `f` with the changes of each epoch: whole epochs, consolidated, in order;
    /// retractions first, each part in the order of rows. It runs on a thread of its own.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example").progress(false);
    /// let (send, changes) = std::sync::mpsc::channel();
    /// app.rows(vec![2, 1]).subscribe(move |_epoch, changes| {
    ///     send.send(changes.to_vec()).ok();
    /// });
    /// app.run()?;
    /// assert_eq!(changes.recv()?.len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn subscribe<F>(&self, f: F)
    where
        T: Schema,
        F: FnMut(u64, &[Change<T>]) + Send + 'static,
    {
        let sink = Subscription { f, rows: std::marker::PhantomData };
        let kind = self.kind();
        self.write_as(sink, kind, Location::caller());
    }

    fn kind(&self) -> CollectionKind {
        if self.is_append_only() { CollectionKind::Stream } else { CollectionKind::Table }
    }

    fn start_collecting(&self) -> Result<(runtime::Running, Captured)>
    where
        T: Schema,
    {
        let (sink, captured) = self.capture(self.kind());
        let settings = self.graph.settings().with_environment()?;
        let plan = self.graph.plan();
        let running =
            runtime::start(&self.graph.name, plan, &[sink], &settings, runtime::Drive::Itself)?;
        Ok((running, captured))
    }

    fn collected(&self, captured: &Captured) -> Vec<T>
    where
        T: Schema,
    {
        let mut rows = Vec::new();
        if self.kind() == CollectionKind::Stream {
            for (_, updates) in captured.take() {
                for (row, diff) in updates.iter() {
                    rows.extend((0..diff).map(|_| T::decode(&mut &*row)));
                }
            }
            return rows;
        }
        let mut state = crate::io::CurrentState::new(T::data_type());
        for (_, updates) in captured.take() {
            state.apply(&updates);
        }
        let result: Result<(), std::convert::Infallible> = state.for_each(|mut row| {
            rows.push(T::decode(&mut row));
            Ok(())
        });
        match result {
            Ok(()) => rows,
        }
    }

    /// Runs what the table needs until its sources end, and returns its rows: those of a stream
    /// in the order of their source, those of a table in the order of rows.
    ///
    /// It blocks the thread; [`collect_async`](Self::collect_async) does not.
    ///
    /// # Errors
    ///
    /// Why the pipeline could not start, or why it failed.
    #[track_caller]
    pub fn collect(&self) -> Result<Vec<T>>
    where
        T: Schema,
    {
        let (running, captured) = self.start_collecting()?;
        running.wait()?;
        Ok(self.collected(&captured))
    }

    /// As [`collect`](Self::collect), without blocking the thread: on tokio or any other runtime.
    ///
    /// # Errors
    ///
    /// Why the pipeline could not start, or why it failed.
    pub async fn collect_async(&self) -> Result<Vec<T>>
    where
        T: Schema,
    {
        let (running, captured) = self.start_collecting()?;
        running.ended().await?;
        Ok(self.collected(&captured))
    }
}

impl<T> Stream<T> {
    /// Writes the stream to a sink. Files receive its rows appended, unless told otherwise.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example").progress(false);
    /// app.rows(vec![1, 2]).write(null::sink());
    /// app.run()?;
    /// # Ok::<(), pathway::Error>(())
    /// ```
    #[track_caller]
    pub fn write<S: Sink>(&self, sink: S)
    where
        T: Schema,
    {
        self.write_as(sink, CollectionKind::Stream, Location::caller());
    }
}
