//! The rows of the auction house.

use pathway::prelude::*;

/// Someone who registered, to sell or to bid.
#[derive(Clone, Debug, PartialEq, Schema)]
pub struct Person {
    /// Persons count from 1000 on.
    #[schema(key)]
    pub id: u64,
    /// First and last name.
    pub name: String,
    /// An address for e-mail.
    pub email: String,
    /// Four groups of four digits.
    pub credit_card: String,
    /// Where the person lives.
    pub city: String,
    /// Two letters of a state of the USA.
    pub state: String,
    /// When the person registered.
    #[schema(event_time)]
    pub date_time: DateTime,
    /// What makes the row as large as rows are.
    pub extra: String,
}

/// An item for sale, until the auction expires.
#[derive(Clone, Debug, PartialEq, Schema)]
pub struct Auction {
    /// Auctions count from 1000 on.
    #[schema(key)]
    pub id: u64,
    /// What is sold.
    pub item_name: String,
    /// What is said of it.
    pub description: String,
    /// The least bid, in cents.
    pub initial_bid: u64,
    /// The least price at which it is sold, in cents.
    pub reserve: u64,
    /// When the auction opened.
    #[schema(event_time)]
    pub date_time: DateTime,
    /// The last time at which a bid counts.
    pub expires: DateTime,
    /// The person who sells.
    pub seller: u64,
    /// One of five, from 10 on.
    pub category: u64,
    /// What makes the row as large as rows are.
    pub extra: String,
}

/// A bid in an auction.
#[derive(Clone, Debug, PartialEq, Schema)]
pub struct Bid {
    /// The auction.
    pub auction: u64,
    /// The person who bids.
    pub bidder: u64,
    /// In cents.
    pub price: u64,
    /// Where the bid was made.
    pub channel: String,
    /// The page on which it was made.
    pub url: String,
    /// When it was made.
    #[schema(event_time)]
    pub date_time: DateTime,
    /// What makes the row as large as rows are.
    pub extra: String,
}

/// What happens in the auction house.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A person registers.
    Person(Person),
    /// An auction opens.
    Auction(Auction),
    /// Someone bids.
    Bid(Bid),
}

/// A row of the small table that q13 joins bids with.
#[derive(Clone, Debug, PartialEq, Schema)]
pub struct SideInput {
    /// What is left of an auction's number when it is divided by the number of rows.
    #[schema(key)]
    pub key: u64,
    /// Any text.
    pub value: String,
}

/// How many rows the [`side_input`] has.
pub(crate) const SIDE_ROWS: u64 = 10_000;

/// The small table of q13: ten thousand keys, each with a text.
pub fn side_input() -> impl Iterator<Item = SideInput> {
    (0..SIDE_ROWS).map(|key| SideInput { key, value: format!("value {key}") })
}

/// Events that enter together, by kind.
#[derive(Clone, Debug, Default)]
pub struct Events {
    /// Who registered.
    pub persons: Vec<Person>,
    /// What is sold.
    pub auctions: Vec<Auction>,
    /// What is bid.
    pub bids: Vec<Bid>,
}

impl FromIterator<Event> for Events {
    fn from_iter<I: IntoIterator<Item = Event>>(events: I) -> Self {
        let mut all = Self::default();
        for event in events {
            match event {
                Event::Person(person) => all.persons.push(person),
                Event::Auction(auction) => all.auctions.push(auction),
                Event::Bid(bid) => all.bids.push(bid),
            }
        }
        all
    }
}
