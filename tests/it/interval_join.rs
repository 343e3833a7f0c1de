//! Interval joins: which rows meet, when results come out, and what is kept.

use crate::oracle::against;
use crate::two_sides::{
    INTERVAL, Quote, Trade, against_live, quote, random_quote, random_trade, state_stays_small,
    trade,
};
use pathway::prelude::*;
use pathway::table::{ByInterval, Changing, Inner, OnKeys, TimeJoin};
use pathway::testing::{Harness, add, check_incremental, remove};
use std::ops::RangeInclusive;

type Met = (Option<Trade>, Option<Quote>);

fn met(trade: Option<&Trade>, quote: Option<&Quote>) -> Met {
    (trade.cloned(), quote.cloned())
}

#[derive(Clone, Copy)]
enum Kind {
    Inner,
    Left,
    Right,
    Full,
}

const KINDS: [Kind; 4] = [Kind::Inner, Kind::Left, Kind::Right, Kind::Full];
const INTERVALS: [(i64, i64); 5] = [(-2, 1), (0, 0), (1, 4), (-7, -3), (-20, 20)];

type Joined = TimeJoin<Trade, Quote, ByInterval, Inner, Changing, OnKeys>;

fn join(trades: &Table<Trade>, quotes: &Table<Quote>, interval: RangeInclusive<i64>) -> Joined {
    trades.interval_join(quotes, interval).on(|trade| trade.symbol, |quote| quote.symbol)
}

fn rows(join: Joined, kind: Kind) -> Table<Met> {
    match kind {
        Kind::Inner => join.select(|trade, quote| met(Some(trade), Some(quote))),
        Kind::Left => join.left().select(|trade, quote| met(Some(trade), quote)),
        Kind::Right => join.right().select(|trade, quote| met(trade, Some(quote))),
        Kind::Full => join.full().select(met),
    }
}

fn changing(
    trades: &Table<Trade>,
    quotes: &Table<Quote>,
    interval: RangeInclusive<i64>,
    kind: Kind,
) -> Table<Met> {
    rows(join(trades, quotes, interval), kind)
}

fn early(
    trades: &Table<Trade>,
    quotes: &Table<Quote>,
    interval: RangeInclusive<i64>,
    kind: Kind,
) -> Table<Met> {
    rows(join(trades, quotes, interval).early(INTERVAL), kind)
}

fn when_final(
    trades: &Table<Trade>,
    quotes: &Table<Quote>,
    interval: RangeInclusive<i64>,
    kind: Kind,
) -> Stream<Met> {
    let join = join(trades, quotes, interval).when_final();
    match kind {
        Kind::Inner => join.select(|trade, quote| met(Some(trade), Some(quote))),
        Kind::Left => join.left().select(|trade, quote| met(Some(trade), quote)),
        Kind::Right => join.right().select(|trade, quote| met(trade, Some(quote))),
        Kind::Full => join.full().select(met),
    }
}

fn naive(
    trades: &[Trade],
    quotes: &[Quote],
    interval: &RangeInclusive<i64>,
    kind: Kind,
) -> Vec<Met> {
    let meets = |trade: &Trade, quote: &Quote| {
        trade.symbol.is_some()
            && trade.symbol == quote.symbol
            && interval.contains(&(quote.at - trade.at))
    };
    let mut rows = Vec::new();
    for trade in trades {
        let matches = quotes.iter().filter(|quote| meets(trade, quote));
        let before = rows.len();
        rows.extend(matches.map(|quote| met(Some(trade), Some(quote))));
        if rows.len() == before && matches!(kind, Kind::Left | Kind::Full) {
            rows.push(met(Some(trade), None));
        }
    }
    for quote in quotes {
        let alone = !trades.iter().any(|trade| meets(trade, quote));
        if alone && matches!(kind, Kind::Right | Kind::Full) {
            rows.push(met(None, Some(quote)));
        }
    }
    rows
}

