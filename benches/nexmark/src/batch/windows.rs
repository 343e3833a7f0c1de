//! Windows.

use super::Arrived;
use crate::Bid;
use crate::queries::{BidderBids, HotItem, NewSeller};
use pathway::schema::{DateTime, Duration};
use std::collections::{BTreeMap, BTreeSet};

/// A time in milliseconds since 1970.
fn milliseconds(time: DateTime) -> i64 {
    time.as_millisecond()
}

fn time(milliseconds: i64) -> DateTime {
    DateTime::from_millisecond(milliseconds).expect("windows are where rows are")
}

const SECOND: i64 = 1_000;

/// The start of the window of ten seconds that a time is in.
fn ten_seconds(at: DateTime) -> i64 {
    milliseconds(at).div_euclid(10 * SECOND) * 10 * SECOND
}

/// In each window of ten seconds, every two seconds, the auctions with the most bids.
pub fn q5(arrived: &Arrived) -> Vec<HotItem> {
    let mut windows: BTreeMap<i64, BTreeMap<u64, u64>> = BTreeMap::new();
    for bid in &arrived.events.bids {
        let last = milliseconds(bid.date_time).div_euclid(2 * SECOND) * 2 * SECOND;
        for start in
            [last - 8 * SECOND, last - 6 * SECOND, last - 4 * SECOND, last - 2 * SECOND, last]
        {
            *windows.entry(start).or_default().entry(bid.auction).or_default() += 1;
        }
    }
    let mut rows = Vec::new();
    for (start, counts) in windows {
        let most = counts.values().copied().max().unwrap_or_default();
        for (auction, bids) in counts {
            if bids == most {
                rows.push(HotItem { start: time(start), auction, bids });
            }
        }
    }
    rows
}

/// The highest bid of each window; of several, the first.
pub fn q7(arrived: &Arrived) -> Vec<Bid> {
    let mut highest: BTreeMap<i64, &Bid> = BTreeMap::new();
    for bid in &arrived.events.bids {
        let best = highest.entry(ten_seconds(bid.date_time)).or_insert(bid);
        let is_better =
            bid.price > best.price || (bid.price == best.price && bid.date_time < best.date_time);
        if is_better {
            *best = bid;
        }
    }
    highest.into_values().cloned().collect()
}

/// Persons who opened an auction in the window in which they registered.
pub fn q8(arrived: &Arrived) -> Vec<NewSeller> {
    let auctions = arrived.events.auctions.iter();
    let sellers: BTreeSet<_> =
        auctions.map(|auction| (auction.seller, ten_seconds(auction.date_time))).collect();
    let mut rows = Vec::new();
    for person in &arrived.events.persons {
        let start = ten_seconds(person.date_time);
        if sellers.contains(&(person.id, start)) {
            rows.push(NewSeller { id: person.id, name: person.name.clone(), start: time(start) });
        }
    }
    rows
}

/// The bids of each person by time, cut where there is none for ten seconds.
pub fn q11(arrived: &Arrived) -> Vec<BidderBids> {
    let mut times: BTreeMap<u64, Vec<i64>> = BTreeMap::new();
    for bid in &arrived.events.bids {
        times.entry(bid.bidder).or_default().push(milliseconds(bid.date_time));
    }
    let mut rows = Vec::new();
    for (bidder, mut times) in times {
        times.sort_unstable();
        for session in times.chunk_by(|before, after| after - before < 10 * SECOND) {
            let (first, last) = (session[0], session[session.len() - 1]);
            let bids = session.len() as u64;
            let (start, end) = (time(first), time(last + 10 * SECOND));
            rows.push(BidderBids { bidder, start, end, bids });
        }
    }
    rows
}

/// The bids of each person by the window in which they came.
pub fn q12(arrived: &Arrived) -> Vec<BidderBids> {
    let mut counts: BTreeMap<(i64, u64), u64> = BTreeMap::new();
    for (bid, came) in arrived.events.bids.iter().zip(&arrived.bids_came) {
        *counts.entry((ten_seconds(*came), bid.bidder)).or_default() += 1;
    }
    let row = |((start, bidder), bids): ((i64, u64), u64)| {
        let start = time(start);
        BidderBids { bidder, start, end: start + Duration::from_secs(10), bids }
    };
    counts.into_iter().map(row).collect()
}
