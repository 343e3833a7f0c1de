//! Windows case by case: when results come out, what is refused, and what is said of them.

use crate::window_kinds::Sale;
use pathway::prelude::*;
use pathway::table::WindowSpec;
use pathway::testing::{Harness, add, remove};

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
fn a_row_without_a_time_is_refused_by_windows_of_all_kinds() {
    let rows = |app: &Pipeline| app.rows(vec![Maybe { at: None }]);
    let error = |counts: Table<u64>| {
        let error = counts.collect().unwrap_err().to_string();
        assert!(error.contains("its event time is null"), "{error}");
    };
    let app = Pipeline::new("test");
    let windows = rows(&app).sessions_by(|_| Duration::from_secs(1));
    error(windows.reduce(|g| g.count()).select(|_, count| count));
    let app = Pipeline::new("test");
    let windows = rows(&app).sessions_where(|before, after| before == after);
    error(windows.reduce(|g| g.count()).select(|_, count| count));
    let app = Pipeline::new("test");
    let windows = rows(&app).windows_by(|_| None);
    error(windows.reduce(|g| g.count()).select(|_, count| count));
    let app = Pipeline::new("test");
    error(rows(&app).count_windows(2).reduce(|g| g.count()).select(|_, count| count));
    let app = Pipeline::new("test");
    let one = app.rows(vec![Maybe { at: Some(DateTime::UNIX_EPOCH) }]);
    for (left, right) in [(rows(&app), one.clone()), (one, rows(&app))] {
        let counts = left.intervals_over(&right, Duration::ZERO..=Duration::ZERO);
        error(counts.reduce(|g| g.count()).select(|_, count| count));
    }
}

#[test]
fn windows_by_closure_that_make_no_sense_are_errors_of_their_row() {
    let sales = |app: &Pipeline| app.rows(vec![Sale { shop: 0, minute: 7, amount: 0 }]);
    let app = Pipeline::new("test");
    let counts = sales(&app).sessions_by(|sale| i64::from(sale.amount)).reduce(|g| g.count());
    let error = counts.collect().unwrap_err().to_string();
    assert!(error.contains("the gap that ends its session is not positive"), "{error}");
    assert!(error.contains("minute"), "{error}");
    let app = Pipeline::new("test");
    let window = Window { start: 3, end: 7 };
    let counts = sales(&app).windows_by(move |_| [window]).reduce(|g| g.count());
    let error = counts.collect().unwrap_err().to_string();
    assert!(error.contains("its window from 3 to 7 does not hold its time 7"), "{error}");
}

#[test]
fn a_window_that_holds_a_row_twice_counts_it_once() {
    let app = Pipeline::new("test");
    let sales = app.rows(vec![Sale { shop: 0, minute: 7, amount: 0 }]);
    let window = Window { start: 3, end: 8 };
    let counts = sales.windows_by(move |_| [window, window]).reduce(|g| g.count());
    assert_eq!(counts.collect().unwrap(), [(window, 1)]);
}

#[test]
fn a_day_that_begins_in_a_gap_of_the_clock_begins_behind_it() {
    // In Santiago summer began at midnight: there is no time from 00:00 to 01:00.
    let at = |text: &str| Maybe { at: Some(text.parse().unwrap()) };
    let app = Pipeline::new("test");
    let ticks = ["2023-09-03T03:59:59Z", "2023-09-03T04:00:00Z", "2023-09-04T02:59:59Z"];
    let counts = app.rows(ticks.map(at).to_vec()).window(days("America/Santiago"));
    let counts = counts.reduce(|g| g.count()).select(|day, count| {
        (day.start.to_string(), day.end.duration_since(day.start).as_hours(), count)
    });
    let expected =
        [("2023-09-02T04:00:00Z".to_owned(), 24, 1), ("2023-09-03T04:00:00Z".to_owned(), 23, 2)];
    assert_eq!(counts.collect().unwrap(), expected);
}

#[test]
fn a_late_row_shifts_the_rows_behind_it() {
    let mut t = Harness::new();
    let table = t.table::<Sale>();
    let counts = table.rows().count_windows(2);
    let counts = counts.reduce(|g| (g.count(), g.max(|sale| sale.minute)));
    let counts = t.capture(counts.select(|rows, (count, last)| (rows.start, count, last)));
    let at = |minute| Sale { shop: 0, minute, amount: 0 };
    [1, 2, 5, 6, 7].into_iter().for_each(|minute| table.insert(at(minute)));
    t.step();
    counts.assert_rows([(0, 2, 2), (2, 2, 6), (4, 1, 7)]);
    // Those in front of it stay as they are.
    table.insert(at(4));
    t.step();
    counts.assert_changes([remove((2, 2, 6)), remove((4, 1, 7)), add((2, 2, 5)), add((4, 2, 7))]);
    // So do those behind, where as many go as come.
    table.remove(at(4));
    table.insert(at(3));
    t.step();
    counts.assert_changes([]);
    table.remove(at(1));
    t.step();
    counts.assert_rows([(0, 2, 3), (2, 2, 6), (4, 1, 7)]);
}

