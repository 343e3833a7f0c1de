//! q3: a join of two streams.

use crate::{Auction, Person};
use pathway::prelude::*;

/// Something that is sold nearby.
#[derive(Clone, Debug, Schema)]
pub struct LocalItem {
    /// The seller's name.
    pub name: String,
    /// The seller's city.
    pub city: String,
    /// The seller's state.
    pub state: String,
    /// The auction.
    pub auction: u64,
}

/// Who sells something of a category in three states.
///
/// ```sql
/// SELECT p.name, p.city, p.state, a.id
/// FROM auction a JOIN person p ON a.seller = p.id
/// WHERE a.category = 10 AND p.state IN ('OR', 'ID', 'CA')
/// ```
pub fn q3(persons: &Stream<Person>, auctions: &Stream<Auction>) -> Table<LocalItem> {
    let nearby = persons.filter(|person| matches!(person.state.as_str(), "OR" | "ID" | "CA"));
    auctions
        .filter(|auction| auction.category == 10)
        .join(&nearby)
        .on(Auction.seller, Person.id)
        .select(|auction, person| LocalItem {
            name: person.name.clone(),
            city: person.city.clone(),
            state: person.state.clone(),
            auction: auction.id,
        })
}
