//! q12: windows by the clock.

use super::q11::BidderBids;
use crate::Bid;
use pathway::prelude::*;

/// A bid and when it came.
#[derive(Clone, Debug, Schema)]
struct Seen {
    bidder: u64,
    #[schema(event_time)]
    at: DateTime,
}

/// How many bids of a person come in ten seconds by the clock.
///
/// ```sql
/// SELECT bidder, COUNT(*), window_start, window_end
/// FROM TUMBLE((SELECT *, PROCTIME() AS at FROM bid), at, INTERVAL 10 SECOND)
/// GROUP BY bidder, window_start, window_end
/// ```
///
/// The last windows of a silent stream are final within a second.
pub fn q12(bids: &Stream<Bid>) -> Stream<BidderBids> {
    bids.stamped(|bid, at| Seen { bidder: bid.bidder, at })
        .watermark(Duration::ZERO)
        .follow_clock(Duration::from_secs(1))
        .window(tumbling(Duration::from_secs(10)))
        .group_by(Seen.bidder)
        .when_final()
        .reduce(|g| g.count())
        .select(|(Window { start, end }, bidder), bids| BidderBids { bidder, start, end, bids })
}
