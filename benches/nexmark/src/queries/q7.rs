//! q7: the largest row of each window.

use super::LATENESS;
use crate::Bid;
use pathway::prelude::*;
use std::cmp::Reverse;

/// The highest bid of every ten seconds; of several, the first.
///
/// ```sql
/// SELECT b.* FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start
///                                               ORDER BY price DESC, date_time) AS n
///                  FROM TUMBLE(bid, date_time, INTERVAL 10 SECOND)) b
/// WHERE n = 1
/// ```
pub fn q7(bids: &Stream<Bid>) -> Stream<Bid> {
    bids.watermark(LATENESS)
        .window(tumbling(Duration::from_secs(10)))
        .when_final()
        .reduce(|g| g.argmax(|bid| (bid.price, Reverse(bid.date_time)), |bid| bid.clone()))
        .select(|_, bid| bid)
}
