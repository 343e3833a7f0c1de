//! q13: a join with a bounded table.

use crate::rows::SIDE_ROWS;
use crate::{Bid, SideInput};
use pathway::prelude::*;

/// A bid with a text from the side.
#[derive(Clone, Debug, Schema)]
pub struct EnrichedBid {
    /// The auction.
    pub auction: u64,
    /// The person who bids.
    pub bidder: u64,
    /// In cents.
    pub price: u64,
    /// When the bid was made.
    #[schema(event_time)]
    pub date_time: DateTime,
    /// The text.
    pub value: String,
}

/// Bids with a text of a small table, as it is when they come.
///
/// ```sql
/// SELECT b.auction, b.bidder, b.price, b.date_time, s.value
/// FROM bid b JOIN side_input FOR SYSTEM_TIME AS OF PROCTIME() s ON b.auction % 10000 = s.key
/// ```
pub fn q13(bids: &Stream<Bid>, side: &Table<SideInput>) -> Stream<EnrichedBid> {
    bids.as_of_now_join(side).on(|bid| bid.auction % SIDE_ROWS, SideInput.key).select(
        |bid, side| EnrichedBid {
            auction: bid.auction,
            bidder: bid.bidder,
            price: bid.price,
            date_time: bid.date_time,
            value: side.value.clone(),
        },
    )
}
