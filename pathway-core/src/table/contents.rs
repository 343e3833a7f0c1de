//! What a table's input has put into it.

use crate::schema::{DataType, Locator, put_len, take_bytes, take_len};
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Found;
use std::hash::{BuildHasher, Hasher};

/// Rows with how often each is there, and the latest row of each key. A type without a key has its
/// whole rows as keys.
///
/// Rows stand in one log, each once. Entries of [`HashTable`]s point to them.
pub(super) struct Contents {
    key: Option<KeyOf>,
    hasher: RandomState,
    log: Log,
    /// By key. Of rows with equal keys, the one that was put in last.
    latest: HashTable<Entry>,
    /// By row: those whose key has had another row since.
    others: HashTable<Entry>,
    /// Reused for keys of several columns.
    buffers: [Vec<u8>; 2],
}

struct Entry {
    /// Where its row begins in the log.
    start: u64,
    hash: u32,
    /// How often it is there; never zero.
    count: u32,
}

impl Entry {
    fn add_one(&mut self) {
        self.count = self.count.checked_add(1).expect("a table has under four billion equal rows");
    }
}

/// Rows, each behind its length.
#[derive(Default)]
struct Log {
    bytes: Vec<u8>,
    /// How many bytes are of rows that have gone.
    gone: usize,
}

/// A log of fewer bytes is not written anew.
const LOG_BYTES_KEPT: usize = 1 << 16;

/// Finds the key in a row.
struct KeyOf {
    locator: Locator,
    /// Whether each of its columns can be null.
    nullable: Vec<bool>,
}

impl KeyOf {
    fn new(rows: DataType) -> Option<Self> {
        let DataType::Struct(inner) = rows else { return None };
        let columns = inner.columns.iter().enumerate().filter(|(_, column)| column.key);
        let (wanted, nullable): (Vec<_>, Vec<_>) =
            columns.map(|(at, column)| (at, column.nullable)).unzip();
        let is_some = !wanted.is_empty();
        is_some.then(|| Self { locator: Locator::new(inner, &wanted), nullable })
    }

    /// The key's bytes: equal ones for equal keys only.
    fn of<'a>(&self, row: &'a [u8], buffer: &'a mut Vec<u8>) -> &'a [u8] {
        if let [false] = *self.nullable {
            let mut key = None;
            self.locator.locate(row, |_, value| key = value);
            return key.unwrap_or_default();
        }
        buffer.clear();
        self.locator.locate(row, |place, value| {
            if self.nullable[place] {
                buffer.push(u8::from(value.is_some()));
            }
            buffer.extend_from_slice(value.unwrap_or_default());
        });
        buffer
    }
}

fn key_of<'a>(key: Option<&KeyOf>, row: &'a [u8], buffer: &'a mut Vec<u8>) -> &'a [u8] {
    key.map_or(row, |key| key.of(row, buffer))
}

fn hash_of(hasher: &RandomState, bytes: &[u8]) -> u32 {
    let mut hasher = hasher.build_hasher();
    hasher.write(bytes);
    (hasher.finish() >> 32) as u32
}

/// The hash as a table wants it: all of its 64 bits count.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

fn place(start: u64) -> usize {
    usize::try_from(start).expect("the row is in memory")
}

impl Log {
    fn push(&mut self, row: &[u8]) -> u64 {
        let start = self.bytes.len() as u64;
        put_len(row.len(), &mut self.bytes);
        self.bytes.extend_from_slice(row);
        start
    }

    fn row(&self, start: u64) -> &[u8] {
        let mut bytes = &self.bytes[place(start)..];
        let len = take_len(&mut bytes);
        take_bytes(&mut bytes, len)
    }

    fn forget(&mut self, start: u64) {
        let mut bytes = &self.bytes[place(start)..];
        let before = bytes.len();
        let len = take_len(&mut bytes);
        self.gone += before - bytes.len() + len;
    }
}

impl Contents {
    /// Nothing yet, of rows of that type.
    pub(super) fn new(rows: DataType) -> Self {
        Self {
            key: KeyOf::new(rows),
            hasher: RandomState::default(),
            log: Log::default(),
            latest: HashTable::new(),
            others: HashTable::new(),
            buffers: Default::default(),
        }
    }

