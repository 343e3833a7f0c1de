//! Counts by key.

use super::{Arrived, mean};
use crate::Bid;
use crate::queries::{AuctionBids, ChannelBids, DayBids, Ranks};
use std::collections::{BTreeMap, BTreeSet};

/// Bids by a key.
fn groups<K: Ord>(arrived: &Arrived, key: impl Fn(&Bid) -> K) -> BTreeMap<K, Vec<&Bid>> {
    let mut groups: BTreeMap<K, Vec<&Bid>> = BTreeMap::new();
    for bid in &arrived.events.bids {
        groups.entry(key(bid)).or_default().push(bid);
    }
    groups
}

/// How a number comes out for all bids, and for those of each range of prices.
fn ranks(bids: &[&Bid], number: impl Fn(&[&Bid]) -> u64) -> Ranks {
    let of = |least: u64, below: u64| {
        let bids = bids.iter().filter(|bid| bid.price >= least && bid.price < below);
        number(&bids.copied().collect::<Vec<_>>())
    };
    Ranks {
        all: number(bids),
        low: of(0, 10_000),
        middle: of(10_000, 1_000_000),
        high: of(1_000_000, u64::MAX),
    }
}

fn count(bids: &[&Bid]) -> u64 {
    bids.len() as u64
}

fn bidders(bids: &[&Bid]) -> u64 {
    bids.iter().map(|bid| bid.bidder).collect::<BTreeSet<_>>().len() as u64
}

fn auctions(bids: &[&Bid]) -> u64 {
    bids.iter().map(|bid| bid.auction).collect::<BTreeSet<_>>().len() as u64
}

fn day(bid: &Bid) -> String {
    bid.date_time.to_string()[..10].to_owned()
}

/// By day.
pub fn q15(arrived: &Arrived) -> Vec<DayBids> {
    let row = |(day, bids): (String, Vec<&Bid>)| DayBids {
        day,
        bids: ranks(&bids, count),
        bidders: ranks(&bids, bidders),
        auctions: ranks(&bids, auctions),
    };
    groups(arrived, day).into_iter().map(row).collect()
}

/// By channel and day.
pub fn q16(arrived: &Arrived) -> Vec<ChannelBids> {
    let row = |((channel, day), bids): ((String, String), Vec<&Bid>)| {
        let minutes = bids.iter().map(|bid| bid.date_time.to_string()[11..16].to_owned());
        ChannelBids {
            channel,
            day,
            minute: minutes.max().unwrap_or_default(),
            bids: ranks(&bids, count),
            bidders: ranks(&bids, bidders),
            auctions: ranks(&bids, auctions),
        }
    };
    groups(arrived, |bid| (bid.channel.clone(), day(bid))).into_iter().map(row).collect()
}

/// By auction and day.
pub fn q17(arrived: &Arrived) -> Vec<AuctionBids> {
    let row = |((auction, day), bids): ((u64, String), Vec<&Bid>)| {
        let prices: Vec<u64> = bids.iter().map(|bid| bid.price).collect();
        AuctionBids {
            auction,
            day,
            bids: ranks(&bids, count),
            least: prices.iter().copied().min().unwrap_or_default(),
            greatest: prices.iter().copied().max().unwrap_or_default(),
            average: mean(&prices),
            sum: prices.iter().sum(),
        }
    };
    groups(arrived, |bid| (bid.auction, day(bid))).into_iter().map(row).collect()
}
