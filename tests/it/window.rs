//! Windows: which rows they hold, and when their results come out.

use crate::oracle::against;
use pathway::prelude::*;
use pathway::table::WindowSpec;
use pathway::testing::{Harness, Random, add, check_incremental, remove};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Schema)]
struct Sale {
    shop: u8,
    #[schema(event_time)]
    minute: i64,
    amount: i32,
}

/// A window's bounds, the shop, how many sales, their sum and the largest.
type Total = (i64, i64, u8, u64, i64, i32);

fn totals(sales: &Table<Sale>, windows: WindowSpec<i64>) -> Table<Total> {
    sales
        .window(windows)
        .group_by(|sale| sale.shop)
        .reduce(|g| (g.count(), g.sum(|sale| i64::from(sale.amount)), g.max(|sale| sale.amount)))
        .select(|(w, shop), (count, sum, max)| (w.start, w.end, shop, count, sum, max))
}

/// What the totals of some sales are, of the windows whose end is as wanted.
type Naive = Box<dyn Fn(&[Sale], &dyn Fn(i64) -> bool) -> Vec<Total>>;

/// The divisions under test, each with what is expected of it.
fn divisions() -> Vec<(fn() -> WindowSpec<i64>, Naive)> {
    let every = |size: i64, hop: i64, origin: i64| {
        fixed((-40..40).map(|n| (origin + n * hop, origin + n * hop + size)).collect())
    };
    let growing = (-20..20).flat_map(|n| (1..=3).map(move |m| (n * 6, n * 6 + m * 2))).collect();
    vec![
        (|| tumbling(5), every(5, 5, 0)),
        (|| tumbling(7).starting_at(-3), every(7, 7, -3)),
        (|| sliding(6, 2), every(6, 2, 0)),
        (|| sliding(5, 3).starting_at(1), every(5, 3, 1)),
        (|| cumulating(6, 2), fixed(growing)),
        (|| sessions(1), gaps(1)),
        (|| sessions(3), gaps(3)),
    ]
}

/// The total of the sales of one shop in a window.
fn total(start: i64, end: i64, shop: u8, sales: &[&Sale]) -> Option<Total> {
    let max = sales.iter().map(|sale| sale.amount).max()?;
    let sum = sales.iter().map(|sale| i64::from(sale.amount)).sum();
    Some((start, end, shop, sales.len() as u64, sum, max))
}

/// Windows of fixed bounds.
fn fixed(bounds: Vec<(i64, i64)>) -> Naive {
    Box::new(move |sales, wanted| {
        let mut totals = Vec::new();
        for &(start, end) in bounds.iter().filter(|(_, end)| wanted(*end)) {
            for shop in 0..3 {
                let within =
                    |sale: &&Sale| sale.shop == shop && (start..end).contains(&sale.minute);
                let within: Vec<&Sale> = sales.iter().filter(within).collect();
                totals.extend(total(start, end, shop, &within));
            }
        }
        totals.sort_unstable();
        totals
    })
}

/// Sessions.
fn gaps(gap: i64) -> Naive {
    Box::new(move |sales, wanted| {
        let mut totals = Vec::new();
        for shop in 0..3 {
            let mut of_shop: Vec<&Sale> = sales.iter().filter(|sale| sale.shop == shop).collect();
            of_shop.sort();
            for session in of_shop.chunk_by(|one, next| next.minute - one.minute < gap) {
                let (start, last) = (session[0].minute, session[session.len() - 1].minute);
                totals.extend(total(start, last + gap, shop, session));
            }
        }
        totals.retain(|total| wanted(total.1));
        totals.sort_unstable();
        totals
    })
}

fn sale(random: &mut Random, from: i64, length: u64) -> Sale {
    Sale {
        shop: u8::try_from(random.below(3)).expect("small"),
        minute: from + i64::try_from(random.below(length)).expect("small"),
        amount: i32::try_from(random.below(50)).expect("small") - 20,
    }
}

