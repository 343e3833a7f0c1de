//! q17: aggregates of many small groups.

use super::Ranks;
use super::ranks::{rank1, rank2, rank3};
use crate::Bid;
use pathway::prelude::*;

/// The bids in an auction on a day.
#[derive(Clone, Debug, Schema)]
pub struct AuctionBids {
    /// The auction.
    pub auction: u64,
    /// As `2015-07-15`.
    pub day: String,
    /// How many bids there are, by ranges of prices.
    pub bids: Ranks,
    /// The lowest price in cents.
    pub least: u64,
    /// The highest.
    pub greatest: u64,
    /// Their mean.
    pub average: f64,
    /// Their sum.
    pub sum: u64,
}

/// The numbers and prices of the bids in an auction on a day.
///
/// ```sql
/// SELECT auction, DATE_FORMAT(date_time, 'yyyy-MM-dd') AS day,
///        COUNT(*), COUNT(*) FILTER (WHERE price < 10000), ..,
///        MIN(price), MAX(price), AVG(price), SUM(price)
/// FROM bid GROUP BY auction, day
/// ```
pub fn q17(bids: &Stream<Bid>) -> Table<AuctionBids> {
    bids.group_by(|bid| (bid.auction, bid.date_time.utc().date()))
        .reduce(|g| {
            (
                g.count(),
                g.count().when(rank1),
                g.count().when(rank2),
                g.count().when(rank3),
                g.min(Bid.price),
                g.max(Bid.price),
                g.mean(Bid.price),
                g.sum(Bid.price),
            )
        })
        .select(|(auction, day), (all, low, middle, high, least, greatest, average, sum)| {
            let bids = Ranks { all, low, middle, high };
            let day = day.to_string();
            AuctionBids { auction, day, bids, least, greatest, average, sum }
        })
}
