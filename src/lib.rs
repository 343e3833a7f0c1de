#![doc = include_str!("guide/quickstart.md")]

pub mod guide;

pub use pathway_connectors::{csv, files, jsonl, lines, null, source, stdout};
pub use pathway_core::error::{self, Error, Result};
pub use pathway_core::{format, graph, io, order, reduce, runtime, schema, table, testing};
pub use pathway_macros::{Aggregate, Schema, operator};

/// Where durable pipelines keep what they need to go on.
pub mod store {
    #[cfg(feature = "objects")]
    pub use pathway_connectors::objects::{Objects, objects};
    pub use pathway_core::persistence::inspect;
    pub use pathway_core::persistence::store::{Append, Claim};
    pub use pathway_core::persistence::{Directory, Memory, Store, StoreError, directory, memory};
}

/// What a pipeline is, as text.
pub mod plan {
    pub use pathway_core::plan::explain;
}

/// What the expansions of the macros name. Not part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use pathway_core::__private::*;
}

/// What a program needs: `use pathway::prelude::*;`.
pub mod prelude {
    pub use crate::store;
    pub use pathway_connectors::{csv, jsonl, lines, null, stdout};
    pub use pathway_core::io::BadRow;
    pub use pathway_core::reduce::Accumulate;
    pub use pathway_core::schema::{
        Bytes, Date, DateTime, Duration, EventTime, InUtc, Keyed, NaiveDateTime, Schema, Text,
        Time, Window, Zoned,
    };
    pub use pathway_core::table::{
        Aggregate, Change, Collection, Input, InputError, Pipeline, Reduced, RowError, Stream,
        Table, TableInput, View, cumulating, days, global, iterate, iterate_at_most,
        iterate_within, months, sessions, sliding, tumbling, weeks,
    };
    #[cfg(feature = "async")]
    pub use pathway_core::table::{Batches, Calls};
    pub use pathway_macros::{Aggregate, Schema, operator};
}

/// The programs of the README, which are to compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
