//! An as-of join beside a loop written by hand: each trade with the last quote before it, once, when
//! it is final.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use bench_support::{Digest, Figure, Random, is_quick, median};
use cpu_time::ProcessTime;
use pathway::prelude::*;
use pathway::testing::Harness;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

#[derive(Clone, Debug, Schema)]
struct Trade {
    symbol: u32,
    #[schema(event_time)]
    millisecond: i64,
    price: i64,
}

#[derive(Clone, Debug, Schema)]
struct Quote {
    symbol: u32,
    #[schema(event_time)]
    millisecond: i64,
    bid: i64,
}

const SYMBOLS: u64 = 1_000;
/// Rows come up to two seconds out of order.
const LATENESS: i64 = 2_000;
const PER_EPOCH: usize = 5_000;
const REPEATS: usize = 5;

fn main() {
    let count: u32 = if is_quick() { 20_000 } else { 1_000_000 };
    let mut random = Random::new(5);
    // A thousand rows a second on each side.
    let mut parts = |n: u32| {
        let late = random.below(LATENESS.unsigned_abs()).cast_signed();
        let symbol = u32::try_from(random.below(SYMBOLS)).expect("few symbols");
        (symbol, i64::from(n) + late, random.below(1_000).cast_signed())
    };
    let trades: Vec<Trade> = (0..count)
        .map(&mut parts)
        .map(|(symbol, millisecond, price)| Trade { symbol, millisecond, price })
        .collect();
    let quotes: Vec<Quote> = (0..count)
        .map(parts)
        .map(|(symbol, millisecond, bid)| Quote { symbol, millisecond, bid })
        .collect();
    let (mut by_hand, mut pathway, mut largest) = (Vec::new(), Vec::new(), 0);
    for _ in 0..if is_quick() { 1 } else { REPEATS } {
        let (expected, seconds) = timed(|| reference(&trades, &quotes));
        by_hand.push(seconds);
        let ((digest, state), seconds) = timed(|| joined(&trades, &quotes));
        assert_eq!(digest, expected, "the sides disagree");
        pathway.push(seconds);
        largest = state;
    }
    let work = format!("as-of join, {count} trades with {count} quotes, {SYMBOLS} keys");
    println!(
        "{}",
        Figure {
            work: &work,
            measured: "CPU s",
            pathway: median(&pathway),
            reference: median(&by_hand),
            ratio_max: None,
        }
    );
    println!("{work}: at most {largest} rows in state");
}

fn timed<R>(program: impl FnOnce() -> R) -> (R, f64) {
    let start = ProcessTime::now();
    let result = program();
    (result, start.elapsed().as_secs_f64())
}

fn add(digest: &mut Digest, trade: &Trade, bid: Option<i64>) {
    let key = [trade.millisecond.to_le_bytes().as_slice(), &trade.symbol.to_le_bytes()].concat();
    digest.update(&key, [trade.price, bid.unwrap_or(-1)], 1);
}

/// The trades by time until they are final, and for each symbol a tree of quotes, of which those
/// go that no trade can look for any more.
fn reference(trades: &[Trade], quotes: &[Quote]) -> Digest {
    let mut digest = Digest::default();
    let mut waiting: BTreeMap<i64, Vec<&Trade>> = BTreeMap::new();
    let mut bids: HashMap<u32, BTreeMap<i64, i64>> = HashMap::new();
    let (mut last_trade, mut last_quote) = (0, 0);
    let mut pass = |waiting: &mut BTreeMap<i64, Vec<&Trade>>,
                    bids: &mut HashMap<u32, BTreeMap<i64, i64>>,
                    (over, first): (i64, i64)| {
        while let Some(trades) = waiting.first_entry().filter(|trades| *trades.key() < over) {
            for trade in trades.remove() {
                let Some(bids) = bids.get_mut(&trade.symbol) else {
                    add(&mut digest, trade, None);
                    continue;
                };
                let bid = bids.range(..=trade.millisecond).next_back();
                let found = bid.map(|(at, bid)| (*at, *bid));
                add(&mut digest, trade, found.map(|(_, bid)| bid));
                let oldest = trade.millisecond.min(first);
                if let Some((&needed, _)) = bids.range(..=oldest).next_back() {
                    *bids = bids.split_off(&needed);
                }
            }
        }
    };
    for (trades, quotes) in trades.chunks(PER_EPOCH).zip(quotes.chunks(PER_EPOCH)) {
        for quote in quotes {
            last_quote = last_quote.max(quote.millisecond);
            let bids = bids.entry(quote.symbol).or_default();
            // The greatest of those at one time counts.
            let bid = bids.entry(quote.millisecond).or_insert(quote.bid);
            *bid = quote.bid.max(*bid);
        }
        for trade in trades {
            last_trade = last_trade.max(trade.millisecond);
            waiting.entry(trade.millisecond).or_default().push(trade);
        }
        let (over, first) = (last_quote - LATENESS, last_trade - LATENESS);
        pass(&mut waiting, &mut bids, (over, first.min(over)));
    }
    pass(&mut waiting, &mut bids, (i64::MAX, i64::MIN));
    digest
}

/// The digest, and how many rows were in state at most.
fn joined(trades: &[Trade], quotes: &[Quote]) -> (Digest, u64) {
    let mut t = Harness::new();
    let (left, right) = (t.stream::<Trade>(), t.stream::<Quote>());
    let taken: Arc<Mutex<Digest>> = Arc::default();
    let digest = Arc::clone(&taken);
    let met = left
        .rows()
        .watermark(LATENESS)
        .as_of_join(&right.rows().watermark(LATENESS))
        .on(|trade| trade.symbol, |quote| quote.symbol)
        .left()
        .when_final()
        .select(move |trade, quote| {
            let mut digest = digest.lock().expect("one worker writes");
            add(&mut digest, trade, quote.map(|quote| quote.bid));
        });
    met.write(null::sink());
    let mut largest = 0;
    let epochs = trades.chunks(PER_EPOCH).zip(quotes.chunks(PER_EPOCH));
    for (epoch, (trades, quotes)) in epochs.enumerate() {
        left.push(trades.iter().cloned());
        right.push(quotes.iter().cloned());
        t.step();
        if epoch % 20 == 0 {
            largest = t.stats().states.iter().map(|state| state.rows).sum::<u64>().max(largest);
        }
    }
    left.close();
    right.close();
    t.step();
    let digest = *taken.lock().expect("the run is over");
    (digest, largest)
}
