//! Every kind of window, against a recomputation and naive evaluations: rows that come and go,
//! emissions, cuts into epochs, orders of arrival, numbers of workers, and state that goes.

use crate::oracle::against;
use pathway::prelude::*;
use pathway::testing::{Harness, Random, TestStream, TestTable, check_incremental};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Schema)]
pub(crate) struct Sale {
    pub(crate) shop: u8,
    #[schema(event_time)]
    pub(crate) minute: i64,
    #[schema(key)]
    pub(crate) amount: i32,
}

impl Sale {
    /// How long it lasts, where sessions ask for that.
    fn lasts(&self) -> i64 {
        i64::from(1 + self.amount.rem_euclid(5))
    }
}

pub(crate) fn sale(random: &mut Random, from: i64, length: u64) -> Sale {
    Sale {
        shop: u8::try_from(random.below(3)).expect("small"),
        minute: from + i64::try_from(random.below(length)).expect("small"),
        amount: i32::try_from(random.below(50)).expect("small") - 20,
    }
}

/// A sale of which there are copies.
pub(crate) fn common_sale(random: &mut Random) -> Sale {
    Sale { amount: 3, ..sale(random, 0, 5) }
}

/// A window's bounds, the shop, how many sales, their sum and the largest.
type Total = (i64, i64, u8, u64, i64, i32);

/// What results come out, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    EveryChange,
    Final,
    Early,
    Forgotten,
    EarlyForgotten,
}

const INTERVAL: Duration = Duration::from_secs(10);

/// What the totals of some sales are: of all windows, or of those that are final at a watermark.
type Naive = Box<dyn Fn(&[Sale], Option<i64>) -> Vec<Total>>;

struct Kind {
    name: &'static str,
    totals: fn(&Table<Sale>, When) -> Table<Total>,
    naive: Naive,
}

/// The totals of windows, which an expression makes of some sales.
macro_rules! kind {
    ($name:literal, $naive:expr, |$sales:ident| $windows:expr) => {{
        fn totals($sales: &Table<Sale>, when: When) -> Table<Total> {
            let windows = $windows.group_by(|sale| sale.shop);
            macro_rules! totals {
                ($of:expr) => {
                    $of.reduce(|g| {
                        let sum = g.sum(|sale| i64::from(sale.amount));
                        (g.count(), sum, g.max(|sale| sale.amount))
                    })
                    .select(|(w, shop), (count, sum, max)| {
                        (position(w.start), position(w.end), shop, count, sum, max)
                    })
                };
            }
            match when {
                When::EveryChange => totals!(windows.every_change()),
                When::Final => totals!(windows.when_final()).into(),
                When::Early => totals!(windows.early(INTERVAL)),
                When::Forgotten => totals!(windows.forget_results()),
                When::EarlyForgotten => totals!(windows.early(INTERVAL).forget_results()),
            }
        }
        Kind { name: $name, totals, naive: $naive }
    }};
}

/// A bound, whether it is a time or a position.
fn position<P: TryInto<i64>>(bound: P) -> i64 {
    bound.try_into().unwrap_or(i64::MAX)
}

fn kinds() -> Vec<Kind> {
    let every = |size: i64, hop: i64, origin: i64| {
        fixed((-40..40).map(|n| (origin + n * hop, origin + n * hop + size)).collect())
    };
    let growing = (-20..20).flat_map(|n| (1..=3).map(move |m| (n * 6, n * 6 + m * 2))).collect();
    let gap = |gap: i64| sessions_of(move |sale| sale.minute + gap, |reach, next| next < reach);
    vec![
        kind!("tumbling", every(5, 5, 0), |sales| sales.window(tumbling(5))),
        kind!("tumbling from -3", every(7, 7, -3), |sales| {
            sales.window(tumbling(7).starting_at(-3))
        }),
        kind!("sliding", every(6, 2, 0), |sales| sales.window(sliding(6, 2))),
        kind!("sliding from 1", every(5, 3, 1), |sales| {
            sales.window(sliding(5, 3).starting_at(1))
        }),
        kind!("cumulating", fixed(growing), |sales| sales.window(cumulating(6, 2))),
        kind!("global", fixed(vec![(i64::MIN, i64::MAX)]), |sales| sales.window(global())),
        kind!("windows by closure", own(), |sales| sales.windows_by(windows_of)),
        kind!("sessions of a gap of 1", gap(1), |sales| sales.window(sessions(1))),
        kind!("sessions of a gap of 3", gap(3), |sales| sales.window(sessions(3))),
        kind!(
            "sessions by closure",
            sessions_of(|sale| sale.minute + sale.lasts(), |reach, next| next < reach),
            |sales| sales.sessions_by(Sale::lasts)
        ),
        kind!("sessions of near times", near_sessions(), |sales| sales.sessions_where(near)),
        kind!("sessions of neighbouring rows", neighbours(None), |sales| {
            sales.sessions_while(same)
        }),
        kind!("sessions of neighbouring rows within 2", neighbours(Some(2)), |sales| {
            sales.sessions_while(same).within(2)
        }),
        kind!("windows of 3 rows", counted(3, 3), |sales| sales.count_windows(3)),
        kind!("windows of 4 rows, every row", counted(4, 1), |sales| {
            sales.sliding_count_windows(4, 1)
        }),
        kind!("windows of 5 rows, every 2", counted(5, 2), |sales| {
            sales.sliding_count_windows(5, 2)
        }),
    ]
}

