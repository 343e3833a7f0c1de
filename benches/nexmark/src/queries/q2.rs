//! q2: a filter.

use crate::Bid;
use pathway::prelude::*;

/// The auctions and prices of bids in certain auctions.
///
/// ```sql
/// SELECT auction, price FROM bid WHERE auction % 123 = 0
/// ```
pub fn q2(bids: &Stream<Bid>) -> Stream<(u64, u64)> {
    bids.filter(|bid| bid.auction % 123 == 0).map(|bid| (bid.auction, bid.price))
}
