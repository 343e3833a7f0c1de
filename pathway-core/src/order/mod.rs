//! What rows have of their neighbours in order: positions, neighbours' values, running and moving
//! results.
//!
//! | output | result | of nulls | what an update changes |
//! |---|---|---|---|
//! | [`row_number`](Over::row_number), [`running_count`](Over::running_count) | the position, from 1 | | rows behind |
//! | [`rank`](Over::rank), [`dense_rank`](Over::dense_rank) | the position of the sort key | | rows of greater keys |
//! | [`lag`](Over::lag), [`lead`](Over::lead), [`previous`](Over::previous), [`next`](Over::next) | a neighbour's value, or null | keeps | `n` neighbours |
//! | [`first`](Over::first), [`last`](Over::last) | the value at an edge of the partition | keeps | all, where the edge changes |
//! | [`running_sum`](Over::running_sum) | integers: 64 or 128 bits; floats: exact, rounded once | skips; null until there is one | rows behind |
//! | [`running_min`](Over::running_min), [`running_max`](Over::running_max) | a value | skips; null until there is one | rows behind, as far as the result differs |
//! | [`moving_sum`](Over::moving_sum), [`moving_mean`](Over::moving_mean), [`moving_min`](Over::moving_min), [`moving_max`](Over::moving_max), [`moving_count`](Over::moving_count) | over the rows around | skips; null if all are | rows around |
//! | [`difference`](Over::difference) | the value less that of the row in front, or null | null if one is | the row behind |
//! | [`interpolate`](Over::interpolate) | the value, or the line between its neighbours | fills | the gap around |
//!
//! Ties of the sort key are broken by the order of rows, and frames count rows, not keys. All
//! outputs of one `over` share one state and one pass. An update costs O(log n) and what it
//! changes.

mod numbers;
mod over;
mod parts;
mod running;

pub use numbers::{Interpolate, Subtract};
pub use over::{Output, Over};
pub use parts::{Outputs, Part};
