//! What `explain` prints of a plan: what is fused, shared and unused.

use crate::rows::{Price, User};
use pathway::prelude::*;

#[derive(Clone, Debug, Schema)]
struct Sale {
    item: u8,
    user: u8,
    pieces: i64,
}

fn plan() -> Pipeline {
    let app = Pipeline::new("shop");
    let sales = app.rows(Vec::<Sale>::new()).named("sales");
    let prices = app.rows(Vec::<Price>::new()).upsert();
    let users = app.rows(Vec::<User>::new());
    let _unused = users.map(|user| user.1);
    let sold = sales.filter(|sale| sale.pieces > 0);
    let priced = sold
        .join(&prices)
        .on(Sale.item, Price.item)
        .select(|sale, price| (sale.user, sale.pieces * price.cents));
    let unpriced = sold.anti_join(&prices).on(Sale.item, Price.item);
    let totals = priced.group_by(|row| row.0).reduce(|g| (g.count(), g.sum(|row| row.1)));
    totals.named("totals").sort_by(|total| *total).limit(10).write(null::sink());
    unpriced.write(null::sink());
    app
}

/// Without the lines of this file, which change.
fn without_lines(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let (line, _) = line.split_once("  (tests/it/explain.rs").unwrap_or((line, ""));
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

#[test]
fn a_plan_as_text() {
    let expected = "\
pipeline `shop`
  #0   read rows `sales` → Sale · append-only
  #1   read rows → Price · append-only
  #2   upsert ← #1 → Price
  #3   read rows → (u8, String) · unused, not run · append-only
  #4   map ← #3 → String · unused, not run · append-only · fused into #3
  #5   filter ← #0 → Sale · append-only · fused into #0
  #6   index by `item` ← #5 → Sale · append-only · shared by 2 joins
  #7   index by `item` ← #2 → Price · shared by 2 joins
  #8   join ← #6, #7 → (u8, i64)
  #9   anti_join ← #6, #7 → Sale
  #10  group_by closure, 2 reducers `totals` ← #8 → (u8, (u64, i64))
  #11  limit 10, sorted by closure ← #10 → (u8, (u64, i64))
  #12  write null ← #11 → (u8, (u64, i64))
  #13  write null ← #9 → Sale";
    assert_eq!(without_lines(&plan().explain().to_string()), expected);
}

#[test]
fn a_plan_as_a_diagram() {
    let app = Pipeline::new("words");
    let words = app.rows(Vec::<String>::new()).filter(|word| word.len() > 3);
    words
        .group_by(|word| word.clone())
        .reduce(|g| g.count())
        .named("a \"count\"")
        .write(null::sink());
    let expected = "\
flowchart TD
  n0[\"read rows<br/>String\"]
  n1[\"filter<br/>String\"]
  n2[\"group_by closure, 1 reducer `a &quot;count&quot;`<br/>(String, u64)\"]
  n3[\"write null<br/>(String, u64)\"]
  n0 -.-> n1
  n1 --> n2
  n2 --> n3
";
    assert_eq!(app.explain().to_mermaid(), expected);
}

#[test]
fn verbs_of_the_history_are_marked() {
    let app = Pipeline::new("history");
    let users = app.rows(Vec::<User>::new());
    let now =
        users.as_of_now_join(&users).on(|user| user.0, |user| user.0).select(|user, _| user.0);
    let kept = now.stateful_map(|n| *n, |_, last: &mut Option<u8>, n| last.replace(n));
    kept.deduplicate(|n| *n, |new, last| new > last).changes().write(null::sink());
    let text = app.explain().to_string();
    let marked = |verb: &str| {
        text.lines().any(|line| line.contains(verb) && line.contains("depends on the history"))
    };
    for verb in ["as_of_now_join", "stateful_map", "deduplicate", "changes"] {
        assert!(marked(verb), "{verb} is not marked in {text}");
    }
}
