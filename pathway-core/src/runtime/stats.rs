//! Figures of a run.

/// What a run has done so far.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// The open epoch.
    pub epoch: u64,
    /// The epochs before this one have drained.
    pub drained: u64,
    /// The sources.
    pub sources: Vec<EndStats>,
    /// The sinks.
    pub sinks: Vec<EndStats>,
    /// The operators that keep state, as the workers have reported last: just now, or a while ago
    /// if they were too busy to answer.
    pub states: Vec<StateStats>,
    /// The loops that are under way in the epoch that has not drained.
    pub loops: Vec<LoopStats>,
    /// The watermarks, with the late rows that were taken or dropped.
    pub late: Vec<LateStats>,
}

/// The part of [`Stats`] that costs nothing to know.
#[derive(Clone, Debug, Default)]
pub(super) struct Ends {
    pub(super) drained: u64,
    pub(super) sources: Vec<EndStats>,
    pub(super) sinks: Vec<EndStats>,
    pub(super) loops: Vec<LoopStats>,
}

/// One source or one sink.
#[derive(Clone, Debug, Default)]
pub struct EndStats {
    /// What it is called.
    pub label: String,
    /// Rows in or out.
    pub rows: u64,
    /// Bytes read; zero for sinks.
    pub bytes: u64,
    /// All bytes there are to read, where that is known.
    pub bytes_total: Option<u64>,
    /// Bytes read that no worker has taken yet.
    pub backlog: u64,
    /// Whether it has ended.
    pub ended: bool,
}

/// One operator's state, summed over workers.
#[derive(Clone, Debug, Default)]
pub struct StateStats {
    /// The operator and its source line.
    pub operator: String,
    /// Groups or rows.
    pub rows: u64,
    /// Memory, in bytes.
    pub bytes: u64,
}

/// How far a loop is.
#[derive(Clone, Debug, Default)]
pub struct LoopStats {
    /// The loop and its source line.
    pub operator: String,
    /// The epoch that it works on.
    pub epoch: u64,
    /// The furthest round that has changed something, counted from one. Those of a loop in a loop
    /// are counted anew in each round of the outer one.
    pub round: u64,
    /// The rows that have changed last.
    pub rows: u64,
}

/// One watermark's late rows.
#[derive(Clone, Debug, Default)]
pub struct LateStats {
    /// The watermark and its source line.
    pub operator: String,
    /// Late rows so far.
    pub rows: u64,
}
