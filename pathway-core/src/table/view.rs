//! Live views: the current rows of a table, to be read while the pipeline runs.

use super::Table;
use super::write::SinkEnd;
use crate::format;
use crate::io::{CollectionKind, SinkError, SinkWriter, Updates};
use crate::plan::SinkKind;
use crate::schema::{DataType, Keyed, Schema, ordered, put_len, take_bytes, take_len};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

/// The rows of a view at one closed epoch.
#[derive(Default)]
struct Contents {
    /// The number of epochs that are in.
    epochs: u64,
    /// Rows in the ordered encoding, with their copies.
    rows: BTreeMap<Vec<u8>, i64>,
    /// The row of each key, where rows have one.
    by_key: BTreeMap<Vec<u8>, Vec<u8>>,
}

struct Shared {
    contents: RwLock<Contents>,
    changed: (Mutex<u64>, Condvar),
}

/// A table's current rows, readable from any thread while the pipeline runs. Made by
/// [`Table::view`]; cheap to clone.
///
/// Every read sees one closed epoch: never a part of one.
pub struct View<T> {
    shared: Arc<Shared>,
    rows: PhantomData<fn() -> T>,
}

impl<T> Clone for View<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), rows: PhantomData }
    }
}

impl<T> fmt::Debug for View<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("epochs", &self.read().epochs).finish_non_exhaustive()
    }
}

/// The bytes of a key in the ordered encoding.
fn key_bytes<K: Schema>(key: &K) -> Vec<u8> {
    let mut out = Vec::new();
    ordered::from_compact(K::data_type(), &mut key.to_row_bytes().as_slice(), &mut out);
    out
}

type KeyOf = fn(&[u8]) -> Vec<u8>;

struct Writer {
    shared: Arc<Shared>,
    data_type: DataType,
    key_of: Option<KeyOf>,
}

impl SinkWriter for Writer {
    fn write(&mut self, epoch: u64, updates: &Updates) -> Result<(), SinkError> {
        let mut contents = self.shared.contents.write().unwrap_or_else(PoisonError::into_inner);
        for (row, diff) in updates.iter() {
            let mut key = Vec::with_capacity(row.len() + 8);
            ordered::from_compact(self.data_type, &mut &*row, &mut key);
            if let Some(key_of) = self.key_of {
                let by = key_of(row);
                if diff < 0 {
                    if contents.by_key.get(&by) == Some(&key) {
                        contents.by_key.remove(&by);
                    }
                } else if diff > 1 || contents.by_key.contains_key(&by) {
                    return Err(self.not_unique(&contents, &by, row));
                } else {
                    contents.by_key.insert(by, key.clone());
                }
            }
            let count = contents.rows.entry(key.clone()).or_insert(0);
            *count += diff;
            if *count == 0 {
                contents.rows.remove(&key);
            }
        }
        contents.epochs = epoch + 1;
        drop(contents);
        self.announce(epoch + 1);
        Ok(())
    }

    fn saved(&self, out: &mut Vec<u8>) {
        let contents = self.shared.contents.read().unwrap_or_else(PoisonError::into_inner);
        contents.epochs.encode(out);
        put_len(contents.rows.len(), out);
        for (key, copies) in &contents.rows {
            put_len(key.len(), out);
            out.extend_from_slice(key);
            copies.encode(out);
        }
    }

    fn restore(&mut self, state: &[u8]) {
        let contents = self.loaded(state);
        let epochs = contents.epochs;
        *self.shared.contents.write().unwrap_or_else(PoisonError::into_inner) = contents;
        self.announce(epochs);
    }
}

impl Writer {
    /// Reads what was saved: the epochs that are in, then the rows.
    fn loaded(&self, mut input: &[u8]) -> Contents {
        let input = &mut input;
        let mut contents = Contents { epochs: u64::decode(input), ..Contents::default() };
        for _ in 0..take_len(input) {
            let len = take_len(input);
            let key = take_bytes(input, len).to_vec();
            if let Some(key_of) = self.key_of {
                let mut row = Vec::new();
                ordered::to_compact(self.data_type, &mut key.as_slice(), &mut row);
                contents.by_key.insert(key_of(&row), key.clone());
            }
            contents.rows.insert(key, i64::decode(input));
        }
        contents
    }

    fn announce(&self, epoch: u64) {
        let (epochs, changed) = &self.shared.changed;
        *epochs.lock().unwrap_or_else(PoisonError::into_inner) = epoch;
        changed.notify_all();
    }

    fn not_unique(&self, contents: &Contents, by: &[u8], row: &[u8]) -> SinkError {
        let mut other = Vec::new();
        if let Some(mut key) = contents.by_key.get(by).map(Vec::as_slice) {
            ordered::to_compact(self.data_type, &mut key, &mut other);
        }
        let show = |row: &[u8]| format::display::display(self.data_type, row);
        let other = if other.is_empty() { show(row) } else { show(&other) };
        SinkError::Unwritable {
            problem: format!("two rows of a keyed view have one key: {other} and {}", show(row)),
            help: "keep the latest row of each key with `.upsert()`, or group by the key".into(),
        }
    }
}

