//! The rows of results, as programs write them.

use crate::Outcome;
use pathway::prelude::Schema;
use serde::Serialize;
use std::path::Path;

/// How often a word is there.
#[derive(Clone, Debug, Schema, Serialize)]
pub(crate) struct Count {
    pub(crate) word: String,
    pub(crate) count: u64,
}

/// The orders of the users of a country.
#[derive(Clone, Debug, Schema, Serialize)]
pub(crate) struct Sales {
    pub(crate) country: String,
    pub(crate) orders: u64,
    pub(crate) total: f64,
    pub(crate) mean: f64,
    pub(crate) largest: f64,
    pub(crate) smallest: f64,
}

/// The events of a key in a window, of fixed length or a session.
#[derive(Clone, Debug, Schema, Serialize)]
pub(crate) struct Total {
    pub(crate) start: i64,
    pub(crate) key: u32,
    pub(crate) total: i64,
    pub(crate) count: u64,
}

/// What all ranks come to: enough to tell that they are equal, and which every peer can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Schema, Serialize)]
pub(crate) struct Ranks {
    pub(crate) vertices: u64,
    pub(crate) total: i64,
    pub(crate) squares: i64,
}

/// Writes rows as CSV, with a header.
pub(crate) fn write<T: Serialize>(path: &Path, rows: impl IntoIterator<Item = T>) -> Outcome {
    let mut out = csv::Writer::from_path(path)?;
    for row in rows {
        out.serialize(row)?;
    }
    Ok(out.flush()?)
}
