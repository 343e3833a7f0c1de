//! q8: a join of windows.

use super::LATENESS;
use crate::{Auction, Person};
use pathway::prelude::*;

/// A new person who sells at once.
#[derive(Clone, Debug, Schema)]
pub struct NewSeller {
    /// The person.
    pub id: u64,
    /// The person's name.
    pub name: String,
    /// When the window starts.
    pub start: DateTime,
}

/// A person who opened auctions in a window.
#[derive(Clone, Debug, Schema)]
struct Seller {
    id: u64,
    #[schema(event_time)]
    start: DateTime,
}

/// Who registered and opened an auction in the same ten seconds.
///
/// ```sql
/// SELECT DISTINCT p.id, p.name, p.window_start
/// FROM TUMBLE(person, date_time, INTERVAL 10 SECOND) p
/// JOIN TUMBLE(auction, date_time, INTERVAL 10 SECOND) a
///   ON p.id = a.seller AND p.window_start = a.window_start
/// ```
pub fn q8(persons: &Stream<Person>, auctions: &Stream<Auction>) -> Stream<NewSeller> {
    let windows = || tumbling(Duration::from_secs(10));
    let sellers = auctions
        .watermark(LATENESS)
        .window(windows())
        .group_by(Auction.seller)
        .when_final()
        .reduce(|g| g.count())
        .select(|(window, id), _| Seller { id, start: window.start })
        .watermark(Duration::ZERO);
    persons
        .watermark(LATENESS)
        .window_join(&sellers, windows())
        .on(Person.id, Seller.id)
        .when_final()
        .select(|window, person, _| NewSeller {
            id: person.id,
            name: person.name.clone(),
            start: window.start,
        })
}
