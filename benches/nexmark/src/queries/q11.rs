//! q11: sessions.

use super::LATENESS;
use crate::Bid;
use pathway::prelude::*;

/// A session of a bidder, or a window of time, with the bids in it.
#[derive(Clone, Debug, Schema)]
pub struct BidderBids {
    /// The person who bids.
    pub bidder: u64,
    /// When it starts.
    pub start: DateTime,
    /// When it is over.
    pub end: DateTime,
    /// The person's bids in it.
    pub bids: u64,
}

/// What is counted of a bid: whole rows would be written down to get their watermark.
#[derive(Clone, Debug, Schema)]
struct Counted {
    bidder: u64,
    #[schema(event_time)]
    date_time: DateTime,
}

/// How often a person bids in a session, which ends when none of the person's bids comes for ten
/// seconds.
///
/// ```sql
/// SELECT bidder, COUNT(*), SESSION_START(date_time, ..), SESSION_END(date_time, ..)
/// FROM bid GROUP BY bidder, SESSION(date_time, INTERVAL 10 SECOND)
/// ```
pub fn q11(bids: &Stream<Bid>) -> Stream<BidderBids> {
    bids.map(|Bid { bidder, date_time, .. }| Counted { bidder, date_time })
        .watermark(LATENESS)
        .window(sessions(Duration::from_secs(10)))
        .group_by(Counted.bidder)
        .when_final()
        .reduce(|g| g.count())
        .select(|(Window { start, end }, bidder), bids| BidderBids { bidder, start, end, bids })
}
