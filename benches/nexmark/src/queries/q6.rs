//! q6: the last rows of each group.

use super::offers_in_time;
use crate::{Auction, Bid};
use pathway::prelude::*;
use std::cmp::Reverse;

/// What a seller earns.
#[derive(Clone, Debug, Schema)]
pub struct SellerPrice {
    /// The person who sells.
    pub seller: u64,
    /// The mean of the prices, in cents.
    pub average: f64,
}

/// The auctions that a seller's average is of.
const LAST: u64 = 10;

/// The average of the prices of each seller's last ten auctions, by the time at which they close.
///
/// ```sql
/// SELECT seller, AVG(price)
/// FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY seller ORDER BY expires DESC, id DESC) AS n
///       FROM (SELECT a.id, a.seller, a.expires, MAX(b.price) AS price
///             FROM auction a JOIN bid b ON a.id = b.auction
///              AND b.date_time BETWEEN a.date_time AND a.expires
///             GROUP BY a.id, a.seller, a.expires))
/// WHERE n <= 10
/// GROUP BY seller
/// ```
pub fn q6(auctions: &Stream<Auction>, bids: &Stream<Bid>) -> Table<SellerPrice> {
    offers_in_time(auctions, bids)
        .group_by(|(lot, _)| (lot.seller, lot.expires, lot.id))
        .reduce(|g| g.max(|(_, price)| *price))
        .group_by(|((seller, _, _), _)| *seller)
        .sort_by(|((_, expires, id), _)| Reverse((*expires, *id)))
        .limit(LAST)
        .group_by(|((seller, _, _), _)| *seller)
        .reduce(|g| g.mean(|(_, price)| *price))
        .select(|seller, average| SellerPrice { seller, average })
}
