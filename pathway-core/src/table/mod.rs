//! What a user writes: pipelines, tables, streams and their verbs. Typed and thin.
//!
//! A verb checks types, erases the user's closure, pushes a plan node and returns a handle; no
//! engine code is instantiated here. One verb, or one family of them, is one file.

mod aggregate;
mod as_of_now;
#[cfg(feature = "async")]
mod async_calls;
mod changes;
mod collection;
mod contents;
mod fallible;
mod graph;
mod group;
mod grouping_sets;
mod index;
mod input;
mod iterate;
mod join;
mod join_chain;
mod lookup;
mod machine;
mod needs_stream;
mod operator;
mod pattern;
mod pipeline;
mod resample;
mod rows;
mod semi_join;
mod set;
mod silence;
mod sort;
mod source;
mod stamp;
mod stateful;
mod time_join;
mod total;
mod unique;
mod unpivot;
mod update;
mod upsert;
mod validity;
mod view;
mod watermark;
mod window;
mod write;

pub use aggregate::Aggregate;
pub use as_of_now::{AsOfNowBuilder, AsOfNowPair};
#[cfg(feature = "async")]
pub use async_calls::{Always, Batches, Calls, RetryIf, When};
pub use collection::{Collection, IntoTable, Stream, Table};
pub use fallible::{Fallible, RowError};
pub use group::{Grouped, Reduced};
pub use grouping_sets::{GroupedSets, KeyColumns};
pub use index::{Indexed, SameKey};
pub use input::{Input, InputError, TableInput, Transaction};
pub use iterate::{LoopTables, NextTables, iterate, iterate_at_most, iterate_within};
pub use join::{Full, Inner, JoinBuilder, JoinPair, JoinWhere, Left, PairJoin, Right};
pub use join_chain::{
    ChainBuilder, ChainIndexBuilder, Fifth, FilteredChain, First, Fourth, Grown, JoinChain,
    Optional, RowsOf, Second, Side, TableAt, Third, With,
};
pub use lookup::{Lookup, RequiredLookup};
pub use machine::{StateMachine, TimedMachine};
pub use needs_stream::NeedsStream;
pub use operator::{OperatorInfo, operators};
pub use pattern::{Alternative, Anytime, HasLimit, Pattern, PatternStart, Within};
pub use pipeline::Pipeline;
pub use resample::Resampled;
pub use semi_join::{SemiBuilder, SemiWhere};
pub use sort::{Limited, Ordered, Sorted};
pub use source::{ReaderSource, Source};
pub use time_join::{
    BothSides, ByAsOf, ByInterval, ByVersion, ByWindow, Nearby, OfPairs, OnKeys, SameTime,
    TimeJoin, Unkeyed,
};
pub use upsert::AppendOnly;
pub use view::{View, ViewSnapshot};
pub use watermark::InTime;
pub use window::{
    AllIntervals, BoundsOf, ByNeighbours, ByPosition, ByTime, Changing, Emptiness, Final,
    FinalWindows, GroupedWindows, IntervalsOver, NonEmpty, SameLine, WindowSpec, Windowed,
    cumulating, days, global, months, sessions, sliding, tumbling, weeks,
};
pub use write::Change;

pub use crate::stage::{Either, Machine};

pub(crate) use graph::Graph;
pub(crate) use input::{Encoded, put_update};
pub(crate) use write::Captured;
