//! `intervals_over`: windows around the rows of another table.

use crate::oracle::against;
use crate::window_kinds::{Changing, LATENESS, Live, Sale, common_sale, kept, out_of_order, sale};
use pathway::prelude::*;
use pathway::testing::{Harness, Random, add, check_incremental, remove};

/// The other row, how many sales are around it, their sum and the largest.
type Around = (Sale, u64, i64, Option<i32>);

const INTERVAL: std::ops::RangeInclusive<i64> = -3..=2;

fn around(sales: &Table<Sale>, others: &Table<Sale>) -> Table<Around> {
    sales
        .intervals_over(others, INTERVAL)
        .on(|sale| sale.shop, |other| other.shop)
        .reduce(|g| (g.count(), g.sum(|sale| i64::from(sale.amount)), g.max(|sale| sale.amount)))
        .select(|other, (count, sum, max)| (other, count, sum, max))
}

fn around_without_keys(sales: &Table<Sale>, others: &Table<Sale>) -> Table<Around> {
    sales
        .intervals_over(others, INTERVAL)
        .reduce(|g| (g.count(), g.sum(|sale| i64::from(sale.amount)), g.max(|sale| sale.amount)))
        .select(|other, (count, sum, max)| (other, count, sum, max))
}

fn around_inner(sales: &Table<Sale>, others: &Table<Sale>) -> Table<Around> {
    sales
        .intervals_over(others, INTERVAL)
        .inner()
        .on(|sale| Some(sale.shop), |other| other.shop)
        .reduce(|g| (g.count(), g.sum(|sale| i64::from(sale.amount)), g.max(|sale| sale.amount)))
        .select(|other, (count, sum, max)| (other, count, sum, Some(max)))
}

fn naive(sales: &[Sale], others: &[Sale], by_shop: bool, outer: bool) -> Vec<Around> {
    let mut rows = Vec::new();
    for other in others {
        let is_in = |sale: &&Sale| {
            (other.minute - 3..=other.minute + 2).contains(&sale.minute)
                && (!by_shop || sale.shop == other.shop)
        };
        let within: Vec<&Sale> = sales.iter().filter(is_in).collect();
        if outer || !within.is_empty() {
            let sum = within.iter().map(|sale| i64::from(sale.amount)).sum();
            let max = within.iter().map(|sale| sale.amount).max();
            rows.push((other.clone(), within.len() as u64, sum, max));
        }
    }
    rows
}

#[test]
fn both_tables_may_change() {
    let row = |random: &mut Random| sale(random, -8, 16);
    type Pipeline = fn(&Table<Sale>, &Table<Sale>) -> Table<Around>;
    let pipelines: [(Pipeline, bool, bool); 3] =
        [(around, true, true), (around_without_keys, false, true), (around_inner, true, false)];
    for (pipeline, by_shop, outer) in pipelines {
        check_incremental(|t| pipeline(&t.table(), &t.table())).rows(row).cases(48).run();
        check_incremental(|t| pipeline(&t.stream(), &t.table())).rows(row).cases(16).run();
        check_incremental(|t| pipeline(&t.table(), &t.stream())).rows(row).cases(16).run();
        against(
            pipeline,
            |sales, others| naive(sales, others, by_shop, outer),
            |random| if random.one_in(2) { row(random) } else { common_sale(random) },
            common_sale,
        );
    }
}

#[test]
fn a_table_around_its_own_rows() {
    let row = |random: &mut Random| sale(random, -8, 16);
    check_incremental(|t| {
        let sales = t.table();
        around(&sales, &sales)
    })
    .rows(row)
    .cases(48)
    .run();
    against(
        |sales: &Table<Sale>, _: &Table<u8>| around(sales, sales),
        |sales, _| naive(sales, sales, true, true),
        row,
        |_| 0,
    );
}

