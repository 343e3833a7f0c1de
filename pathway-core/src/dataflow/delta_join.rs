//! A join of many tables that reads their indexes and keeps nothing of its own.
//!
//! Each table has a path through the indexes of the others (see `plan::delta_join`). With one
//! worker, one operator walks them all when the epoch closes. With several, a combination moves on
//! to the worker that owns the key of its next look-up, wherever that is another key: the paths are
//! cut there, and the parts of all paths that come at the same time are one operator. Only the last
//! one calls the user's closure.
//!
//! ```text
//!   indexes ──▶ first look-ups ──▶ (combinations, by key) ──▶ last look-ups ──▶ closure
//!      └───────────────────────────────────────────────────────────▲
//! ```
//!
//! An index stays as it is until all its readers have released it, so each of the operators finds
//! the same versions.

use super::chunk::Chunk;
use super::index::{Index, Matches, Version};
use super::operator::{Epoch, Logic};
use super::out_buffer::{Exchanged, SharedBuffer};
use crate::stage::{CombinationKey, Diff, EncodedStep, KeyedCollector as _, put_row, take_row};
use std::cell::{Ref, RefCell};
use std::rc::Rc;

/// An index as one of the operators reads it.
pub(crate) struct Reader {
    pub(crate) index: Rc<RefCell<Index>>,
    /// The number that the index knows the operator by.
    pub(crate) reader: usize,
    /// The tables whose changed rows ask for rows of the past.
    pub(crate) asked_by: Vec<usize>,
    /// Whether the index was told that nobody will ask any more.
    pub(crate) forgets: bool,
}

/// One look-up.
pub(crate) struct Hop {
    pub(crate) table: usize,
    /// The reader that the rows are looked up in.
    pub(crate) reader: usize,
    pub(crate) key: CombinationKey,
    /// Pairs of keys that must be equal besides.
    pub(crate) checks: Vec<[CombinationKey; 2]>,
    /// Whether an empty row is found where there is none.
    pub(crate) optional: bool,
    /// Buffers.
    pub(crate) keys: [Vec<u8>; 2],
}

/// Where the part of a path begins.
pub(crate) enum From {
    /// With the changed rows of an index. If they are looked up by that same key first, it is not
    /// taken from them again.
    Index { reader: usize, by_same_key: bool, optional: bool },
    /// With combinations from other workers, by the key of the first look-up: the rows of these
    /// tables.
    Combinations { tables: Vec<usize>, chunks: Vec<Chunk> },
}

/// Where the combinations of a path's part go.
pub(crate) enum To {
    /// To the user's closure.
    Root,
    /// To the worker that owns this key: the rows of these tables.
    Owner { key: CombinationKey, tables: Vec<usize>, buffer: SharedBuffer },
}

/// A part of a path.
pub(crate) struct Part {
    /// The table whose changed rows walk it.
    pub(crate) start: usize,
    pub(crate) from: From,
    pub(crate) hops: Vec<Hop>,
    pub(crate) to: To,
}

/// The parts of all paths that are walked at the same time.
pub(crate) struct DeltaJoin {
    /// By table, the index that its changed rows are read from.
    pub(crate) starts: Vec<Rc<RefCell<Index>>>,
    pub(crate) readers: Vec<Reader>,
    /// By port behind those of the indexes, which part it feeds.
    pub(crate) fed: Vec<usize>,
    pub(crate) parts: Vec<Part>,
    /// Nothing, if the combinations go on to other operators.
    pub(crate) root: Option<Box<dyn EncodedStep>>,
    /// The table whose rows may be joined before the epoch closes, once all others have ended; and
    /// the readers of its indexes.
    pub(crate) eager: Vec<(usize, Vec<usize>)>,
}

/// What a walk knows.
struct Walk<'w, 'a> {
    indexes: &'w [&'a Index],
    start: usize,
    /// Whether the changed row is added.
    added: bool,
    rows: &'w mut [Option<&'a [u8]>],
    output: &'w mut Output<'a>,
}

enum Output<'a> {
    Root(&'a mut dyn EncodedStep),
    Owner {
        key: &'a mut CombinationKey,
        tables: &'a [usize],
        buffer: Exchanged,
        bytes: [Vec<u8>; 2],
    },
}

