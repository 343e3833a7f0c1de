//! q1: a simple calculation.

use crate::Bid;
use pathway::prelude::*;

/// A bid in euros.
#[derive(Clone, Debug, Schema)]
pub struct EuroBid {
    /// The auction.
    pub auction: u64,
    /// The person who bids.
    pub bidder: u64,
    /// In thousandths of a cent, so that nothing is rounded.
    pub price: u64,
    /// When the bid was made.
    #[schema(event_time)]
    pub date_time: DateTime,
    /// As in the bid.
    pub extra: String,
}

/// Thousandths of a euro for a dollar.
pub(crate) const RATE: u64 = 908;

/// Turns prices from dollars into euros.
///
/// ```sql
/// SELECT auction, bidder, 0.908 * price AS price, date_time, extra FROM bid
/// ```
pub fn q1(bids: &Stream<Bid>) -> Stream<EuroBid> {
    bids.map(|Bid { auction, bidder, price, date_time, extra, .. }| EuroBid {
        auction,
        bidder,
        price: price * RATE,
        date_time,
        extra,
    })
}