#[test]
fn what_comes_out_when_depends_on_the_rows_in_time_of_both() {
    for seed in 0..24 {
        let mut random = Random::new(seed);
        let mut t = Harness::with_threads(1 + random.index(4));
        let (mut live, mut other) = (Live::new(&t), Live::new(&t));
        let sales = live.stream.rows().watermark(LATENESS).drop_late();
        let others = other.stream.rows().watermark(LATENESS).drop_late();
        let windows = || {
            let intervals = sales.intervals_over(&others, INTERVAL);
            intervals.on(|sale| sale.shop, |other| other.shop)
        };
        let changing = t.capture(around(&sales, &others));
        macro_rules! captured {
            ($windows:expr) => {{
                let rows = $windows.reduce(|g| {
                    let sum = g.sum(|sale| i64::from(sale.amount));
                    (g.count(), sum, g.max(|sale| sale.amount))
                });
                t.capture(rows.select(|other, (count, sum, max)| (other, count, sum, max)))
            }};
        }
        let once = captured!(windows().when_final());
        let early = captured!(windows().early(Duration::from_secs(10)));
        let forgotten = captured!(windows().forget_results());
        for epoch in 0..14 {
            live.push(&mut random, -10 + epoch * 3);
            other.push(&mut random, -12 + epoch * 3);
            t.step();
            live.stepped();
            other.stepped();
            let all = naive(&live.in_time, &other.in_time, true, true);
            // The last time of an interval is behind the watermark. Its row is of a stream, and
            // stays.
            let is_final = |row: &&Around| row.0.minute + 2 < live.watermark;
            let final_ones: Vec<Around> = all.iter().filter(is_final).cloned().collect();
            changing.assert_rows(all.clone());
            once.assert_rows(final_ones.clone());
            forgotten.assert_rows(all.iter().filter(|row| !is_final(row)).cloned());
            let early_rows = early.rows();
            for row in &final_ones {
                assert!(early_rows.contains(row), "{row:?} of {early_rows:?}");
            }
            if epoch % 4 == 3 {
                t.advance(Duration::from_secs(10));
                t.step();
                early.assert_rows(all);
            }
        }
        live.stream.close();
        other.stream.close();
        t.step();
        let all = naive(&live.in_time, &other.in_time, true, true);
        changing.assert_rows(all.clone());
        once.assert_rows(all.clone());
        early.assert_rows(all);
        forgotten.assert_rows([]);
        assert_eq!(kept(&t, "`intervals_over`"), 0, "{:?}", t.stats().states);
    }
}

#[test]
fn cuts_orders_within_the_lateness_and_workers_do_not_matter() {
    for seed in 0..3 {
        let mut random = Random::new(seed);
        let mut rows = || -> Vec<Sale> { (0..50).map(|_| sale(&mut random, -20, 60)).collect() };
        let (sales, others) = (rows(), rows());
        let mut expected = naive(&sales, &others, true, true);
        expected.sort();
        for threads in [1, 2, 4] {
            for (sales_per_epoch, others_per_epoch) in [(1, 1), (1, 7), (7, 1), (60, 60)] {
                let sorted = |rows: &[Sale]| {
                    let mut rows = rows.to_vec();
                    rows.sort_by_key(|sale| sale.minute);
                    rows
                };
                let sales = out_of_order(&mut random, &sorted(&sales));
                let others = out_of_order(&mut random, &sorted(&others));
                let mut t = Harness::with_threads(threads);
                let (sale_rows, other_rows) = (t.stream::<Sale>(), t.stream::<Sale>());
                let live = sale_rows.rows().watermark(LATENESS);
                let around_live = other_rows.rows().watermark(LATENESS);
                let changing = t.capture(around(&live, &around_live));
                let once = live.intervals_over(&around_live, INTERVAL);
                let once = once.on(|sale| sale.shop, |other| other.shop).when_final();
                let once = once.reduce(|g| {
                    (g.count(), g.sum(|sale| i64::from(sale.amount)), g.max(|sale| sale.amount))
                });
                let once = once.select(|other, (count, sum, max)| (other, count, sum, max));
                let once = t.capture(once);
                let mut sales = sales.chunks(sales_per_epoch);
                let mut others = others.chunks(others_per_epoch);
                loop {
                    let (some, more) = (sales.next(), others.next());
                    if some.is_none() && more.is_none() {
                        break;
                    }
                    sale_rows.push(some.unwrap_or_default().iter().cloned());
                    other_rows.push(more.unwrap_or_default().iter().cloned());
                    t.step();
                }
                sale_rows.close();
                other_rows.close();
                t.step();
                for mut rows in [changing.rows(), once.rows()] {
                    rows.sort();
                    assert_eq!(rows, expected, "{threads} threads");
                }
            }
        }
    }
}

