//! The outputs of the rows at some positions, in one pass for all parts of a window.

use super::entry::Entry;
use super::partition::Partition;
use super::plan::{Edge, Keeps, OverPart, OverPlan};
use super::tree::{Cursor, Tree};
use crate::dataflow::OutputShape;
use crate::dataflow::fold::{Acc, Fold, Number};
use crate::schema::{DataType, Duration, RowEncoder, Schema, take_bytes};
use crate::stage::Input;
use std::ops::Range;

/// A pass over neighbouring rows.
struct Pass<'a> {
    plan: &'a OverPlan,
    partition: &'a Partition,
    /// What each part remembers from row to row.
    memories: Vec<Memory>,
}

enum Memory {
    Nothing,
    /// A rank, or a position among others.
    Number(u64),
    /// A row some rows away, once there is one.
    Away(Option<Cursor>),
    /// What the rows so far add up to.
    Sum(Acc),
    /// What the rows between two places add up to.
    Between {
        acc: Acc,
        from: (u64, Cursor),
        to: (u64, Cursor),
    },
    /// The rows with a value in front and behind, until a row has one itself.
    Neighbours(Option<[Option<Cursor>; 2]>),
}

/// Calls `emit` with each row at the given positions and its outputs.
///
/// # Errors
///
/// What is wrong with an output, such as a sum that does not fit its type.
pub(super) fn evaluate(
    plan: &OverPlan,
    keeps: &Keeps,
    partition: &Partition,
    positions: &[Range<u64>],
    mut emit: impl FnMut(&Entry, &[u8]),
) -> Result<(), String> {
    let mut outputs = Vec::new();
    for range in positions {
        let rows = &partition.rows;
        let mut cursor = rows.cursor(range.start);
        let Some(first) = rows.get(cursor) else { continue };
        let mut pass = Pass::new(plan, keeps, partition, range.start, first);
        let mut front: Option<&Entry> = range.start.checked_sub(1).and_then(|at| rows.at(at));
        for position in range.clone() {
            let Some(entry) = rows.get(cursor) else { break };
            let tied = front.is_some_and(|front| front.key() == entry.key());
            outputs.clear();
            pass.row(position, range.start == position, entry, front, tied, &mut outputs)?;
            emit(entry, &outputs);
            front = Some(entry);
            rows.step(&mut cursor);
        }
    }
    Ok(())
}

impl<'a> Pass<'a> {
    fn new(
        plan: &'a OverPlan,
        keeps: &Keeps,
        partition: &'a Partition,
        start: u64,
        first: &Entry,
    ) -> Self {
        let rows = &partition.rows;
        let memory = |(at, part): (usize, &OverPart)| match part {
            OverPart::Rank => Memory::Number(rows.rank(first.key()) + 1),
            OverPart::DenseRank => {
                let keys = partition.keys.as_ref().expect("kept, because a part asks for them");
                Memory::Number(keys.rank(first.key()) + 1)
            }
            OverPart::Shifted { .. } => Memory::Away(None),
            OverPart::Running { fold, .. } => {
                let mut acc = fold.zero();
                let which = keeps.aggregate_of[at].expect("a running part has an aggregate");
                rows.fold(&keeps.aggregates, which, 0, start, &mut acc);
                Memory::Sum(acc)
            }
            OverPart::Moving { fold, preceding, .. } => {
                let from = start.saturating_sub(*preceding);
                let at = (from, rows.cursor(from));
                Memory::Between { acc: fold.zero(), from: at, to: at }
            }
            OverPart::Interpolate { .. } => Memory::Neighbours(None),
            _ => Memory::Nothing,
        };
        let memories = plan.parts.iter().enumerate().map(memory).collect();
        Self { plan, partition, memories }
    }

    fn row(
        &mut self,
        position: u64,
        first: bool,
        entry: &Entry,
        front: Option<&Entry>,
        tied: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        let rows = &self.partition.rows;
        let mut out = match self.plan.shape {
            OutputShape::Array => unreachable!("the outputs of a row are one or a tuple"),
            OutputShape::Single => RowEncoder::standalone(out),
            OutputShape::Tuple => {
                let nullable = self.plan.parts.iter().filter(|part| part.nullable()).count();
                RowEncoder::new(out, nullable)
            }
        };
        let mut anchors = self.partition.anchors.iter();
        for (part, memory) in self.plan.parts.iter().zip(&mut self.memories) {
            match (part, memory) {
                (OverPart::RowNumber, _) => (position + 1).encode(out.value()),
                (OverPart::Rank, Memory::Number(rank)) => {
                    if !tied {
                        *rank = position + 1;
                    }
                    rank.encode(out.value());
                }
                (OverPart::DenseRank, Memory::Number(rank)) => {
                    if !tied && !first {
                        *rank += 1;
                    }
                    rank.encode(out.value());
                }
                (OverPart::Shifted { by, argument }, Memory::Away(away)) => {
                    let found = shifted(rows, position, *by, away);
                    match found.map(|other| other.argument(*argument)) {
                        Some(Input::Bytes(value)) => out.present().extend_from_slice(value),
                        _ => out.null(),
                    }
                }
                (OverPart::First(edge), _) => put_edge(*edge, rows.at(0), &mut out),
                (OverPart::Last(edge), _) => put_edge(*edge, rows.at(rows.rows() - 1), &mut out),
                (OverPart::Running { fold, argument, .. }, Memory::Sum(acc)) => {
                    fold.update(acc, entry.argument(*argument), 1);
                    fold.finish(acc, (position + 1).cast_signed(), &mut out)?;
                }
                (
                    OverPart::Moving { fold, preceding, following, argument },
                    Memory::Between { acc, from, to },
                ) => {
                    let end = position.saturating_add(*following).saturating_add(1);
                    let end = end.min(rows.rows());
                    slide(rows, &**fold, *argument, acc, to, end, 1);
                    let start = position.saturating_sub(*preceding);
                    slide(rows, &**fold, *argument, acc, from, start, -1);
                    fold.finish(acc, (end - start).cast_signed(), &mut out)?;
                }
                (OverPart::Difference { number, output, argument }, _) => {
                    let old = front.map_or(Input::Null, |front| front.argument(*argument));
                    let new = entry.argument(*argument);
                    put_difference(*number, *output, new, old, &mut out)?;
                }
                (OverPart::Interpolate { argument }, Memory::Neighbours(known)) => {
                    let anchors = anchors.next().expect("kept, because a part asks for them");
                    match interpolated(entry, *argument, anchors, known) {
                        Some(value) => value.encode(out.present()),
                        None => out.null(),
                    }
                }
                _ => unreachable!("a part has the memory that was made for it"),
            }
        }
        Ok(())
    }
}

