//! The queries, one file each.
//!
//! Each is a function of the streams that it reads. Its documentation says in SQL what it gives.
//! Queries of the whole past give tables, which are right at every moment; queries of windows
//! give streams, whose rows come when their window is final.

mod q0;
mod q1;
mod q10;
mod q11;
mod q12;
mod q13;
mod q14;
mod q15;
mod q16;
mod q17;
mod q18;
mod q19;
mod q2;
mod q20;
mod q21;
mod q22;
mod q3;
mod q4;
mod q5;
mod q6;
mod q7;
mod q8;
mod q9;
mod ranks;

pub use q0::*;
pub use q1::*;
pub use q2::*;
pub use q3::*;
pub use q4::*;
pub use q5::*;
pub use q6::*;
pub use q7::*;
pub use q8::*;
pub use q9::*;
pub use q10::*;
pub use q11::*;
pub use q12::*;
pub use q13::*;
pub use q14::*;
pub use q15::*;
pub use q16::*;
pub use q17::*;
pub use q18::*;
pub use q19::*;
pub use q20::*;
pub use q21::*;
pub use q22::*;

use crate::{Auction, Bid};
use pathway::prelude::*;

/// How far an event may be behind the latest one of its stream.
pub const LATENESS: Duration = Duration::from_secs(4);

/// Numbers of all bids, and of those up to 100 dollars, up to 10 000, and above.
#[derive(Clone, Copy, Debug, Default, PartialEq, Schema)]
pub struct Ranks {
    /// Of all bids.
    pub all: u64,
    /// Of bids up to 100 dollars.
    pub low: u64,
    /// Of bids up to 10 000 dollars.
    pub middle: u64,
    /// Of bids above that.
    pub high: u64,
}

/// What q4 and q6 need of an auction. A join keeps whole rows, so they are made small in front.
#[derive(Clone, Debug, Schema)]
struct Lot {
    id: u64,
    category: u64,
    seller: u64,
    opens: DateTime,
    expires: DateTime,
}

/// What q4 and q6 need of a bid.
#[derive(Clone, Debug, Schema)]
struct Offer {
    auction: u64,
    price: u64,
    date_time: DateTime,
}

/// Auctions with the prices of the bids that came while they were open.
fn offers_in_time(auctions: &Stream<Auction>, bids: &Stream<Bid>) -> Table<(Lot, u64)> {
    let lots = auctions.map(|Auction { id, category, seller, date_time, expires, .. }| Lot {
        id,
        category,
        seller,
        opens: date_time,
        expires,
    });
    let offers =
        bids.map(|Bid { auction, price, date_time, .. }| Offer { auction, price, date_time });
    lots.join(&offers)
        .on(Lot.id, Offer.auction)
        .and(|lot, offer| (lot.opens..=lot.expires).contains(&offer.date_time))
        .select(|lot, offer| (lot.clone(), offer.price))
}

/// The minute of a time, as `09:30`.
pub(crate) fn minute(time: DateTime) -> String {
    let time = time.utc();
    format!("{:02}:{:02}", time.hour(), time.minute())
}

/// The hour of a time, from 0 to 23.
pub(crate) fn hour(time: DateTime) -> i8 {
    time.utc().hour()
}