#[test]
fn tables_that_change_are_joined_as_from_scratch() {
    for (kind, (lower, upper)) in KINDS.into_iter().zip(INTERVALS) {
        check_incremental(|t| changing(&t.table(), &t.table(), lower..=upper, kind))
            .rows(random_trade)
            .rows(random_quote)
            .cases(24)
            .run();
        against(
            |trades: &Table<Trade>, quotes: &Table<Quote>| {
                changing(trades, quotes, lower..=upper, kind)
            },
            |trades, quotes| naive(trades, quotes, &(lower..=upper), kind),
            random_trade,
            random_quote,
        );
    }
}

#[test]
fn sides_with_watermarks_give_what_is_right_and_what_is_final() {
    for kind in KINDS {
        for (lower, upper) in [(-2, 1), (1, 4)] {
            let interval = lower..=upper;
            against_live(
                true,
                |trades, quotes| changing(trades, quotes, lower..=upper, kind),
                |trades, quotes| when_final(trades, quotes, lower..=upper, kind),
                |trades, quotes| early(trades, quotes, lower..=upper, kind),
                |trades, quotes| naive(trades, quotes, &interval, kind),
            );
        }
    }
}

#[test]
fn a_batch_gives_what_a_stream_gives() {
    let random = &mut pathway::testing::Random::new(1);
    let trades: Vec<Trade> = (0..200).map(|_| random_trade(random)).collect();
    let quotes: Vec<Quote> = (0..200).map(|_| random_quote(random)).collect();
    let mut expected = naive(&trades, &quotes, &(-2..=1), Kind::Full);
    expected.sort_unstable();
    let app = Pipeline::new("test").threads(2);
    let (trades, quotes) = (app.rows(trades).watermark(0), app.rows(quotes).watermark(0));
    let mut once = when_final(&trades, &quotes, -2..=1, Kind::Full).collect().unwrap();
    once.sort_unstable();
    assert_eq!(once, expected);
}

/// The example of the field: golden vector G9.
#[test]
fn the_ends_of_the_interval_belong_to_it() {
    let app = Pipeline::new("test");
    let trades = app.rows([3, 4, 5, 11].map(|at| trade(0, at, 0)));
    let quotes = app.rows([0, 1, 4, 7].map(|at| quote(0, at, 0)));
    let pairs = trades.interval_join(&quotes, -2..=1).on(|_| (), |_| ());
    let mut pairs = pairs.select(|trade, quote| (trade.at, quote.at)).collect().unwrap();
    pairs.sort_unstable();
    assert_eq!(pairs, [(3, 1), (3, 4), (4, 4), (5, 4)]);
}

#[test]
fn a_row_that_gains_its_match_is_taken_back() {
    let mut t = Harness::new();
    let (trades, quotes) = (t.table::<Trade>(), t.table::<Quote>());
    let all = changing(&trades.rows(), &quotes.rows(), 0..=5, Kind::Full);
    let all = t.capture(all);
    let (early, late, later) = (trade(1, 10, 1), quote(1, 15, 7), quote(1, 16, 7));
    let pair = || (Some(early.clone()), Some(late.clone()));
    let alone = || (Some(early.clone()), None);
    trades.insert(early.clone());
    t.step();
    all.assert_changes([add(alone())]);
    quotes.insert(late.clone());
    t.step();
    all.assert_changes([remove(alone()), add(pair())]);
    // A replacement that is further away ends the match on both sides.
    quotes.remove(late.clone());
    quotes.insert(later.clone());
    t.step();
    all.assert_changes([remove(pair()), add(alone()), add((None, Some(later)))]);
}

