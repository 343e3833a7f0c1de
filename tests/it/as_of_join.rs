//! As-of joins: which row is met, when results come out, and what is kept.

use crate::oracle::against;
use crate::two_sides::{
    INTERVAL, Quote, Trade, against_live, quote, random_quote, random_trade, state_stays_small,
    trade,
};
use pathway::prelude::*;
use pathway::table::{ByAsOf, Changing, Inner, OnKeys, TimeJoin};
use pathway::testing::{Harness, add, check_incremental, remove};
use std::cmp::Reverse;

type Met = (Trade, Option<Quote>);

#[derive(Clone, Copy, Debug)]
enum Looks {
    Backward,
    Forward,
    Nearest,
}

const LOOKS: [Looks; 3] = [Looks::Backward, Looks::Forward, Looks::Nearest];

type Joined = TimeJoin<Trade, Quote, ByAsOf, Inner, Changing, OnKeys>;

fn join(trades: &Table<Trade>, quotes: &Table<Quote>, looks: Looks, within: Option<i64>) -> Joined {
    let join = trades.as_of_join(quotes).on(|trade| trade.symbol, |quote| quote.symbol);
    let join = match looks {
        Looks::Backward => join,
        Looks::Forward => join.forward(),
        Looks::Nearest => join.nearest(),
    };
    match within {
        Some(within) => join.within(within),
        None => join,
    }
}

fn rows(join: Joined, left: bool) -> Table<Met> {
    if left {
        return join.left().select(|trade, quote| (trade.clone(), quote.cloned()));
    }
    join.select(|trade, quote| (trade.clone(), Some(quote.clone())))
}

fn changing(
    trades: &Table<Trade>,
    quotes: &Table<Quote>,
    looks: Looks,
    within: Option<i64>,
    left: bool,
) -> Table<Met> {
    rows(join(trades, quotes, looks, within), left)
}

fn early(
    trades: &Table<Trade>,
    quotes: &Table<Quote>,
    looks: Looks,
    within: Option<i64>,
    left: bool,
) -> Table<Met> {
    rows(join(trades, quotes, looks, within).early(INTERVAL), left)
}

fn when_final(
    trades: &Table<Trade>,
    quotes: &Table<Quote>,
    looks: Looks,
    within: Option<i64>,
    left: bool,
) -> Stream<Met> {
    let join = join(trades, quotes, looks, within).when_final();
    if left {
        return join.left().select(|trade, quote| (trade.clone(), quote.cloned()));
    }
    join.select(|trade, quote| (trade.clone(), Some(quote.clone())))
}

/// The greatest of several quotes at one time, and the earlier of two that are as near.
fn naive(
    trades: &[Trade],
    quotes: &[Quote],
    looks: Looks,
    within: Option<i64>,
    left: bool,
) -> Vec<Met> {
    let find = |trade: &Trade| {
        let looks_at = |quote: &&Quote| {
            trade.symbol.is_some()
                && trade.symbol == quote.symbol
                && within.is_none_or(|within| (quote.at - trade.at).abs() <= within)
                && match looks {
                    Looks::Backward => quote.at <= trade.at,
                    Looks::Forward => quote.at >= trade.at,
                    Looks::Nearest => true,
                }
        };
        let quotes = quotes.iter().filter(looks_at);
        quotes.min_by_key(|quote| ((quote.at - trade.at).abs(), quote.at, Reverse(quote.bid)))
    };
    let rows = trades.iter().map(|trade| (trade.clone(), find(trade).cloned()));
    rows.filter(|(_, quote)| left || quote.is_some()).collect()
}

#[test]
fn tables_that_change_are_joined_as_from_scratch() {
    for looks in LOOKS {
        for (within, left) in [(None, true), (Some(3), true), (Some(6), false)] {
            check_incremental(|t| changing(&t.table(), &t.table(), looks, within, left))
                .rows(random_trade)
                .rows(random_quote)
                .cases(16)
                .run();
            against(
                |trades: &Table<Trade>, quotes: &Table<Quote>| {
                    changing(trades, quotes, looks, within, left)
                },
                |trades, quotes| naive(trades, quotes, looks, within, left),
                random_trade,
                random_quote,
            );
        }
    }
}

#[test]
fn sides_with_watermarks_give_what_is_right_and_what_is_final() {
    for looks in LOOKS {
        for (within, left) in [(None, true), (None, false), (Some(4), true)] {
            against_live(
                true,
                |trades, quotes| changing(trades, quotes, looks, within, left),
                |trades, quotes| when_final(trades, quotes, looks, within, left),
                |trades, quotes| early(trades, quotes, looks, within, left),
                |trades, quotes| naive(trades, quotes, looks, within, left),
            );
        }
    }
}

#[test]
fn state_is_let_go_of_behind_both_watermarks() {
    state_stays_small(|trades, quotes| {
        let both = |looks, within, left| {
            let once: Table<Met> = when_final(trades, quotes, looks, within, left).into();
            [changing(trades, quotes, looks, within, left), once]
        };
        LOOKS
            .into_iter()
            .flat_map(|looks| [both(looks, None, true), both(looks, Some(5), false)])
            .flatten()
            .collect()
    });
}

