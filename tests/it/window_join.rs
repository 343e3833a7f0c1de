//! Window joins: which rows meet, when results come out, and what is kept.

use crate::oracle::against;
use crate::two_sides::{
    INTERVAL, Quote, Trade, against_live, quote, random_quote, random_trade, state_stays_small,
    trade,
};
use pathway::prelude::*;
use pathway::table::{ByWindow, Changing, Inner, OnKeys, TimeJoin, WindowSpec};
use pathway::testing::{Harness, check_incremental};

type Met = ((i64, i64), Option<Trade>, Option<Quote>);

fn met(window: Window<i64>, trade: Option<&Trade>, quote: Option<&Quote>) -> Met {
    ((window.start, window.end), trade.cloned(), quote.cloned())
}

#[derive(Clone, Copy)]
enum Kind {
    Inner,
    Left,
    Right,
    Full,
}

const KINDS: [Kind; 4] = [Kind::Inner, Kind::Left, Kind::Right, Kind::Full];

/// The divisions under test, each with its windows.
fn divisions() -> Vec<(fn() -> WindowSpec<i64>, Vec<(i64, i64)>)> {
    let every = |size: i64, hop: i64, origin: i64| {
        (-20..40).map(|n| (origin + n * hop, origin + n * hop + size)).collect()
    };
    let growing = (-20..20).flat_map(|n| (1..=3).map(move |m| (n * 6, n * 6 + m * 2))).collect();
    vec![
        (|| tumbling(5).starting_at(-3), every(5, 5, -3)),
        (|| sliding(6, 2), every(6, 2, 0)),
        (|| cumulating(6, 2), growing),
        (|| sliding(5, 3).starting_at(1), every(5, 3, 1)),
    ]
}

type Joined = TimeJoin<Trade, Quote, ByWindow, Inner, Changing, OnKeys>;

fn join(trades: &Table<Trade>, quotes: &Table<Quote>, windows: WindowSpec<i64>) -> Joined {
    trades.window_join(quotes, windows).on(|trade| trade.symbol, |quote| quote.symbol)
}

fn rows(join: Joined, kind: Kind) -> Table<Met> {
    match kind {
        Kind::Inner => join.select(|window, trade, quote| met(window, Some(trade), Some(quote))),
        Kind::Left => join.left().select(|window, trade, quote| met(window, Some(trade), quote)),
        Kind::Right => join.right().select(|window, trade, quote| met(window, trade, Some(quote))),
        Kind::Full => join.full().select(met),
    }
}

fn changing(
    trades: &Table<Trade>,
    quotes: &Table<Quote>,
    windows: WindowSpec<i64>,
    kind: Kind,
) -> Table<Met> {
    rows(join(trades, quotes, windows), kind)
}

fn early(
    trades: &Table<Trade>,
    quotes: &Table<Quote>,
    windows: WindowSpec<i64>,
    kind: Kind,
) -> Table<Met> {
    rows(join(trades, quotes, windows).early(INTERVAL), kind)
}

fn when_final(
    trades: &Table<Trade>,
    quotes: &Table<Quote>,
    windows: WindowSpec<i64>,
    kind: Kind,
) -> Stream<Met> {
    let join = join(trades, quotes, windows).when_final();
    match kind {
        Kind::Inner => join.select(|window, trade, quote| met(window, Some(trade), Some(quote))),
        Kind::Left => join.left().select(|window, trade, quote| met(window, Some(trade), quote)),
        Kind::Right => join.right().select(|window, trade, quote| met(window, trade, Some(quote))),
        Kind::Full => join.full().select(met),
    }
}

fn naive(trades: &[Trade], quotes: &[Quote], windows: &[(i64, i64)], kind: Kind) -> Vec<Met> {
    let mut rows = Vec::new();
    for &(start, end) in windows {
        let within = |at: i64| (start..end).contains(&at);
        let meets =
            |trade: &Trade, quote: &Quote| trade.symbol.is_some() && trade.symbol == quote.symbol;
        let trades: Vec<&Trade> = trades.iter().filter(|trade| within(trade.at)).collect();
        let quotes: Vec<&Quote> = quotes.iter().filter(|quote| within(quote.at)).collect();
        let row = |trade: Option<&Trade>, quote: Option<&Quote>| {
            ((start, end), trade.cloned(), quote.cloned())
        };
        for trade in &trades {
            let before = rows.len();
            let matches = quotes.iter().filter(|quote| meets(trade, quote));
            rows.extend(matches.map(|quote| row(Some(trade), Some(quote))));
            if rows.len() == before && matches!(kind, Kind::Left | Kind::Full) {
                rows.push(row(Some(trade), None));
            }
        }
        for quote in &quotes {
            let alone = !trades.iter().any(|trade| meets(trade, quote));
            if alone && matches!(kind, Kind::Right | Kind::Full) {
                rows.push(row(None, Some(quote)));
            }
        }
    }
    rows
}

#[test]
fn tables_that_change_are_joined_as_from_scratch() {
    for (kind, (spec, windows)) in KINDS.into_iter().zip(divisions()) {
        check_incremental(|t| changing(&t.table(), &t.table(), spec(), kind))
            .rows(random_trade)
            .rows(random_quote)
            .cases(16)
            .run();
        against(
            |trades: &Table<Trade>, quotes: &Table<Quote>| changing(trades, quotes, spec(), kind),
            |trades, quotes| naive(trades, quotes, &windows, kind),
            random_trade,
            random_quote,
        );
    }
}