#[test]
fn early_results_wait_for_their_interval() {
    let mut t = Harness::new();
    let (trades, quotes) = (t.stream::<Trade>(), t.stream::<Quote>());
    let (left, right) = (trades.rows().watermark(0), quotes.rows().watermark(0));
    let all = t.capture(early(&left, &right, 0..=5, Kind::Left));
    let (alone, met) =
        ((Some(trade(0, 10, 1)), None), |at| (Some(trade(0, 10, 1)), Some(quote(0, at, 7))));
    trades.push([trade(0, 10, 1)]);
    t.step();
    all.assert_changes([]);
    t.advance(INTERVAL);
    t.step();
    all.assert_changes([add(alone.clone())]);
    // A pair of streams' rows is final at once, and takes back what was early.
    quotes.push([quote(0, 12, 7)]);
    t.step();
    all.assert_changes([remove(alone), add(met(12))]);
    // So is a row without a match that none can come for.
    trades.push([trade(0, 11, 1)]);
    t.step();
    all.assert_changes([add((Some(trade(0, 11, 1)), Some(quote(0, 12, 7))))]);
    trades.push([trade(0, 20, 1)]);
    quotes.push([quote(0, 30, 7)]);
    t.step();
    all.assert_changes([add((Some(trade(0, 20, 1)), None))]);
    let states = t.stats().states;
    let rows = states.iter().filter(|s| s.operator.contains("`interval_join`")).map(|s| s.rows);
    // The quote at 30, which a trade may still come for.
    assert_eq!(rows.sum::<u64>(), 1, "{states:?}");
}

#[test]
fn what_changes_back_within_an_interval_does_not_come_out() {
    let mut t = Harness::new();
    let (trades, quotes) = (t.table::<Trade>(), t.table::<Quote>());
    let all = t.capture(early(&trades.rows(), &quotes.rows(), 0..=5, Kind::Full));
    trades.insert(trade(0, 10, 1));
    t.advance(INTERVAL);
    t.step();
    all.assert_changes([]);
    t.advance(INTERVAL);
    t.step();
    all.assert_changes([add((Some(trade(0, 10, 1)), None))]);
    quotes.insert(quote(0, 12, 7));
    t.step();
    quotes.remove(quote(0, 12, 7));
    t.step();
    t.advance(INTERVAL);
    t.step();
    all.assert_changes([]);
    // At the end, nothing waits.
    quotes.insert(quote(0, 13, 7));
    trades.close();
    quotes.close();
    t.step();
    all.assert_rows([(Some(trade(0, 10, 1)), Some(quote(0, 13, 7)))]);
}

#[test]
fn a_stream_is_joined_with_itself() {
    let mut t = Harness::new();
    let trades = t.stream::<Trade>();
    let rows = trades.rows().watermark(3);
    let pairs = rows.interval_join(&rows, 1..=4).on(|trade| trade.symbol, |trade| trade.symbol);
    let pairs = t.capture(pairs.when_final().select(|one, next| (one.at, next.at)));
    trades.push([trade(0, 5, 0), trade(0, 1, 0), trade(1, 4, 0)]);
    t.step();
    pairs.assert_rows([(1, 5)]);
    trades.push([trade(1, 8, 0)]);
    t.step();
    pairs.assert_rows([(1, 5), (4, 8)]);
}

#[test]
fn state_is_let_go_of_behind_both_watermarks() {
    state_stays_small(|trades, quotes| {
        KINDS
            .into_iter()
            .flat_map(|kind| {
                let once: Table<Met> = when_final(trades, quotes, 0..=9, kind).into();
                [changing(trades, quotes, -5..=5, kind), once]
            })
            .collect()
    });
}

