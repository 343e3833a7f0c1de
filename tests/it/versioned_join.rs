//! Joins with a versioned table: which version holds, and which are kept.

use crate::oracle::against;
use crate::two_sides::{
    INTERVAL, Quote, Trade, against_live, quote, random_quote, random_trade, state_stays_small,
    trade,
};
use pathway::prelude::*;
use pathway::table::{ByVersion, Changing, Inner, OnKeys, TimeJoin};
use pathway::testing::{Harness, add, check_incremental, remove};

type Met = (Trade, Option<Quote>);

type Joined = TimeJoin<Trade, Quote, ByVersion, Inner, Changing, OnKeys>;

/// A version without a bid says that there is nothing.
fn join(trades: &Table<Trade>, quotes: &Table<Quote>) -> Joined {
    trades
        .versioned_join(quotes)
        .deleted_when(|quote| quote.bid == 0)
        .on(|trade| trade.symbol, |quote| quote.symbol)
}

fn rows(join: Joined, left: bool) -> Table<Met> {
    if left {
        return join.left().select(|trade, quote| (trade.clone(), quote.cloned()));
    }
    join.select(|trade, quote| (trade.clone(), Some(quote.clone())))
}

fn changing(trades: &Table<Trade>, quotes: &Table<Quote>, left: bool) -> Table<Met> {
    rows(join(trades, quotes), left)
}

fn early(trades: &Table<Trade>, quotes: &Table<Quote>, left: bool) -> Table<Met> {
    rows(join(trades, quotes).early(INTERVAL), left)
}

fn when_final(trades: &Table<Trade>, quotes: &Table<Quote>, left: bool) -> Stream<Met> {
    let join = join(trades, quotes).when_final();
    if left {
        return join.left().select(|trade, quote| (trade.clone(), quote.cloned()));
    }
    join.select(|trade, quote| (trade.clone(), Some(quote.clone())))
}

fn naive(trades: &[Trade], quotes: &[Quote], left: bool) -> Vec<Met> {
    let find = |trade: &Trade| {
        let of_symbol = quotes.iter().filter(|quote| {
            trade.symbol.is_some() && trade.symbol == quote.symbol && quote.at <= trade.at
        });
        of_symbol.max_by_key(|quote| (quote.at, quote.bid)).filter(|quote| quote.bid > 0)
    };
    let rows = trades.iter().map(|trade| (trade.clone(), find(trade).cloned()));
    rows.filter(|(_, quote)| left || quote.is_some()).collect()
}

#[test]
fn tables_that_change_are_joined_as_from_scratch() {
    for left in [false, true] {
        check_incremental(|t| changing(&t.table(), &t.table(), left))
            .rows(random_trade)
            .rows(random_quote)
            .cases(24)
            .run();
        against(
            |trades: &Table<Trade>, quotes: &Table<Quote>| changing(trades, quotes, left),
            |trades, quotes| naive(trades, quotes, left),
            random_trade,
            random_quote,
        );
    }
}

#[test]
fn sides_with_watermarks_give_what_is_right_and_what_is_final() {
    for left in [false, true] {
        against_live(
            true,
            |trades, quotes| changing(trades, quotes, left),
            |trades, quotes| when_final(trades, quotes, left),
            |trades, quotes| early(trades, quotes, left),
            |trades, quotes| naive(trades, quotes, left),
        );
    }
}

#[test]
fn state_is_let_go_of_behind_both_watermarks() {
    state_stays_small(|trades, quotes| {
        let once: Table<Met> = when_final(trades, quotes, true).into();
        vec![changing(trades, quotes, true), once]
    });
}

#[test]
fn a_deletion_and_what_comes_behind_it() {
    let mut t = Harness::new();
    let (trades, quotes) = (t.table::<Trade>(), t.table::<Quote>());
    let bids = join(&trades.rows(), &quotes.rows()).left();
    let bids = t.capture(bids.select(|trade, quote| (trade.at, quote.map(|quote| quote.bid))));
    [2, 5, 8].into_iter().for_each(|at| trades.insert(trade(0, at, 0)));
    quotes.insert(quote(0, 1, 7));
    t.step();
    bids.assert_rows([(2, Some(7)), (5, Some(7)), (8, Some(7))]);
    quotes.insert(quote(0, 5, 0));
    t.step();
    bids.assert_changes([
        remove((5, Some(7))),
        add((5, None)),
        remove((8, Some(7))),
        add((8, None)),
    ]);
    quotes.insert(quote(0, 7, 9));
    t.step();
    bids.assert_changes([remove((8, None)), add((8, Some(9)))]);
    quotes.remove(quote(0, 5, 0));
    t.step();
    bids.assert_changes([remove((5, None)), add((5, Some(7)))]);
}

#[test]
fn a_key_that_ends_with_a_deletion_is_forgotten() {
    let mut t = Harness::new();
    let (trades, quotes) = (t.stream::<Trade>(), t.stream::<Quote>());
    let (left, right) = (trades.rows().watermark(0), quotes.rows().watermark(0));
    let _bids = t.capture(changing(&left, &right, true));
    for at in 0..40 {
        let symbol = u8::try_from(at).unwrap();
        quotes.push([quote(symbol, at, 1), quote(symbol, at + 1, 0)]);
        trades.push([trade(0, at + 1, 0)]);
        t.step();
    }
    let states = t.stats().states;
    let rows: u64 =
        states.iter().filter(|s| s.operator.contains("`versioned_join`")).map(|s| s.rows).sum();
    // Those of the last moment, which may be followed by others, and the trades at it.
    assert!(rows <= 4, "{states:?}");
}