#[test]
fn updates_above_the_watermarks_correct_intervals() {
    for seed in 0..12 {
        let mut random = Random::new(seed);
        let mut t = Harness::with_threads(1 + random.index(4));
        let (mut sales, mut others) = (Changing::new(&t), Changing::new(&t));
        let sale_rows = sales.table.rows().watermark(LATENESS).drop_late();
        let other_rows = others.table.rows().watermark(LATENESS).drop_late();
        let changing = t.capture(around(&sale_rows, &other_rows));
        let once = sale_rows.intervals_over(&other_rows, INTERVAL);
        let once = once.on(|sale| sale.shop, |other| other.shop).when_final().reduce(|g| {
            (g.count(), g.sum(|sale| i64::from(sale.amount)), g.max(|sale| sale.amount))
        });
        let once = once.select(|other, (count, sum, max)| (other, count, sum, max));
        let once = t.capture(once);
        let (sale_rows, other_rows) = (t.capture(&*sale_rows), t.capture(&*other_rows));
        for epoch in 0..14 {
            sales.change(&mut random, -10 + epoch * 3);
            others.change(&mut random, -8 + epoch * 3);
            t.step();
            let all = naive(&sale_rows.rows(), &other_rows.rows(), true, true);
            for row in once.rows() {
                assert!(all.contains(&row), "{row:?} of {all:?}");
            }
            changing.assert_rows(all);
        }
        assert!(!once.rows().is_empty());
        sales.table.close();
        others.table.close();
        t.step();
        let all = naive(&sale_rows.rows(), &other_rows.rows(), true, true);
        once.assert_rows(all.clone());
        changing.assert_rows(all);
        assert_eq!(kept(&t, "`intervals_over`"), 0, "{:?}", t.stats().states);
    }
}

#[test]
fn state_stays_as_large_as_what_may_change() {
    let mut t = Harness::with_threads(2);
    let (sales, others) = (t.stream::<Sale>(), t.stream::<Sale>());
    let rows = around(&sales.rows().watermark(4), &others.rows().watermark(4));
    let _rows = t.capture(rows);
    let mut largest = 0;
    for epoch in 0..200 {
        let row = |shop| Sale { shop, minute: epoch * 2, amount: 0 };
        sales.push((0..5).map(row));
        others.push((0..5).map(row));
        t.step();
        let kept = kept(&t, "`intervals_over`");
        if epoch < 20 {
            largest = largest.max(kept);
        } else {
            assert!(kept <= largest, "{:?}", t.stats().states);
        }
    }
}

#[test]
fn a_batch_on_the_other_side_lets_go_when_it_ends() {
    let mut t = Harness::new();
    let (sales, others) = (t.stream::<Sale>(), t.stream::<Sale>());
    let once = sales.rows().watermark(0);
    let once = once.intervals_over(&others.rows(), INTERVAL).when_final().reduce(|g| g.count());
    let once = t.capture(once.select(|other, count| (other.minute, count)));
    let at = |minute| Sale { shop: 0, minute, amount: 0 };
    others.push([at(3), at(50)]);
    others.close();
    sales.push((0..40).map(at));
    t.step();
    once.assert_rows([(3, 6)]);
    // The interval around 50, and nothing else.
    assert_eq!(kept(&t, "`intervals_over`"), 1, "{:?}", t.stats().states);
    sales.push([at(50), at(53)]);
    t.step();
    once.assert_rows([(3, 6), (50, 1)]);
}

