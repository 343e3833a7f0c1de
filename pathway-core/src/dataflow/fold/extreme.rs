//! Min, max, argmin, argmax, any: folds that choose one value.

use super::multiset::{add, check, memory, merge_counts, write_counts};
use super::{Acc, Fold};
use crate::schema::{DataType, RowEncoder, ordered, put_len, take_bytes, take_len};
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

impl Fold for Best {
    fn insert_only(&self) -> Option<Arc<dyn Fold>> {
        Some(Arc::new(Self { append_only: true, ..*self }))
    }

    fn update(&self, acc: &mut Acc, input: Input<'_>, diff: Diff) {
        match input {
            Input::Bytes(value) if self.append_only => self.offer(acc, value),
            Input::Bytes(value) => add(acc, value, diff),
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
            Acc::Sorted(values) => {
                out.push(2);
                write_counts(values.iter(), values.len(), out);
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
            _ => merge_counts(input, |value, count| add(acc, value, count)),
        }
    }

    fn nullable(&self) -> bool {
        self.nullable
    }

    fn memory(&self, acc: &Acc) -> usize {
        memory(acc)
    }

    fn finish(&self, acc: &Acc, _rows: i64, out: &mut RowEncoder<'_>) -> Result<(), String> {
        let best: Option<&[u8]> = match acc {
            Acc::Best(best) => Some(best),
            Acc::Sorted(values) => {
                let best = match self.kind {
                    BestKind::Greatest => values.iter().next_back(),
                    BestKind::Least | BestKind::PairFirst { .. } => values.iter().next(),
                };
                check(best.map(|(_, &count)| count))?;
                best.map(|(value, _)| &**value)
            }
            _ => None,
        };
        let Some(mut value) = best else {
            if self.nullable {
                out.null();
                return Ok(());
            }
            unreachable!("a group has rows, and none of their values is null");
        };
        if let BestKind::PairFirst { by, descending } = self.kind {
            value = second_of_pair(by, descending, value);
        }
        // Values of nullable columns were added as options, so their tag is not part of the
        // column.
        let (output, out) = if !self.nullable {
            (self.output, out.value())
        } else {
            let tag = take_bytes(&mut value, 1)[0];
            if tag == 0 {
                out.null();
                return Ok(());
            }
            let DataType::Option(inner) = self.output else {
                unreachable!("a nullable output has an optional type");
            };
            (inner(), out.present())
        };
        ordered::to_compact(output, &mut value, out);
        Ok(())
    }
}

/// Skips the first of a pair.
fn second_of_pair(by: DataType, descending: bool, pair: &[u8]) -> &[u8] {
    let mut first: Vec<u8> = pair[1..].to_vec();
    if descending {
        first.iter_mut().for_each(|byte| *byte = !*byte);
    }
    let mut rest = first.as_slice();
    ordered::to_compact(by, &mut rest, &mut Vec::new());
    &pair[pair.len() - rest.len()..]
}