impl Output<'_> {
    fn push(&mut self, rows: &[Option<&[u8]>], added: bool, diff: Diff) {
        match self {
            Self::Root(root) => root.push_combination(rows, diff),
            Self::Owner { key, tables, buffer, bytes: [key_bytes, combination] } => {
                let is_there = key.write(rows, key_bytes);
                combination.clear();
                combination.push(u8::from(added));
                for &table in *tables {
                    put_row(rows[table], combination);
                }
                buffer.update(is_there.then_some(key_bytes), combination, diff);
            }
        }
    }
}

impl<'a> Walk<'_, 'a> {
    /// Looks up the rows of the next tables.
    fn go_on(&mut self, hops: &mut [Hop], diff: Diff) {
        let Some((hop, rest)) = hops.split_first_mut() else {
            self.output.push(self.rows, self.added, diff);
            return;
        };
        let [key, _] = &mut hop.keys;
        let is_there = hop.key.write(self.rows, key);
        let matches = is_there.then(|| self.indexes[hop.reader].matches(key));
        self.follow(hop, matches, rest, diff);
    }

    /// Goes on with each row that was found; with none, if the key is null.
    fn follow(
        &mut self,
        hop: &mut Hop,
        matches: Option<Matches<'a>>,
        rest: &mut [Hop],
        diff: Diff,
    ) {
        let version = match hop.table < self.start {
            true => Version::Kept,
            false if self.added => Version::Current,
            false => Version::Sealed,
        };
        let table = hop.table;
        if hop.optional && matches.is_none_or(|matches| is_alone(matches, version)) {
            self.rows[table] = None;
            if hop.holds(self.rows) {
                self.go_on(rest, diff);
            }
        }
        // A row that comes and goes within the epoch counts as a kept one taken away, also where
        // the key has no other.
        let Some(matches) = matches else { return };
        matches.for_each(version, |row, count| {
            self.rows[table] = Some(row);
            if hop.holds(self.rows) {
                self.go_on(rest, diff * count);
            }
        });
        self.rows[table] = None;
    }
}

/// Whether the empty row stands for a key.
fn is_alone(matches: Matches<'_>, version: Version) -> bool {
    match version {
        Version::Current | Version::Sealed => matches.count(version) == 0,
        Version::Kept => {
            matches.count(Version::Sealed) == 0 && matches.count(Version::Current) == 0
        }
    }
}

impl Hop {
    /// Whether the rows meet the other conditions.
    fn holds(&mut self, rows: &[Option<&[u8]>]) -> bool {
        let [first, second] = &mut self.keys;
        self.checks.iter_mut().all(|[left, right]| {
            left.write(rows, first) && right.write(rows, second) && first == second
        })
    }
}

impl Part {
    fn walk(&mut self, indexes: &[&Index], tables: usize, root: Option<&mut dyn EncodedStep>) {
        let Self { start, from, hops, to } = self;
        let chunks = match from {
            From::Index { .. } => Vec::new(),
            From::Combinations { chunks, .. } => std::mem::take(chunks),
        };
        let mut output = match (to, root) {
            (To::Root, Some(root)) => Output::Root(root),
            (To::Owner { key, tables, buffer }, _) => {
                let (buffer, bytes) = (Exchanged(Rc::clone(buffer)), Default::default());
                Output::Owner { key, tables, buffer, bytes }
            }
            (To::Root, None) => unreachable!("the last operator has the root"),
        };
        let mut rows = vec![None; tables];
        let mut walk =
            Walk { indexes, start: *start, added: true, rows: &mut rows, output: &mut output };
        match from {
            From::Index { reader, by_same_key: false, .. } => {
                for (row, diff) in indexes[*reader].fresh_rows() {
                    walk.added = diff > 0;
                    walk.rows[*start] = Some(row);
                    walk.go_on(hops, diff);
                }
            }
            From::Index { reader, optional, .. } => {
                let (hop, rest) = hops.split_first_mut().expect("it has a first look-up");
                let (own, other) = (indexes[*reader], indexes[hop.reader]);
                own.probe(other, |row, diff, matches| {
                    walk.added = diff > 0;
                    walk.rows[*start] = Some(row);
                    walk.follow(hop, Some(matches), rest, diff);
                });
                if !*optional {
                    return;
                }
                // Empty rows that come, because a key has lost its last row, or go.
                walk.rows[*start] = None;
                for key in own.touched() {
                    let alone = |count| Diff::from(count == 0);
                    let diff = alone(key.current_count()) - alone(key.sealed_count());
                    if diff != 0 && !key.is_null() {
                        walk.added = diff > 0;
                        walk.follow(hop, Some(key.matches_in(other)), rest, diff);
                    }
                }
            }
            From::Combinations { tables, .. } => {
                let (hop, rest) = hops.split_first_mut().expect("it is here for its key");
                for chunk in &chunks {
                    for (key, combination, diff) in chunk.iter() {
                        let (added, mut input) = combination.split_first().expect("it has a tag");
                        walk.added = *added != 0;
                        walk.rows.fill(None);
                        for &table in &*tables {
                            walk.rows[table] = take_row(&mut input);
                        }
                        let matches = key.map(|key| indexes[hop.reader].matches(key));
                        walk.follow(hop, matches, rest, diff);
                    }
                }
            }
        }
    }
}

