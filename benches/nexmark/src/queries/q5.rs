//! q5: the largest of counts in sliding windows.

use super::LATENESS;
use crate::Bid;
use pathway::prelude::*;

/// An auction with the most bids of a window.
#[derive(Clone, Debug, Schema)]
pub struct HotItem {
    /// When the window starts.
    #[schema(event_time)]
    pub start: DateTime,
    /// The auction.
    pub auction: u64,
    /// Its bids in the window.
    pub bids: u64,
}

/// What is counted of a bid: whole rows would be written down to get their watermark.
#[derive(Clone, Debug, Schema)]
struct Counted {
    auction: u64,
    #[schema(event_time)]
    date_time: DateTime,
}

/// The auctions with the most bids in the last ten seconds, every two seconds.
///
/// ```sql
/// WITH counted AS (SELECT window_start, auction, COUNT(*) AS bids
///                  FROM HOP(bid, date_time, INTERVAL 2 SECOND, INTERVAL 10 SECOND)
///                  GROUP BY window_start, auction)
/// SELECT window_start, auction, bids FROM counted
/// WHERE bids = (SELECT MAX(bids) FROM counted c WHERE c.window_start = counted.window_start)
/// ```
///
/// The counts of a window come together, so windows of them are final with the next ones.
pub fn q5(bids: &Stream<Bid>) -> Stream<HotItem> {
    let hop = Duration::from_secs(2);
    bids.map(|Bid { auction, date_time, .. }| Counted { auction, date_time })
        .watermark(LATENESS)
        .window(sliding(Duration::from_secs(10), hop))
        .group_by(Counted.auction)
        .when_final()
        .reduce(|g| g.count())
        .select(|(window, auction), bids| HotItem { start: window.start, auction, bids })
        .watermark(Duration::ZERO)
        .window(tumbling(hop))
        .when_final()
        .reduce(|g| (g.max(HotItem.bids), g.collect(|item| item.clone())))
        .flat_map(|(_, (most, items))| items.into_iter().filter(move |item| item.bids == most))
}
