//! q15: many aggregates, distinct ones among them.

use super::Ranks;
use super::ranks::{rank1, rank2, rank3};
use crate::Bid;
use pathway::prelude::*;

/// The bids of a day, by ranges of prices.
#[derive(Clone, Debug, Schema)]
pub struct DayBids {
    /// As `2015-07-15`.
    pub day: String,
    /// How many bids there are.
    pub bids: Ranks,
    /// How many persons bid.
    pub bidders: Ranks,
    /// How many auctions they bid in.
    pub auctions: Ranks,
}

/// How many bids, bidders and auctions there are on a day, by ranges of prices.
///
/// ```sql
/// SELECT DATE_FORMAT(date_time, 'yyyy-MM-dd') AS day, COUNT(*),
///        COUNT(*) FILTER (WHERE price < 10000),
///        COUNT(*) FILTER (WHERE price >= 10000 AND price < 1000000),
///        COUNT(*) FILTER (WHERE price >= 1000000),
///        COUNT(DISTINCT bidder), .., COUNT(DISTINCT auction), ..
/// FROM bid GROUP BY day
/// ```
pub fn q15(bids: &Stream<Bid>) -> Table<DayBids> {
    bids.group_by(|bid| bid.date_time.utc().date())
        .reduce(|g| {
            let bids = || g.count();
            let bidders = || g.count_distinct(Bid.bidder);
            let auctions = || g.count_distinct(Bid.auction);
            [
                bids(),
                bids().when(rank1),
                bids().when(rank2),
                bids().when(rank3),
                bidders(),
                bidders().when(rank1),
                bidders().when(rank2),
                bidders().when(rank3),
                auctions(),
                auctions().when(rank1),
                auctions().when(rank2),
                auctions().when(rank3),
            ]
        })
        .select(|day, [n, n1, n2, n3, b, b1, b2, b3, a, a1, a2, a3]| DayBids {
            day: day.to_string(),
            bids: Ranks { all: n, low: n1, middle: n2, high: n3 },
            bidders: Ranks { all: b, low: b1, middle: b2, high: b3 },
            auctions: Ranks { all: a, low: a1, middle: a2, high: a3 },
        })
}
