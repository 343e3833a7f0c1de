//! A group whose output is made of all of its rows at once.

use super::{Buffer, Row};
use crate::dataflow::ReducePlan;
use crate::dataflow::fold::Acc;
use crate::stage::{Diff, Inputs};

/// The state of one group while it is evaluated; reused for the next.
///
/// In a loop a group has a value for each of its times, so differential keeps the rows, and
/// evaluates a group where it changes.
pub(crate) struct WholeGroup {
    plan: ReducePlan,
    words: Vec<u64>,
    accs: Vec<Acc>,
    inputs: Inputs,
    outputs: Vec<u8>,
}

impl WholeGroup {
    pub(crate) fn new(plan: &ReducePlan) -> Self {
        let plan = plan.insert_only();
        let (words, accs) = (vec![0; plan.words], plan.zeros());
        Self { plan, words, accs, inputs: Inputs::default(), outputs: Vec::new() }
    }

    /// The outputs of a group of those rows, each with how often it occurs; nothing if there are
    /// none.
    ///
    /// # Errors
    ///
    /// What is wrong with the group.
    pub(crate) fn evaluate(&mut self, rows: &[(&Row, Diff)]) -> Result<Option<Row>, String> {
        self.outputs_of(rows.iter().copied(), false)
    }

    /// The outputs of a whole table, also if it has no rows.
    ///
    /// # Errors
    ///
    /// What is wrong with the table.
    pub(crate) fn evaluate_table(&mut self, rows: &[(&Row, Diff)]) -> Result<Option<Row>, String> {
        // The mark of the table is no row of it.
        self.outputs_of(rows.iter().copied().filter(|(row, _)| !row.is_absent()), true)
    }

    fn outputs_of<'a>(
        &mut self,
        rows: impl Iterator<Item = (&'a Row, Diff)>,
        empty_too: bool,
    ) -> Result<Option<Row>, String> {
        let mut bytes = Buffer::default();
        let mut count = 0;
        for (row, diff) in rows {
            if diff < 0 {
                let problem = "more rows were taken away from a group than had been added";
                return Err(problem.to_owned());
            }
            self.inputs.read(row.bytes(&mut bytes));
            self.plan.update((&mut self.words, &mut self.accs), &self.inputs, 0, diff);
            count += diff;
        }
        self.outputs.clear();
        let result = if count == 0 && !empty_too {
            Ok(None)
        } else {
            let state = (self.words.as_slice(), self.accs.as_slice());
            self.plan
                .encode_outputs(state, count, &mut self.outputs)
                .map(|()| Some(Row::new(&self.outputs)))
        };
        self.words.fill(0);
        self.accs.clear();
        self.accs.extend(self.plan.zeros());
        result
    }
}
