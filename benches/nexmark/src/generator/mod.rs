//! The events of an auction house, from a seed.
//!
//! Of fifty events that follow each other one is a person, three are auctions and 46 are bids;
//! they are ten milliseconds apart. Numbers of persons and auctions follow from the number of the
//! event, so that bids and auctions name rows that exist, most of them a few *hot* ones. Prices
//! are spread evenly by their logarithm.
//!
//! The definition is that of the Nexmark suite. Left open by it, and our choice:
//!
//! - the random numbers (`SplitMix64`), so equal seeds give other events than other suites;
//! - [`BASE_TIME`], the same in every run;
//! - the names of people and cities, and the addresses of the four large channels;
//! - the page of a small channel is drawn anew for every bid;
//! - events come in the order of their times. The tests shuffle them.

mod auction;
mod bid;
mod person;
mod text;

use crate::rows::Event;
use bench_support::Random;
use pathway::schema::{DateTime, Duration};
use text::text;

/// When the first event happens: 2015-07-15T00:00:00Z, in seconds since 1970.
pub const BASE_TIME: i64 = 1_436_918_400;

/// How far events are apart, in milliseconds of their own time.
pub const STEP_MS: i64 = 10;

/// Of so many events that follow each other ...
const PROPORTION: u64 = 50;
/// ... the first are persons ...
const PERSONS: u64 = 1;
/// ... the next are auctions, and the others bids.
const AUCTIONS: u64 = 3;

/// The number of the first person and of the first auction.
const FIRST_ID: u64 = 1_000;
/// Every so many persons or auctions there is a hot one.
const HOT_EVERY: u64 = 100;
/// So many persons, the last ones, are active.
const ACTIVE_PERSONS: u64 = 1_000;
/// Auctions and bids may name so many persons who have yet to register.
const PERSONS_AHEAD: u64 = 10;
/// So many auctions, the last ones, are open at a time.
const OPEN_AUCTIONS: u64 = 100;

/// Gives the events, one after the other, without end.
#[derive(Clone, Debug)]
pub struct Generator {
    random: Random,
    /// The number of the next event.
    next: u64,
}

impl Generator {
    /// Equal seeds give equal events.
    pub fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), next: 0 }
    }

    /// A price in cents: from a dollar to a million, spread evenly by its logarithm.
    fn price(&mut self) -> u64 {
        // 53 bits, all that a float between 0 and 1 can hold.
        let unit = (self.random.number() >> 11) as f64 / (1_u64 << 53) as f64;
        let cents = (10_f64.powf(unit * 6.0) * 100.0).ceil();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1e8 at most")]
        let cents = cents as u64;
        cents
    }

    fn one_in(&mut self, times: u64) -> bool {
        self.random.below(times) == 0
    }

    /// Text that brings a row of `size` bytes to `wanted` bytes on average, give or take a fifth
    /// of itself.
    fn extra(&mut self, size: usize, wanted: usize) -> String {
        let Some(average) = wanted.checked_sub(size) else { return String::new() };
        let delta = (average * 2 + 5) / 10;
        text(&mut self.random, average - delta, average + delta)
    }
}

impl Iterator for Generator {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let event = self.next;
        self.next += 1;
        Some(match event % PROPORTION {
            place if place < PERSONS => Event::Person(self.person(event)),
            place if place < PERSONS + AUCTIONS => Event::Auction(self.auction(event)),
            _ => Event::Bid(self.bid(event)),
        })
    }
}

/// When an event happens.
fn time(event: u64) -> DateTime {
    let since = i64::try_from(event).expect("there are fewer events than that") * STEP_MS;
    let base = DateTime::from_second(BASE_TIME).expect("the base time is in the calendar");
    base + Duration::from_millis(since)
}

/// The last person at an event, counted from zero.
fn last_person(event: u64) -> u64 {
    event / PROPORTION
}

/// The last auction at an event that is an auction or a bid, counted from zero.
fn last_auction(event: u64) -> u64 {
    let (round, place) = (event / PROPORTION, event % PROPORTION);
    round * AUCTIONS + (place - PERSONS).min(AUCTIONS - 1)
}

impl Generator {
    /// One of the active persons, or of those who register soon; counted from zero.
    fn active_person(&mut self, event: u64) -> u64 {
        let persons = last_person(event) + 1;
        let active = persons.min(ACTIVE_PERSONS);
        persons - active + self.random.below(active + PERSONS_AHEAD)
    }
}

#[cfg(test)]
mod tests;
