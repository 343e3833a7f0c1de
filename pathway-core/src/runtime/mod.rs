//! Runs a plan: worker threads, epochs, shutdown.
//!
//! - [`Settings`]: from the builder and from `PATHWAY_*`.
//! - [`Running`]: the handle to a run.
//! - `shared`: what the threads of a run share, and how they agree on epochs.
//! - `clock`: the time of epochs.
//! - `queue`: the bounded queues between readers and workers.
//! - `worker`: the loop of one worker.
//! - `local_source`: one source on one worker.
//! - `alignment`: sources whose event times are ahead of others wait.
//! - `sink_thread`: the loop of one sink.
//! - `durable`: what is logged, when checkpoints are made, and what a run goes on from; `journal`:
//!   the same for one source; `source_state`: what a checkpoint holds of it.
//! - `recording`: what was recorded, for a run that replays it.
//! - `calls`: asynchronous functions, on a thread of their own.
//! - `unsettled`: loops that hold their epoch, and what becomes of them at a stop.
//! - `watch`, `progress`, `signals`: what `Pipeline::run` does while it waits.

mod alignment;
mod call_log;
#[cfg(feature = "async")]
mod calls;
#[cfg(not(feature = "async"))]
#[path = "no_calls.rs"]
mod calls;
mod clock;
mod durable;
mod journal;
mod local_source;
mod progress;
mod queue;
mod recording;
mod rescale;
mod running;
mod settings;
mod shared;
mod signals;
mod sink_thread;
mod source_state;
mod stats;
mod unsettled;
mod watch;
mod worker;

pub(crate) use clock::Clock;
pub(crate) use durable::{Durability, Purpose};
pub use running::Running;
pub(crate) use running::{Drive, start};
pub use settings::Settings;
pub use stats::{EndStats, LateStats, LoopStats, StateStats, Stats};
pub(crate) use watch::watch;