/// A side without a watermark holds the other one's rows.
#[test]
fn what_may_still_be_met_is_kept() {
    let mut t = Harness::new();
    let (trades, quotes) = (t.stream::<Trade>(), t.stream::<Quote>());
    let with = quotes.rows().watermark(0);
    let pairs = changing(&trades.rows(), &with, -1..=1, Kind::Left);
    let pairs = t.capture(pairs);
    trades.push([trade(0, 10, 1)]);
    quotes.push([quote(0, 10, 1), quote(0, 50, 2)]);
    t.step();
    trades.push([trade(0, 50, 2)]);
    t.step();
    trades.push([trade(0, 11, 3)]);
    t.step();
    pairs.assert_rows([
        (Some(trade(0, 10, 1)), Some(quote(0, 10, 1))),
        (Some(trade(0, 11, 3)), Some(quote(0, 10, 1))),
        (Some(trade(0, 50, 2)), Some(quote(0, 50, 2))),
    ]);
    let rows = |t: &Harness| -> u64 {
        let states = t.stats().states;
        states.iter().filter(|s| s.operator.contains("`interval_join`")).map(|s| s.rows).sum()
    };
    // Quotes up to 50 have come, so the trades at 10 and 11 will meet nothing more.
    assert_eq!(rows(&t), 3);
    trades.close();
    t.step();
    quotes.push([quote(0, 60, 0)]);
    t.step();
    assert_eq!(rows(&t), 0);
}

#[derive(Clone, Debug, Schema)]
struct Maybe {
    #[schema(event_time)]
    at: Option<DateTime>,
}

#[test]
fn a_row_without_a_time_is_refused() {
    let app = Pipeline::new("test");
    let rows = app.rows(vec![Maybe { at: None }]);
    let span = Duration::from_secs(1);
    let pairs = rows.interval_join(&rows, -span..=span).on(|_| (), |_| ()).select(|_, _| 0);
    let error = pairs.collect().unwrap_err().to_string();
    assert!(error.contains("its event time is null"), "{error}");
}

#[test]
fn senseless_arguments_are_build_errors() {
    let app = Pipeline::new("test");
    let (trades, quotes) = (app.rows([trade(0, 1, 0)]), app.rows([quote(0, 1, 0)]));
    #[expect(clippy::reversed_empty_ranges, reason = "that is the mistake")]
    let error = changing(&trades, &quotes, 1..=0, Kind::Inner).collect().unwrap_err();
    let error = error.to_string();
    assert!(error.contains("`interval_join`") && error.contains("1..=0 is empty"), "{error}");
    let app = Pipeline::new("test");
    let (trades, quotes) = (app.rows([trade(0, 1, 0)]), app.rows([quote(0, 1, 0)]));
    let error = when_final(&trades.watermark(0), &quotes, 0..=1, Kind::Inner).collect();
    let error = error.unwrap_err().to_string();
    assert!(error.contains("the rows on the right have no watermark"), "{error}");
    assert!(!error.contains("on the left"), "{error}");
    let app = Pipeline::new("test");
    let (trades, quotes) = (app.rows([trade(0, 1, 0)]), app.rows([quote(0, 1, 0)]));
    let pairs = join(&trades, &quotes, 0..=1).early(Duration::ZERO);
    let error = rows(pairs, Kind::Inner).collect().unwrap_err().to_string();
    assert!(error.contains("`early`") && error.contains("0s is not positive"), "{error}");
}

#[test]
fn explain_says_what_meets_and_what_is_kept() {
    let app = Pipeline::new("test");
    let (trades, quotes) = (app.rows([trade(0, 1, 0)]), app.rows([quote(0, 1, 0)]));
    let with = quotes.watermark(3);
    changing(&trades, &with, -2..=1, Kind::Full).write(null::sink());
    when_final(&trades.watermark(1), &with, 0..=1, Kind::Inner).write(null::sink());
    changing(&trades, &quotes, 0..=1, Kind::Inner).write(null::sink());
    early(&trades, &with, 0..=1, Kind::Left).write(null::sink());
    let plan = app.explain().to_string();
    for line in [
        "interval_join from -2 to 1 ← #0, #2, #2 watermark → ",
        "keeps the rows without a match on the left and the right",
        "no watermark on the left, so the rows of the right are kept",
        "append-only · each row once, when it is final",
        "append-only · no watermarks, so all rows are kept",
        "depends on the history · keeps the rows without a match on the left · at intervals, and when final",
    ] {
        assert!(plan.contains(line), "{line}: {plan}");
    }
}
