//! q0: what the engine costs by itself.

use crate::Bid;
use pathway::prelude::*;

/// Passes bids through.
///
/// ```sql
/// SELECT * FROM bid
/// ```
pub fn q0(bids: &Stream<Bid>) -> Stream<Bid> {
    bids.clone()
}
