//! Two streams with watermarks that are joined by time, beside a naive evaluation.

use pathway::prelude::*;
use pathway::table::IntoTable;
use pathway::testing::{Harness, Random, TestStream, TestTable};

// All of a row is its key, so that a table of them can have a watermark.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Schema)]
pub(crate) struct Trade {
    #[schema(key)]
    pub(crate) symbol: Option<u8>,
    #[schema(key, event_time)]
    pub(crate) at: i64,
    #[schema(key)]
    pub(crate) size: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Schema)]
pub(crate) struct Quote {
    #[schema(key)]
    pub(crate) symbol: Option<u8>,
    #[schema(key, event_time)]
    pub(crate) at: i64,
    #[schema(key)]
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

/// A stream or a table with a watermark, and what of it is in time.
struct Live<T> {
    source: Source<T>,
    in_time: Vec<T>,
    watermark: i64,
    lateness: i64,
}

enum Source<T> {
    Stream(TestStream<T>),
    Table(TestTable<T>),
}

impl<T: EventTime<Time = i64> + Keyed + Clone + PartialEq> Live<T> {
    fn new(t: &Harness, is_table: bool, lateness: i64) -> Self {
        let source = if is_table { Source::Table(t.table()) } else { Source::Stream(t.stream()) };
        Self { source, in_time: Vec::new(), watermark: i64::MIN, lateness }
    }

    fn rows(&self) -> Table<T> {
        match &self.source {
            Source::Stream(stream) => {
                stream.rows().watermark(self.lateness).drop_late().into_table()
            }
            Source::Table(table) => table.rows().watermark(self.lateness).drop_late().into_table(),
        }
    }

    /// Whether a row may still be taken away.
    fn may_go(&self, row: &T) -> bool {
        matches!(self.source, Source::Table(_)) && time(row) >= self.watermark
    }

    /// Pushes rows, some of them late, and takes some of a table away.
    fn push(&mut self, random: &mut Random, rows: Vec<T>) {
        let start = self.watermark;
        if let Some(largest) = rows.iter().map(time).max() {
            self.watermark = self.watermark.max(largest - self.lateness);
        }
        match &self.source {
            Source::Stream(stream) => stream.push(rows.iter().cloned()),
            Source::Table(table) => {
                let before = self.in_time.len();
                for at in (0..before).rev() {
                    if time(&self.in_time[at]) >= start && random.one_in(4) {
                        table.remove(self.in_time.remove(at));
                    }
                }
                rows.iter().for_each(|row| table.insert(row.clone()));
            }
        }
        self.in_time.extend(rows.into_iter().filter(|row| time(row) >= start));
    }

    fn close(&self) {
        match &self.source {
            Source::Stream(stream) => stream.close(),
            Source::Table(table) => table.close(),
        }
    }
}

fn time<T: EventTime<Time = i64>>(row: &T) -> i64 {
    row.event_time().expect("every row has a time")
}

/// How long early results wait.
pub(crate) const INTERVAL: Duration = Duration::from_secs(10);

/// Compares what comes out, at every change, when it is final and early, with a naive evaluation.
/// What is final is found by trying: a result is, if no row that may still come or go takes it away.
/// With `tables`, some of the sides are tables.
pub(crate) fn against_live<U>(
    tables: bool,
    changing: impl Fn(&Table<Trade>, &Table<Quote>) -> Table<U>,
    when_final: impl Fn(&Table<Trade>, &Table<Quote>) -> Stream<U>,
    early: impl Fn(&Table<Trade>, &Table<Quote>) -> Table<U>,
    naive: impl Fn(&[Trade], &[Quote]) -> Vec<U>,
) where
    U: Schema + Ord + Clone + std::fmt::Debug,
{
    for seed in 0..12 {
        let random = &mut Random::new(seed);
        let mut t = Harness::with_threads(1 + random.index(4));
        let mut left = Live::<Trade>::new(&t, tables && random.one_in(2), 4);
        let mut right = Live::<Quote>::new(&t, tables && random.one_in(2), 2);
        let (trades, quotes) = (left.rows(), right.rows());
        let all = t.capture(changing(&trades, &quotes));
        let once = t.capture(when_final(&trades, &quotes));
        let early = t.capture(early(&trades, &quotes));
        for epoch in 0..8 {
            // Now and then a side is silent, or ahead.
            let from = epoch * 3 + if random.one_in(5) { 4 } else { 0 };
            let count = random.below(5);
            let trades = (0..count).map(|_| parts(random, from, 10));
            let trades = trades.map(|(symbol, at, size)| Trade { symbol, at, size });
            let trades = trades.collect();
            left.push(random, trades);
            let count = random.below(5);
            let quotes = (0..count).map(|_| parts(random, from, 10));
            let quotes = quotes.map(|(symbol, at, bid)| Quote { symbol, at, bid });
            let quotes = quotes.collect();
            right.push(random, quotes);
            t.step();
            all.assert_rows(naive(&left.in_time, &right.in_time));
            let final_ones = finals(&left, &right, &naive);
            // What is final is there early, too; the rest may be from an interval before.
            let early_rows = early.rows();
            for row in &final_ones {
                assert!(early_rows.contains(row), "{row:?} of {early_rows:?}");
            }
            once.assert_rows(final_ones);
            if epoch % 3 == 2 {
                t.advance(INTERVAL);
                t.step();
                early.assert_rows(naive(&left.in_time, &right.in_time));
            }
        }
        left.close();
        right.close();
        t.step();
        all.assert_rows(naive(&left.in_time, &right.in_time));
        once.assert_rows(naive(&left.in_time, &right.in_time));
        early.assert_rows(naive(&left.in_time, &right.in_time));
        let states = t.stats().states;
        let joins = states.iter().filter(|state| state.operator.contains("_join`"));
        let kept: Vec<u64> = joins.map(|state| state.rows).collect();
        assert_eq!(kept, [0; 3], "{states:?}");
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
    for gone in left.in_time.iter().filter(|row| left.may_go(row)) {
        stay(&without(&left.in_time, gone), &right.in_time);
    }
    for gone in right.in_time.iter().filter(|row| right.may_go(row)) {
        stay(&left.in_time, &without(&right.in_time, gone));
    }
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

/// The rows without all copies of one.
fn without<T: Clone + PartialEq>(rows: &[T], gone: &T) -> Vec<T> {
    rows.iter().filter(|row| *row != gone).cloned().collect()
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
