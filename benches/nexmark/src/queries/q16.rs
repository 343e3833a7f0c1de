//! q16: many aggregates of many groups.

use super::ranks::{rank1, rank2, rank3};
use super::{Ranks, minute};
use crate::Bid;
use pathway::prelude::*;

/// The bids that are made in a channel on a day, by ranges of prices.
#[derive(Clone, Debug, Schema)]
pub struct ChannelBids {
    /// The channel.
    pub channel: String,
    /// As `2015-07-15`.
    pub day: String,
    /// The minute of the last bid, as `09:30`.
    pub minute: String,
    /// How many bids there are.
    pub bids: Ranks,
    /// How many persons bid.
    pub bidders: Ranks,
    /// How many auctions they bid in.
    pub auctions: Ranks,
}

/// How many bids, bidders and auctions a channel has on a day, by ranges of prices.
///
/// ```sql
/// SELECT channel, DATE_FORMAT(date_time, 'yyyy-MM-dd') AS day,
///        MAX(DATE_FORMAT(date_time, 'HH:mm')) AS minute,
///        COUNT(*), COUNT(*) FILTER (WHERE price < 10000), ..,
///        COUNT(DISTINCT bidder), .., COUNT(DISTINCT auction), ..
/// FROM bid GROUP BY channel, day
/// ```
///
/// Each bid is in one of the ranges, so there are as many bids as in all of them.
pub fn q16(bids: &Stream<Bid>) -> Table<ChannelBids> {
    bids.group_by(|bid| (bid.channel.clone(), bid.date_time.utc().date()))
        .reduce(|g| {
            let bidders = || g.count_distinct(Bid.bidder);
            let auctions = || g.count_distinct(Bid.auction);
            (
                g.max(Bid.date_time),
                g.count().when(rank1),
                g.count().when(rank2),
                g.count().when(rank3),
                bidders(),
                bidders().when(rank1),
                bidders().when(rank2),
                bidders().when(rank3),
                auctions(),
                auctions().when(rank1),
                auctions().when(rank2),
                auctions().when(rank3),
            )
        })
        .select(|(channel, day), (last, n1, n2, n3, b, b1, b2, b3, a, a1, a2, a3)| ChannelBids {
            channel,
            day: day.to_string(),
            minute: minute(last),
            bids: Ranks { all: n1 + n2 + n3, low: n1, middle: n2, high: n3 },
            bidders: Ranks { all: b, low: b1, middle: b2, high: b3 },
            auctions: Ranks { all: a, low: a1, middle: a2, high: a3 },
        })
}
