//! Folds over some rows of a group only, and over groups that may have no rows.

use super::multiset::TAKEN_AWAY;
use super::{Acc, Fold, Kept};
use crate::schema::{RowEncoder, Schema};
use crate::stage::{Diff, Input};
use std::sync::Arc;

/// Folds the rows that a condition holds for.
#[derive(Debug)]
pub struct Filtered {
    /// What they are folded with.
    pub fold: Arc<dyn Fold>,
    /// Whether the result of no rows is a null that the fold itself does not know.
    pub optional: bool,
}

impl Filtered {
    fn parts<'a>(&self, acc: &'a mut Acc) -> &'a mut (i64, Acc) {
        if !matches!(acc, Acc::Filtered(_)) {
            *acc = Acc::Filtered(Box::new((0, self.fold.zero())));
        }
        let Acc::Filtered(parts) = acc else { unreachable!("the state was made above") };
        parts
    }
}

impl Fold for Filtered {
    fn update(&self, acc: &mut Acc, input: Input<'_>, diff: Diff) {
        if input != Input::Absent {
            let (rows, inner) = self.parts(acc);
            *rows += diff;
            self.fold.update(inner, input, diff);
        }
    }

    fn write(&self, acc: &Acc, out: &mut Vec<u8>) {
        match acc {
            Acc::Filtered(parts) => {
                out.push(1);
                parts.0.encode(out);
                self.fold.write(&parts.1, out);
            }
            _ => out.push(0),
        }
    }

    fn merge(&self, acc: &mut Acc, input: &mut &[u8]) {
        if bool::decode(input) {
            let (rows, inner) = self.parts(acc);
            *rows += i64::decode(input);
            self.fold.merge(inner, input);
        }
    }

    fn nullable(&self) -> bool {
        self.optional || self.fold.nullable()
    }

    fn memory(&self, acc: &Acc) -> usize {
        match acc {
            Acc::Filtered(parts) => size_of::<(i64, Acc)>() + self.fold.memory(&parts.1),
            _ => 0,
        }
    }

    fn finish(&self, acc: &Acc, _rows: i64, out: &mut RowEncoder<'_>) -> Result<(), String> {
        let zero = (0, Acc::Empty);
        let (rows, inner) = if let Acc::Filtered(parts) = acc { &**parts } else { &zero };
        if *rows < 0 || (*rows == 0 && !inner.is_empty()) {
            return Err(TAKEN_AWAY.to_owned());
        }
        finish(&*self.fold, self.optional, inner, *rows, out)
    }
}

/// Folds a group that may have no rows.
#[derive(Debug)]
pub struct OrNull {
    /// What it is folded with.
    pub fold: Arc<dyn Fold>,
}

impl Fold for OrNull {
    fn kept(&self) -> Option<Kept> {
        self.fold.kept()
    }

    fn zero(&self) -> Acc {
        self.fold.zero()
    }

    fn update(&self, acc: &mut Acc, input: Input<'_>, diff: Diff) {
        self.fold.update(acc, input, diff);
    }

    fn write(&self, acc: &Acc, out: &mut Vec<u8>) {
        self.fold.write(acc, out);
    }

    fn merge(&self, acc: &mut Acc, input: &mut &[u8]) {
        self.fold.merge(acc, input);
    }

    fn nullable(&self) -> bool {
        true
    }

    fn memory(&self, acc: &Acc) -> usize {
        self.fold.memory(acc)
    }

    fn finish(&self, acc: &Acc, rows: i64, out: &mut RowEncoder<'_>) -> Result<(), String> {
        finish(&*self.fold, true, acc, rows, out)
    }
}

fn finish(
    fold: &dyn Fold,
    optional: bool,
    acc: &Acc,
    rows: i64,
    out: &mut RowEncoder<'_>,
) -> Result<(), String> {
    if !optional {
        return fold.finish(acc, rows, out);
    }
    if rows == 0 {
        out.null();
        return Ok(());
    }
    fold.finish(acc, rows, &mut RowEncoder::standalone(out.present()))
}
