//! Queries of one row at a time.

use super::Arrived;
use crate::Bid;
use crate::queries::{ChannelBid, EuroBid, JudgedBid, Logged, PageBid};

/// All bids.
pub fn q0(arrived: &Arrived) -> Vec<Bid> {
    arrived.events.bids.clone()
}

/// Prices in thousandths of a euro cent.
pub fn q1(arrived: &Arrived) -> Vec<EuroBid> {
    let mut rows = Vec::new();
    for bid in &arrived.events.bids {
        rows.push(EuroBid {
            auction: bid.auction,
            bidder: bid.bidder,
            price: 908 * bid.price,
            date_time: bid.date_time,
            extra: bid.extra.clone(),
        });
    }
    rows
}

/// Bids in every 123rd auction.
pub fn q2(arrived: &Arrived) -> Vec<(u64, u64)> {
    let bids = arrived.events.bids.iter();
    bids.filter(|bid| bid.auction.is_multiple_of(123)).map(|bid| (bid.auction, bid.price)).collect()
}

/// The time as text, `2015-07-15T09:30:00Z`, cut into its parts.
pub fn q10(arrived: &Arrived) -> Vec<Logged> {
    let mut rows = Vec::new();
    for bid in &arrived.events.bids {
        let time = bid.date_time.to_string();
        rows.push(Logged {
            auction: bid.auction,
            bidder: bid.bidder,
            price: bid.price,
            date_time: bid.date_time,
            extra: bid.extra.clone(),
            day: time[..10].to_owned(),
            minute: time[11..16].to_owned(),
        });
    }
    rows
}

/// Bids of ten thousand dollars and more, in euros, up to half a million.
pub fn q14(arrived: &Arrived) -> Vec<JudgedBid> {
    let mut rows = Vec::new();
    for bid in &arrived.events.bids {
        let cents = bid.price as f64 * 0.908;
        if cents <= 1_000_000.0 || cents >= 50_000_000.0 {
            continue;
        }
        let time = bid.date_time.to_string();
        let hour = &time[11..13];
        let time_of_day = if ("08"..="18").contains(&hour) {
            "dayTime"
        } else if hour <= "06" || hour >= "20" {
            "nightTime"
        } else {
            "otherTime"
        };
        rows.push(JudgedBid {
            auction: bid.auction,
            bidder: bid.bidder,
            price: 908 * bid.price,
            time_of_day: time_of_day.to_owned(),
            date_time: bid.date_time,
            extra: bid.extra.clone(),
            letters: bid.extra.matches('c').count() as u64,
        });
    }
    rows
}

/// Bids whose channel has a number.
pub fn q21(arrived: &Arrived) -> Vec<ChannelBid> {
    let mut rows = Vec::new();
    for bid in &arrived.events.bids {
        let channel_id = match bid.channel.as_str() {
            "Apple" => "0",
            "Google" => "1",
            "Facebook" => "2",
            "Baidu" => "3",
            _ => match bid.url.split_once("channel_id=") {
                Some((_, id)) => id,
                None => continue,
            },
        };
        rows.push(ChannelBid {
            auction: bid.auction,
            bidder: bid.bidder,
            price: bid.price,
            channel: bid.channel.clone(),
            channel_id: channel_id.to_owned(),
        });
    }
    rows
}

/// Addresses taken apart at their slashes.
pub fn q22(arrived: &Arrived) -> Vec<PageBid> {
    let mut rows = Vec::new();
    for bid in &arrived.events.bids {
        let parts: Vec<&str> = bid.url.split('/').collect();
        let part = |place: usize| parts.get(place).map(|part| String::from(*part));
        rows.push(PageBid {
            auction: bid.auction,
            bidder: bid.bidder,
            price: bid.price,
            channel: bid.channel.clone(),
            dir1: part(3),
            dir2: part(4),
            dir3: part(5),
        });
    }
    rows
}
