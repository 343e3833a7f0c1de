//! Queries of several kinds of events.

use super::{Arrived, mean};
use crate::queries::{CategoryPrice, EnrichedBid, ExpandedBid, LocalItem, SellerPrice, WinningBid};
use crate::{Auction, Bid};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

/// Each auction with each person who sells in it.
pub fn q3(arrived: &Arrived) -> Vec<LocalItem> {
    let sellers: HashMap<_, _> = arrived.events.persons.iter().map(|p| (p.id, p)).collect();
    let mut rows = Vec::new();
    for auction in &arrived.events.auctions {
        let Some(person) = sellers.get(&auction.seller) else { continue };
        if auction.category == 10 && ["OR", "ID", "CA"].contains(&person.state.as_str()) {
            rows.push(LocalItem {
                name: person.name.clone(),
                city: person.city.clone(),
                state: person.state.clone(),
                auction: auction.id,
            });
        }
    }
    rows
}

/// Bids by auction.
fn by_auction(arrived: &Arrived) -> HashMap<u64, Vec<&Bid>> {
    let mut bids: HashMap<u64, Vec<&Bid>> = HashMap::new();
    for bid in &arrived.events.bids {
        bids.entry(bid.auction).or_default().push(bid);
    }
    bids
}

/// Auctions with bids that came in time, each with the highest of them; of several, the first.
fn winners(arrived: &Arrived) -> Vec<(&Auction, &Bid)> {
    let bids = by_auction(arrived);
    let mut winners = Vec::new();
    for auction in &arrived.events.auctions {
        let bids = bids.get(&auction.id).into_iter().flatten();
        let in_time = bids
            .filter(|bid| bid.date_time >= auction.date_time && bid.date_time <= auction.expires);
        let mut in_time: Vec<_> = in_time.collect();
        in_time.sort_by_key(|bid| bid.date_time);
        // The sort is stable, and so the first of equal ones stays the first.
        in_time.sort_by_key(|bid| Reverse(bid.price));
        winners.extend(in_time.first().map(|bid| (auction, **bid)));
    }
    winners
}

/// The mean of what auctions of a category are sold for.
pub fn q4(arrived: &Arrived) -> Vec<CategoryPrice> {
    let mut prices: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for (auction, bid) in winners(arrived) {
        prices.entry(auction.category).or_default().push(bid.price);
    }
    let row =
        |(category, prices): (u64, Vec<u64>)| CategoryPrice { category, average: mean(&prices) };
    prices.into_iter().map(row).collect()
}

/// The mean of what the last ten auctions of a seller are sold for.
pub fn q6(arrived: &Arrived) -> Vec<SellerPrice> {
    let mut sold: BTreeMap<u64, Vec<(&Auction, u64)>> = BTreeMap::new();
    for (auction, bid) in winners(arrived) {
        sold.entry(auction.seller).or_default().push((auction, bid.price));
    }
    let mut rows = Vec::new();
    for (seller, mut auctions) in sold {
        auctions.sort_by_key(|(auction, _)| (auction.expires, auction.id));
        let last = auctions.iter().rev().take(10);
        let prices: Vec<u64> = last.map(|(_, price)| *price).collect();
        rows.push(SellerPrice { seller, average: mean(&prices) });
    }
    rows
}

/// Auctions with their winning bids.
pub fn q9(arrived: &Arrived) -> Vec<WinningBid> {
    let row = |(auction, bid): (&Auction, &Bid)| WinningBid {
        auction: auction.clone(),
        bid: bid.clone(),
    };
    winners(arrived).into_iter().map(row).collect()
}

/// Bids with the text of their auction's number.
pub fn q13(arrived: &Arrived) -> Vec<EnrichedBid> {
    let mut rows = Vec::new();
    for bid in &arrived.events.bids {
        rows.push(EnrichedBid {
            auction: bid.auction,
            bidder: bid.bidder,
            price: bid.price,
            date_time: bid.date_time,
            value: format!("value {}", bid.auction % 10_000),
        });
    }
    rows
}

/// Bids in auctions of one category.
pub fn q20(arrived: &Arrived) -> Vec<ExpandedBid> {
    let bids = by_auction(arrived);
    let mut rows = Vec::new();
    for auction in &arrived.events.auctions {
        if auction.category == 10 {
            for bid in bids.get(&auction.id).into_iter().flatten() {
                rows.push(ExpandedBid { bid: (*bid).clone(), auction: auction.clone() });
            }
        }
    }
    rows
}
