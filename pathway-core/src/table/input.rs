//! Rows from this process: given at once, or pushed while the pipeline runs.

use super::contents::Contents;
use super::{Pipeline, ReaderSource, Stream, Table};
use crate::io::{
    AnyRows, BadRow, Decoder, PartitionId, Reader, RowReceiver, Rows, SourceError, SourceEvent,
    SourceWriter, Stopped,
};
use crate::schema::{DataType, RowDecoder, Schema, ordered, skip, take_bytes};
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Rows that are encoded already: `[diff, 8 bytes][length, 4 bytes][row]`.
pub(crate) struct Encoded;

/// What stands in front of a row.
const UPDATE_HEAD: usize = 12;

/// Appends one update in the form that [`Encoded`] reads.
pub(crate) fn put_update(row: &[u8], diff: i64, out: &mut Vec<u8>) {
    put(diff, out, |out| out.extend_from_slice(row));
}

/// Appends one row in the form that [`Encoded`] reads.
fn put_row<T: Schema>(row: &T, out: &mut Vec<u8>) {
    put(1, out, |out| row.encode(out));
}

/// The length is written when the row is there.
fn put(diff: i64, out: &mut Vec<u8>, row: impl FnOnce(&mut Vec<u8>)) {
    diff.encode(out);
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    row(out);
    let len = u32::try_from(out.len() - at - 4).expect("a row is under 4 GiB");
    out[at..at + 4].copy_from_slice(&len.to_le_bytes());
}

impl Decoder for Encoded {
    fn decode(&mut self, mut bytes: &[u8], rows: &mut dyn RowReceiver) -> Result<(), Box<BadRow>> {
        // Blocks end between rows: they are made here.
        while !bytes.is_empty() {
            let diff = i64::decode(&mut bytes);
            let len = u32::decode(&mut bytes) as usize;
            rows.update(take_bytes(&mut bytes, len), diff);
        }
        Ok(())
    }

    fn finish(&mut self, _rows: &mut dyn RowReceiver) -> Result<(), Box<BadRow>> {
        Ok(())
    }
}

/// Rows given at once.
struct Given {
    blocks: Vec<Vec<u8>>,
}

const BLOCK_BYTES: usize = 1 << 18;

impl Reader for Given {
    fn run(&self, out: &SourceWriter) -> Result<(), SourceError> {
        let partition = out.open("rows", Box::new(Encoded))?;
        for block in &self.blocks {
            out.send(partition, block.clone())?;
        }
        out.end(partition)?;
        Ok(())
    }

    fn label(&self) -> String {
        "rows".to_owned()
    }

    fn bounded(&self) -> bool {
        true
    }

    fn repeats(&self) -> bool {
        true
    }

    fn size_hint(&self) -> Option<u64> {
        Some(self.blocks.iter().map(|block| block.len() as u64).sum())
    }
}

pub(super) fn rows<T: Schema>(
    pipeline: &Pipeline,
    rows: impl IntoIterator<Item = T>,
    location: &'static Location<'static>,
) -> Stream<T> {
    let mut blocks = vec![Vec::new()];
    for row in rows {
        if blocks.last().is_none_or(|block| block.len() >= BLOCK_BYTES) {
            blocks.push(Vec::with_capacity(BLOCK_BYTES));
        }
        let block = blocks.last_mut().expect("there is a block");
        put_row(&row, block);
    }
    located(pipeline, ReaderSource::<T>::new(Given { blocks }), true, location).into_stream()
}

fn located<T: Schema>(
    pipeline: &Pipeline,
    source: ReaderSource<T>,
    append_only: bool,
    location: &'static Location<'static>,
) -> Table<T> {
    let (table, _) = source.push(pipeline, append_only);
    pipeline.graph.change(|plan| plan.node_mut(table.port.node).location = location);
    table
}

/// Why rows could not be pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// The input was closed, or its run has ended.
    #[error("the input is closed: `close` was called, or the run has ended")]
    Closed,
    /// A transaction would take away a row that is not there.
    #[error("the row to remove is not in the table")]
    Absent,
    /// `replace` needs a key.
    #[error("the rows have no key\nhelp: mark it with `#[schema(key)]`")]
    NoKey,
}

/// What an input's handles share with the run.
struct Pushed {
    state: Mutex<State>,
}

