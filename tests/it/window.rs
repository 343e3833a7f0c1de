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
