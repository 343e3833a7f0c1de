//! Min, max, argmin, argmax, any: folds that choose one value.

use super::column::{Output, second_of_pair};
use super::extremes::Extremes;
use super::values::{merge_counts, put_count};
use super::{Acc, Fold, Kept};
use crate::schema::{DataType, RowEncoder, put_len, take_bytes, take_len};
use crate::stage::{Diff, Input};
use std::sync::Arc;

/// Which value a [`Best`] chooses.
#[derive(Clone, Copy, Debug)]
pub enum BestKind {
    /// The least value.
    Least,
    /// The greatest value.
    Greatest,
    /// The second value of the pair that comes first, where the first of the pair has this type;
    /// `descending` as in [`Inputs::ordered_pair`](crate::stage::Inputs::ordered_pair).
    PairFirst {
        /// The type of the first of the pair.
        by: DataType,
        /// Whether the first of the pair is written from the largest down.
        descending: bool,
    },
}

/// Chooses one of the values of a group; arguments are in the ordered encoding.
#[derive(Debug)]
pub struct Best {
    /// Which one.
    pub kind: BestKind,
    /// The type of the result.
    pub output: DataType,
    /// Whether arguments are null, and the result is null where all are.
    pub nullable: bool,
    /// Whether nothing is ever retracted, so that the best value alone is kept.
    pub append_only: bool,
}

impl Best {
    fn better(&self, new: &[u8], old: &[u8]) -> bool {
        match self.kind {
            BestKind::Greatest => new > old,
            BestKind::Least | BestKind::PairFirst { .. } => new < old,
        }
    }

    fn offer(&self, acc: &mut Acc, value: &[u8]) {
        match acc {
            Acc::Best(best) if !self.better(value, best) => {}
            _ => *acc = Acc::Best(value.into()),
        }
    }
}

/// The values of a group, made if there are none.
fn extremes(acc: &mut Acc) -> &mut Extremes {
    if !matches!(acc, Acc::Extremes(_)) {
        *acc = Acc::Extremes(Extremes::default());
    }
    let Acc::Extremes(values) = acc else { unreachable!("the state was made above") };
    values
}

impl Fold for Best {
    fn kept(&self) -> Option<Kept> {
        (!self.append_only).then_some(Kept::Extremes)
    }

    fn insert_only(&self) -> Option<Arc<dyn Fold>> {
        Some(Arc::new(Self { append_only: true, ..*self }))
    }

    fn update(&self, acc: &mut Acc, input: Input<'_>, diff: Diff) {
        match input {
            Input::Bytes(value) if self.append_only => self.offer(acc, value),
            Input::Bytes(value) => extremes(acc).add(value, diff),
            _ => {}
        }
    }

    fn write(&self, acc: &Acc, out: &mut Vec<u8>) {
        match acc {
            Acc::Best(best) => {
                out.push(1);
                put_len(best.len(), out);
                out.extend_from_slice(best);
            }
            Acc::Extremes(values) => {
                out.push(2);
                put_len(values.parts(), out);
                values.each(|value, count| put_count(value, count, out));
            }
            _ => out.push(0),
        }
    }

    fn merge(&self, acc: &mut Acc, input: &mut &[u8]) {
        match take_bytes(input, 1)[0] {
            0 => {}
            1 => {
                let len = take_len(input);
                self.offer(acc, take_bytes(input, len));
            }
            _ => merge_counts(input, |value, count| extremes(acc).add(value, count)),
        }
    }

    fn nullable(&self) -> bool {
        self.nullable
    }

    fn memory(&self, acc: &Acc) -> usize {
        match acc {
            Acc::Best(best) => best.len(),
            Acc::Extremes(values) => values.memory(),
            _ => 0,
        }
    }

    fn finish(&self, acc: &Acc, _rows: i64, out: &mut RowEncoder<'_>) -> Result<(), String> {
        let found;
        let best: Option<&[u8]> = match acc {
            Acc::Best(best) => Some(best),
            Acc::Extremes(values) => {
                values.check()?;
                found = match self.kind {
                    BestKind::Greatest => values.last(),
                    BestKind::Least | BestKind::PairFirst { .. } => values.first(),
                };
                found.as_deref()
            }
            _ => None,
        };
        let best = match self.kind {
            BestKind::PairFirst { by, descending } => {
                best.map(|pair| second_of_pair(by, descending, pair))
            }
            _ => best,
        };
        Output { data_type: self.output, nullable: self.nullable }.put_or_null(best, out);
        Ok(())
    }
}
