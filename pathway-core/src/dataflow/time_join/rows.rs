//! The rows of one key on one side, by time.

use super::Change;
use crate::schema::{DataType, ordered};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::RangeInclusive;
use std::rc::Rc;

/// A row as it is kept.
pub(super) type Row = Rc<[u8]>;

/// How the rows of one moment are told apart and sorted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ties {
    /// In any order.
    Any,
    /// In row order: rows of that type, behind so many bytes.
    RowOrder(DataType, usize),
}

impl Ties {
    fn sort(self, row: &[u8]) -> Box<[u8]> {
        match self {
            Self::Any => row.into(),
            Self::RowOrder(data_type, front) => {
                let mut sort = Vec::new();
                ordered::from_compact(data_type, &mut &row[front..], &mut sort);
                sort.into()
            }
        }
    }
}

/// The rows of one time, with how many copies there are of each.
#[derive(Debug)]
pub(super) struct Moment {
    rows: MomentRows,
    /// Whether a row of the other side, which is forgotten by now, matches.
    pub(super) met: bool,
}

#[derive(Debug)]
enum MomentRows {
    One(Row, i64),
    /// By what they are sorted by.
    Many(Box<BTreeMap<Box<[u8]>, (Row, i64)>>),
}

impl Moment {
    pub(super) fn for_each(&self, mut f: impl FnMut(&Row, i64)) {
        match &self.rows {
            MomentRows::One(row, copies) => f(row, *copies),
            MomentRows::Many(rows) => rows.values().for_each(|(row, copies)| f(row, *copies)),
        }
    }

    /// The greatest row.
    pub(super) fn last(&self) -> &Row {
        match &self.rows {
            MomentRows::One(row, _) => row,
            MomentRows::Many(rows) => {
                let (_, (row, _)) = rows.last_key_value().expect("many rows are two at least");
                row
            }
        }
    }

    /// The greatest row that is left when an epoch's changes of this moment are made, if one is.
    fn last_behind(&self, changes: &[Change<'_>]) -> Option<&Row> {
        let stays = |row: &Row, copies: i64| {
            let change = changes.binary_search_by(|change| change.row.cmp(row));
            copies + change.map_or(0, |at| changes[at].diff) > 0
        };
        match &self.rows {
            MomentRows::One(row, copies) => Some(row).filter(|row| stays(row, *copies)),
            MomentRows::Many(rows) => {
                rows.values().rev().find(|(row, copies)| stays(row, *copies)).map(|(row, _)| row)
            }
        }
    }

    fn len(&self) -> usize {
        match &self.rows {
            MomentRows::One(..) => 1,
            MomentRows::Many(rows) => rows.len(),
        }
    }
}

/// The rows of one key on one side.
#[derive(Debug, Default)]
pub(super) struct Rows {
    moments: BTreeMap<i128, Moment>,
}

impl Rows {
    pub(super) fn is_empty(&self) -> bool {
        self.moments.is_empty()
    }

    pub(super) fn moment(&self, time: i128) -> Option<&Moment> {
        self.moments.get(&time)
    }

    /// The moments from one time to another, both included.
    pub(super) fn range(
        &self,
        times: RangeInclusive<i128>,
    ) -> impl Iterator<Item = (i128, &Moment)> {
        let times = Some(times).filter(|times| !times.is_empty());
        times.into_iter().flat_map(|times| self.moments.range(times)).map(|(&time, m)| (time, m))
    }

    pub(super) fn has_any(&self, times: RangeInclusive<i128>) -> bool {
        self.range(times).next().is_some()
    }

    /// Notes that a row which is about to be forgotten matches the rows of these times.
    pub(super) fn meet(&mut self, times: RangeInclusive<i128>) {
        if !times.is_empty() {
            self.moments.range_mut(times).for_each(|(_, moment)| moment.met = true);
        }
    }

    /// The last moment at that time or before.
    pub(super) fn until(&self, time: i128) -> Option<(i128, &Moment)> {
        self.moments.range(..=time).next_back().map(|(&time, moment)| (time, moment))
    }

    /// The first moment at that time or behind it.
    pub(super) fn since(&self, time: i128) -> Option<(i128, &Moment)> {
        self.moments.range(time..).next().map(|(&time, moment)| (time, moment))
    }

    pub(super) fn first(&self) -> Option<(i128, &Moment)> {
        self.moments.first_key_value().map(|(&time, moment)| (time, moment))
    }

