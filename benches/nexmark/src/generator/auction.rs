//! Auctions.

use super::text::text;
use super::{
    AUCTIONS, FIRST_ID, Generator, HOT_EVERY, OPEN_AUCTIONS, PROPORTION, STEP_MS, last_auction,
    last_person, time,
};
use crate::rows::Auction;
use pathway::schema::Duration;

/// Sellers are hot, but one in so many.
const COLD_SELLERS: u64 = 4;
const FIRST_CATEGORY: u64 = 10;
const CATEGORIES: u64 = 5;

/// The bytes of an auction on average.
pub(super) const AVERAGE_BYTES: usize = 500;

impl Generator {
    pub(super) fn auction(&mut self, event: u64) -> Auction {
        let seller = if self.one_in(COLD_SELLERS) {
            self.active_person(event)
        } else {
            last_person(event) / HOT_EVERY * HOT_EVERY
        };
        let category = FIRST_CATEGORY + self.random.below(CATEGORIES);
        let initial_bid = self.price();
        let reserve = initial_bid + self.price();
        let item_name = text(&mut self.random, 3, 20);
        let description = text(&mut self.random, 3, 100);
        // On average an auction is open until as many have opened behind it.
        let ahead = OPEN_AUCTIONS * PROPORTION / AUCTIONS * STEP_MS.unsigned_abs();
        let open_ms = 1 + self.random.below(2 * ahead).cast_signed();
        let size = 8 + item_name.len() + description.len() + 5 * 8;
        let extra = self.extra(size, AVERAGE_BYTES);
        let date_time = time(event);
        Auction {
            id: FIRST_ID + last_auction(event),
            item_name,
            description,
            initial_bid,
            reserve,
            date_time,
            expires: date_time + Duration::from_millis(open_ms),
            seller: FIRST_ID + seller,
            category,
            extra,
        }
    }
}
