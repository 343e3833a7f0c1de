//! Sorted tables and the rows from one position of them to another.

use crate::oracle::{against, groups};
use pathway::prelude::*;
use pathway::testing::{Check, Harness, Random, add, check_incremental, remove};
use std::cmp::Reverse;

/// Shop, amount, weight, note.
type Sale = (Option<u8>, i64, Option<f64>, String);

/// Checks a pipeline over a table and over a stream.
fn over_both<U: Schema>(pipeline: impl Fn(&Table<Sale>) -> Table<U>) {
    let (table, stream): (&dyn Fn(&Check) -> Table<Sale>, &dyn Fn(&Check) -> Table<Sale>) =
        (&|t| t.table(), &|t| t.stream().into());
    for input in [table, stream] {
        check_incremental(|t| pipeline(&input(t))).cases(128).run();
    }
}

#[test]
fn the_first_rows_of_a_table() {
    over_both(|sales| sales.sort_by(|sale| sale.1).limit(3).into());
    over_both(|sales| sales.sort_by(|sale| (Reverse(sale.2), sale.3.clone())).limit(5).into());
    over_both(|sales| sales.sort_by(|_| ()).limit(1).into());
}

#[test]
fn the_first_rows_of_each_group() {
    over_both(|sales| {
        sales.group_by(|sale| sale.0).sort_by(|sale| Reverse(sale.1)).limit(2).into()
    });
    over_both(|sales| sales.group_by(|sale| sale.3.clone()).sort_by(|sale| sale.2).limit(1).into());
}

#[test]
fn an_offset_in_either_order() {
    over_both(|sales| sales.sort_by(|sale| sale.1).limit(3).offset(2).into());
    over_both(|sales| sales.sort_by(|sale| sale.1).offset(2).limit(3).into());
    over_both(|sales| sales.group_by(|sale| sale.0).sort_by(|sale| sale.2).offset(1).into());
    over_both(|sales| sales.sort_by(|sale| sale.1).limit(0).into());
    over_both(|sales| sales.sort_by(|sale| sale.1).limit(u64::MAX).offset(u64::MAX).into());
}

#[test]
fn limits_behind_limits() {
    over_both(|sales| {
        let best = sales.group_by(|sale| sale.0).sort_by(|sale| Reverse(sale.1)).limit(3);
        best.sort_by(|sale| sale.1).limit(4).offset(1).into()
    });
    over_both(|sales| {
        let sorted = sales.sort_by(|sale| sale.1);
        sorted.limit(2).concat(&sorted.limit(2).offset(2))
    });
}

#[test]
fn partitions_larger_than_a_leaf() {
    check_incremental(|t| {
        let rows = t.table::<(u8, i64, String)>();
        let top = rows.group_by(|row| row.0 > 2).sort_by(|row| row.1).limit(200).offset(30);
        top.concat(&rows.sort_by(|row| Reverse(row.1)).limit(20))
    })
    .rows(|random: &mut Random| {
        (u8::try_from(random.below(6)).unwrap(), number(random), random.below(9).to_string())
    })
    .rows_per_epoch(150)
    .epochs(10)
    .cases(24)
    .run();
}

fn number(random: &mut Random) -> i64 {
    random.below(40).cast_signed() - 20
}

#[test]
fn a_naive_evaluation_agrees() {
    let window = |offset: usize, limit: usize| {
        against(
            move |rows: &Table<(u8, i64, u8)>, _: &Table<()>| {
                let sorted = rows.group_by(|row| row.0).sort_by(|row| Reverse(row.1));
                sorted.limit(limit as u64).offset(offset as u64)
            },
            move |rows, _| {
                let mut kept = Vec::new();
                for (_, mut group) in groups(rows, |row| row.0) {
                    group.sort_by_key(|row| (Reverse(row.1), row.2));
                    kept.extend(group.into_iter().skip(offset).take(limit).copied());
                }
                kept
            },
            |random| {
                let part = |random: &mut Random, below| u8::try_from(random.below(below)).unwrap();
                (part(random, 3), number(random) / 8, part(random, 3))
            },
            |_| (),
        );
    };
    window(0, 2);
    window(1, 3);
    window(4, usize::MAX);
}

#[test]
fn null_comes_first_and_reversed_last() {
    let app = Pipeline::new("nulls");
    let rows = app.rows(vec![Some(2), None, Some(1)]);
    let ascending = rows.sort_by(|n| *n).over(|o| o.row_number());
    assert_eq!(ascending.collect().unwrap(), [(None, 1), (Some(1), 2), (Some(2), 3)]);
    let descending = rows.sort_by(|n| Reverse(*n)).over(|o| o.row_number());
    assert_eq!(descending.collect().unwrap(), [(None, 3), (Some(1), 2), (Some(2), 1)]);
    let inside = rows.sort_by(|n| n.map(Reverse)).over(|o| o.row_number());
    assert_eq!(inside.collect().unwrap(), [(None, 1), (Some(1), 3), (Some(2), 2)]);
}

#[test]
fn an_update_emits_only_what_enters_and_leaves() {
    let mut t = Harness::new();
    let rows = t.table::<i64>();
    let top = t.capture(rows.rows().sort_by(|n| Reverse(*n)).limit(3));
    (0..100).for_each(|n| rows.insert(n));
    t.step();
    top.assert_changes([add(97), add(98), add(99)]);
    rows.insert(50);
    t.step();
    top.assert_changes([]);
    rows.insert(98);
    t.step();
    top.assert_changes([remove(97), add(98)]);
    rows.remove(99);
    t.step();
    top.assert_changes([remove(99), add(97)]);
    rows.remove(97);
    rows.insert(96);
    t.step();
    top.assert_changes([remove(97), add(96)]);
}

#[test]
fn copies_of_a_row_count_one_by_one() {
    let mut t = Harness::new();
    let rows = t.table::<u8>();
    let top = t.capture(rows.rows().sort_by(|n| *n).limit(3).offset(1));
    [1, 1, 1, 2, 2, 2].into_iter().for_each(|n| rows.insert(n));
    t.step();
    top.assert_rows([1, 1, 2]);
    rows.remove(1);
    t.step();
    top.assert_changes([remove(1), add(2)]);
    rows.insert(0);
    rows.remove(2);
    t.step();
    top.assert_rows([1, 1, 2]);
}

#[test]
fn a_plan_says_what_is_sorted_by_what() {
    #[derive(Schema)]
    struct Sale {
        shop: String,
        amount: u64,
    }
    let app = Pipeline::new("sales");
    let (_, sales) = app.input_table::<Sale>();
    let top = sales.group_by(Sale.shop).sort_by(Sale.amount).limit(3).offset(1);
    let ranks =
        sales.sort_by(|sale| Reverse(sale.amount)).over(|o| (o.rank(), o.lag(2, Sale.amount)));
    let plan = app.explain().to_string();
    assert!(!plan.contains("limit"), "the bounds of a limit are not known before it is used");
    let (_top, _ranks) = (top.named("top"), ranks);
    let plan = app.explain().to_string();
    assert!(plan.contains("limit 3 offset 1 per `shop`, sorted by `amount` `top`"), "{plan}");
    assert!(plan.contains("over (rank, lag), sorted by closure"), "{plan}");
}
