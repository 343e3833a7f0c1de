//! q14: a calculation, a filter and a function of one's own.

use super::hour;
use super::q1::RATE;
use crate::Bid;
use pathway::prelude::*;

/// A bid with what was found out about it.
#[derive(Clone, Debug, Schema)]
pub struct JudgedBid {
    /// The auction.
    pub auction: u64,
    /// The person who bids.
    pub bidder: u64,
    /// In thousandths of a euro cent.
    pub price: u64,
    /// `dayTime`, `nightTime` or `otherTime`.
    pub time_of_day: String,
    /// When the bid was made.
    #[schema(event_time)]
    pub date_time: DateTime,
    /// As in the bid.
    pub extra: String,
    /// How often `c` is in `extra`.
    pub letters: u64,
}

/// Bids of certain prices in euros, the time of day, and how often a letter is in them.
///
/// ```sql
/// SELECT auction, bidder, 0.908 * price AS price,
///        CASE WHEN HOUR(date_time) BETWEEN 8 AND 18 THEN 'dayTime'
///             WHEN HOUR(date_time) <= 6 OR HOUR(date_time) >= 20 THEN 'nightTime'
///             ELSE 'otherTime' END AS time_of_day,
///        date_time, extra, count_char(extra, 'c') AS letters
/// FROM bid WHERE 0.908 * price > 1000000 AND 0.908 * price < 50000000
/// ```
pub fn q14(bids: &Stream<Bid>) -> Stream<JudgedBid> {
    bids.filter_map(|Bid { auction, bidder, price, date_time, extra, .. }| {
        let price = price * RATE;
        let (low, high) = (1_000_000_000, 50_000_000_000);
        (low < price && price < high).then(|| JudgedBid {
            auction,
            bidder,
            price,
            time_of_day: time_of_day(date_time).to_owned(),
            date_time,
            letters: count_char(&extra, 'c'),
            extra,
        })
    })
}

pub(crate) fn time_of_day(date_time: DateTime) -> &'static str {
    match hour(date_time) {
        8..=18 => "dayTime",
        ..=6 | 20.. => "nightTime",
        _ => "otherTime",
    }
}

/// How often a letter is in a text.
pub(crate) fn count_char(text: &str, letter: char) -> u64 {
    text.chars().filter(|&c| c == letter).count() as u64
}
