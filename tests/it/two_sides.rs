//! Two streams with watermarks that are joined by time, beside a naive evaluation.

use pathway::prelude::*;
use pathway::testing::{Harness, Random, TestStream};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Schema)]
pub(crate) struct Trade {
    pub(crate) symbol: Option<u8>,
    #[schema(event_time)]
    pub(crate) at: i64,
    pub(crate) size: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Schema)]
pub(crate) struct Quote {
    pub(crate) symbol: Option<u8>,
    #[schema(event_time)]
    pub(crate) at: i64,
    pub(crate) bid: u8,
}

pub(crate) fn trade(symbol: u8, at: i64, size: u8) -> Trade {
    Trade { symbol: Some(symbol), at, size }
}

pub(crate) fn quote(symbol: u8, at: i64, bid: u8) -> Quote {
    Quote { symbol: Some(symbol), at, bid }
}

fn parts(random: &mut Random, from: i64, length: u64) -> (Option<u8>, i64, u8) {
    let small = |random: &mut Random, below| u8::try_from(random.below(below)).expect("small");
    let symbol = (!random.one_in(10)).then(|| small(random, 2));
    let at = from + i64::try_from(random.below(length)).expect("small");
    (symbol, at, small(random, 4))
}

pub(crate) fn random_trade(random: &mut Random) -> Trade {
    let (symbol, at, size) = parts(random, -10, 20);
    Trade { symbol, at, size }
}

pub(crate) fn random_quote(random: &mut Random) -> Quote {
    let (symbol, at, bid) = parts(random, -10, 20);
    Quote { symbol, at, bid }
}

/// A stream with a watermark, and what of it is in time.
struct Live<T> {
    stream: TestStream<T>,
    in_time: Vec<T>,
    watermark: i64,
    lateness: i64,
}

impl<T: Schema + Clone> Live<T> {
    fn new(t: &Harness, lateness: i64) -> Self {
        Self { stream: t.stream(), in_time: Vec::new(), watermark: i64::MIN, lateness }
    }

    /// Pushes rows, some of them late.
    fn push(&mut self, rows: Vec<T>, time: impl Fn(&T) -> i64) {
        let largest = rows.iter().map(&time).max();
        self.in_time.extend(rows.iter().filter(|row| time(row) >= self.watermark).cloned());
        self.stream.push(rows);
        if let Some(largest) = largest {
            self.watermark = self.watermark.max(largest - self.lateness);
        }
    }
}

/// Compares what comes out, at every change and when it is final, with a naive evaluation. What is
/// final is found by trying: a result is, if no row that may still come takes it away.
pub(crate) fn against_live<U, A, B>(
    changing: impl Fn(&Stream<Trade>, &Stream<Quote>) -> Table<A>,
    when_final: impl Fn(&Stream<Trade>, &Stream<Quote>) -> Stream<B>,
    naive: impl Fn(&[Trade], &[Quote]) -> Vec<U>,
) where
    U: Schema + Ord + Clone + std::fmt::Debug,
    Table<A>: pathway::table::IntoTable<Row = U>,
    Stream<B>: pathway::table::IntoTable<Row = U>,
{
    for seed in 0..12 {
        let random = &mut Random::new(seed);
        let mut t = Harness::with_threads(1 + random.index(4));
        let (mut left, mut right) = (Live::<Trade>::new(&t, 4), Live::<Quote>::new(&t, 2));
        let trades = left.stream.rows().watermark(4).drop_late();
        let quotes = right.stream.rows().watermark(2).drop_late();
        let all = t.capture(changing(&trades, &quotes));
        let once = t.capture(when_final(&trades, &quotes));
        for epoch in 0..8 {
            // Now and then a side is silent, or ahead.
            let from = epoch * 3 + if random.one_in(5) { 4 } else { 0 };
            let count = random.below(5);
            let trades = (0..count).map(|_| parts(random, from, 10));
            let trades = trades.map(|(symbol, at, size)| Trade { symbol, at, size });
            left.push(trades.collect(), |trade| trade.at);
            let count = random.below(5);
            let quotes = (0..count).map(|_| parts(random, from, 10));
            let quotes = quotes.map(|(symbol, at, bid)| Quote { symbol, at, bid });
            right.push(quotes.collect(), |quote| quote.at);
            t.step();
            all.assert_rows(naive(&left.in_time, &right.in_time));
            once.assert_rows(finals(&left, &right, &naive));
        }
        left.stream.close();
        right.stream.close();
        t.step();
        all.assert_rows(naive(&left.in_time, &right.in_time));
        once.assert_rows(naive(&left.in_time, &right.in_time));
        let states = t.stats().states;
        let joins = states.iter().filter(|state| state.operator.contains("_join`"));
        let kept: Vec<u64> = joins.map(|state| state.rows).collect();
        assert_eq!(kept, [0, 0], "{states:?}");
    }
}

fn finals<U: Ord + Clone>(
    left: &Live<Trade>,
    right: &Live<Quote>,
    naive: impl Fn(&[Trade], &[Quote]) -> Vec<U>,
) -> Vec<U> {
    let mut results = naive(&left.in_time, &right.in_time);
    let mut stay = |left: &[Trade], right: &[Quote]| {
        let mut others = naive(left, right);
        others.sort();
        results.retain(|result| others.binary_search(result).is_ok());
    };
    for at in -12..60 {
        for symbol in 0..2 {
            for n in [0, u8::MAX] {
                if at >= left.watermark {
                    let more = [left.in_time.clone(), vec![trade(symbol, at, n)]].concat();
                    stay(&more, &right.in_time);
                }
                if at >= right.watermark {
                    let more = [right.in_time.clone(), vec![quote(symbol, at, n)]].concat();
                    stay(&left.in_time, &more);
                }
            }
        }
    }
    results
}

/// Pushes rows of growing times, and sees that the joins' states do not grow with them.
pub(crate) fn state_stays_small<U: Schema>(
    joined: impl Fn(&Stream<Trade>, &Stream<Quote>) -> Vec<Table<U>>,
) {
    let mut t = Harness::with_threads(2);
    let (trades, quotes) = (t.stream::<Trade>(), t.stream::<Quote>());
    let tables = joined(&trades.rows().watermark(10), &quotes.rows().watermark(10));
    let _captures: Vec<_> = tables.into_iter().map(|table| t.capture(table)).collect();
    let mut largest = 0;
    for epoch in 0..200 {
        trades.push((0..6).map(|n| trade(n % 3, epoch * 4 + i64::from(n), n)));
        quotes.push((0..6).map(|n| quote(n % 3, epoch * 4 + i64::from(n), n)));
        t.step();
        let states = t.stats().states;
        let rows: u64 = states.iter().map(|state| state.rows).sum();
        if epoch < 40 {
            largest = largest.max(rows);
        } else {
            assert!(rows <= largest, "{states:?}");
        }
    }
}
