//! The rows of a moment, of a session or of an interval, folded.

use crate::dataflow::ReducePlan;
use crate::dataflow::fold::Acc;
use crate::schema::Schema;
use crate::stage::{Diff, Inputs};

/// Some rows, folded.
pub(super) struct Part {
    rows: i64,
    words: Vec<u64>,
    accs: Vec<Acc>,
}

impl Part {
    pub(super) fn new(plan: &ReducePlan) -> Self {
        Self { rows: 0, words: plan.zero_words(), accs: plan.zeros() }
    }

    /// Adds rows that have been folded elsewhere.
    pub(super) fn add(&mut self, plan: &ReducePlan, mut partial: &[u8], rows: Diff) {
        self.rows += rows;
        plan.merge((&mut self.words, &mut self.accs), &mut partial);
    }

    /// Adds copies of a row by its arguments, or takes them away.
    pub(super) fn add_rows(&mut self, plan: &ReducePlan, inputs: &Inputs, copies: Diff) {
        self.rows += copies;
        plan.update((&mut self.words, &mut self.accs), inputs, 0, copies);
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> i64 {
        self.rows
    }

    pub(super) fn absorb(&mut self, plan: &ReducePlan, other: &Self) {
        let mut partial = Vec::new();
        plan.write((&other.words, &other.accs), &mut partial);
        self.add(plan, &partial, other.rows);
    }

    /// Appends what the reducers make of the rows.
    pub(super) fn put_outputs(&self, plan: &ReducePlan, out: &mut Vec<u8>) -> Result<(), String> {
        plan.encode_outputs((&self.words, &self.accs), self.rows, out)
    }

    pub(super) fn outputs(&self, plan: &ReducePlan) -> Result<Vec<u8>, String> {
        let mut outputs = Vec::new();
        self.put_outputs(plan, &mut outputs)?;
        Ok(outputs)
    }

    /// Whether rows are left, if what is there makes sense.
    pub(super) fn has_rows(&self) -> Result<bool, String> {
        let is_empty =
            self.words.iter().all(|&word| word == 0) && self.accs.iter().all(Acc::is_empty);
        match self.rows {
            1.. => Ok(true),
            0 if is_empty => Ok(false),
            _ => Err("more rows, or others, were taken away than had been added".to_owned()),
        }
    }

    pub(super) fn save(&self, plan: &ReducePlan, out: &mut Vec<u8>) {
        self.rows.encode(out);
        plan.write((&self.words, &self.accs), out);
    }

    pub(super) fn load(plan: &ReducePlan, input: &mut &[u8]) -> Self {
        let mut part = Self { rows: i64::decode(input), ..Self::new(plan) };
        plan.merge((&mut part.words, &mut part.accs), input);
        part
    }

    pub(super) fn memory(&self, plan: &ReducePlan) -> usize {
        let accs = plan.acc_folds().zip(&self.accs);
        let of_accs = accs.map(|(fold, acc)| fold.memory(acc) + size_of::<Acc>()).sum::<usize>();
        size_of::<Self>() + self.words.len() * size_of::<u64>() + of_accs
    }
}
