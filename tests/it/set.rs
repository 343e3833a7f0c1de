//! Difference and intersection, copy by copy.

use crate::oracle::against;
use pathway::prelude::*;
use pathway::testing::{Random, check_incremental};

fn row(random: &mut Random) -> Option<String> {
    random.pick(&[None, Some("a"), Some("b")]).map(str::to_owned)
}

#[test]
fn difference_and_intersection() {
    check_incremental(|t| t.table::<Option<String>>().difference(&t.table::<Option<String>>()))
        .rows(row)
        .cases(128)
        .run();
    check_incremental(|t| t.table::<Option<String>>().intersect(&t.table::<Option<String>>()))
        .rows(row)
        .cases(128)
        .run();
}

#[test]
fn of_a_table_with_itself() {
    check_incremental(|t| {
        let rows = t.table::<(u8, Option<f64>)>();
        rows.difference(&rows).concat(&rows.intersect(&rows))
    })
    .cases(64)
    .run();
}

#[test]
fn of_streams() {
    check_incremental(|t| {
        let (left, right) = (t.stream::<u8>(), t.stream::<u8>());
        left.difference(&right).concat(&left.intersect(&right))
    })
    .cases(64)
    .run();
}

fn naive(left: &[u8], right: &[u8], keep_common: bool) -> Vec<u8> {
    let mut rest = right.to_vec();
    let mut kept = Vec::new();
    for row in left {
        let common = rest.iter().position(|other| other == row);
        if let Some(at) = common {
            rest.swap_remove(at);
        }
        if common.is_some() == keep_common {
            kept.push(*row);
        }
    }
    kept
}

#[test]
fn a_naive_evaluation_agrees() {
    let row = |random: &mut Random| u8::try_from(random.below(4)).unwrap();
    let difference = |left: &Table<u8>, right: &Table<u8>| left.difference(right);
    against(difference, |left, right| naive(left, right, false), row, row);
    let intersection = |left: &Table<u8>, right: &Table<u8>| left.intersect(right);
    against(intersection, |left, right| naive(left, right, true), row, row);
}