#[test]
fn streams_with_watermarks_give_what_is_right_and_what_is_final() {
    for (kind, (spec, windows)) in KINDS.into_iter().rev().zip(divisions()) {
        against_live(
            false,
            |trades, quotes| changing(trades, quotes, spec(), kind),
            |trades, quotes| when_final(trades, quotes, spec(), kind),
            |trades, quotes| early(trades, quotes, spec(), kind),
            |trades, quotes| naive(trades, quotes, &windows, kind),
        );
    }
}

#[test]
fn state_is_let_go_of_behind_both_watermarks() {
    state_stays_small(|trades, quotes| {
        KINDS
            .into_iter()
            .zip(divisions())
            .flat_map(|(kind, (spec, _))| {
                let once: Table<Met> = when_final(trades, quotes, spec(), kind).into();
                [changing(trades, quotes, spec(), kind), once]
            })
            .collect()
    });
}

/// What sessions of both sides come to.
fn naive_sessions(trades: &[Trade], quotes: &[Quote], gap: i64, kind: Kind) -> Vec<Met> {
    let mut rows = Vec::new();
    for symbol in [Some(0), Some(1)] {
        let of_trades = trades.iter().filter(|t| t.symbol == symbol).map(|t| t.at);
        let of_quotes = quotes.iter().filter(|q| q.symbol == symbol).map(|q| q.at);
        let mut times: Vec<i64> = of_trades.chain(of_quotes).collect();
        times.sort_unstable();
        for session in times.chunk_by(|one, next| next - one < gap) {
            let bounds = (session[0], session[session.len() - 1] + gap);
            let trades: Vec<Trade> =
                trades.iter().filter(|trade| trade.symbol == symbol).cloned().collect();
            let quotes: Vec<Quote> =
                quotes.iter().filter(|quote| quote.symbol == symbol).cloned().collect();
            rows.extend(naive(&trades, &quotes, &[bounds], kind));
        }
    }
    // Rows without a symbol meet none.
    for trade in trades.iter().filter(|trade| trade.symbol.is_none()) {
        rows.extend(naive(std::slice::from_ref(trade), &[], &[(trade.at, trade.at + gap)], kind));
    }
    for quote in quotes.iter().filter(|quote| quote.symbol.is_none()) {
        rows.extend(naive(&[], std::slice::from_ref(quote), &[(quote.at, quote.at + gap)], kind));
    }
    rows
}

#[test]
fn a_session_is_one_of_both_sides() {
    for (kind, gap) in KINDS.into_iter().zip([3, 2, 5, 4]) {
        check_incremental(|t| changing(&t.table(), &t.table(), sessions(gap), kind))
            .rows(random_trade)
            .rows(random_quote)
            .cases(16)
            .run();
        against(
            |trades: &Table<Trade>, quotes: &Table<Quote>| {
                changing(trades, quotes, sessions(gap), kind)
            },
            |trades, quotes| naive_sessions(trades, quotes, gap, kind),
            random_trade,
            random_quote,
        );
        against_live(
            true,
            |trades, quotes| changing(trades, quotes, sessions(gap), kind),
            |trades, quotes| when_final(trades, quotes, sessions(gap), kind),
            |trades, quotes| early(trades, quotes, sessions(gap), kind),
            |trades, quotes| naive_sessions(trades, quotes, gap, kind),
        );
    }
}

/// The example of the field: golden vector G10.
#[test]
fn rows_of_one_window_meet() {
    let app = Pipeline::new("test");
    let trades = app.rows([1, 2, 3, 7, 13].map(|at| trade(0, at, 0)));
    let quotes = app.rows([2, 5, 6, 7].map(|at| quote(0, at, 0)));
    let all = trades.window_join(&quotes, tumbling(2)).full().on(|_| (), |_| ());
    let all = all.select(|_, trade, quote| (trade.map(|t| t.at), quote.map(|q| q.at)));
    let mut all = all.collect().unwrap();
    all.sort_unstable();
    assert_eq!(
        all,
        [
            (None, Some(5)),
            (Some(1), None),
            (Some(2), Some(2)),
            (Some(3), Some(2)),
            (Some(7), Some(6)),
            (Some(7), Some(7)),
            (Some(13), None),
        ]
    );
}

/// A row of a table may be taken away until its window is over.
#[test]
fn what_is_final_of_a_table_comes_out_when_its_window_is_over() {
    let mut t = Harness::new();
    let (trades, quotes) = (t.table::<Trade>(), t.stream::<Quote>());
    let (left, right) = (trades.rows().watermark(0), quotes.rows().watermark(0));
    let all = join(&left, &right, tumbling(10)).left().when_final();
    let all =
        t.capture(all.select(|window, trade, quote| {
            (window.start, trade.size, quote.map(|quote| quote.bid))
        }));
    trades.insert(trade(0, 3, 1));
    trades.insert(trade(0, 5, 2));
    quotes.push([quote(0, 8, 7), quote(0, 21, 8)]);
    t.step();
    all.assert_rows([]);
    trades.remove(trade(0, 5, 2));
    trades.insert(trade(0, 11, 3));
    t.step();
    all.assert_rows([(0, 1, Some(7))]);
    trades.insert(trade(0, 22, 4));
    t.step();
    all.assert_rows([(0, 1, Some(7)), (10, 3, None)]);
}

#[test]
fn windows_that_make_no_sense_are_build_errors() {
    let app = Pipeline::new("test");
    let (trades, quotes) = (app.rows([trade(0, 1, 0)]), app.rows([quote(0, 1, 0)]));
    let error = changing(&trades, &quotes, tumbling(0), Kind::Inner).collect().unwrap_err();
    let error = error.to_string();
    assert!(error.contains("`window_join`") && error.contains("not positive"), "{error}");
}
