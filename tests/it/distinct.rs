//! One copy of each row.

use crate::oracle::against;
use pathway::prelude::*;
use pathway::testing::check_incremental;
use std::collections::BTreeSet;

#[test]
fn of_a_table_and_of_a_stream() {
    check_incremental(|t| t.table::<(u8, Option<f64>)>().distinct()).cases(128).run();
    check_incremental(|t| t.stream::<(u8, Option<f64>)>().distinct()).cases(128).run();
    check_incremental(|t| t.table::<String>().distinct()).cases(128).run();
}

#[test]
fn of_a_difference() {
    check_incremental(|t| {
        let left = t.table::<bool>();
        left.difference(&t.table::<bool>()).distinct().concat(&left.distinct())
    })
    .cases(128)
    .run();
}

#[test]
fn a_stream_of_firsts_feeds_reducers_that_keep_one_value() {
    check_incremental(|t| {
        t.stream::<(u8, i64)>()
            .distinct()
            .group_by(|row| row.0)
            .reduce(|g| (g.count(), g.min(|row| row.1), g.max(|row| row.1)))
    })
    .cases(128)
    .run();
}

#[test]
fn a_naive_evaluation_agrees() {
    against(
        |rows: &Table<u8>, _: &Table<()>| rows.distinct(),
        |rows, _| rows.iter().copied().collect::<BTreeSet<u8>>().into_iter().collect(),
        |random| u8::try_from(random.below(5)).unwrap(),
        |_| (),
    );
}
