//! The rows of one key, and the sessions that they are in.

use crate::dataflow::ReducePlan;
use crate::dataflow::window::part::Part;
use crate::stage::{Diff, Inputs};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Included, Unbounded};
use std::rc::Rc;

/// What a row sorts by: its time, and the row itself.
pub(super) type Sort = Rc<[u8]>;

/// The time that a row sorts by.
pub(super) fn time_of(sort: &[u8]) -> i128 {
    let bytes = sort.first_chunk().expect("a row sorts by its time");
    (u128::from_be_bytes(*bytes) ^ (1 << 127)).cast_signed()
}

/// A row that is kept.
pub(super) struct Row {
    pub(super) copies: i64,
    /// The arguments of the reducers.
    pub(super) arguments: Box<[u8]>,
    /// Whether it is of the session of the row before it.
    pub(super) joined: bool,
}

impl Row {
    pub(super) fn fold_into(&self, part: &mut Part, plan: &ReducePlan) {
        fold_into(part, plan, &self.arguments, self.copies);
    }
}

pub(super) fn fold_into(part: &mut Part, plan: &ReducePlan, arguments: &[u8], copies: Diff) {
    let mut inputs = Inputs::default();
    inputs.read(arguments);
    part.add_rows(plan, &inputs, copies);
}

pub(super) struct Session {
    /// What its last row sorts by.
    pub(super) last: Sort,
    /// What it comes to; nothing where it was cut.
    pub(super) part: Option<Part>,
    /// Whether this epoch has changed it.
    pub(super) changed: bool,
}

/// The settled rows of a session that are in front of the first one that is kept.
pub(super) struct Front {
    pub(super) start: i128,
    pub(super) part: Part,
}

/// The sessions of one key.
#[derive(Default)]
pub(super) struct OfKey {
    pub(super) rows: BTreeMap<Sort, Row>,
    /// By the first of their rows that is kept.
    pub(super) sessions: BTreeMap<Sort, Session>,
    /// The first rows of sessions that this epoch has changed, and of some that it has joined.
    pub(super) changed: BTreeSet<Sort>,
    /// What has gone of the first session.
    pub(super) front: Option<Front>,
    /// The least watermark at which something can be let go of.
    pub(super) wait: Option<i128>,
}

impl OfKey {
    /// The row in front of a place, and the one behind it.
    pub(super) fn around(&self, at: &[u8]) -> (Option<Sort>, Option<Sort>) {
        let before = self.rows.range::<[u8], _>((Unbounded, Excluded(at))).next_back();
        let behind = self.rows.range::<[u8], _>((Excluded(at), Unbounded)).next();
        let sort = |(sort, _): (&Sort, &Row)| Rc::clone(sort);
        (before.map(sort), behind.map(sort))
    }

    /// The first kept row of the session that a row is in.
    pub(super) fn session_of(&self, row: &[u8]) -> Sort {
        let mut until = self.sessions.range::<[u8], _>((Unbounded, Included(row)));
        let (start, _) = until.next_back().expect("each row is in a session");
        Rc::clone(start)
    }

    pub(super) fn joined(&self, row: Option<&Sort>) -> bool {
        row.is_some_and(|row| self.rows.get(row).is_some_and(|row| row.joined))
    }

    pub(super) fn set_joined(&mut self, row: Option<&Sort>, joined: bool) {
        if let Some(row) = row.and_then(|row| self.rows.get_mut(row)) {
            row.joined = joined;
        }
    }

    pub(super) fn start(&self, first: &Sort) -> i128 {
        let is_first = self.sessions.first_key_value().is_some_and(|(start, _)| start == first);
        let front = self.front.as_ref().filter(|_| is_first);
        front.map_or_else(|| time_of(first), |front| front.start)
    }

    pub(super) fn bounds(&self, first: &Sort, session: &Session) -> (i128, i128) {
        (self.start(first), time_of(&session.last).saturating_add(1))
    }

    /// Lets a session start at a row, that has been of the session in front.
    pub(super) fn cut(&mut self, at: &Sort) {
        let (before, _) = self.around(at);
        let first = self.session_of(at);
        let session = self.sessions.get_mut(&first);
        let (Some(session), Some(before)) = (session, before) else { return };
        session.part = None;
        let last = std::mem::replace(&mut session.last, before);
        let new = Session { last, part: None, changed: true };
        self.changed.insert(Rc::clone(at));
        self.sessions.insert(Rc::clone(at), new);
    }

    /// Lets a session go on with the one that starts at a row.
    pub(super) fn join(&mut self, at: &Sort, plan: &ReducePlan) {
        let Some(mut behind) = self.sessions.remove(at) else { return };
        let first = self.session_of(at);
        let Some(session) = self.sessions.get_mut(&first) else { return };
        session.last = behind.last;
        session.part = session.part.take().zip(behind.part.take()).map(|(mut one, mut other)| {
            // The smaller one goes into the larger one.
            if one.rows() < other.rows() {
                std::mem::swap(&mut one, &mut other);
            }
            one.absorb(plan, &other);
            one
        });
    }

    /// What the rows of a session come to.
    pub(super) fn fold(&self, first: &Sort, session: &Session, plan: &ReducePlan) -> Part {
        let mut part = Part::new(plan);
        let is_first = self.sessions.first_key_value().is_some_and(|(start, _)| start == first);
        if let Some(front) = self.front.as_ref().filter(|_| is_first) {
            part.absorb(plan, &front.part);
        }
        let rows = self.rows.range(Rc::clone(first)..=Rc::clone(&session.last));
        rows.for_each(|(_, row)| row.fold_into(&mut part, plan));
        part
    }

    /// Makes the sessions, given which rows join the ones before them.
    pub(super) fn restore(&mut self, plan: &ReducePlan) {
        let mut first: Option<Sort> = None;
        for (sort, row) in &self.rows {
            match first.as_ref().filter(|_| row.joined).and_then(|f| self.sessions.get_mut(f)) {
                Some(session) => session.last = Rc::clone(sort),
                None => {
                    let new = Session { last: Rc::clone(sort), part: None, changed: false };
                    self.sessions.insert(Rc::clone(sort), new);
                    first = Some(Rc::clone(sort));
                }
            }
        }
        let starts: Vec<Sort> = self.sessions.keys().cloned().collect();
        for start in starts {
            let part = self.sessions.get(&start).map(|session| self.fold(&start, session, plan));
            if let Some(session) = self.sessions.get_mut(&start) {
                session.part = part;
            }
        }
    }
}
