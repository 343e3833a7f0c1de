//! Keys of encoded rows, taken again where a row is met that was kept by another key.

use super::encoded::columns_of;
use super::{Diff, EncodedStep, KeyedCollector, KeyedTerminal, RowType};
use crate::schema::Locator;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

/// How a key is taken from the rows of a table.
#[derive(Clone)]
pub struct RowKey {
    /// The rows.
    pub rows: RowType,
    /// Takes the key from a row.
    pub terminal: KeyedTerminal,
    /// The column that is the key as it is encoded, if there is one.
    pub column: Option<usize>,
}

impl fmt::Debug for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowKey").field("column", &self.column).finish_non_exhaustive()
    }
}

impl RowKey {
    /// Begins to read keys on a worker, for that plan node.
    pub(crate) fn reader(&self, node: u32) -> RowKeyReader {
        if let Some(column) = self.column {
            let rows = columns_of((self.rows.data_type)());
            return RowKeyReader::Column(Locator::new(rows, &[column]));
        }
        let found = Rc::new(RefCell::new(Found::default()));
        let step = (self.terminal)(node, Box::new(Finder(Rc::clone(&found))));
        RowKeyReader::Computed { decode: (self.rows.root)(step), found }
    }
}

/// The key of one row.
#[derive(Default)]
pub(crate) struct Found {
    key: Vec<u8>,
    null: bool,
}

struct Finder(Rc<RefCell<Found>>);

impl KeyedCollector for Finder {
    fn update(&mut self, key: Option<&[u8]>, _row: &[u8], _diff: Diff) {
        let mut found = self.0.borrow_mut();
        found.null = key.is_none();
        found.key.clear();
        found.key.extend_from_slice(key.unwrap_or_default());
    }
}

/// Takes a key from encoded rows: a column is found in place, for another key the row is decoded.
pub(crate) enum RowKeyReader {
    Column(Locator),
    Computed { decode: Box<dyn EncodedStep>, found: Rc<RefCell<Found>> },
}

impl RowKeyReader {
    /// Appends the key of a row; answers whether no part of it is null.
    pub(crate) fn append(&mut self, row: &[u8], key: &mut Vec<u8>) -> bool {
        match self {
            Self::Column(locator) => {
                let mut value = None;
                locator.locate(row, |_, bytes| value = bytes);
                key.extend_from_slice(value.unwrap_or_default());
                value.is_some()
            }
            Self::Computed { decode, found } => {
                decode.push(row, &[], 1);
                let found = found.borrow();
                key.extend_from_slice(&found.key);
                !found.null
            }
        }
    }
}

/// A terminal that keeps rows by several keys at once.
pub(crate) fn keys_terminal(rows: RowType, keys: Arc<[RowKey]>) -> KeyedTerminal {
    Arc::new(move |node, collector| (rows.rows)(by_keys(&keys, node, collector)))
}

/// A collector of whole rows that hands them on by several keys at once.
pub(crate) fn by_keys(
    keys: &[RowKey],
    node: u32,
    collector: Box<dyn KeyedCollector>,
) -> Box<dyn KeyedCollector> {
    let readers = keys.iter().map(|key| key.reader(node)).collect();
    Box::new(ByKeys { readers, collector, key: Vec::new() })
}

/// Finds the keys of rows that come encoded.
struct ByKeys {
    readers: Vec<RowKeyReader>,
    collector: Box<dyn KeyedCollector>,
    key: Vec<u8>,
}

impl KeyedCollector for ByKeys {
    fn update(&mut self, row: Option<&[u8]>, _: &[u8], diff: Diff) {
        let row = row.unwrap_or_default();
        self.key.clear();
        let key = &mut self.key;
        let is_there = self.readers.iter_mut().all(|reader| reader.append(row, key));
        self.collector.update(is_there.then_some(&self.key), row, diff);
    }
}
