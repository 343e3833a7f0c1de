//! Bids.

use super::text::{pick, text};
use super::{FIRST_ID, Generator, HOT_EVERY, OPEN_AUCTIONS, last_auction, last_person, time};
use crate::rows::Bid;

/// Auctions are hot, but one in so many.
const COLD_AUCTIONS: u64 = 2;
/// Bidders are hot, but one in so many.
const COLD_BIDDERS: u64 = 4;

/// Where nearly all bids are made, and on which page.
const CHANNELS: [(&str, &str); 4] = [
    ("Google", "https://www.nexmark.com/googl/item.htm?query=1"),
    ("Facebook", "https://www.nexmark.com/faceb/item.htm?query=1"),
    ("Baidu", "https://www.nexmark.com/baidu/item.htm?query=1"),
    ("Apple", "https://www.nexmark.com/apple/item.htm?query=1"),
];
/// A bid in so many is made elsewhere,
const ELSEWHERE: u64 = 100;
/// on one of so many channels,
const SMALL_CHANNELS: u64 = 10_000;
/// whose page does not name the channel once in so many times.
const UNNAMED: u64 = 10;

/// The bytes of a bid on average, without its channel and page.
pub(super) const AVERAGE_BYTES: usize = 100;

impl Generator {
    pub(super) fn bid(&mut self, event: u64) -> Bid {
        let last = last_auction(event);
        let auction = if self.one_in(COLD_AUCTIONS) {
            let first = last.saturating_sub(OPEN_AUCTIONS);
            first + self.random.below(last - first + 1)
        } else {
            last / HOT_EVERY * HOT_EVERY
        };
        let bidder = if self.one_in(COLD_BIDDERS) {
            self.active_person(event)
        } else {
            last_person(event) / HOT_EVERY * HOT_EVERY + 1
        };
        let price = self.price();
        let (channel, url) = if self.one_in(ELSEWHERE) {
            self.small_channel()
        } else {
            let (channel, url) = pick(&mut self.random, &CHANNELS);
            (channel.to_owned(), url.to_owned())
        };
        let extra = self.extra(4 * 8, AVERAGE_BYTES);
        Bid {
            auction: FIRST_ID + auction,
            bidder: FIRST_ID + bidder,
            price,
            channel,
            url,
            date_time: time(event),
            extra,
        }
    }

    fn small_channel(&mut self) -> (String, String) {
        let number = self.random.below(SMALL_CHANNELS);
        let folder = text(&mut self.random, 5, 5);
        let mut url = format!("https://www.nexmark.com/{folder}/item.htm?query=1");
        if !self.one_in(UNNAMED) {
            let reversed = u32::try_from(number).expect("few channels").reverse_bits();
            url += &format!("&channel_id={reversed}");
        }
        (format!("channel-{number}"), url)
    }
}