#[test]
fn an_empty_interval_has_what_no_rows_come_to() {
    let mut t = Harness::new();
    let (sales, others) = (t.table::<Sale>(), t.table::<Sale>());
    let rows = t.capture(around(&sales.rows(), &others.rows()));
    let at = |minute, amount| Sale { shop: 0, minute, amount };
    others.insert(at(10, 0));
    others.insert(at(10, 0));
    t.step();
    rows.assert_changes([add((at(10, 0), 0, 0, None)), add((at(10, 0), 0, 0, None))]);
    sales.insert(at(12, 5));
    sales.insert(at(13, 7));
    others.remove(at(10, 0));
    t.step();
    rows.assert_changes([
        remove((at(10, 0), 0, 0, None)),
        remove((at(10, 0), 0, 0, None)),
        add((at(10, 0), 1, 5, Some(5))),
    ]);
    sales.remove(at(12, 5));
    t.step();
    rows.assert_changes([remove((at(10, 0), 1, 5, Some(5))), add((at(10, 0), 0, 0, None))]);
}

#[derive(Clone, Debug, PartialEq, Schema)]
struct Tagged {
    tag: Option<String>,
    #[schema(event_time)]
    day: Date,
}

#[test]
fn a_null_key_equals_none() {
    let tagged = |tag: Option<&str>, day: i8| Tagged {
        tag: tag.map(Into::into),
        day: Date::constant(2024, 2, day),
    };
    let app = Pipeline::new("test");
    let rows = app.rows(vec![tagged(None, 1), tagged(Some("a"), 2), tagged(Some("a"), 9)]);
    let others = app.rows(vec![tagged(None, 1), tagged(Some("a"), 3)]);
    let counts = rows.intervals_over(&others, -1..=0).on(Tagged.tag, Tagged.tag);
    let counts = counts.reduce(|g| g.count()).select(|row, count| (row.tag, count));
    assert_eq!(counts.collect().unwrap(), [(None, 0), (Some("a".to_owned()), 1)]);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let sales = |app: &Pipeline| app.rows(vec![Sale { shop: 3, minute: 0, amount: 0 }]);
    let app = Pipeline::new("test");
    let (from, to) = (3, 2);
    let rows = sales(&app).intervals_over(&sales(&app), from..=to).reduce(|g| g.count());
    let error = rows.collect().unwrap_err().to_string();
    assert!(error.contains("the interval from 3 to 2 ends before it starts"), "{error}");

    let app = Pipeline::new("test");
    let rows = sales(&app).intervals_over(&sales(&app), 0..=2).when_final().reduce(|g| g.count());
    let error = rows.collect().unwrap_err().to_string();
    assert!(error.contains("`when_final`") && error.contains(".watermark("), "{error}");

    let app = Pipeline::new("test");
    let two = app.rows(vec![Sale { shop: 3, minute: 0, amount: 0 }; 2]);
    let rows = two.intervals_over(&sales(&app), 0..=2).on(Sale.shop, Sale.shop);
    let error = rows.reduce(|g| g.sum(|_| i64::MAX)).collect().unwrap_err().to_string();
    assert!(error.contains("in the interval from 0 to 2"), "{error}");
    assert!(error.contains("in the group 3"), "{error}");
}

#[test]
fn explain_says_what_is_kept() {
    let app = Pipeline::new("test");
    let sales = app.rows(vec![Sale { shop: 3, minute: 0, amount: 0 }]);
    let live = sales.watermark(1);
    let counts = |rows: &Table<Sale>, others: &Table<Sale>| {
        let rows = rows.intervals_over(others, 0..=2).on(Sale.shop, Sale.shop);
        rows.reduce(|g| g.count()).write(null::sink());
    };
    counts(&sales, &live);
    counts(&live, &sales);
    counts(&live, &live);
    let plan = app.explain().to_string();
    assert!(plan.contains("intervals over another table by `shop`, 1 reducer"), "{plan}");
    assert!(plan.contains("no watermark, so no window is ever over: all are kept"), "{plan}");
    assert!(plan.contains("no watermark of the other table, so all rows are kept"), "{plan}");
}
