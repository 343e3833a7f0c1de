//! q20: a filter behind a join.

use crate::{Auction, Bid};
use pathway::prelude::*;

/// A bid with its auction.
#[derive(Clone, Debug, Schema)]
pub struct ExpandedBid {
    /// The bid.
    pub bid: Bid,
    /// Its auction.
    pub auction: Auction,
}

/// Bids with the auctions of a category that they are made in.
///
/// ```sql
/// SELECT b.*, a.* FROM bid b JOIN auction a ON b.auction = a.id WHERE a.category = 10
/// ```
pub fn q20(auctions: &Stream<Auction>, bids: &Stream<Bid>) -> Table<ExpandedBid> {
    bids.join(&auctions.filter(|auction| auction.category == 10))
        .on(Bid.auction, Auction.id)
        .select(|bid, auction| ExpandedBid { bid: bid.clone(), auction: auction.clone() })
}
