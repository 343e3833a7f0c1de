//! The reduction of a whole table: one row, from the first epoch on, whether there are rows or not.
//!
//! Every worker combines its rows as it does before any reduction; one worker, which owns the
//! empty key, adds the parts up. Its operator closes the first epoch even if nothing arrives, so
//! that the row of an empty table is there.

use super::ReducePlan;
use super::chunk::Chunk;
use super::fold::Acc;
use super::logic::Fail;
use super::operator::{Epoch, Logic};
use super::state::{Saved, State, StateSize};
use crate::persistence::records::{Id, Record};
use crate::schema::{Schema, put_bytes, take_sized};
use crate::stage::EncodedStep;
use std::cell::RefCell;
use std::rc::Rc;

/// What is known of the whole table.
pub(crate) struct TotalState {
    plan: ReducePlan,
    rows: i64,
    words: Vec<u64>,
    accs: Vec<Acc>,
    /// The output at the close of the epoch before; nothing before the first.
    output: Option<Vec<u8>>,
}

impl TotalState {
    pub(crate) fn new(plan: ReducePlan) -> Self {
        let (words, accs) = (plan.zero_words(), plan.zeros());
        Self { plan, rows: 0, words, accs, output: None }
    }

    fn merge(&mut self, mut partial: &[u8], rows: i64) {
        self.rows += rows;
        self.plan.merge((&mut self.words, &mut self.accs), &mut partial);
    }

    /// The output, if it is valid.
    fn close(&self) -> Result<Vec<u8>, String> {
        if self.rows < 0 {
            let problem = "more rows were taken away than had been added";
            return Err(format!("the table has {} rows: {problem}", self.rows));
        }
        let is_empty =
            self.words.iter().all(|&word| word == 0) && self.accs.iter().all(Acc::is_empty);
        if self.rows == 0 && !is_empty {
            let problem = "the table has no rows, but values: others were taken away than had \
                           been added";
            return Err(problem.to_owned());
        }
        let mut output = Vec::new();
        self.plan.encode_outputs((&self.words, &self.accs), self.rows, &mut output)?;
        Ok(output)
    }
}

impl State for TotalState {
    fn size(&self) -> StateSize {
        let folds = self.plan.acc_folds().zip(&self.accs);
        let bytes = folds.map(|(fold, acc)| fold.memory(acc) + size_of::<Acc>()).sum();
        StateSize { rows: usize::from(self.output.is_some()), bytes }
    }

    fn save(&mut self, out: &mut Saved) {
        // Where nothing has come, the worker does not own it.
        let records = out.part(&[], true);
        if self.rows == 0 && self.output.is_none() {
            return;
        }
        records.put(Id::of(&[]), |out| {
            self.rows.encode(out);
            self.plan.write((&self.words, &self.accs), out);
            out.push(u8::from(self.output.is_some()));
            put_bytes(self.output.as_deref().unwrap_or_default(), out);
        });
    }

    fn load(&mut self, _part: &[u8], record: Record<'_>) {
        let input = &mut record.bytes();
        self.rows = i64::decode(input);
        self.plan.merge((&mut self.words, &mut self.accs), input);
        let is_known = bool::decode(input);
        let output = take_sized(input);
        self.output = is_known.then(|| output.to_vec());
    }
}

/// Reduces a whole table.
pub(crate) struct Total {
    pub(crate) state: Rc<RefCell<TotalState>>,
    pub(crate) root: Box<dyn EncodedStep>,
    pub(crate) fail: Fail,
}

impl Logic for Total {
    fn receive(&mut self, _port: usize, chunk: Chunk) {
        let mut state = self.state.borrow_mut();
        for (_, partial, rows) in chunk.iter() {
            state.merge(partial, rows);
        }
    }

    fn close(&mut self, _epoch: Epoch) -> bool {
        let mut state = self.state.borrow_mut();
        let new = match state.close() {
            Ok(new) => new,
            Err(problem) => {
                (self.fail)(None, problem);
                return true;
            }
        };
        if state.output.as_ref() != Some(&new) {
            if let Some(old) = &state.output {
                self.root.push(old, &[], -1);
            }
            self.root.push(&new, &[], 1);
            state.output = Some(new);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataflow::OutputShape;
    use crate::dataflow::fold::{AnyFold, Collect, Count, Values};
    use crate::dataflow::state::Stored;
    use crate::schema::DataType;
    use crate::schema::put_len;
    use std::sync::Arc;

    fn plan() -> ReducePlan {
        let collect = Values(Collect { element: DataType::I64 });
        let folds = vec![AnyFold::Words(Arc::new(Count)), AnyFold::Acc(Arc::new(collect))];
        ReducePlan::new(folds, OutputShape::Tuple)
    }

    #[test]
    fn a_loaded_state_goes_on_as_the_saved_one() {
        let mut state = TotalState::new(plan());
        for rows in 0..3 {
            let mut stored = Stored::default();
            stored.save(&mut state);
            let mut loaded = TotalState::new(plan());
            stored.load(&mut loaded);
            assert_eq!((loaded.close(), &loaded.output), (state.close(), &state.output));
            let output = loaded.close().unwrap();
            loaded.output = Some(output);
            let mut part = Vec::new();
            put_len(1, &mut part);
            put_len(8, &mut part);
            part.extend_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8]);
            1i64.encode(&mut part);
            loaded.merge(&part, 1);
            assert_eq!(loaded.rows, rows + 1);
            state = loaded;
        }
    }
}
