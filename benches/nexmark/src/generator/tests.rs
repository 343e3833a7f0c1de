//! What the events are, and how they are spread.

use super::*;
use crate::rows::{Auction, Bid, Events, Person};

fn events(count: usize) -> Events {
    Generator::new(42).take(count).collect()
}

fn mean(sizes: impl ExactSizeIterator<Item = usize>) -> f64 {
    let count = sizes.len() as f64;
    sizes.sum::<usize>() as f64 / count
}

#[test]
fn equal_seeds_give_equal_events() {
    let of = |seed| Generator::new(seed).take(500).collect::<Vec<_>>();
    assert_eq!(of(7), of(7));
    assert_ne!(of(7), of(8));
}

#[test]
fn the_first_events_are_these() {
    let mut first = String::new();
    for event in Generator::new(42).take(6) {
        first += &format!("{event:?}\n");
    }
    assert_eq!(first, include_str!("first_events.txt"));
}

#[test]
fn of_fifty_events_one_is_a_person_and_three_are_auctions() {
    let kinds: Vec<u8> = Generator::new(1)
        .take(150)
        .map(|event| match event {
            Event::Person(_) => 0,
            Event::Auction(_) => 1,
            Event::Bid(_) => 2,
        })
        .collect();
    for round in kinds.chunks(50) {
        assert_eq!(round[0], 0);
        assert_eq!(round[1..4], [1; 3]);
        assert_eq!(round[4..], [2; 46]);
    }
}

#[test]
fn events_are_ten_milliseconds_apart() {
    for (place, event) in Generator::new(1).take(200).enumerate() {
        let time = match event {
            Event::Person(person) => person.date_time,
            Event::Auction(auction) => auction.date_time,
            Event::Bid(bid) => bid.date_time,
        };
        let since = i64::try_from(place).unwrap() * 10;
        assert_eq!(time.as_millisecond(), BASE_TIME * 1_000 + since);
    }
}

#[test]
fn persons_and_auctions_are_counted_from_a_thousand() {
    let Events { persons, auctions, .. } = events(5_000);
    assert!(persons.iter().map(|person| person.id).eq(1_000..1_100));
    assert!(auctions.iter().map(|auction| auction.id).eq(1_000..1_300));
}

#[test]
fn rows_are_as_large_as_they_are_to_be() {
    let Events { persons, auctions, bids } = events(50_000);
    let person = |person: &Person| {
        let Person { name, email, credit_card, city, state, extra, .. } = person;
        8 + [name, email, credit_card, city, state, extra].iter().map(|s| s.len()).sum::<usize>()
    };
    let auction = |auction: &Auction| {
        48 + auction.item_name.len() + auction.description.len() + auction.extra.len()
    };
    let bid = |bid: &Bid| 32 + bid.extra.len();
    assert!((mean(persons.iter().map(person)) - 200.0).abs() < 2.0);
    assert!((mean(auctions.iter().map(auction)) - 500.0).abs() < 2.0);
    assert!((mean(bids.iter().map(bid)) - 100.0).abs() < 1.0);
    assert!(bids.iter().all(|bid| (54..=82).contains(&bid.extra.len())));
}

/// How often something is so, of a hundred times.
fn percent<T>(rows: &[T], is_so: impl Fn(&T) -> bool) -> f64 {
    100.0 * rows.iter().filter(|row| is_so(row)).count() as f64 / rows.len() as f64
}

#[test]
fn hot_rows_are_named_most_often() {
    let Events { auctions, bids, .. } = events(100_000);
    // A cold choice may be a hot row, too.
    let is_near = |percent: f64, expected: f64| (percent - expected).abs() < 2.0;
    assert!(is_near(percent(&auctions, |auction| auction.seller % 100 == 0), 75.25));
    assert!(is_near(percent(&bids, |bid| bid.auction % 100 == 0), 50.5));
    assert!(is_near(percent(&bids, |bid| bid.bidder % 100 == 1), 75.25));
    assert!(is_near(percent(&bids, |bid| bid.channel.starts_with("channel-")), 1.0));
    for category in 10..15 {
        assert!(is_near(percent(&auctions, |auction| auction.category == category), 20.0));
    }
}

#[test]
fn small_channels_name_themselves_nine_times_of_ten() {
    let bids = events(200_000).bids;
    let small: Vec<_> = bids.iter().filter(|bid| bid.channel.starts_with("channel-")).collect();
    let named = percent(&small, |bid| bid.url.contains("&channel_id="));
    assert!((named - 90.0).abs() < 3.0, "{named}");
    for bid in small {
        let number: u32 = bid.channel["channel-".len()..].parse().unwrap();
        assert!(number < 10_000);
        if let Some((_, id)) = bid.url.split_once("&channel_id=") {
            assert_eq!(id.parse::<u32>().unwrap().reverse_bits(), number);
        }
    }
}

#[test]
fn bids_name_auctions_that_are_open_and_persons_who_exist_or_soon_do() {
    let (mut auctions, mut persons) = (0, 0);
    for event in Generator::new(3).take(100_000) {
        match event {
            Event::Person(person) => persons = person.id,
            Event::Auction(auction) => {
                auctions = auction.id;
                assert!((1_000..=persons + PERSONS_AHEAD).contains(&auction.seller));
                let open = auction.expires.as_millisecond() - auction.date_time.as_millisecond();
                assert!((1..=33_320).contains(&open), "{open}");
                assert!(auction.reserve > auction.initial_bid);
            }
            Event::Bid(bid) => {
                assert!((auctions.max(1_100) - 100..=auctions).contains(&bid.auction));
                assert!((1_000..=persons + PERSONS_AHEAD).contains(&bid.bidder));
            }
        }
    }
}

#[test]
fn prices_are_spread_by_their_logarithm() {
    let bids = events(100_000).bids;
    assert!(bids.iter().all(|bid| (100..=100_000_000).contains(&bid.price)));
    for power in 2..8 {
        let range = 10_u64.pow(power)..10_u64.pow(power + 1);
        let within = percent(&bids, |bid| range.contains(&bid.price));
        assert!((within - 100.0 / 6.0).abs() < 1.0, "{range:?}: {within}");
    }
}
