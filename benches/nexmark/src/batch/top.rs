//! The first rows of groups.

use super::Arrived;
use crate::Bid;
use pathway::schema::Schema;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The first rows of each group, as many as wanted, by a key and then by the order of rows.
fn first<K: Ord, S: Ord>(
    arrived: &Arrived,
    wanted: usize,
    group: impl Fn(&Bid) -> K,
    sort: impl Fn(&Bid) -> S,
) -> Vec<Bid> {
    let mut groups: BTreeMap<K, Vec<&Bid>> = BTreeMap::new();
    for bid in &arrived.events.bids {
        groups.entry(group(bid)).or_default().push(bid);
    }
    let mut rows = Vec::new();
    for mut bids in groups.into_values() {
        bids.sort_by(|one, other| sort(one).cmp(&sort(other)).then_with(|| one.row_cmp(other)));
        rows.extend(bids.into_iter().take(wanted).cloned());
    }
    rows
}

/// The last bid of each person in each auction.
pub fn q18(arrived: &Arrived) -> Vec<Bid> {
    first(arrived, 1, |bid| (bid.bidder, bid.auction), |bid| Reverse(bid.date_time))
}

/// The ten highest bids of each auction.
pub fn q19(arrived: &Arrived) -> Vec<Bid> {
    first(arrived, 10, |bid| bid.auction, |bid| Reverse(bid.price))
}
