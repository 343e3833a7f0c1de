//! q9: the best row of each group of a join.

use crate::{Auction, Bid};
use pathway::prelude::*;
use std::cmp::Reverse;

/// An auction with its winning bid.
#[derive(Clone, Debug, Schema)]
pub struct WinningBid {
    /// The auction.
    pub auction: Auction,
    /// The highest bid.
    pub bid: Bid,
}

/// The winning bid of each auction: the highest one that came in time; of several, the first.
///
/// ```sql
/// SELECT * FROM (SELECT a.*, b.*, ROW_NUMBER() OVER (PARTITION BY a.id
///                                                    ORDER BY b.price DESC, b.date_time) AS n
///                FROM auction a JOIN bid b ON a.id = b.auction
///                 AND b.date_time BETWEEN a.date_time AND a.expires)
/// WHERE n <= 1
/// ```
pub fn q9(auctions: &Stream<Auction>, bids: &Stream<Bid>) -> Table<WinningBid> {
    auctions
        .join(bids)
        .on(Auction.id, Bid.auction)
        .and(|auction, bid| (auction.date_time..=auction.expires).contains(&bid.date_time))
        .select(|auction, bid| WinningBid { auction: auction.clone(), bid: bid.clone() })
        .group_by(|winning| winning.auction.id)
        .sort_by(|winning| (Reverse(winning.bid.price), winning.bid.date_time))
        .limit(1)
        .into()
}
