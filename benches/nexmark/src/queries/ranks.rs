//! Ranges of prices, which q15, q16 and q17 count apart.

use crate::Bid;

/// Up to 100 dollars.
pub(crate) fn rank1(bid: &Bid) -> bool {
    bid.price < 10_000
}

/// Up to 10 000 dollars.
pub(crate) fn rank2(bid: &Bid) -> bool {
    (10_000..1_000_000).contains(&bid.price)
}

/// Above that.
pub(crate) fn rank3(bid: &Bid) -> bool {
    bid.price >= 1_000_000
}