/// What is pushed together.
enum Block {
    /// Updates, in the form that [`Encoded`] reads.
    Bytes(Vec<u8>),
    /// Insertions.
    Rows(Box<dyn AnyRows>),
}

impl Block {
    fn send(self, partition: PartitionId, out: &SourceWriter) -> Result<(), Stopped> {
        match self {
            Self::Bytes(bytes) => out.send(partition, bytes),
            Self::Rows(rows) => {
                out.send_all(partition, vec![SourceEvent::Rows { partition, rows }])
            }
        }
    }
}

enum State {
    /// The run has not started: what was pushed waits here.
    Waiting {
        blocks: Vec<Block>,
        closed: bool,
    },
    Running {
        writer: SourceWriter,
        partition: PartitionId,
    },
    Closed,
}

struct PushedReader {
    pushed: Arc<Pushed>,
    /// Whether only insertions are pushed.
    typed: bool,
    /// Takes a row that is there when a durable pipeline goes on, where the handle has to know it.
    restore: Option<Box<dyn Fn(&[u8], i64) + Send + Sync>>,
}

impl Pushed {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Pushes a block that is one transaction.
    fn push(&self, block: Block) -> Result<(), InputError> {
        let (writer, partition) = match &mut *self.lock() {
            State::Closed | State::Waiting { closed: true, .. } => {
                return Err(InputError::Closed);
            }
            State::Waiting { blocks, .. } => {
                blocks.push(block);
                return Ok(());
            }
            State::Running { writer, partition } => (writer.clone(), *partition),
        };
        block.send(partition, &writer).map_err(|_| InputError::Closed)
    }

    fn close(&self) {
        let mut state = self.lock();
        match &mut *state {
            State::Waiting { closed, .. } => *closed = true,
            State::Running { writer, .. } => {
                writer.finish();
                *state = State::Closed;
            }
            State::Closed => {}
        }
    }
}

impl Reader for PushedReader {
    fn run(&self, _out: &SourceWriter) -> Result<(), SourceError> {
        unreachable!("an input is attached to its run, and needs no thread")
    }

    fn attach(&self, out: &SourceWriter) -> bool {
        let mut state = self.pushed.lock();
        let waiting = std::mem::replace(&mut *state, State::Closed);
        let State::Waiting { blocks, closed } = waiting else {
            // An earlier run has used the input up.
            out.finish();
            return true;
        };
        let opened = out.open("input", Box::new(Encoded));
        let Ok(partition) = opened else { return true };
        for block in blocks {
            if block.send(partition, out).is_err() {
                return true;
            }
        }
        if closed {
            out.finish();
        } else {
            *state = State::Running { writer: out.clone(), partition };
        }
        true
    }

    fn typed(&self) -> bool {
        self.typed
    }

    fn wants_contents(&self) -> bool {
        self.restore.is_some()
    }

    fn restore(&self, rows: &mut dyn Iterator<Item = (&[u8], i64)>) -> Result<(), SourceError> {
        let Some(restore) = &self.restore else { return Ok(()) };
        let mut rows = rows.peekable();
        let waits =
            matches!(&*self.pushed.lock(), State::Waiting { blocks, .. } if !blocks.is_empty());
        if waits && rows.peek().is_some() {
            return Err(SourceError::Unreadable {
                problem: "rows were changed before the pipeline was started again, and the table \
                          has rows already"
                    .to_owned(),
                help: "start the pipeline first: then the input knows the rows of earlier runs"
                    .to_owned(),
            });
        }
        rows.for_each(|(row, diff)| restore(row, diff));
        Ok(())
    }

    fn refuse(&self) {
        *self.pushed.lock() = State::Closed;
    }

    fn label(&self) -> String {
        "input".to_owned()
    }

    fn bounded(&self) -> bool {
        false
    }
}

