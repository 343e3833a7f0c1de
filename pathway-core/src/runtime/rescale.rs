//! A run with another number of workers than the one before: what each of the new ones goes on from.
//!
//! Records go to the worker that owns their keys now, and what entered an epoch to the worker that
//! reads its partition now. What an epoch gives does not depend on the number of workers, so sinks
//! are brought to the same bytes as before.

use super::durable::SOURCE;
use super::source_state::{is_closed, partition_of, put_closed};
use crate::dataflow::out_buffer::owner;
use crate::dataflow::window::{Emission, Windows};
use crate::persistence::cut::{Cut, Event, events};
use crate::persistence::manifest::States;
use crate::persistence::records::{self, Record, Records, Value};
use crate::persistence::sections::PartId;
use crate::plan::{Operation, Plan};
use std::collections::{BTreeMap, BTreeSet};

/// Why a state of this program cannot be divided anew, if it cannot: the operator and the reason.
pub(super) fn why_not(plan: &Plan, needed: &[bool]) -> Option<(String, &'static str)> {
    plan.nodes().iter().filter(|node| needed[node.id.index()]).find_map(|node| {
        let problem = match &node.operation {
            Operation::Window(window)
                if matches!(window.windows, Windows::Around(_))
                    && matches!(window.results.emission, Emission::Early(_)) =>
            {
                "of its early results nobody knows the key"
            }
            Operation::Validity { .. } if !plan.node(node.inputs[0].node).append_only => {
                "of a row that is there nobody knows from when it was"
            }
            _ => return None,
        };
        Some((node.describe(), problem))
    })
}

/// Whose a record is.
enum Target {
    One(usize),
    /// It is of each worker, or of none.
    All,
}

fn target(is_source: bool, record: &Record<'_>, workers: usize) -> Target {
    if is_source {
        return match partition_of(record.id.place) {
            Some(partition) => Target::One(partition as usize % workers),
            None => Target::All,
        };
    }
    match (record.id.key, record.value) {
        (Some(key), _) => Target::One(owner(key, workers)),
        // Rows without a key are the first worker's.
        (None, Value::Copies(_)) => Target::One(0),
        (None, Value::Bytes(_)) => Target::All,
    }
}

/// Divides the states of so many workers anew.
pub(super) fn states(old: States, old_workers: usize, workers: usize) -> States {
    let mut new: BTreeMap<PartId, Records> = BTreeMap::new();
    let mut closed: BTreeMap<u128, usize> = BTreeMap::new();
    for (part, sections) in old {
        let mut by_worker = vec![Records::default(); workers];
        let is_source = part.number == SOURCE;
        records::for_each(&sections, |record| {
            if is_source && partition_of(record.id.place).is_none() {
                *closed.entry(part.operator).or_default() += usize::from(is_closed(&record));
                return;
            }
            match target(is_source, &record, workers) {
                Target::One(worker) => by_worker[worker].record(&record),
                Target::All => by_worker.iter_mut().for_each(|records| records.record(&record)),
            }
        });
        for (worker, records) in by_worker.into_iter().enumerate() {
            let part = PartId { worker, ..part.clone() };
            new.entry(part).or_default().append(records);
        }
    }
    let mut states: States = BTreeMap::new();
    for (part, records) in new {
        states.insert(part, vec![records.into_bytes()]);
    }
    // A source has ended where it has on all workers; otherwise its reader begins anew.
    for (operator, _) in closed.into_iter().filter(|(_, closed)| *closed == old_workers) {
        for worker in 0..workers {
            let (name, records) = put_closed();
            let part = PartId { worker, operator, number: SOURCE, name };
            states.insert(part, vec![records.into_bytes()]);
        }
    }
    states
}

/// Divides what entered epochs anew.
pub(super) struct Cuts {
    workers: usize,
    /// How many workers wrote the last one.
    layout: usize,
    /// On which of them each source has ended, as far as that is in the log.
    closed: BTreeMap<usize, BTreeSet<usize>>,
}

impl Cuts {
    pub(super) fn new(workers: usize, layout: usize) -> Self {
        Self { workers, layout, closed: BTreeMap::new() }
    }

    /// Notes that a source has ended on a worker.
    pub(super) fn note_closed(&mut self, source: usize, worker: usize) {
        self.closed.entry(source).or_default().insert(worker);
    }

    /// What each worker lets into an epoch; nothing where that cannot be told, because of results
    /// of calls.
    pub(super) fn divide(&mut self, old: Vec<Vec<u8>>) -> Option<Vec<Vec<u8>>> {
        if old.len() != self.layout {
            self.layout = old.len();
            self.closed.clear();
        }
        if old.len() == self.workers {
            return Some(old);
        }
        let mut new: Vec<Cut> = std::iter::repeat_with(Cut::default).take(self.workers).collect();
        for (worker, part) in old.iter().enumerate() {
            let (mut source, mut partition) = (0, 0);
            for event in events(part) {
                let cut = &mut new[partition as usize % self.workers];
                match event {
                    Event::At { source: at, partition: of } => (source, partition) = (at, of),
                    Event::Closed => {
                        let closed = self.closed.entry(source).or_default();
                        closed.insert(worker);
                        if closed.len() == self.layout {
                            for cut in &mut new {
                                cut.at(source, 0);
                                cut.closed();
                            }
                        }
                    }
                    Event::Result(_) => return None,
                    Event::Row { row, diff, error } => {
                        cut.at(source, partition);
                        if error {
                            cut.error(row, diff);
                        } else {
                            cut.row(row, diff);
                        }
                    }
                    Event::Position(position) => {
                        cut.at(source, partition);
                        cut.position(&position);
                    }
                }
            }
        }
        Some(new.iter_mut().map(Cut::take).collect())
    }
}