#[test]
fn windows_of_tables_and_streams_are_those_of_a_recomputation() {
    for (spec, naive) in divisions() {
        let row = |random: &mut Random| sale(random, -15, 30);
        check_incremental(|t| totals(&t.table(), spec())).rows(row).cases(16).run();
        check_incremental(|t| totals(&t.stream(), spec())).rows(row).cases(8).run();
        against(
            |sales: &Table<Sale>, _: &Table<u8>| totals(sales, spec()),
            |sales, _| naive(sales, &|_| true),
            row,
            |_| 0,
        );
    }
}

/// A stream with a watermark, and what of it is in time.
struct Live {
    stream: pathway::testing::TestStream<Sale>,
    in_time: Vec<Sale>,
    late: Vec<Sale>,
    watermark: i64,
    largest: i64,
}

const LATENESS: i64 = 4;

impl Live {
    fn new(t: &Harness) -> Self {
        let (in_time, late) = (Vec::new(), Vec::new());
        let (watermark, largest) = (i64::MIN, i64::MIN);
        Self { stream: t.stream(), in_time, late, watermark, largest }
    }

    /// Pushes rows around `now`, some of them late, and closes the epoch.
    fn step(&mut self, t: &mut Harness, random: &mut Random, now: i64) {
        let rows: Vec<Sale> = (0..random.below(7)).map(|_| sale(random, now - 8, 12)).collect();
        for row in &rows {
            if row.minute < self.watermark {
                self.late.push(row.clone());
            } else {
                self.in_time.push(row.clone());
                self.largest = self.largest.max(row.minute);
            }
        }
        self.stream.push(rows);
        t.step();
        if self.largest > i64::MIN {
            self.watermark = self.watermark.max(self.largest - LATENESS);
        }
    }
}

#[test]
fn what_comes_out_when_depends_on_the_rows_in_time() {
    for (spec, naive) in divisions() {
        for seed in 0..16 {
            let mut random = Random::new(seed);
            let mut t = Harness::with_threads(1 + random.index(4));
            let mut live = Live::new(&t);
            let (sales, late) = live.stream.rows().watermark(LATENESS).or_late();
            let changing = t.capture(totals(&sales, spec()));
            let once = sales.window(spec()).group_by(|sale| sale.shop).when_final().reduce(|g| {
                (g.count(), g.sum(|sale| i64::from(sale.amount)), g.max(|sale| sale.amount))
            });
            let once =
                t.capture(once.select(|(w, shop), (count, sum, max)| {
                    (w.start, w.end, shop, count, sum, max)
                }));
            let early =
                sales.window(spec()).group_by(|sale| sale.shop).early(Duration::from_secs(10));
            let early = early.reduce(|g| {
                (g.count(), g.sum(|sale| i64::from(sale.amount)), g.max(|sale| sale.amount))
            });
            let early = t
                .capture(early.select(|(w, shop), (count, sum, max)| {
                    (w.start, w.end, shop, count, sum, max)
                }));
            let late = t.capture(late);
            for epoch in 0..14 {
                live.step(&mut t, &mut random, -10 + epoch * 3);
                let final_ones = naive(&live.in_time, &|end| end <= live.watermark);
                changing.assert_rows(naive(&live.in_time, &|_| true));
                once.assert_rows(final_ones.clone());
                // What is final is right early, too; the rest may be from an interval before.
                let early_rows = early.rows();
                for total in &final_ones {
                    assert!(early_rows.contains(total), "{total:?} of {early_rows:?}");
                }
                late.assert_rows(live.late.clone());
                if epoch % 4 == 3 {
                    // What waits for the interval waits for it to be over.
                    t.advance(Duration::from_secs(10));
                    t.step();
                    early.assert_rows(naive(&live.in_time, &|_| true));
                }
            }
            live.stream.close();
            t.step();
            let all = naive(&live.in_time, &|_| true);
            once.assert_rows(all.clone());
            changing.assert_rows(all.clone());
            early.assert_rows(all);
            let kept: u64 = t
                .stats()
                .states
                .iter()
                .filter(|s| s.operator.contains("`window`"))
                .map(|s| s.rows)
                .sum();
            assert_eq!(kept, 0, "{:?}", t.stats().states);
        }
    }
}

