//! Rollup, cube and grouping sets.

use crate::oracle::against;
use pathway::prelude::*;
use pathway::testing::check_incremental;
use std::collections::BTreeMap;

type Sale = (Option<u8>, String, bool, i64);

#[test]
fn incremental_equals_recomputed() {
    check_incremental(|t| {
        let sales = t.table::<Sale>();
        sales
            .rollup(|sale| (sale.0, sale.1.clone(), sale.2))
            .reduce(|g| (g.count(), g.sum(|sale| sale.3), g.max(|sale| sale.3)))
    })
    .cases(96)
    .run();
    check_incremental(|t| {
        t.stream::<Sale>()
            .cube(|sale| (sale.0, sale.2))
            .reduce(|g| (g.max(|sale| sale.3), g.approx_count_distinct(|sale| sale.1.clone())))
    })
    .cases(96)
    .run();
}

type Key = (Option<Option<u8>>, Option<bool>);

fn naive(rows: &[(Option<u8>, bool, i64)], sets: &[[bool; 2]]) -> Vec<(Key, (u64, i64))> {
    let mut groups: BTreeMap<Key, (u64, i64)> = BTreeMap::new();
    for (first, second, value) in rows {
        for set in sets {
            let key = (set[0].then_some(*first), set[1].then_some(*second));
            let group = groups.entry(key).or_default();
            *group = (group.0 + 1, group.1 + value);
        }
    }
    groups.into_iter().collect()
}

#[test]
fn a_naive_evaluation_agrees() {
    let row = |random: &mut pathway::testing::Random| {
        let first = (!random.one_in(3)).then(|| u8::try_from(random.below(2)).unwrap());
        (first, random.one_in(2), i64::try_from(random.below(9)).unwrap())
    };
    type Row = (Option<u8>, bool, i64);
    against(
        |rows: &Table<Row>, _: &Table<()>| {
            rows.rollup(|row| (row.0, row.1)).reduce(|g| (g.count(), g.sum(|row| row.2)))
        },
        |rows, _| naive(rows, &[[true, true], [true, false], [false, false]]),
        row,
        |_| (),
    );
    against(
        |rows: &Table<Row>, _: &Table<()>| {
            rows.cube(|row| (row.0, row.1)).reduce(|g| (g.count(), g.sum(|row| row.2)))
        },
        |rows, _| naive(rows, &[[true, true], [true, false], [false, true], [false, false]]),
        row,
        |_| (),
    );
    against(
        |rows: &Table<Row>, _: &Table<()>| {
            rows.grouping_sets(|row| (row.0, row.1), [[false, true], [true, false]])
                .reduce(|g| (g.count(), g.sum(|row| row.2)))
                .having(|_, (count, _)| *count > 1)
        },
        |rows, _| {
            let mut groups = naive(rows, &[[false, true], [true, false]]);
            groups.retain(|(_, (count, _))| *count > 1);
            groups
        },
        row,
        |_| (),
    );
}

#[test]
fn a_null_of_the_column_is_not_all_of_its_values() {
    let app = Pipeline::new("test");
    let rows = app.rows([(None, 1), (Some(7), 2)]);
    let sums = rows.rollup(|row| (row.0,)).reduce(|g| g.sum(|row| row.1)).collect().unwrap();
    let expected: [((Option<Option<i32>>,), i64); 3] =
        [((None,), 3), ((Some(None),), 1), ((Some(Some(7)),), 2)];
    assert_eq!(sums, expected);
}

#[test]
fn sets_that_have_no_meaning_are_refused() {
    let refused = |sets: &[[bool; 1]]| {
        let app = Pipeline::new("test");
        let rows = app.rows([1, 2]);
        let sums = rows.grouping_sets(|n| (*n,), sets.iter().copied()).reduce(|g| g.count());
        sums.collect().unwrap_err().to_string()
    };
    let error = refused(&[]);
    assert!(error.contains("`grouping_sets` at tests/it/grouping_sets.rs"), "{error}");
    assert!(refused(&[[true], [true]]).contains("twice"));
}
