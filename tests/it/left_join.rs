//! Left joins: left rows with a match, without one, and with a null for a key.

use crate::oracle::against;
use crate::rows::User;
use pathway::prelude::*;
use pathway::testing::check_incremental;

type Visit = (Option<u8>, i64);

fn named(visits: &Table<Visit>, users: &Table<User>) -> Table<(i64, Option<String>)> {
    visits
        .left_join(users)
        .on(|visit| visit.0, |user| user.0)
        .select(|visit, user| (visit.1, user.map(|user| user.1.clone())))
}

#[test]
fn null_keys_match_nothing() {
    check_incremental(|t| named(&t.table(), &t.table())).cases(256).run();
    check_incremental(|t| named(&t.stream(), &t.stream())).cases(64).run();
}

#[test]
fn null_on_both_sides() {
    check_incremental(|t| {
        t.table::<Visit>()
            .left_join(&t.table::<Visit>())
            .on(|left| left.0, |right| right.0)
            .select(|left, right| (*left, right.copied()))
    })
    .cases(128)
    .run();
}

#[test]
fn a_table_with_itself() {
    check_incremental(|t| {
        let visits = t.table::<Visit>();
        let previous = visits.index_by(|visit| visit.1);
        let next = visits.index_by(|visit| visit.1 - 1);
        let gaps = previous.left_join(&next).select(|visit, next| (*visit, next.copied()));
        let alike = previous.left_join(&previous).select(|visit, same| (*visit, same.copied()));
        gaps.concat(&alike)
    })
    .cases(128)
    .run();
}

#[test]
fn a_table_with_an_aggregate_of_itself() {
    check_incremental(|t| {
        let visits = t.table::<Visit>();
        let busy =
            visits.group_by(|visit| visit.0).reduce(|g| g.count()).filter(|(_, count)| *count > 1);
        visits
            .left_join(&busy)
            .on(|visit| visit.0, |busy| busy.0)
            .select(|visit, busy| (visit.1, busy.map(|busy| busy.1)))
    })
    .rows_per_epoch(20)
    .cases(128)
    .run();
}

#[test]
fn a_naive_evaluation_agrees() {
    against(
        named,
        |visits, users| {
            let mut rows = Vec::new();
            for visit in visits {
                let mut matches = users.iter().filter(|user| visit.0 == Some(user.0)).peekable();
                if matches.peek().is_none() {
                    rows.push((visit.1, None));
                }
                rows.extend(matches.map(|user| (visit.1, Some(user.1.clone()))));
            }
            rows
        },
        |random| {
            let user = u8::try_from(random.below(4)).unwrap();
            ((user > 0).then_some(user), random.value())
        },
        |random| (u8::try_from(random.below(4)).unwrap(), random.value()),
    );
}