/// Closes the input when the last handle is dropped.
struct Handle(Arc<Pushed>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn pushed() -> Arc<Pushed> {
    let state = State::Waiting { blocks: Vec::new(), closed: false };
    Arc::new(Pushed { state: Mutex::new(state) })
}

pub(super) fn stream<T: Schema>(
    pipeline: &Pipeline,
    location: &'static Location<'static>,
) -> (Input<T>, Stream<T>) {
    let pushed = pushed();
    let reader = PushedReader { pushed: Arc::clone(&pushed), typed: true, restore: None };
    let source = ReaderSource::<T>::new(reader);
    let table = located(pipeline, source, true, location);
    let handle = Arc::new(Handle(pushed));
    (Input { handle, rows: PhantomData }, table.into_stream())
}

pub(super) fn table<T: Schema>(
    pipeline: &Pipeline,
    location: &'static Location<'static>,
) -> (TableInput<T>, Table<T>) {
    let pushed = pushed();
    let contents = Arc::new(Mutex::new(Contents::new(T::data_type())));
    let restored = Arc::clone(&contents);
    let restore = move |row: &[u8], copies: i64| {
        let mut contents = restored.lock().unwrap_or_else(PoisonError::into_inner);
        (0..copies).for_each(|_| contents.insert(row));
    };
    let reader = PushedReader {
        pushed: Arc::clone(&pushed),
        typed: false,
        restore: Some(Box::new(restore)),
    };
    let source = ReaderSource::<T>::new(reader);
    let table = located(pipeline, source, false, location);
    let handle = Arc::new(Handle(pushed));
    (TableInput { handle, contents, rows: PhantomData }, table)
}

/// Pushes rows into a stream, from any thread. Cheap to clone; the input ends with
/// [`close`](Self::close), or when the last clone is dropped.
///
/// Pushing blocks while the pipeline is behind. What is pushed before the pipeline starts waits
/// for it.
pub struct Input<T> {
    handle: Arc<Handle>,
    rows: PhantomData<fn(T)>,
}

impl<T> Clone for Input<T> {
    fn clone(&self) -> Self {
        Self { handle: Arc::clone(&self.handle), rows: PhantomData }
    }
}

impl<T> fmt::Debug for Input<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").finish_non_exhaustive()
    }
}

impl<T: Schema> Input<T> {
    /// Pushes one row.
    ///
    /// # Errors
    ///
    /// [`InputError::Closed`] if the input was closed or the run has ended.
    pub fn push(&self, row: T) -> Result<(), InputError> {
        self.handle.0.push(Block::Rows(Box::new(Rows::one(row))))
    }

    /// Pushes rows together: they enter in one epoch.
    ///
    /// # Errors
    ///
    /// [`InputError::Closed`] if the input was closed or the run has ended.
    pub fn push_all(&self, rows: impl IntoIterator<Item = T>) -> Result<(), InputError> {
        let rows = Rows::all(rows);
        if rows.count() == 0 { Ok(()) } else { self.handle.0.push(Block::Rows(Box::new(rows))) }
    }

    /// Ends the input.
    pub fn close(&self) {
        self.handle.0.close();
    }
}

/// Changes a table, from any thread. Cheap to clone; the input ends with [`close`](Self::close),
/// or when the last clone is dropped.
///
/// The handle keeps the rows that it has inserted, so that it can tell what a replacement
/// retracts and refuse to remove what is not there.
pub struct TableInput<T> {
    handle: Arc<Handle>,
    contents: Arc<Mutex<Contents>>,
    rows: PhantomData<fn(T)>,
}

impl<T> Clone for TableInput<T> {
    fn clone(&self) -> Self {
        Self {
            handle: Arc::clone(&self.handle),
            contents: Arc::clone(&self.contents),
            rows: PhantomData,
        }
    }
}

impl<T> fmt::Debug for TableInput<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableInput").finish_non_exhaustive()
    }
}

/// Changes that enter a table together, in one epoch.
pub struct Transaction<'a, T> {
    contents: &'a mut Contents,
    /// What has changed, in the form that [`Encoded`] reads.
    block: Vec<u8>,
    rows: PhantomData<fn(T)>,
}

impl<T> fmt::Debug for Transaction<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").finish_non_exhaustive()
    }
}

/// The key of an encoded row, in the ordered encoding of the key's own type; nothing if its type
/// has no key.
pub(super) fn key_in_order(data_type: DataType, mut row: &[u8]) -> Option<Vec<u8>> {
    let DataType::Struct(inner) = data_type else { return None };
    if !inner.columns.iter().any(|column| column.key) {
        return None;
    }
    let mut columns = RowDecoder::new(&mut row, inner.nullable_count());
    let mut key = Vec::new();
    for column in inner.columns {
        let input = if column.nullable { columns.nullable() } else { Some(columns.value()) };
        if column.key && column.nullable {
            key.push(u8::from(input.is_some()));
        }
        match input {
            Some(input) if column.key => {
                ordered::from_compact(column.value_type(), input, &mut key);
            }
            Some(input) => skip(column.value_type(), input),
            None => {}
        }
    }
    Some(key)
}