/// The example of the field: golden vector G8.
#[test]
fn quotes_that_come_late_correct_the_trades_that_they_concern() {
    let mut t = Harness::new();
    let (left, right) = (t.stream::<Trade>(), t.stream::<Quote>());
    let all = left.rows().as_of_join(&right.rows()).on(|_| (), |_| ()).left();
    let all = t.capture(all.select(|a, b| (a.size, b.map(|b| b.bid))));
    left.push([trade(0, 2, 1), trade(0, 3, 2)]);
    t.step();
    all.assert_changes([add((1, None)), add((2, None))]);
    left.push([trade(0, 3, 3), trade(0, 5, 4)]);
    right.push([quote(0, 1, 1)]);
    t.step();
    all.assert_changes([
        remove((1, None)),
        remove((2, None)),
        add((1, Some(1))),
        add((2, Some(1))),
        add((3, Some(1))),
        add((4, Some(1))),
    ]);
    left.push([trade(0, 2, 6)]);
    right.push([quote(0, 4, 2)]);
    t.step();
    all.assert_changes([add((6, Some(1))), remove((4, Some(1))), add((4, Some(2)))]);
    left.push([trade(0, 6, 7)]);
    right.push([quote(0, 2, 3)]);
    t.step();
    let moved = [1, 2, 3, 6].map(|size| [remove((size, Some(1))), add((size, Some(3)))]);
    all.assert_changes(moved.into_iter().flatten().chain([add((7, Some(2)))]));
}

/// The example of the field: golden vector G13.
#[test]
fn a_batch_has_a_default_where_there_is_no_match() {
    let app = Pipeline::new("test");
    let times = [1, 4, 5, 6, 7, 11, 12].map(|at| trade(0, at * 2, 0));
    let trades = app.rows(times.into_iter().chain([5, 7].map(|at| trade(1, at * 2, 0))));
    let first = [(2, 0), (3, 6), (7, 2), (8, 3), (9, 9), (13, 7), (14, 4)];
    let first = first.map(|(at, bid)| quote(0, at * 2, bid));
    let second = [(2, 7), (8, 3)].map(|(at, bid)| quote(1, at * 2, bid));
    let quotes = app.rows(first.into_iter().chain(second));
    let values = trades.as_of_join(&quotes).left().on(|t| t.symbol, |q| q.symbol);
    let values = values.select(|t, q| (t.symbol, t.at, q.map_or(-1, |q| i64::from(q.bid))));
    let mut values = values.collect().unwrap();
    values.sort_unstable();
    let values: Vec<i64> = values.into_iter().map(|(_, _, value)| value).collect();
    assert_eq!(values, [-1, 6, 6, 6, 2, 9, 9, 7, 7]);
}

#[test]
fn the_greatest_of_several_quotes_at_one_time_counts() {
    for looks in LOOKS {
        let mut t = Harness::new();
        let (trades, quotes) = (t.table::<Trade>(), t.table::<Quote>());
        let all = join(&trades.rows(), &quotes.rows(), looks, None);
        let all = t.capture(all.select(|_, quote| quote.bid));
        trades.insert(trade(0, 5, 0));
        [7, 9, 3].into_iter().for_each(|bid| quotes.insert(quote(0, 5, bid)));
        t.step();
        all.assert_changes([add(9)]);
        // One that does not count changes nothing.
        quotes.remove(quote(0, 5, 3));
        quotes.insert(quote(0, 5, 8));
        t.step();
        all.assert_changes([]);
        quotes.remove(quote(0, 5, 9));
        t.step();
        all.assert_changes([remove(9), add(8)]);
    }
}

#[test]
fn the_earlier_of_two_that_are_as_near_counts() {
    let app = Pipeline::new("test");
    let trades = app.rows([trade(0, 10, 0)]);
    let quotes = app.rows([quote(0, 12, 9), quote(0, 8, 1)]);
    let bids = join(&trades, &quotes, Looks::Nearest, None).select(|_, quote| quote.bid);
    assert_eq!(bids.collect().unwrap(), [1]);
}

#[test]
fn one_quote_of_each_symbol_stays() {
    let mut t = Harness::new();
    let (trades, quotes) = (t.stream::<Trade>(), t.stream::<Quote>());
    let (left, right) = (trades.rows().watermark(0), quotes.rows().watermark(0));
    let bids = join(&left, &right, Looks::Backward, None).when_final();
    let bids = t.capture(bids.select(|trade, quote| (trade.at, quote.bid)));
    for at in 0..50 {
        quotes.push((0..10).map(|symbol| quote(symbol, at, symbol)));
        trades.push([trade(3, at, 0)]);
        t.step();
    }
    // The trades of the last moment are not final yet.
    bids.assert_rows((0..49).map(|at| (at, 3)));
    let states = t.stats().states;
    let rows: u64 =
        states.iter().filter(|s| s.operator.contains("`as_of_join`")).map(|s| s.rows).sum();
    assert_eq!(rows, 10 + 1, "{states:?}");
}

#[test]
fn senseless_arguments_are_build_errors() {
    let app = Pipeline::new("test");
    let (trades, quotes) = (app.rows([trade(0, 1, 0)]), app.rows([quote(0, 1, 0)]));
    let error = join(&trades, &quotes, Looks::Forward, Some(-1)).select(|_, _| 0).collect();
    let error = error.unwrap_err().to_string();
    assert!(error.contains("`within`") && error.contains("-1 is negative"), "{error}");
}

#[test]
fn explain_says_which_row_is_met() {
    let app = Pipeline::new("test");
    let (trades, quotes) = (app.rows([trade(0, 1, 0)]), app.rows([quote(0, 1, 0)]));
    changing(&trades, &quotes, Looks::Backward, None, true).write(null::sink());
    when_final(&trades.watermark(1), &quotes.watermark(1), Looks::Nearest, Some(7), false)
        .write(null::sink());
    let plan = app.explain().to_string();
    for line in ["as_of_join backward ←", "as_of_join nearest within 7 ←"] {
        assert!(plan.contains(line), "{line}: {plan}");
    }
}
