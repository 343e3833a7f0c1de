//! q18: the last row of each key.

use crate::Bid;
use pathway::prelude::*;
use std::cmp::Reverse;

/// The last bid of each person in each auction.
///
/// ```sql
/// SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY bidder, auction
///                                             ORDER BY date_time DESC) AS n FROM bid)
/// WHERE n <= 1
/// ```
pub fn q18(bids: &Stream<Bid>) -> Table<Bid> {
    bids.group_by(|bid| (bid.bidder, bid.auction))
        .sort_by(|bid| Reverse(bid.date_time))
        .limit(1)
        .into()
}
