//! q10: a log with the columns that its files are divided by.

use super::minute;
use crate::Bid;
use pathway::prelude::*;

/// A line of the log.
#[derive(Clone, Debug, Schema)]
pub struct Logged {
    /// The auction.
    pub auction: u64,
    /// The person who bids.
    pub bidder: u64,
    /// In cents.
    pub price: u64,
    /// When the bid was made.
    #[schema(event_time)]
    pub date_time: DateTime,
    /// As in the bid.
    pub extra: String,
    /// The day, as `2015-07-15`.
    pub day: String,
    /// The minute, as `09:30`.
    pub minute: String,
}

/// Bids with the day and the minute that name the file they go to.
///
/// ```sql
/// INSERT INTO log PARTITION BY (day, minute)
/// SELECT auction, bidder, price, date_time, extra,
///        DATE_FORMAT(date_time, 'yyyy-MM-dd') AS day, DATE_FORMAT(date_time, 'HH:mm') AS minute
/// FROM bid
/// ```
///
/// The caller writes the rows: no sink divides them among files yet.
pub fn q10(bids: &Stream<Bid>) -> Stream<Logged> {
    bids.map(|Bid { auction, bidder, price, date_time, extra, .. }| Logged {
        auction,
        bidder,
        price,
        date_time,
        extra,
        day: date_time.utc().date().to_string(),
        minute: minute(date_time),
    })
}