impl<T: Schema> Transaction<'_, T> {
    /// Takes away a row that is there.
    fn take_away(&mut self, row: &[u8]) {
        put_update(row, -1, &mut self.block);
        self.contents.remove(row);
    }

    /// Adds a row.
    #[expect(clippy::needless_pass_by_value, reason = "the row moves into the pipeline")]
    pub fn insert(&mut self, row: T) {
        let start = self.block.len() + UPDATE_HEAD;
        put_row(&row, &mut self.block);
        self.contents.insert(&self.block[start..]);
    }

    /// Takes a row away.
    ///
    /// # Errors
    ///
    /// [`InputError::Absent`] if it is not there.
    pub fn remove(&mut self, row: &T) -> Result<(), InputError> {
        let row = row.to_row_bytes();
        if !self.contents.contains(&row) {
            return Err(InputError::Absent);
        }
        self.take_away(&row);
        Ok(())
    }

    /// Adds a row in the place of the one with its key, if there is one.
    ///
    /// # Errors
    ///
    /// [`InputError::NoKey`] if the row type has no key.
    pub fn replace(&mut self, row: T) -> Result<(), InputError> {
        if !self.contents.has_key() {
            return Err(InputError::NoKey);
        }
        let old = self.contents.with_key_of(&row.to_row_bytes()).map(<[u8]>::to_vec);
        if let Some(old) = old {
            self.take_away(&old);
        }
        self.insert(row);
        Ok(())
    }
}

/// Takes back what a transaction has changed, the last change first.
fn undo(contents: &mut Contents, mut block: &[u8]) {
    let mut updates = Vec::new();
    while !block.is_empty() {
        let diff = i64::decode(&mut block);
        let len = u32::decode(&mut block) as usize;
        updates.push((take_bytes(&mut block, len), diff));
    }
    for (row, diff) in updates.into_iter().rev() {
        if diff > 0 { contents.remove(row) } else { contents.insert(row) }
    }
}

impl<T: Schema> TableInput<T> {
    /// Makes several changes together: they enter in one epoch, all or none.
    ///
    /// # Errors
    ///
    /// The closure's error, after which nothing has changed, or [`InputError::Closed`].
    pub fn transaction<R>(
        &self,
        f: impl FnOnce(&mut Transaction<'_, T>) -> Result<R, InputError>,
    ) -> Result<R, InputError> {
        let mut contents = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        let mut transaction =
            Transaction { contents: &mut contents, block: Vec::new(), rows: PhantomData };
        let result = f(&mut transaction);
        let Transaction { block, .. } = transaction;
        let pushed = match &result {
            Ok(_) if block.is_empty() => Ok(()),
            Ok(_) => self.handle.0.push(Block::Bytes(block.clone())),
            Err(error) => Err(*error),
        };
        if pushed.is_err() {
            undo(&mut contents, &block);
        }
        pushed.and(result)
    }

    /// Adds a row.
    ///
    /// # Errors
    ///
    /// [`InputError::Closed`] if the input was closed or the run has ended; so for all methods.
    pub fn insert(&self, row: T) -> Result<(), InputError> {
        self.transaction(|transaction| {
            transaction.insert(row);
            Ok(())
        })
    }

    /// Takes a row away.
    ///
    /// # Errors
    ///
    /// [`InputError::Absent`] if it is not there.
    pub fn remove(&self, row: &T) -> Result<(), InputError> {
        self.transaction(|transaction| transaction.remove(row))
    }

    /// Adds a row in the place of the one with its key, if there is one.
    ///
    /// # Errors
    ///
    /// [`InputError::NoKey`] if the row type has no key.
    pub fn replace(&self, row: T) -> Result<(), InputError> {
        self.transaction(|transaction| transaction.replace(row))
    }

    /// Ends the input.
    pub fn close(&self) {
        self.handle.0.close();
    }
}