/// The total of the sales of one shop in a window.
fn total(start: i64, end: i64, shop: u8, sales: &[&Sale]) -> Option<Total> {
    let max = sales.iter().map(|sale| sale.amount).max()?;
    let sum = sales.iter().map(|sale| i64::from(sale.amount)).sum();
    Some((start, end, shop, sales.len() as u64, sum, max))
}

/// The sales of each shop in order.
fn by_shop(sales: &[Sale]) -> impl Iterator<Item = (u8, Vec<&Sale>)> {
    (0..3).map(|shop| {
        let mut of_shop: Vec<&Sale> = sales.iter().filter(|sale| sale.shop == shop).collect();
        of_shop.sort();
        (shop, of_shop)
    })
}

fn sorted(mut totals: Vec<Total>) -> Vec<Total> {
    totals.sort_unstable();
    totals
}

/// Windows of fixed bounds.
fn fixed(bounds: Vec<(i64, i64)>) -> Naive {
    Box::new(move |sales, watermark| {
        let is_final = |end| watermark.is_none_or(|watermark| end <= watermark);
        let mut totals = Vec::new();
        for &(start, end) in bounds.iter().filter(|(_, end)| is_final(*end)) {
            for (shop, of_shop) in by_shop(sales) {
                let within = |sale: &&Sale| (start..end).contains(&sale.minute);
                totals.extend(total(
                    start,
                    end,
                    shop,
                    &of_shop.into_iter().filter(within).collect::<Vec<_>>(),
                ));
            }
        }
        sorted(totals)
    })
}

/// Four minutes from the last fourth one on; those of a large sale are in one around it, too; and
/// those of a small one in none.
fn windows_of(sale: &Sale) -> Vec<Window<i64>> {
    let start = sale.minute.div_euclid(4) * 4;
    let mut windows = vec![Window { start, end: start + 4 }];
    if sale.amount > 10 {
        windows.push(Window { start: sale.minute - 1, end: sale.minute + 2 });
    }
    windows.retain(|_| sale.amount > -15);
    windows
}

fn own() -> Naive {
    Box::new(|sales, watermark| {
        let mut totals = Vec::new();
        for (shop, of_shop) in by_shop(sales) {
            let mut windows: Vec<(i64, i64)> = of_shop
                .iter()
                .flat_map(|sale| windows_of(sale))
                .map(|window| (window.start, window.end))
                .collect();
            windows.sort_unstable();
            windows.dedup();
            windows.retain(|(_, end)| watermark.is_none_or(|watermark| *end <= watermark));
            for (start, end) in windows {
                let is_in = |sale: &&&Sale| {
                    windows_of(sale).iter().any(|window| (window.start, window.end) == (start, end))
                };
                let within: Vec<&Sale> = of_shop.iter().filter(is_in).copied().collect();
                totals.extend(total(start, end, shop, &within));
            }
        }
        sorted(totals)
    })
}