#[test]
fn a_batch_gives_what_a_stream_gives() {
    for (spec, naive) in divisions() {
        let mut random = Random::new(1);
        let sales: Vec<Sale> = (0..200).map(|_| sale(&mut random, -15, 40)).collect();
        let app = Pipeline::new("test").threads(2);
        let rows = app.rows(sales.clone()).watermark(0);
        let once = rows.window(spec()).group_by(|sale| sale.shop).when_final().reduce(|g| {
            (g.count(), g.sum(|sale| i64::from(sale.amount)), g.max(|sale| sale.amount))
        });
        let once = once.select(|(w, shop), (n, sum, max)| (w.start, w.end, shop, n, sum, max));
        let mut once = once.collect().unwrap();
        once.sort_unstable();
        assert_eq!(once, naive(&sales, &|_| true));
    }
}

#[test]
fn early_results_wait_for_their_interval() {
    let mut t = Harness::new();
    let stream = t.stream::<Sale>();
    let sales = stream.rows().watermark(0);
    let counts = sales.window(tumbling(10)).early(Duration::from_secs(5)).reduce(|g| g.count());
    let counts = t.capture(counts.select(|w, count| (w.start, count)));
    let at = |minute| Sale { shop: 0, minute, amount: 0 };
    stream.push([at(1), at(2)]);
    t.step();
    counts.assert_changes([]);
    t.advance(Duration::from_secs(4));
    stream.push([at(3)]);
    t.step();
    counts.assert_changes([]);
    t.advance(Duration::from_secs(1));
    t.step();
    counts.assert_changes([add((0, 3))]);
    stream.push([at(4)]);
    t.step();
    counts.assert_changes([]);
    // The end of a window does not wait.
    stream.push([at(12)]);
    t.step();
    counts.assert_changes([remove((0, 3)), add((0, 4))]);
    t.advance(Duration::from_secs(5));
    t.step();
    counts.assert_changes([add((10, 1))]);
}

#[test]
fn an_update_of_a_table_corrects_its_windows() {
    let mut t = Harness::new();
    let table = t.table::<Sale>();
    let sums = table.rows().window(sliding(4, 2)).reduce(|g| g.sum(|sale| i64::from(sale.amount)));
    let sums = t.capture(sums.select(|w, sum| (w.start, sum)));
    let at = |minute, amount| Sale { shop: 0, minute, amount };
    table.insert(at(3, 10));
    table.insert(at(4, 5));
    t.step();
    sums.assert_rows([(0, 10), (2, 15), (4, 5)]);
    table.remove(at(3, 10));
    t.step();
    sums.assert_changes([remove((0, 10)), remove((2, 15)), add((2, 5))]);
}

#[test]
fn a_row_brings_sessions_together_and_takes_them_apart_when_it_goes() {
    let mut t = Harness::new();
    let table = t.table::<Sale>();
    let visits = table.rows().window(sessions(5)).reduce(|g| g.count());
    let visits = t.capture(visits.select(|w, count| (w.start, w.end, count)));
    let at = |minute| Sale { shop: 0, minute, amount: 0 };
    table.insert(at(1));
    table.insert(at(9));
    t.step();
    visits.assert_rows([(1, 6, 1), (9, 14, 1)]);
    table.insert(at(5));
    t.step();
    visits.assert_changes([remove((1, 6, 1)), remove((9, 14, 1)), add((1, 14, 3))]);
    table.remove(at(5));
    t.step();
    visits.assert_changes([remove((1, 14, 3)), add((1, 6, 1)), add((9, 14, 1))]);
    // A replacement that changes nothing is no change.
    table.remove(at(9));
    table.insert(at(9));
    t.step();
    visits.assert_changes([]);
}

#[test]
fn state_stays_as_large_as_the_open_windows() {
    let mut t = Harness::with_threads(2);
    let stream = t.stream::<Sale>();
    let sales = stream.rows().watermark(30);
    let changing = sales.window(sliding(20, 10)).group_by(|sale| sale.shop).reduce(|g| g.count());
    let once = sales.window(tumbling(10)).group_by(|sale| sale.shop).when_final();
    let once = once.reduce(|g| g.count());
    let visits = sales.window(sessions(4)).group_by(|sale| sale.shop).reduce(|g| g.count());
    let (_changing, _once, _visits) = (t.capture(changing), t.capture(once), t.capture(visits));
    let mut largest = 0;
    for epoch in 0..300 {
        stream.push((0..10).map(|n| Sale { shop: n, minute: epoch * 5, amount: 0 }));
        t.step();
        let states = t.stats().states;
        let rows: u64 = states.iter().map(|state| state.rows).sum();
        if epoch < 20 {
            largest = largest.max(rows);
        } else {
            assert!(rows <= largest, "{states:?}");
        }
    }
}

