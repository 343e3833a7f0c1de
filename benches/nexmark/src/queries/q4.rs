//! q4: an aggregate of an aggregate of a join.

use super::offers_in_time;
use crate::{Auction, Bid};
use pathway::prelude::*;

/// What auctions of a category are sold for.
#[derive(Clone, Debug, Schema)]
pub struct CategoryPrice {
    /// The category.
    pub category: u64,
    /// The mean of the highest bids, in cents.
    pub average: f64,
}

/// The average of the prices at which auctions of each category are sold.
///
/// ```sql
/// SELECT category, AVG(price)
/// FROM (SELECT a.id, a.category, MAX(b.price) AS price
///       FROM auction a JOIN bid b ON a.id = b.auction
///        AND b.date_time BETWEEN a.date_time AND a.expires
///       GROUP BY a.id, a.category)
/// GROUP BY category
/// ```
pub fn q4(auctions: &Stream<Auction>, bids: &Stream<Bid>) -> Table<CategoryPrice> {
    offers_in_time(auctions, bids)
        .group_by(|(lot, _)| (lot.id, lot.category))
        .reduce(|g| g.max(|(_, price)| *price))
        .group_by(|((_, category), _)| *category)
        .reduce(|g| g.mean(|(_, price)| *price))
        .select(|category, average| CategoryPrice { category, average })
}