/// Sessions of rows that reach a time, and what touches it.
fn sessions_of(
    reach: impl Fn(&Sale) -> i64 + 'static,
    touches: impl Fn(i64, i64) -> bool + 'static,
) -> Naive {
    Box::new(move |sales, watermark| {
        let mut totals = Vec::new();
        for (shop, of_shop) in by_shop(sales) {
            let mut rest = of_shop.as_slice();
            while let Some(first) = rest.first() {
                let (mut far, mut len) = (reach(first), 1);
                while len < rest.len() && touches(far, rest[len].minute) {
                    far = far.max(reach(rest[len]));
                    len += 1;
                }
                if watermark.is_none_or(|watermark| far <= watermark) {
                    totals.extend(total(first.minute, far, shop, &rest[..len]));
                }
                rest = &rest[len..];
            }
        }
        sorted(totals)
    })
}

/// At most three minutes apart, and in the same ten.
fn near(before: i64, after: i64) -> bool {
    after - before <= 3 && before.div_euclid(10) == after.div_euclid(10)
}

fn near_sessions() -> Naive {
    Box::new(|sales, watermark| {
        let mut totals = Vec::new();
        for (shop, of_shop) in by_shop(sales) {
            for session in of_shop.chunk_by(|one, next| near(one.minute, next.minute)) {
                let (start, last) = (session[0].minute, session[session.len() - 1].minute);
                let is_over = |watermark: i64| watermark > last && !near(last, watermark);
                if watermark.is_none_or(is_over) {
                    totals.extend(total(start, last + 1, shop, session));
                }
            }
        }
        sorted(totals)
    })
}

/// Neither transitive nor the same both ways.
fn same(before: &Sale, next: &Sale) -> bool {
    (before.amount + 2 * next.amount).rem_euclid(3) != 0
}

fn neighbours(within: Option<i64>) -> Naive {
    Box::new(move |sales, watermark| {
        let joined = |before: &&Sale, next: &&Sale| {
            // Copies of a row are of one session.
            before == next
                || (within.is_none_or(|within| next.minute - before.minute <= within)
                    && same(before, next))
        };
        let mut totals = Vec::new();
        for (shop, of_shop) in by_shop(sales) {
            let mut sessions = of_shop.chunk_by(joined).peekable();
            while let Some(session) = sessions.next() {
                let (start, last) = (session[0].minute, session[session.len() - 1].minute);
                let is_over = |watermark: i64| {
                    sessions.peek().is_some_and(|next| next[0].minute < watermark)
                        || within.is_some_and(|within| last + within < watermark)
                };
                if watermark.is_none_or(is_over) {
                    totals.extend(total(start, last + 1, shop, session));
                }
            }
        }
        sorted(totals)
    })
}

fn counted(size: usize, hop: usize) -> Naive {
    Box::new(move |sales, watermark| {
        let mut totals = Vec::new();
        for (shop, of_shop) in by_shop(sales) {
            for start in (0..of_shop.len()).step_by(hop) {
                let end = (start + size).min(of_shop.len());
                let is_final =
                    |watermark: i64| end == start + size && of_shop[end - 1].minute < watermark;
                if watermark.is_none_or(is_final) {
                    let (from, to) = (position(start), position(start + size));
                    totals.extend(total(from, to, shop, &of_shop[start..end]));
                }
            }
        }
        sorted(totals)
    })
}

#[test]
fn windows_of_tables_and_streams_are_those_of_a_recomputation() {
    for Kind { totals, naive, .. } in kinds() {
        let row = |random: &mut Random| sale(random, -15, 30);
        check_incremental(|t| totals(&t.table(), When::EveryChange)).rows(row).cases(16).run();
        check_incremental(|t| totals(&t.stream(), When::EveryChange)).rows(row).cases(8).run();
        against(
            |sales: &Table<Sale>, _: &Table<u8>| totals(sales, When::EveryChange),
            |sales, _| naive(sales, None),
            |random| if random.one_in(2) { row(random) } else { common_sale(random) },
            |_| 0,
        );
    }
}

/// A stream with a watermark, and what of it is in time.
pub(crate) struct Live {
    pub(crate) stream: TestStream<Sale>,
    pub(crate) in_time: Vec<Sale>,
    pub(crate) late: Vec<Sale>,
    pub(crate) watermark: i64,
    largest: i64,
}

pub(crate) const LATENESS: i64 = 4;

impl Live {
    pub(crate) fn new(t: &Harness) -> Self {
        let (in_time, late) = (Vec::new(), Vec::new());
        let (watermark, largest) = (i64::MIN, i64::MIN);
        Self { stream: t.stream(), in_time, late, watermark, largest }
    }

