//! What a window computes for each row.

use super::tree::Aggregate;
use crate::dataflow::OutputShape;
use crate::dataflow::fold::{Fold, Number};
use crate::schema::DataType;
use std::fmt;
use std::sync::Arc;

/// All parts of a window. They share one state and one pass.
#[derive(Clone, Debug)]
pub struct OverPlan {
    /// The parts in order.
    pub parts: Arc<[OverPart]>,
    /// The form of their outputs.
    pub shape: OutputShape,
}

/// One output of a window. Arguments are numbered over all parts.
#[derive(Clone, Debug)]
pub enum OverPart {
    /// The position, counted from one.
    RowNumber,
    /// One more than how many rows have a smaller sort key.
    Rank,
    /// One more than how many smaller sort keys there are.
    DenseRank,
    /// The value some rows away; null where there is no such row.
    Shifted {
        /// Rows on, or back where it is negative.
        by: i64,
        /// The value, compact.
        argument: usize,
    },
    /// The value of the first row.
    First(Edge),
    /// The value of the last row.
    Last(Edge),
    /// The rows up to this one, folded.
    Running {
        /// With what. It must be mergeable.
        fold: Arc<dyn Fold>,
        /// How it goes on from row to row.
        kind: RunningKind,
        /// The value.
        argument: usize,
    },
    /// The rows around this one, folded.
    Moving {
        /// With what. It must subtract.
        fold: Arc<dyn Fold>,
        /// How many rows in front.
        preceding: u64,
        /// How many rows behind.
        following: u64,
        /// The value.
        argument: usize,
    },
    /// The value less that of the row in front; null where one of them is.
    Difference {
        /// What is subtracted.
        number: Number,
        /// The type of the result.
        output: DataType,
        /// The number.
        argument: usize,
    },
    /// The value, or where it is null what lies on the line between its neighbours.
    Interpolate {
        /// Where the row lies; its value is the argument that follows.
        argument: usize,
    },
}

/// The value of a row at the edge of its partition.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    /// The value, compact.
    pub argument: usize,
    /// Whether it can be null.
    pub nullable: bool,
}

/// How a running result goes on from row to row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunningKind {
    /// It subtracts, as sums do.
    Sum,
    /// The least value so far; its argument is in the ordered encoding.
    Least,
    /// The greatest value so far.
    Greatest,
}

impl RunningKind {
    /// Whether the first value stays the best one when the second comes.
    pub(super) fn stays(self, best: &[u8], value: &[u8]) -> bool {
        match self {
            Self::Sum => false,
            Self::Least => best <= value,
            Self::Greatest => best >= value,
        }
    }
}

impl OverPart {
    pub(super) fn nullable(&self) -> bool {
        match self {
            Self::RowNumber | Self::Rank | Self::DenseRank => false,
            Self::Shifted { .. } | Self::Difference { .. } | Self::Interpolate { .. } => true,
            Self::First(edge) | Self::Last(edge) => edge.nullable,
            Self::Running { fold, .. } | Self::Moving { fold, .. } => fold.nullable(),
        }
    }

    /// The same part, with its arguments from that number on.
    #[must_use]
    pub(crate) fn with_argument(mut self, first: usize) -> Self {
        match &mut self {
            Self::RowNumber | Self::Rank | Self::DenseRank => {}
            Self::First(edge) | Self::Last(edge) => edge.argument = first,
            Self::Shifted { argument, .. }
            | Self::Running { argument, .. }
            | Self::Moving { argument, .. }
            | Self::Difference { argument, .. }
            | Self::Interpolate { argument } => *argument = first,
        }
        self
    }
}

/// What a partition keeps beside its rows.
#[derive(Clone, Debug)]
pub(crate) struct Keeps {
    /// What the inner nodes of its tree add up.
    pub(crate) aggregates: Arc<[Aggregate]>,
    /// The aggregate of each part that has one.
    pub(super) aggregate_of: Arc<[Option<usize>]>,
    /// Whether the sort keys are kept, each once.
    pub(super) keys: bool,
    /// For each part that interpolates, its argument: the rows that it goes by are kept.
    pub(super) anchors: Arc<[usize]>,
}

impl Keeps {
    /// Rows alone.
    pub(crate) fn nothing() -> Self {
        Self::of(&[])
    }

    pub(crate) fn of(parts: &[OverPart]) -> Self {
        let (mut aggregates, mut aggregate_of) = (Vec::new(), Vec::new());
        for part in parts {
            aggregate_of.push(match part {
                OverPart::Running { fold, kind, argument } => {
                    let subtracts = *kind == RunningKind::Sum;
                    let fold = Arc::clone(fold);
                    aggregates.push(Aggregate { fold, argument: *argument, subtracts });
                    Some(aggregates.len() - 1)
                }
                _ => None,
            });
        }
        let anchor = |part: &OverPart| match part {
            OverPart::Interpolate { argument } => Some(*argument),
            _ => None,
        };
        Self {
            aggregates: aggregates.into(),
            aggregate_of: aggregate_of.into(),
            keys: parts.iter().any(|part| matches!(part, OverPart::DenseRank)),
            anchors: parts.iter().filter_map(anchor).collect(),
        }
    }
}

impl fmt::Display for OverPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RowNumber => "row_number",
            Self::Rank => "rank",
            Self::DenseRank => "dense_rank",
            Self::Shifted { by: ..0, .. } => "lag",
            Self::Shifted { .. } => "lead",
            Self::First(_) => "first",
            Self::Last(_) => "last",
            Self::Running { kind: RunningKind::Sum, .. } => "running_sum",
            Self::Running { kind: RunningKind::Least, .. } => "running_min",
            Self::Running { kind: RunningKind::Greatest, .. } => "running_max",
            Self::Moving { .. } => "moving",
            Self::Difference { .. } => "difference",
            Self::Interpolate { .. } => "interpolate",
        })
    }
}
