//! The typed part of a running program: chains of closures between stateful operators.
//!
//! Between two stateful operators, all `map`, `filter` and `flat_map` steps of a program compose
//! into one tree of [`Step`]s on the typed row: one decode at its root, one encode at each leaf,
//! no container in between. A user's crate instantiates these steps and nothing else of the
//! engine; the plan holds functions that build them, erased to [`AnyStep`].
//!
//! ```text
//!   EncodedStep (root: decodes)  ──▶ Step<T> ──▶ Step<U> ──┬─▶ terminal: key and row, encoded
//!                                                          └─▶ terminal: key and reducer inputs
//! ```
//!
//! Rows move by value. Where a row has several consumers, all but the last get it by reference
//! ([`Step::push_ref`]); a step that needs it by value makes its own copy.

mod async_calls;
mod batch;
mod combination;
mod encoded;
mod inputs;
mod machine;
mod pattern;
mod root;
mod row_key;
mod row_type;
mod sorted;
mod stamp;
mod stateful;
mod steps;
mod terminal;
mod time_join;
mod watermark;
mod window;

pub use async_calls::{
    Answer, Attempt, CallError, CallResult, CallRow, ErrorRow, attempt, batch_attempt, failed,
};
pub use batch::{Batch, SharedBatch};
pub(crate) use combination::{
    CombinationKey, LeftRow, combination_terminal, combine_root, combined_root, put_row, take_row,
};
pub use combination::{Decoded, combination_root};
pub(crate) use encoded::{
    COLUMNS_MAX, EncodedTee, LeftRows, PassRows, ReduceByColumns, RowsByColumn,
};
pub use encoded::{ColumnInput, ReduceColumns};
pub use inputs::{Input, Inputs};
pub use machine::{KeyedMachine, Machine, MachineFactory, TimerRequest, machine};
pub use pattern::{
    Append, Capture, Captures, Either, FitsStep, Outcome, PatternOf, PatternPlan, PatternState,
    PatternStep, TakenRows,
};
pub use root::{EncodedStep, RowStep, join_root, outer_join_root, pair_root};
pub use row_key::RowKey;
pub(crate) use row_key::{by_keys, keys_terminal};
pub use row_type::RowType;
pub(crate) use sorted::{
    KeyOf, first_terminal, partition_key, put_sort_header, sort_key, sorted_terminal,
};
pub use stamp::stamp_root;
pub use stateful::{KeyedLogic, KeyedLogicFactory, stateful};
pub use steps::{StepContext, StepFactory, filter, filter_map, flat_map, inspect, map, try_map};
pub(crate) use terminal::{
    Extract, JoinKeyOf, join_key, reduce_sets_terminal, timed_join_terminal, timed_terminal,
};
pub use terminal::{
    InputsCollector, KeyedCollector, KeyedTerminal, ReduceTerminal, RowTerminal, keyed_terminal,
    reduce_terminal, upsert_terminal,
};
pub(crate) use watermark::to_watermark;
pub use watermark::{TimeEdge, ToWatermark};

pub(crate) use time_join::{Condition, Front, time_join_terminal, window_join_root};
pub(crate) use window::{
    PaneOf, groups_terminal, interval_root, whole_window_root, window_root, windowed_terminal,
};

use crate::schema::Schema;
use std::any::Any;
use std::cell::Cell;
use std::fmt;

/// A signed multiplicity.
pub type Diff = i64;

/// Receives typed rows.
pub trait Step<T> {
    /// Takes a row.
    fn push(&mut self, row: T, diff: Diff);

    /// Takes a row that others need too.
    fn push_ref(&mut self, row: &T, diff: Diff);
}

/// A [`Step`] whose row type is known to its neighbours only.
pub struct AnyStep {
    step: Box<dyn Any>,
}

impl AnyStep {
    /// Erases the row type.
    pub fn new<T: Schema>(step: Box<dyn Step<T>>) -> Self {
        Self { step: Box::new(step) }
    }

    /// The typed step.
    ///
    /// # Panics
    ///
    /// If the row type is another one, which is a bug of the lowering.
    pub fn typed<T: Schema>(self) -> Box<dyn Step<T>> {
        *self.step.downcast().expect("a consumer has the row type of the table it consumes")
    }
}

impl fmt::Debug for AnyStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyStep")
    }
}

thread_local! {
    static RUNNING: Cell<u32> = const { Cell::new(u32::MAX) };
}

/// Notes that a closure of that plan node runs on this thread, so that a panic can be traced to
/// it.
#[cfg_attr(not(debug_assertions), inline)]
pub fn enter(node: u32) {
    RUNNING.set(node);
}

/// The plan node whose closure ran last on this thread.
pub fn running() -> Option<u32> {
    Some(RUNNING.get()).filter(|&node| node != u32::MAX)
}