    /// Pushes rows around `now`, some of them late, for the next epoch.
    pub(crate) fn push(&mut self, random: &mut Random, now: i64) {
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
    }

    /// Notes that the epoch is closed.
    pub(crate) fn stepped(&mut self) {
        if self.largest > i64::MIN {
            self.watermark = self.watermark.max(self.largest - LATENESS);
        }
    }
}

/// A table whose rows come and go.
pub(crate) struct Changing {
    pub(crate) table: TestTable<Sale>,
    rows: Vec<Sale>,
}

impl Changing {
    pub(crate) fn new(t: &Harness) -> Self {
        Self { table: t.table(), rows: Vec::new() }
    }

    /// Adds rows around `now`, and takes some away, for the next epoch.
    pub(crate) fn change(&mut self, random: &mut Random, now: i64) {
        for _ in 0..random.below(8) {
            if random.one_in(3) && !self.rows.is_empty() {
                let at = random.index(self.rows.len());
                self.table.remove(self.rows.swap_remove(at));
            } else {
                let row = sale(random, now - 8, 12);
                self.table.insert(row.clone());
                self.rows.push(row);
            }
        }
    }
}

/// What windows still keep.
pub(crate) fn kept(t: &Harness, verb: &str) -> u64 {
    let states = t.stats().states;
    states.iter().filter(|state| state.operator.contains(verb)).map(|state| state.rows).sum()
}

#[test]
fn what_comes_out_when_depends_on_the_rows_in_time() {
    for Kind { name, totals, naive } in kinds() {
        for seed in 0..8 {
            let mut random = Random::new(seed);
            let mut t = Harness::with_threads(1 + random.index(4));
            let mut live = Live::new(&t);
            let (sales, late) = live.stream.rows().watermark(LATENESS).or_late();
            let [changing, once, early, forgotten, early_forgotten] = [
                When::EveryChange,
                When::Final,
                When::Early,
                When::Forgotten,
                When::EarlyForgotten,
            ]
            .map(|when| t.capture(totals(&sales, when)));
            let late = t.capture(late);
            for epoch in 0..14 {
                live.push(&mut random, -10 + epoch * 3);
                t.step();
                live.stepped();
                let all = naive(&live.in_time, None);
                let final_ones = naive(&live.in_time, Some(live.watermark));
                let open = all.iter().filter(|total| !final_ones.contains(total)).cloned();
                let open: Vec<Total> = open.collect();
                changing.assert_rows(all.clone());
                once.assert_rows(final_ones.clone());
                forgotten.assert_rows(open.clone());
                // What is final is right early, too; the rest may be from an interval before.
                let early_rows = early.rows();
                for total in &final_ones {
                    assert!(early_rows.contains(total), "{name}: {total:?} of {early_rows:?}");
                }
                let window = |total: &Total| (total.0, total.1, total.2);
                for total in early_forgotten.rows() {
                    let has = |totals: &[Total]| totals.iter().any(|t| window(t) == window(&total));
                    // Sessions of neighbouring rows may share their bounds.
                    let is_final = has(&final_ones) && !has(&open);
                    assert!(!is_final, "{name}: {total:?} is over");
                }
                late.assert_rows(live.late.clone());
                if epoch % 4 == 3 {
                    // What waits for the interval waits for it to be over.
                    t.advance(INTERVAL);
                    t.step();
                    early.assert_rows(all);
                    early_forgotten.assert_rows(open);
                }
            }
            live.stream.close();
            t.step();
            let all = naive(&live.in_time, None);
            once.assert_rows(all.clone());
            changing.assert_rows(all.clone());
            early.assert_rows(all);
            forgotten.assert_rows([]);
            early_forgotten.assert_rows([]);
            assert_eq!(kept(&t, "`window`"), 0, "{name}: {:?}", t.stats().states);
        }
    }
}

