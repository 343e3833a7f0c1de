//! What a failing check says.

use super::capture::difference;
use super::history::History;
use super::replay::Failure;
use crate::format::display::display;
use crate::schema::DataType;

/// What an input is called in a report.
#[derive(Clone, Debug)]
pub(super) struct InputName {
    pub(super) rows: DataType,
    pub(super) append_only: bool,
    /// Where several inputs read alike, the number of this one.
    pub(super) number: Option<usize>,
}

impl InputName {
    fn describe(&self) -> String {
        let kind = if self.append_only { "stream" } else { "table" };
        let number = self.number.map(|number| format!(" {number}")).unwrap_or_default();
        format!("{kind}{number} of {}", self.rows.name())
    }
}

/// A report of the failure, with the history by epoch.
pub(super) fn report(
    seed: u64,
    history: &History,
    failure: &Failure,
    inputs: &[InputName],
    output: DataType,
) -> String {
    let mut out = String::new();
    let after = failure.epoch() + 1;
    match failure {
        Failure::Differs { expected, actual, .. } => {
            let rows = difference(output, expected, actual).unwrap_or_default();
            out.push_str(&format!(
                "after epoch {after} the rows are not those of a computation from scratch\n{rows}"
            ));
        }
        Failure::Disturbed { expected, actual, .. } => {
            let rows = difference(output, expected, actual).unwrap_or_default();
            out.push_str(&format!(
                "epoch {after} has other changes than in a run that was never killed\n{rows}"
            ));
        }
        Failure::Unsound { row, problem, .. } => {
            let row = display(output, row);
            out.push_str(&format!("in epoch {after} {problem}: {row}\n"));
        }
        Failure::Failed { error, .. } => {
            out.push_str(&format!("in epoch {after} the run failed: {error}\n"));
        }
        Failure::FailedFromScratch { error, .. } => {
            out.push_str(&format!(
                "from scratch, with the rows of epoch {after}, the run failed: {error}\n"
            ));
        }
    }
    let workers = if history.workers == 1 { "worker" } else { "workers" };
    out.push_str(&format!("\nthe history, on {} {workers}:\n", history.workers));
    for epoch in 0..=failure.epoch().min(history.epochs.saturating_sub(1)) {
        epoch_lines(epoch, history, inputs, &mut out);
    }
    out.push_str(&format!("\nhelp: run it again with `.seed({seed})` or `PATHWAY_SEED={seed}`"));
    out
}

fn epoch_lines(epoch: usize, history: &History, inputs: &[InputName], out: &mut String) {
    out.push_str(&format!("epoch {}\n", epoch + 1));
    let updates = history.updates(epoch);
    if updates.is_empty() {
        out.push_str("  nothing\n");
    }
    for (at, input) in inputs.iter().enumerate() {
        let mut first = true;
        for (life, diff) in updates.iter().filter(|(life, _)| life.input == at) {
            if std::mem::take(&mut first) {
                out.push_str(&format!("  {}\n", input.describe()));
            }
            let mark = if *diff > 0 { '+' } else { '-' };
            let row = display(input.rows, &life.row);
            let worker = if history.workers > 1 {
                format!("   (worker {})", life.partition % history.workers)
            } else {
                String::new()
            };
            out.push_str(&format!("    {mark} {row}{worker}\n"));
        }
    }
}
