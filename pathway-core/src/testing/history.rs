//! A random history of inputs: which rows come, when, and when they go again.

use super::Random;
use super::rows::Simplify;
use std::collections::BTreeMap;

/// What a history may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) epochs_max: usize,
    pub(super) rows_per_epoch_max: usize,
    pub(super) workers_max: usize,
}

/// One copy of a row in one input, from the epoch in which it comes to that in which it goes.
///
/// Keeping both ends together means that no history takes away what is not there, whatever
/// shrinking leaves out.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Life {
    pub(super) input: usize,
    /// The choices that make the row.
    pub(super) choices: Vec<u64>,
    pub(super) row: Vec<u8>,
    pub(super) from: usize,
    pub(super) until: Option<usize>,
    /// The retraction is sent in front of its epoch's insertions rather than behind them: within
    /// an epoch the order of a table's updates means nothing.
    pub(super) goes_first: bool,
    /// The partition of the input that the row comes through, and with it the worker.
    pub(super) partition: usize,
}

/// A history for all inputs of a pipeline.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct History {
    pub(super) workers: usize,
    pub(super) epochs: usize,
    pub(super) lives: Vec<Life>,
}

/// An input has that many partitions; those of streams whose order matters have one.
pub(super) const PARTITIONS: usize = 4;

/// What a history needs to know of an input.
pub(super) trait Inputs {
    fn count(&self) -> usize;
    /// Whether its rows stay.
    fn is_append_only(&self, input: usize) -> bool;
    fn row(&self, input: usize, random: &mut Random) -> Vec<u8>;
    /// Simpler rows than the one that these choices made; nothing where simpler choices make
    /// simpler rows.
    fn simplify(&self, _input: usize, _choices: &[u64]) -> Option<Box<dyn Simplify>> {
        None
    }
    /// Whether the order of an input's rows can reach the output.
    fn is_ordered(&self) -> bool;
}

impl History {
    pub(super) fn generate(seed: u64, limits: Limits, inputs: &impl Inputs) -> Self {
        let mut random = Random::new(seed);
        let workers = 1 + random.index(limits.workers_max);
        let epochs = 1 + random.index(limits.epochs_max);
        // Now and then a table is empty in the end.
        let ends_empty = random.one_in(4);
        let mut lives = Vec::new();
        for from in 0..epochs {
            if inputs.count() == 0 || random.one_in(6) {
                continue;
            }
            for _ in 0..=random.index(limits.rows_per_epoch_max) {
                let input = random.index(inputs.count());
                let mut until = None;
                if !inputs.is_append_only(input) && (ends_empty || random.one_in(2)) {
                    let end = from + random.index(epochs - from + usize::from(!ends_empty));
                    until = Some(end).filter(|&end| end < epochs);
                }
                let goes_first = random.one_in(2);
                let ordered = inputs.is_append_only(input) && inputs.is_ordered();
                let partition = if ordered { 0 } else { random.index(PARTITIONS) };
                random.take_choices();
                let row = inputs.row(input, &mut random);
                let choices = random.take_choices();
                lives.push(Life { input, choices, row, from, until, goes_first, partition });
            }
        }
        Self { workers, epochs, lives }
    }

    /// The updates of one epoch, in the order in which they are sent.
    pub(super) fn updates(&self, epoch: usize) -> Vec<(&Life, i64)> {
        let goes = |first| {
            self.lives
                .iter()
                .filter(move |life| life.until == Some(epoch) && life.goes_first == first)
                .map(|life| (life, -1))
        };
        let come = self.lives.iter().filter(|life| life.from == epoch).map(|life| (life, 1));
        goes(true).chain(come).chain(goes(false)).collect()
    }

    /// The rows that are there at the end of an epoch, in the order in which they came.
    pub(super) fn rows(&self, epoch: usize) -> impl Iterator<Item = &Life> {
        self.lives
            .iter()
            .filter(move |life| life.from <= epoch && life.until.is_none_or(|until| until > epoch))
    }

    /// The updates of an epoch, consolidated, by input and row.
    pub(super) fn changes(&self, epoch: usize) -> BTreeMap<(usize, &[u8]), i64> {
        let mut changes = BTreeMap::new();
        for (life, diff) in self.updates(epoch) {
            *changes.entry((life.input, life.row.as_slice())).or_insert(0) += diff;
        }
        changes.retain(|_, diff| *diff != 0);
        changes
    }
}