    /// Whether rows have a key.
    pub(super) fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// The latest row with the key of `row`.
    pub(super) fn with_key_of(&mut self, row: &[u8]) -> Option<&[u8]> {
        let Self { key, hasher, log, latest, buffers: [of_row, of_other], .. } = self;
        let wanted = key_of(key.as_ref(), row, of_row);
        let hash = hash_of(hasher, wanted);
        let found = latest.find(spread(hash), |entry| {
            entry.hash == hash && key_of(key.as_ref(), log.row(entry.start), of_other) == wanted
        });
        found.map(|entry| log.row(entry.start))
    }

    /// Whether that row is there.
    pub(super) fn contains(&mut self, row: &[u8]) -> bool {
        if self.with_key_of(row).is_some_and(|latest| latest == row) {
            return true;
        }
        if self.others.is_empty() {
            return false;
        }
        let hash = hash_of(&self.hasher, row);
        let is_row = |entry: &Entry| entry.hash == hash && self.log.row(entry.start) == row;
        self.others.find(spread(hash), is_row).is_some()
    }

    /// Puts a row in once more.
    pub(super) fn insert(&mut self, row: &[u8]) {
        let Self { key, hasher, log, latest, others, buffers: [of_row, of_other] } = self;
        let wanted = key_of(key.as_ref(), row, of_row);
        let hash = hash_of(hasher, wanted);
        let found = latest.entry(
            spread(hash),
            |entry| {
                entry.hash == hash && key_of(key.as_ref(), log.row(entry.start), of_other) == wanted
            },
            |entry| spread(entry.hash),
        );
        match found {
            Found::Occupied(mut found) if log.row(found.get().start) == row => {
                found.get_mut().add_one();
            }
            Found::Occupied(mut found) => {
                // The key has another row now.
                let entry = once_more(others, hasher, log, row, hash);
                let mut former = std::mem::replace(found.get_mut(), entry);
                former.hash = hash_of(hasher, log.row(former.start));
                others.insert_unique(spread(former.hash), former, |entry| spread(entry.hash));
            }
            Found::Vacant(place) => {
                place.insert(once_more(others, hasher, log, row, hash));
            }
        }
    }

    /// Takes a row that is there away once.
    pub(super) fn remove(&mut self, row: &[u8]) {
        let Self { key, hasher, log, latest, others, buffers: [of_row, _] } = self;
        let hash = hash_of(hasher, key_of(key.as_ref(), row, of_row));
        let is_row = |entry: &Entry| entry.hash == hash && log.row(entry.start) == row;
        let gone = if let Ok(mut found) = latest.find_entry(spread(hash), is_row) {
            found.get_mut().count -= 1;
            (found.get().count == 0).then(|| found.remove().0)
        } else {
            let mut other = take_row(others, hasher, log, row)
                .expect("a row is taken away only where it is there");
            other.count -= 1;
            if other.count == 0 {
                Some(other)
            } else {
                others.insert_unique(spread(other.hash), other, |entry| spread(entry.hash));
                None
            }
        };
        if let Some(gone) = gone {
            self.log.forget(gone.start);
            if self.log.gone > LOG_BYTES_KEPT.max(self.log.bytes.len() / 2) {
                self.rewrite_log();
            }
        }
    }

    fn rewrite_log(&mut self) {
        let mut log = Log::default();
        log.bytes.reserve(self.log.bytes.len() - self.log.gone);
        for entry in self.latest.iter_mut().chain(self.others.iter_mut()) {
            entry.start = log.push(self.log.row(entry.start));
        }
        self.log = log;
    }
}

/// The entry of a row that is put in, with the hash of its key, where it is not the latest one of
/// its key.
fn once_more(
    others: &mut HashTable<Entry>,
    hasher: &RandomState,
    log: &mut Log,
    row: &[u8],
    hash: u32,
) -> Entry {
    let other = take_row(others, hasher, log, row);
    let mut entry = other.unwrap_or_else(|| Entry { start: log.push(row), hash, count: 0 });
    entry.hash = hash;
    entry.add_one();
    entry
}

