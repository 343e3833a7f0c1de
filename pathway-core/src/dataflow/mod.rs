//! The engine's operators and their state, on timely dataflow. No plan and no row type in here.

pub(crate) mod async_calls;
mod changed;
pub(crate) mod chunk;
pub(crate) mod delta_join;
pub(crate) mod epoch_clock;
mod exact_number;
mod exact_sum;
pub mod fold;
pub(crate) mod group_table;
pub(crate) mod index;
pub(crate) mod iterate;
mod key_hash;
mod key_table;
pub(crate) mod logic;
pub(crate) mod machine;
pub(crate) mod operator;
pub mod ordered;
pub(crate) mod out_buffer;
mod row_log;
pub(crate) mod sink;
mod slot_index;
mod small_bytes;
pub(crate) mod stamp;
pub mod state;
pub(crate) mod stateful;
pub mod time_join;
pub(crate) mod total;
pub(crate) mod upsert;
pub(crate) mod validity;
pub(crate) mod watermark;

pub mod window;

pub use group_table::{OutputShape, ReducePlan};
pub(crate) use iterate::LEVELS_MAX;
pub use iterate::Limit;
pub use logic::{Alone, JoinKind};
pub use time_join::{AsOf, Direction, Meets, TimeJoinPlan};
pub use watermark::WatermarkPlan;
pub(crate) use watermark::{END, START};