impl<T> Table<T> {
    /// Keeps the table's current rows in memory, to be read from any thread while the pipeline
    /// runs. A change is visible as soon as its epoch has closed.
    ///
    /// **State.** A copy of the table, apart from the operators' own.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let (input, words) = app.input::<String>();
    /// let counts = words.group_by(|word| word.clone()).reduce(|g| g.count()).view();
    /// let running = app.start()?;
    /// input.push("be".to_owned())?;
    /// counts.wait_for(|rows| !rows.is_empty(), std::time::Duration::from_secs(10));
    /// assert_eq!(counts.rows(), [("be".to_owned(), 1)]);
    /// # running.stop();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Where the row type has a key, two rows with one key at the close of an epoch end the run
    /// with an error that names both.
    #[track_caller]
    pub fn view(&self) -> View<T>
    where
        T: Schema,
    {
        self.make_view(key_columns::<T>(), Location::caller())
    }

    fn make_view(&self, key_of: Option<KeyOf>, location: &'static Location<'static>) -> View<T>
    where
        T: Schema,
    {
        let shared = Arc::new(Shared {
            contents: RwLock::default(),
            changed: (Mutex::new(0), Condvar::new()),
        });
        let writer = Writer { shared: Arc::clone(&shared), data_type: T::data_type(), key_of };
        let end = SinkEnd {
            label: "view".to_owned(),
            fingerprint: "view".to_owned(),
            kind: CollectionKind::Table,
            // Retractions first, so that a replaced row leaves its key before the new one comes.
            wants: crate::io::Wanted::Sorted,
            sink: SinkKind::Inline(Box::new(writer)),
        };
        self.push_sink("view", location, end);
        View { shared, rows: PhantomData }
    }
}

/// Takes the key columns out of an encoded row of `T`, if it has any: as the ordered encoding of
/// the key's own type.
fn key_columns<T: Schema>() -> Option<KeyOf> {
    T::data_type().columns().iter().any(|column| column.key).then_some(|row: &[u8]| {
        super::input::key_in_order(T::data_type(), row).expect("the row type has a key")
    })
}

/// The rows of a view at one closed epoch, for several reads that belong together.
pub struct ViewSnapshot<'a, T> {
    contents: RwLockReadGuard<'a, Contents>,
    rows: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for ViewSnapshot<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ViewSnapshot").finish_non_exhaustive()
    }
}

impl<T: Schema> ViewSnapshot<'_, T> {
    /// How many epochs are in.
    pub fn epochs(&self) -> u64 {
        self.contents.epochs
    }

    /// The rows, in the order of rows.
    pub fn iter(&self) -> impl Iterator<Item = T> {
        self.contents.rows.iter().flat_map(|(key, &count)| (0..count).map(|_| decode(key)))
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.contents.rows.values().map(|&count| usize::try_from(count).unwrap_or(0)).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.contents.rows.is_empty()
    }

    /// The row with that key.
    pub fn get(&self, key: &T::Key) -> Option<T>
    where
        T: Keyed,
    {
        self.contents.by_key.get(&key_bytes(key)).map(|row| decode(row))
    }
}

fn decode<T: Schema>(mut key: &[u8]) -> T {
    let mut row = Vec::new();
    ordered::to_compact(T::data_type(), &mut key, &mut row);
    T::decode(&mut row.as_slice())
}

impl<T> View<T> {
    fn read(&self) -> RwLockReadGuard<'_, Contents> {
        self.shared.contents.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Schema> View<T> {
    /// The rows at the last closed epoch, held still: drop it soon, the pipeline waits for it.
    pub fn snapshot(&self) -> ViewSnapshot<'_, T> {
        ViewSnapshot { contents: self.read(), rows: PhantomData }
    }

    /// The rows, in the order of rows.
    pub fn rows(&self) -> Vec<T> {
        self.snapshot().iter().collect()
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.snapshot().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.read().rows.is_empty()
    }

    /// The row with that key.
    pub fn get(&self, key: &T::Key) -> Option<T>
    where
        T: Keyed,
    {
        self.snapshot().get(key)
    }

    /// Waits until `done` holds for the rows at some closed epoch, or the time is up; answers
    /// whether it did.
    pub fn wait_for(
        &self,
        mut done: impl FnMut(&ViewSnapshot<'_, T>) -> bool,
        limit: Duration,
    ) -> bool {
        let start = Instant::now();
        let (epochs, changed) = &self.shared.changed;
        let mut epoch = epochs.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let seen = *epoch;
            drop(epoch);
            if done(&self.snapshot()) {
                return true;
            }
            epoch = epochs.lock().unwrap_or_else(PoisonError::into_inner);
            while *epoch == seen {
                let Some(left) = limit.checked_sub(start.elapsed()) else { return false };
                epoch = changed.wait_timeout(epoch, left).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }
}
