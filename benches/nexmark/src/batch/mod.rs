//! The queries once more, each over the whole list of events, in plain loops and the collections of
//! `std`: what the pipelines are to give, in any order.

mod counts;
mod joins;
mod stateless;
mod top;
mod windows;

pub use counts::{q15, q16, q17};
pub use joins::{q3, q4, q6, q9, q13, q20};
pub use stateless::{q0, q1, q2, q10, q14, q21, q22};
pub use top::{q18, q19};
pub use windows::{q5, q7, q8, q11, q12};

use crate::rows::Events;
use pathway::prelude::*;

/// Events, and when they came.
#[derive(Clone, Debug, Default)]
pub struct Arrived {
    /// The events.
    pub events: Events,
    /// When each bid came, by the clock.
    pub bids_came: Vec<DateTime>,
}

/// The mean of prices, of which there is one or more.
fn mean(prices: &[u64]) -> f64 {
    prices.iter().sum::<u64>() as f64 / prices.len() as f64
}