/// So many rows of a table that is not kept are joined at once, before the epoch closes.
const EAGER_ROWS: usize = 1 << 12;

impl DeltaJoin {
    /// Joins what has come so far.
    fn advance(&mut self) {
        for reader in &self.readers {
            reader.index.borrow_mut().settle();
        }
        {
            let borrowed: Vec<Ref<'_, Index>> =
                self.readers.iter().map(|reader| reader.index.borrow()).collect();
            let indexes: Vec<&Index> = borrowed.iter().map(|index| &**index).collect();
            for part in &mut self.parts {
                let root = self.root.as_mut().map(|root| &mut **root as &mut dyn EncodedStep);
                part.walk(&indexes, self.starts.len(), root);
            }
        }
        let ended: Vec<bool> = self.starts.iter().map(|start| start.borrow().has_ended()).collect();
        for reader in &mut self.readers {
            let mut index = reader.index.borrow_mut();
            if !reader.forgets && reader.asked_by.iter().all(|&table| ended[table]) {
                reader.forgets = true;
                index.stop_keeping();
            }
            index.release(reader.reader);
        }
    }

    /// Whether one table alone goes on, so that its rows need not be kept, and many have come.
    fn is_eager(&self) -> bool {
        let mut open = (0..self.starts.len()).filter(|&at| !self.starts[at].borrow().has_ended());
        let (Some(table), None) = (open.next(), open.next()) else { return false };
        let Some((_, readers)) = self.eager.iter().find(|(eager, _)| *eager == table) else {
            return false;
        };
        self.starts[table].borrow().fresh_len() >= EAGER_ROWS
            && readers.iter().all(|&at| self.readers[at].index.borrow().has_one_reader())
    }
}

impl Logic for DeltaJoin {
    fn receive(&mut self, port: usize, chunk: Chunk) {
        // The rows are in the indexes; their chunks only tell that there are some.
        let fed = port.checked_sub(self.readers.len()).map(|at| self.fed[at]);
        match fed {
            Some(part) => {
                if let From::Combinations { chunks, .. } = &mut self.parts[part].from {
                    chunks.push(chunk);
                }
            }
            None if self.is_eager() => self.advance(),
            None => {}
        }
    }

