//! q19: the largest rows of each group.

use crate::Bid;
use pathway::prelude::*;
use std::cmp::Reverse;

/// How many bids of an auction are kept.
pub(crate) const TOP: u64 = 10;

/// The ten highest bids of each auction; of equal ones, the first by all their columns.
///
/// ```sql
/// SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY auction ORDER BY price DESC) AS n
///                FROM bid)
/// WHERE n <= 10
/// ```
///
/// SQL numbers the rows in order to take the first ones. They are taken by `limit` here, so they
/// have no numbers.
pub fn q19(bids: &Stream<Bid>) -> Table<Bid> {
    bids.group_by(Bid.auction).sort_by(|bid| Reverse(bid.price)).limit(TOP).into()
}