    /// The time of the second moment.
    pub(super) fn second(&self) -> Option<i128> {
        self.moments.keys().nth(1).copied()
    }

    pub(super) fn pop(&mut self) -> Option<Moment> {
        self.moments.pop_first().map(|(_, moment)| moment)
    }

    /// The greatest row of a moment, once an epoch's changes of it are made.
    pub(super) fn last_behind(&self, ties: Ties, changes: &[Change<'_>]) -> Option<Row> {
        let kept = self.moments.get(&changes[0].time);
        let kept = kept.and_then(|moment| moment.last_behind(changes));
        let added = changes.iter().filter(|change| change.diff > 0).map(|change| change.row);
        let mut added = added.peekable();
        let first = added.next();
        match (kept, first) {
            (None, Some(row)) if added.peek().is_none() => Some(row.into()),
            (kept, None) => kept.cloned(),
            (kept, Some(first)) => {
                let rows = kept.map(|row| &**row).into_iter().chain([first]).chain(added);
                rows.max_by_key(|row| ties.sort(row)).map(Row::from)
            }
        }
    }

    /// Adds copies of a row, or takes them away.
    ///
    /// # Errors
    ///
    /// How many copies there would be, if there would be fewer than none.
    pub(super) fn update(
        &mut self,
        ties: Ties,
        time: i128,
        row: &[u8],
        diff: i64,
    ) -> Result<(), i64> {
        let mut entry = match self.moments.entry(time) {
            Entry::Vacant(_) if diff < 0 => return Err(diff),
            Entry::Vacant(entry) => {
                entry.insert(Moment { rows: MomentRows::One(row.into(), diff), met: false });
                return Ok(());
            }
            Entry::Occupied(entry) => entry,
        };
        match &mut entry.get_mut().rows {
            MomentRows::One(one, copies) if **one == *row => {
                *copies += diff;
                match *copies {
                    0 => drop(entry.remove()),
                    copies @ ..0 => return Err(copies),
                    _ => {}
                }
            }
            MomentRows::One(..) if diff < 0 => return Err(diff),
            rows @ MomentRows::One(..) => {
                let many = MomentRows::Many(Box::default());
                if let MomentRows::One(one, copies) = std::mem::replace(rows, many)
                    && let MomentRows::Many(many) = rows
                {
                    many.insert(ties.sort(&one), (one, copies));
                    many.insert(ties.sort(row), (row.into(), diff));
                }
            }
            rows @ MomentRows::Many(_) => {
                if let MomentRows::Many(many) = rows {
                    update_many(many, ties, row, diff)?;
                    if many.len() == 1
                        && let Some((_, (row, copies))) = many.pop_first()
                    {
                        *rows = MomentRows::One(row, copies);
                    }
                }
            }
        }
        Ok(())
    }

    /// The number of rows and their bytes.
    pub(super) fn size(&self) -> (usize, usize) {
        let mut size = (0, 0);
        for moment in self.moments.values() {
            size.0 += moment.len();
            size.1 += size_of::<(i128, Moment)>();
            moment.for_each(|row, _| size.1 += row.len() + 2 * size_of::<usize>());
            if let MomentRows::Many(rows) = &moment.rows {
                let sorts = rows.keys().map(|sort| sort.len() + size_of::<(Row, i64)>());
                size.1 += sorts.sum::<usize>();
            }
        }
        size
    }

    /// Calls `f` with every row: its time, its moment, itself and its copies.
    pub(super) fn for_each(&self, mut f: impl FnMut(i128, &Moment, &Row, i64)) {
        for (&time, moment) in &self.moments {
            moment.for_each(|row, copies| f(time, moment, row, copies));
        }
    }
}

fn update_many(
    many: &mut BTreeMap<Box<[u8]>, (Row, i64)>,
    ties: Ties,
    row: &[u8],
    diff: i64,
) -> Result<(), i64> {
    match many.entry(ties.sort(row)) {
        Entry::Vacant(_) if diff < 0 => return Err(diff),
        Entry::Vacant(entry) => drop(entry.insert((row.into(), diff))),
        Entry::Occupied(mut entry) => {
            let copies = &mut entry.get_mut().1;
            *copies += diff;
            match *copies {
                0 => drop(entry.remove()),
                copies @ ..0 => return Err(copies),
                _ => {}
            }
        }
    }
    Ok(())
}
