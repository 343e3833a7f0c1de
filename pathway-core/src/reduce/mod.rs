//! Reducers: what a group is folded with.
//!
//! | reducer | result | of nulls | state per group |
//! |---|---|---|---|
//! | [`count`](Group::count) | rows, `u64` | counts them | nothing more |
//! | [`sum`](Group::sum) | integers: 64 or 128 bits; floats and decimals: exact, rounded once | skips; null if all are | numbers |
//! | [`mean`](Group::mean) | `f64` | skips; null if all are | numbers |
//! | [`min`](Group::min), [`max`](Group::max), [`any`](Group::any) | a value | skips; null if all are | one value over a `Stream`, a sorted multiset over a `Table` |
//! | [`variance`](Group::variance), [`std_dev`](Group::std_dev), and of a [population](Group::variance_population) | `f64`; of a sample of fewer than two null | skips | exact numbers |
//! | [`argmin`](Group::argmin), [`argmax`](Group::argmax) | the second value where the first is least or greatest | of the first: only if all are null | the same |
//! | [`first`](Group::first), [`last`](Group::last) | the same two by familiar names | the same | the same |
//! | [`unique`](Group::unique) | the one value; an error if there are several | skips | the distinct values |
//! | [`mode`](Group::mode), [`most_frequent`](Group::most_frequent) | the most frequent value; the `k` most frequent, counted | skips | the distinct values |
//! | [`quantile`](Group::quantile), [`median`](Group::median) | interpolated, `f64` | skips; null if all are | the distinct values |
//! | [`quantile_discrete`](Group::quantile_discrete) | one of the values, of any type | skips; null if all are | the distinct values |
//! | [`approx_quantile`](Group::approx_quantile) | within 0.8 % | skips; null if all are | 128 counts for each doubling |
//! | [`histogram`](Group::histogram) | counts between bounds | skips | the counts |
//! | [`bool_and`](Group::bool_and), [`bool_or`](Group::bool_or) | `bool` | skips; null if all are | two counts |
//! | [`bit_and`](Group::bit_and), [`bit_or`](Group::bit_or), [`bit_xor`](Group::bit_xor) | an integer | skips; null if all are | a count for each bit |
//! | [`top_k`](Group::top_k), [`bottom_k`](Group::bottom_k) | a list of `k` values | skips | `k` values over a `Stream`, all over a `Table` |
//! | [`count_distinct`](Group::count_distinct) | exact, `u64` | skips | the distinct values |
//! | [`approx_count_distinct`](StreamGroup::approx_count_distinct), over a `Stream` | within 1.6 %, `u64` | skips | at most 4 KiB |
//! | [`collect`](Group::collect), [`collect_sorted_by`](Group::collect_sorted_by) | all values, sorted | keeps | all values |
//! | [`collect_map`](Group::collect_map) | a map; an error if a key has two values | keeps | all keys and values |
//! | [`join_text`](Group::join_text) | one text | skips; null if all are | all texts |
//! | [`accumulate`](Group::accumulate) | one's own, with an inverse | | one's own |
//! | [`fold`](Group::fold) | one's own, without an inverse | keeps | all values |
//!
//! A reducer folds some rows only [`when`](Reducer::when) a condition holds. Without groups,
//! [`Table::reduce`](crate::table::Table::reduce) folds a whole table. In both there may be no
//! rows: counts and sums are then zero, lists empty, and what has no result is null.
//!
//! Ties are broken by the order of rows, so a result never depends on arrival order, on epochs or
//! on the number of workers.

mod accumulate;
mod bits;
mod choose;
mod distinct;
mod group;
mod lists;
mod number;
mod numbers;
mod own;
mod ranks;
mod reducer;
mod reducers;
mod text;

pub use accumulate::Accumulate;
pub use bits::{BitInteger, Truth};
pub use distinct::RowsStay;
pub use group::{Group, GroupOf, StreamGroup};
pub use number::{Average, Summable};
pub use reducer::{Part, Reducer};
pub use reducers::Reducers;
pub use text::TextValue;
