//! q22: a text taken apart.

use crate::Bid;
use pathway::prelude::*;

/// A bid with the parts of its page's address.
#[derive(Clone, Debug, Schema)]
pub struct PageBid {
    /// The auction.
    pub auction: u64,
    /// The person who bids.
    pub bidder: u64,
    /// In cents.
    pub price: u64,
    /// The channel.
    pub channel: String,
    /// What is behind the host.
    pub dir1: Option<String>,
    /// What is behind that.
    pub dir2: Option<String>,
    /// What is behind that, if there is anything.
    pub dir3: Option<String>,
}

/// Bids with the folders of their pages.
///
/// ```sql
/// SELECT auction, bidder, price, channel,
///        SPLIT_INDEX(url, '/', 3) AS dir1, SPLIT_INDEX(url, '/', 4) AS dir2,
///        SPLIT_INDEX(url, '/', 5) AS dir3
/// FROM bid
/// ```
pub fn q22(bids: &Stream<Bid>) -> Stream<PageBid> {
    bids.map(|Bid { auction, bidder, price, channel, url, .. }| {
        let mut parts = url.split('/').skip(3).map(str::to_owned);
        let [dir1, dir2, dir3] = std::array::from_fn(|_| parts.next());
        PageBid { auction, bidder, price, channel, dir1, dir2, dir3 }
    })
}