    fn close(&mut self, _epoch: Epoch) -> bool {
        self.advance();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataflow::state::Stored;
    use crate::schema::Schema;
    use crate::stage::{self, KeyedTerminal, RowKey, RowType};
    use crate::testing::Random;
    use std::collections::BTreeMap;

    /// Two keys and a number.
    type Row = (u8, u8, u8);
    type Sums = BTreeMap<[Row; 3], Diff>;
    type Shared = Rc<RefCell<Index>>;

    /// Adds up what a join gives.
    struct Collected(Rc<RefCell<Sums>>);

    impl EncodedStep for Collected {
        fn push(&mut self, _: &[u8], _: &[u8], _: Diff) {
            unreachable!("a join of many gives combinations");
        }

        fn push_combination(&mut self, rows: &[Option<&[u8]>], diff: Diff) {
            let decoded =
                [0, 1, 2].map(|at| Row::decode(&mut rows[at].expect("no optional table")));
            let mut sums = self.0.borrow_mut();
            *sums.entry(decoded).or_default() += diff;
            sums.retain(|_, diff| *diff != 0);
        }
    }

    fn key(table: usize, of: fn(&Row) -> u8) -> CombinationKey {
        let terminal: KeyedTerminal = stage::keyed_terminal(move |row: &Row| of(row));
        let key = RowKey { rows: RowType::of::<Row>(), terminal, column: None };
        CombinationKey::new(&[(table, key)], 0)
    }

    fn hop(table: usize, reader: usize, key: CombinationKey) -> Hop {
        let keys = Default::default();
        Hop { table, reader, key, checks: Vec::new(), optional: false, keys }
    }

    /// The chain of three tables by the second key of one and the first of the next.
    struct Chain {
        /// The first by its second key, the second by its first and by its second, the third by
        /// its first.
        indexes: [Shared; 4],
        join: DeltaJoin,
        given: Rc<RefCell<Sums>>,
    }

    impl Chain {
        fn new() -> Self {
            let indexes: [Shared; 4] = std::array::from_fn(|_| Rc::new(RefCell::new(Index::new())));
            let given = Rc::new(RefCell::new(Sums::new()));
            let readers = indexes.iter().zip([vec![1, 2], vec![0], vec![2], vec![0, 1]]);
            let reader = |(index, asked_by): (&Shared, Vec<usize>)| {
                let reader = index.borrow_mut().add_reader(true);
                Reader { index: Rc::clone(index), reader, asked_by, forgets: false }
            };
            let part = |start, reader, hops| {
                let from = From::Index { reader, by_same_key: true, optional: false };
                Part { start, from, hops, to: To::Root }
            };
            let parts = vec![
                part(0, 0, vec![hop(1, 1, key(0, |row| row.1)), hop(2, 3, key(1, |row| row.1))]),
                part(1, 1, vec![hop(0, 0, key(1, |row| row.0)), hop(2, 3, key(1, |row| row.1))]),
                part(2, 3, vec![hop(1, 2, key(2, |row| row.0)), hop(0, 0, key(1, |row| row.0))]),
            ];
            let join = DeltaJoin {
                starts: [0, 1, 3].map(|at| Rc::clone(&indexes[at])).to_vec(),
                readers: readers.map(reader).collect(),
                fed: Vec::new(),
                parts,
                root: Some(Box::new(Collected(Rc::clone(&given)))),
                eager: Vec::new(),
            };
            Self { indexes, join, given }
        }

        fn update(&self, table: usize, row: &Row, diff: Diff) {
            let by: &[(usize, u8)] = match table {
                0 => &[(0, row.1)],
                1 => &[(1, row.0), (2, row.1)],
                _ => &[(3, row.0)],
            };
            for (index, key) in by {
                self.indexes[*index].borrow_mut().update(Some(&[*key]), &row.to_row_bytes(), diff);
            }
        }
    }

    fn naive(rows: &[Vec<Row>; 3]) -> Sums {
        let mut sums = Sums::new();
        for a in &rows[0] {
            for b in rows[1].iter().filter(|b| a.1 == b.0) {
                for c in rows[2].iter().filter(|c| b.1 == c.0) {
                    *sums.entry([*a, *b, *c]).or_default() += 1;
                }
            }
        }
        sums
    }

    /// All that is kept is in the indexes: a join that is given saved ones goes on as if nothing
    /// had happened.
    #[test]
    fn a_join_goes_on_from_saved_indexes() {
        let mut random = Random::new(5);
        let mut chain = Chain::new();
        let mut stored: [Stored; 4] = Default::default();
        let mut rows: [Vec<Row>; 3] = Default::default();
        for epoch in 0..60 {
            for (table, rows) in rows.iter_mut().enumerate() {
                for _ in 0..random.below(5) {
                    if random.one_in(2) && !rows.is_empty() {
                        let at = random.index(rows.len());
                        chain.update(table, &rows.swap_remove(at), -1);
                    } else {
                        let mut key = || u8::try_from(random.below(4)).unwrap();
                        let row = (key(), key(), key());
                        chain.update(table, &row, 1);
                        rows.push(row);
                    }
                }
            }
            assert!(chain.join.close(epoch));
            assert_eq!(*chain.given.borrow(), naive(&rows), "epoch {epoch}");
            if epoch % 7 == 6 {
                let restored = Chain::new();
                *restored.given.borrow_mut() = chain.given.borrow().clone();
                for ((stored, old), new) in
                    stored.iter_mut().zip(&chain.indexes).zip(&restored.indexes)
                {
                    stored.save(&mut *old.borrow_mut());
                    stored.load(&mut *new.borrow_mut());
                }
                chain = restored;
            }
        }
    }
}