#[test]
fn a_count_window_is_final_when_its_last_row_is_behind_the_watermark() {
    let mut t = Harness::new();
    let stream = t.stream::<Sale>();
    let counts = stream.rows().watermark(2).count_windows(2).when_final();
    let counts = counts.reduce(|g| g.max(|sale| sale.minute));
    let counts = t.capture(counts.select(|rows, last| (rows.start, rows.end, last)));
    let at = |minute| Sale { shop: 0, minute, amount: 0 };
    stream.push([at(1), at(5), at(7)]);
    t.step(); // the watermark is 5: a row of minute 5 may still come in front
    counts.assert_changes([]);
    stream.push([at(5), at(8)]);
    t.step();
    counts.assert_changes([add((0, 2, 5))]);
    stream.push([at(10)]);
    t.step();
    counts.assert_changes([add((2, 4, 7))]);
    stream.close();
    t.step();
    counts.assert_changes([add((4, 6, 10))]);
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
    let problem = |count: fn(&Table<Sale>) -> Table<u64>| {
        let app = Pipeline::new("test");
        let rows = app.rows(vec![Sale { shop: 0, minute: 0, amount: 0 }]);
        count(&rows).collect().unwrap_err().to_string()
    };
    macro_rules! count {
        (|$rows:ident| $windows:expr) => {
            problem(|$rows| $windows.reduce(|g| g.count()).select(|_, count| count))
        };
    }
    let error = count!(|rows| rows.count_windows(0));
    assert!(error.contains("`count_windows`") && error.contains("no rows"), "{error}");
    let error = count!(|rows| rows.sliding_count_windows(2, 0));
    assert!(error.contains("the hop of the windows is 0 rows"), "{error}");
    let error = count!(|rows| rows.sliding_count_windows(2, 3));
    assert!(error.contains("some rows are in no window"), "{error}");
    let error = count!(|rows| rows.count_windows(u64::MAX));
    assert!(error.contains("are never full"), "{error}");
    let error = count!(|rows| rows.window(tumbling(5)).forget_results());
    assert!(error.contains("`forget_results`") && error.contains(".watermark("), "{error}");
    let error = problem(|rows| {
        let windows = rows.watermark(0).window(tumbling(5)).forget_results().when_final();
        windows.reduce(|g| g.count()).select(|_, count| count).into()
    });
    assert!(error.contains("leave out `forget_results`"), "{error}");
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
    let live = rows.watermark(1);
    live.count_windows(3).reduce(|g| g.count()).write(null::sink());
    live.sliding_count_windows(3, 2).reduce(|g| g.count()).write(null::sink());
    live.sessions_by(|_| 3).forget_results().reduce(|g| g.count()).write(null::sink());
    live.windows_by(|_| None).reduce(|g| g.count()).write(null::sink());
    live.window(global()).reduce(|g| g.count()).write(null::sink());
    let plan = app.explain().to_string();
    for what in [
        "windows of 3 rows, 1 reducer",
        "windows of 3 rows every 2, 1 reducer",
        "session windows by closure, 1 reducer",
        "taken back when over",
        "windows by closure, 1 reducer",
        "one window of all time, 1 reducer",
    ] {
        assert!(plan.contains(what), "{what} of {plan}");
    }
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

#[test]
fn a_row_between_two_takes_their_session_apart() {
    let mut t = Harness::new();
    let stream = t.stream::<Sale>();
    let sales = stream.rows().watermark(5);
    let same = |before: &Sale, next: &Sale| before.amount <= next.amount;
    let counts = sales.sessions_while(same).reduce(|g| g.count());
    let all = t.capture(counts.select(|w, count| (w.start, w.end, count)));
    let sale = |minute, amount| Sale { shop: 0, minute, amount };
    stream.push([sale(1, 1), sale(5, 5)]);
    t.step();
    all.assert_changes([add((1, 6, 2))]);
    stream.push([sale(3, 7)]);
    t.step();
    all.assert_changes([remove((1, 6, 2)), add((1, 4, 2)), add((5, 6, 1))]);
    // Rows of one time are in the order of rows.
    stream.push([sale(3, 8), sale(3, 0)]);
    t.step();
    all.assert_changes([remove((1, 4, 2)), add((1, 2, 1)), add((3, 4, 3))]);
}

#[test]
fn sessions_of_neighbouring_rows_say_what_they_wait_for() {
    let app = Pipeline::new("test");
    let sales = app.rows(Vec::<Sale>::new()).watermark(0);
    let same = |before: &Sale, next: &Sale| before.shop == next.shop;
    for windows in [sales.sessions_while(same), sales.sessions_while(same).within(7)] {
        windows.reduce(|g| g.count()).select(|w, _| w.start).write(null::sink());
    }
    let plan = app.explain().to_string();
    for part in [
        "session windows of neighbouring rows, 1 reducer ←",
        "no `within`, so the last session of a key waits for a row that is not of it",
        "session windows of neighbouring rows within 7, 1 reducer ←",
    ] {
        assert!(plan.contains(part), "{part}: {plan}");
    }
    assert_eq!(plan.matches("no `within`").count(), 1, "{plan}");
    let app = Pipeline::new("test");
    let windows = app.rows(Vec::<Sale>::new()).sessions_while(same).within(-1);
    let error = windows.reduce(|g| g.count()).select(|w, _| w.start).collect().unwrap_err();
    let error = error.to_string();
    assert!(error.contains("`within`") && error.contains("-1 is negative"), "{error}");
}