/// The row some rows away.
fn shifted<'a>(
    rows: &'a Tree,
    position: u64,
    by: i64,
    away: &mut Option<Cursor>,
) -> Option<&'a Entry> {
    let at = position.checked_add_signed(by).filter(|&at| at < rows.rows())?;
    match away {
        Some(cursor) => rows.step(cursor),
        None => *away = Some(rows.cursor(at)),
    }
    rows.get((*away)?)
}

/// Moves an end of a moving frame on.
fn slide(
    rows: &Tree,
    fold: &dyn Fold,
    argument: usize,
    acc: &mut Acc,
    (at, cursor): &mut (u64, Cursor),
    to: u64,
    diff: i64,
) {
    while *at < to
        && let Some(entry) = rows.get(*cursor)
    {
        fold.update(acc, entry.argument(argument), diff);
        rows.step(cursor);
        *at += 1;
    }
}

fn put_edge(edge: Edge, entry: Option<&Entry>, out: &mut RowEncoder<'_>) {
    let Some(Input::Bytes(mut value)) = entry.map(|entry| entry.argument(edge.argument)) else {
        unreachable!("a partition with a row has a first and a last one, with their values");
    };
    if !edge.nullable {
        out.value().extend_from_slice(value);
    } else if take_bytes(&mut value, 1)[0] == 0 {
        out.null();
    } else {
        out.present().extend_from_slice(value);
    }
}

fn put_difference(
    number: Number,
    output: DataType,
    new: Input<'_>,
    old: Input<'_>,
    out: &mut RowEncoder<'_>,
) -> Result<(), String> {
    match (number, new, old) {
        (Number::Int | Number::Wide, Input::Int(new), Input::Int(old)) => {
            let difference = new.checked_sub(old);
            let written = match output {
                DataType::I64 => difference
                    .and_then(|value| i64::try_from(value).ok())
                    .map(|value| value.encode(out.present())),
                DataType::Duration => difference
                    .and_then(Duration::try_from_nanos_i128)
                    .map(|value| value.encode(out.present())),
                _ => difference.map(|value| value.encode(out.present())),
            };
            if written.is_none() {
                let output = output.name();
                return Err(format!("the difference of {new} and {old} does not fit `{output}`"));
            }
        }
        (Number::Float, Input::Float(new), Input::Float(old)) => {
            (new - old).encode(out.present());
        }
        _ => out.null(),
    }
    Ok(())
}

fn number(input: Input<'_>) -> Option<f64> {
    match input {
        Input::Int(value) => Some(value as f64),
        Input::Float(value) => Some(value),
        _ => None,
    }
}

/// The value of a row, or where it has none the value on the line between its neighbours.
fn interpolated(
    entry: &Entry,
    argument: usize,
    anchors: &Tree,
    known: &mut Option<[Option<Cursor>; 2]>,
) -> Option<f64> {
    let y = |entry: &Entry| number(entry.argument(argument + 1));
    if let Some(value) = y(entry) {
        *known = None;
        return Some(value);
    }
    let at = entry.argument(argument);
    if at == Input::Null {
        return None;
    }
    let [front, behind] = known.get_or_insert_with(|| {
        let rank = anchors.rank(entry.sort());
        let behind = anchors.cursor(rank);
        let front = rank.checked_sub(1).map(|rank| anchors.cursor(rank));
        [front, anchors.get(behind).map(|_| behind)]
    });
    let place = |cursor: Option<Cursor>| {
        let anchor = anchors.get(cursor?)?;
        Some((anchor, y(anchor)?))
    };
    match (place(*front), place(*behind)) {
        (Some((front, left)), Some((behind, right))) => {
            let from = front.argument(argument);
            let (part, whole) = (distance(from, at), distance(from, behind.argument(argument)));
            Some(if whole == 0.0 { left } else { left + (right - left) * (part / whole) })
        }
        (Some((_, value)), None) | (None, Some((_, value))) => Some(value),
        (None, None) => None,
    }
}

/// How far a value lies behind another.
fn distance(from: Input<'_>, to: Input<'_>) -> f64 {
    match (from, to) {
        // Of integers first, because instants are too large for a float.
        (Input::Int(from), Input::Int(to)) => to.wrapping_sub(from) as f64,
        (from, to) => number(to).unwrap_or(f64::NAN) - number(from).unwrap_or(f64::NAN),
    }
}