/// Takes the entry of a row from a table by row, if it is there.
fn take_row(
    rows: &mut HashTable<Entry>,
    hasher: &RandomState,
    log: &Log,
    row: &[u8],
) -> Option<Entry> {
    if rows.is_empty() {
        return None;
    }
    let hash = hash_of(hasher, row);
    let is_row = |entry: &Entry| entry.hash == hash && log.row(entry.start) == row;
    rows.find_entry(spread(hash), is_row).ok().map(|found| found.remove().0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{ColumnType, Schema, StructKind, StructType};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// Two columns, of which the first is the key.
    static KEYED: StructType = StructType {
        name: "Keyed",
        kind: StructKind::Named,
        columns: &[
            ColumnType { key: true, ..ColumnType::of::<u8>("key") },
            ColumnType::of::<String>("text"),
        ],
    };
    /// Four columns, of which the second and the last are the key.
    static WIDE: StructType = StructType {
        name: "Wide",
        kind: StructKind::Named,
        columns: &[
            ColumnType::of::<String>("text"),
            ColumnType { key: true, ..ColumnType::of::<Option<u8>>("first") },
            ColumnType::of::<u64>("number"),
            ColumnType { key: true, ..ColumnType::of::<String>("second") },
        ],
    };

    fn row(data_type: DataType, key: u8, text: u8) -> Vec<u8> {
        let long = "x".repeat(usize::from(text) * 40);
        let mut row = Vec::new();
        match data_type {
            DataType::Struct(inner) if inner.name == "Wide" => {
                let first = Some(key % 3).filter(|&first| first > 0);
                (long, first, u64::from(text), format!("{}", key / 3)).encode(&mut row);
            }
            _ => (key, long).encode(&mut row),
        }
        row
    }

    proptest! {
        /// Beside what says it in the plainest way: rows with counts, and a latest row by key.
        #[test]
        fn as_two_maps_would_have_it(
            kind in 0usize..3,
            changes in prop::collection::vec((0u8..12, 0u8..4, 0u8..4), 0..400),
        ) {
            let data_type = [
                DataType::Struct(&KEYED),
                DataType::Struct(&WIDE),
                <(u8, String)>::data_type(),
            ][kind];
            let mut contents = Contents::new(data_type);
            prop_assert_eq!(contents.has_key(), kind < 2);
            let (mut rows, mut by_key) = (BTreeMap::new(), BTreeMap::new());
            for (key, text, change) in changes {
                let bytes = row(data_type, key, text);
                let key = if kind < 2 { vec![key] } else { bytes.clone() };
                prop_assert_eq!(contents.contains(&bytes), rows.contains_key(&bytes));
                prop_assert_eq!(contents.with_key_of(&bytes), by_key.get(&key).map(Vec::as_slice));
                if change < 2 {
                    contents.insert(&bytes);
                    *rows.entry(bytes.clone()).or_insert(0) += 1;
                    by_key.insert(key, bytes);
                } else if let Some(count) = rows.get_mut(&bytes) {
                    contents.remove(&bytes);
                    *count -= 1;
                    if *count == 0 {
                        rows.remove(&bytes);
                        if by_key.get(&key) == Some(&bytes) {
                            by_key.remove(&key);
                        }
                    }
                }
            }
            contents.rewrite_log();
            for bytes in rows.keys() {
                prop_assert!(contents.contains(bytes));
            }
            let len = contents.latest.len() + contents.others.len();
            prop_assert_eq!(len, rows.len());
        }
    }

    #[test]
    fn rows_that_have_gone_take_no_memory() {
        let data_type = DataType::Struct(&KEYED);
        let mut contents = Contents::new(data_type);
        for round in 0..2_000 {
            let bytes = row(data_type, u8::try_from(round % 256).unwrap(), 5);
            contents.insert(&bytes);
            contents.remove(&bytes);
        }
        assert!(contents.log.bytes.len() < 2 * LOG_BYTES_KEPT);
    }
}