#[derive(Clone, Debug, Schema)]
struct Maybe {
    #[schema(event_time)]
    at: Option<DateTime>,
}

#[test]
fn a_row_without_a_time_is_refused() {
    let app = Pipeline::new("test");
    let counts = app.rows(vec![Maybe { at: None }]).window(days("UTC")).reduce(|g| g.count());
    let error = counts.collect().unwrap_err().to_string();
    assert!(error.contains("its event time is null"), "{error}");
}

#[test]
fn senseless_windows_are_build_errors() {
    let problem = |spec: WindowSpec<i64>| {
        let app = Pipeline::new("test");
        let rows = app.rows(vec![Sale { shop: 0, minute: 0, amount: 0 }]);
        rows.window(spec).reduce(|g| g.count()).collect().unwrap_err().to_string()
    };
    assert!(problem(tumbling(0)).contains("the size 0 of the windows is not positive"));
    assert!(problem(sliding(10, -1)).contains("the hop -1 of the windows is not positive"));
    assert!(problem(sliding(10, 11)).contains("some times are in no window"));
    assert!(problem(sessions(0)).contains("the gap 0 of the windows is not positive"));
    assert!(problem(cumulating(10, 20)).contains("the step 20 is longer than the size 10"));
    let app = Pipeline::new("test");
    let rows = app.rows(vec![Maybe { at: None }]);
    let error = rows.window(days("Mars/Olympus")).reduce(|g| g.count()).collect().unwrap_err();
    assert!(error.to_string().contains("`Mars/Olympus` is not known"), "{error}");
    // When nothing is ever final, nothing would ever come out.
    let app = Pipeline::new("test");
    let rows = app.rows(vec![Sale { shop: 0, minute: 0, amount: 0 }]);
    let never = rows.window(tumbling(5)).when_final().reduce(|g| g.count());
    let error = never.collect().unwrap_err().to_string();
    assert!(error.contains("`when_final`") && error.contains(".watermark("), "{error}");
}

#[test]
fn explain_says_when_windows_come_out() {
    let app = Pipeline::new("test");
    let rows = app.rows(vec![Sale { shop: 0, minute: 0, amount: 0 }]);
    rows.window(tumbling(5)).group_by(Sale.shop).reduce(|g| g.count()).write(null::sink());
    let once = rows.watermark(1).window(sliding(5, 1)).when_final().reduce(|g| g.count());
    once.write(null::sink());
    let plan = app.explain().to_string();
    assert!(plan.contains("tumbling windows by `shop`, 1 reducer"), "{plan}");
    assert!(plan.contains("no watermark, so no window is ever over"), "{plan}");
    assert!(plan.contains("sliding windows, 1 reducer"), "{plan}");
    assert!(plan.contains("each window once, when it is final"), "{plan}");
}

#[test]
fn an_overflow_names_window_and_key() {
    let app = Pipeline::new("test");
    let rows = app.rows(vec![Sale { shop: 3, minute: 12, amount: 0 }]);
    let sums = rows
        .window(tumbling(10))
        .group_by(|sale| sale.shop)
        .reduce(|g| (g.sum(|_| i64::MAX), g.sum(|_| i64::MAX), g.count()));
    assert!(sums.collect().is_ok());
    let app = Pipeline::new("test");
    let sale = |amount| Sale { shop: 3, minute: 12, amount };
    let rows = app.rows(vec![sale(1), sale(2)]);
    let sums = rows.window(tumbling(10)).group_by(|sale| sale.shop).reduce(|g| g.sum(|_| i64::MAX));
    let error = sums.collect().unwrap_err().to_string();
    assert!(error.contains("in the window from 10 to 20"), "{error}");
    assert!(error.contains("in the group 3"), "{error}");
}