#[test]
fn updates_of_a_table_above_its_watermark_correct_its_windows() {
    for Kind { name, totals, naive } in kinds() {
        let mut are_over = name == "global";
        for seed in 0..4 {
            let mut random = Random::new(seed);
            let mut t = Harness::with_threads(1 + random.index(4));
            let mut sales = Changing::new(&t);
            let (rows, late) = sales.table.rows().watermark(LATENESS).or_late();
            let [changing, once, forgotten] = [When::EveryChange, When::Final, When::Forgotten]
                .map(|when| t.capture(totals(&rows, when)));
            // What is late is said elsewhere: here, what was accepted counts.
            let (rows, _late) = (t.capture(rows), t.capture(late));
            for epoch in 0..14 {
                sales.change(&mut random, -10 + epoch * 3);
                t.step();
                changing.assert_rows(naive(&rows.rows(), None));
            }
            let open = forgotten.rows().len();
            sales.table.close();
            t.step();
            let all = naive(&rows.rows(), None);
            are_over |= open < all.len();
            once.assert_rows(all.clone());
            changing.assert_rows(all);
            forgotten.assert_rows([]);
            assert_eq!(kept(&t, "`window`"), 0, "{name}: {:?}", t.stats().states);
        }
        assert!(are_over, "{name}: no window is over before the end");
    }
}

#[test]
fn a_batch_gives_what_a_stream_gives() {
    for Kind { totals, naive, .. } in kinds() {
        let mut random = Random::new(1);
        let sales: Vec<Sale> = (0..200).map(|_| sale(&mut random, -15, 40)).collect();
        let app = Pipeline::new("test").threads(2);
        let rows = app.rows(sales.clone()).watermark(0);
        let once = totals(&rows, When::Final).collect().unwrap();
        assert_eq!(sorted(once), naive(&sales, None));
    }
}

/// The final rows of windows over some sales, in that order, cut into epochs of so many.
fn final_rows(kind: &Kind, sales: &[Sale], epoch: usize, threads: usize) -> [Vec<Total>; 3] {
    let mut t = Harness::with_threads(threads);
    let stream = t.stream::<Sale>();
    let rows = stream.rows().watermark(LATENESS);
    let captures = [When::EveryChange, When::Final, When::Early]
        .map(|when| t.capture((kind.totals)(&rows, when)));
    for rows in sales.chunks(epoch) {
        stream.push(rows.iter().cloned());
        t.step();
    }
    stream.close();
    t.step();
    captures.map(|capture| sorted(capture.rows()))
}

/// The sales in another order: none comes behind one that is more than the lateness later.
pub(crate) fn out_of_order(random: &mut Random, sales: &[Sale]) -> Vec<Sale> {
    let mut order: Vec<(i64, &Sale)> = sales
        .iter()
        .map(|sale| {
            let delay = random.below(LATENESS.unsigned_abs() + 1).cast_signed();
            (sale.minute + delay, sale)
        })
        .collect();
    order.sort_by_key(|(key, _)| *key);
    order.into_iter().map(|(_, sale)| sale.clone()).collect()
}

#[test]
fn cuts_orders_within_the_lateness_and_workers_do_not_matter() {
    for kind in kinds() {
        for seed in 0..2 {
            let mut random = Random::new(seed);
            let mut sales: Vec<Sale> = (0..60).map(|_| sale(&mut random, -20, 60)).collect();
            sales.sort_by_key(|sale| sale.minute);
            let expected = (kind.naive)(&sales, None);
            for threads in [1, 2, 4] {
                let order = out_of_order(&mut random, &sales);
                for epoch in [1, 7, 60] {
                    for rows in final_rows(&kind, &order, epoch, threads) {
                        assert_eq!(rows, expected, "{}, {threads} threads, {epoch}", kind.name);
                    }
                }
            }
        }
    }
}

#[test]
fn state_stays_as_large_as_the_open_windows() {
    for Kind { name, totals, .. } in kinds() {
        if name == "global" {
            // It is never over.
            continue;
        }
        let mut t = Harness::with_threads(2);
        let stream = t.stream::<Sale>();
        let sales = stream.rows().watermark(30);
        let captures = [When::EveryChange, When::Final, When::EarlyForgotten]
            .map(|when| t.capture(totals(&sales, when)));
        let mut largest = 0;
        for epoch in 0..200 {
            stream.push((0..10).map(|n| Sale { shop: n, minute: epoch * 5, amount: 0 }));
            t.step();
            if epoch < 20 {
                largest = largest.max(kept(&t, "`window`"));
            } else {
                assert!(kept(&t, "`window`") <= largest, "{name}: {:?}", t.stats().states);
            }
        }
        drop(captures);
    }
}
