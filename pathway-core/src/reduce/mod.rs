//! Reducers: what a group is folded with.
//!
//! | reducer | result | of nulls | state per group |
//! |---|---|---|---|
//! | [`count`](Group::count) | rows, `u64` | counts them | nothing more |
//! | [`sum`](Group::sum) | integers: 64 or 128 bits; floats: exact, rounded once | skips; null if all are | numbers |
//! | [`mean`](Group::mean) | `f64` | skips; null if all are | numbers |
//! | [`min`](Group::min), [`max`](Group::max), [`any`](Group::any) | a value | skips; null if all are | one value over a `Stream`, a sorted multiset over a `Table` |
//! | [`argmin`](Group::argmin), [`argmax`](Group::argmax) | the second value where the first is least or greatest | of the first: only if all are null | the same |
//! | [`count_distinct`](Group::count_distinct) | exact, `u64` | skips | the distinct values |
//! | [`collect`](Group::collect) | all values, sorted | keeps | all values |
//! | [`accumulate`](Group::accumulate) | one's own, with an inverse | | one's own |
//! | [`fold`](Group::fold) | one's own, without an inverse | keeps | all values |
//!
//! Ties are broken by the order of rows, so a result never depends on arrival order, on epochs or
//! on the number of workers.

mod accumulate;
mod group;
mod number;
mod reducers;

pub use accumulate::Accumulate;
pub use group::{Group, Reducer};
pub use number::{Average, Summable};
pub use reducers::{Part, Reducers};
