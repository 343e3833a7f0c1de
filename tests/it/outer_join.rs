//! Right, full, semi, anti and cross joins, and joins with a further condition: each beside a
//! naive evaluation, and against recomputation.

use crate::oracle::against;
use crate::rows::User;
use pathway::prelude::*;
use pathway::testing::{Random, check_incremental};

type Visit = (Option<u8>, i64);
type Both = (Option<Visit>, Option<User>);

/// The rows of an outer join as SQL defines it.
fn naive(
    visits: &[Visit],
    users: &[User],
    (keep_left, keep_right): (bool, bool),
    condition: impl Fn(&Visit, &User) -> bool,
) -> Vec<Both> {
    let meet = |visit: &Visit, user: &User| visit.0 == Some(user.0) && condition(visit, user);
    let mut rows = Vec::new();
    for visit in visits {
        let matches = users.iter().filter(|user| meet(visit, user));
        let before = rows.len();
        rows.extend(matches.map(|user| (Some(*visit), Some(user.clone()))));
        if keep_left && rows.len() == before {
            rows.push((Some(*visit), None));
        }
    }
    for user in users {
        if keep_right && !visits.iter().any(|visit| meet(visit, user)) {
            rows.push((None, Some(user.clone())));
        }
    }
    rows
}

fn visit(random: &mut Random) -> Visit {
    let user = random.value::<u8>() % 4;
    ((user > 0).then_some(user), random.value::<i64>() % 4)
}

fn user(random: &mut Random) -> User {
    (random.value::<u8>() % 4, "a".repeat(random.index(3)))
}

fn any(_: &Visit, _: &User) -> bool {
    true
}

fn longer(visit: &Visit, user: &User) -> bool {
    visit.1 > user.1.chars().map(|_| 1).sum::<i64>()
}

fn both(visit: Option<&Visit>, user: Option<&User>) -> Both {
    (visit.copied(), user.cloned())
}

fn right(visits: &Table<Visit>, users: &Table<User>) -> Table<Both> {
    visits
        .right_join(users)
        .on(|visit| visit.0, |user| user.0)
        .select(|visit, user| both(visit, Some(user)))
}

fn full(visits: &Table<Visit>, users: &Table<User>) -> Table<Both> {
    visits.full_join(users).on(|visit| visit.0, |user| user.0).select(both)
}

#[test]
fn right_joins_agree_with_a_naive_evaluation() {
    against(right, |v, u| naive(v, u, (false, true), any), visit, user);
}

#[test]
fn full_joins_agree_with_a_naive_evaluation() {
    against(full, |v, u| naive(v, u, (true, true), any), visit, user);
}

#[test]
fn conditions_agree_with_a_naive_evaluation() {
    against(
        |visits, users| {
            let pairs = visits.join(users).on(|visit| visit.0, |user| user.0).and(longer);
            pairs.select(|visit, user| both(Some(visit), Some(user)))
        },
        |v, u| naive(v, u, (false, false), longer),
        visit,
        user,
    );
    against(
        |visits, users| {
            let pairs = visits.left_join(users).on(|visit| visit.0, |user| user.0).and(longer);
            pairs.select(|visit, user| both(Some(visit), user))
        },
        |v, u| naive(v, u, (true, false), longer),
        visit,
        user,
    );
    against(
        |visits, users| {
            let pairs = visits.right_join(users).on(|visit| visit.0, |user| user.0).and(longer);
            pairs.select(|visit, user| both(visit, Some(user)))
        },
        |v, u| naive(v, u, (false, true), longer),
        visit,
        user,
    );
    against(
        |visits, users| {
            visits.full_join(users).on(|visit| visit.0, |user| user.0).and(longer).select(both)
        },
        |v, u| naive(v, u, (true, true), longer),
        visit,
        user,
    );
}

#[test]
fn semi_and_anti_joins_agree_with_a_naive_evaluation() {
    let has = |users: &[User], visit: &Visit| users.iter().any(|user| visit.0 == Some(user.0));
    against(
        |visits, users| visits.semi_join(users).on(|visit| visit.0, |user| user.0),
        |visits, users| visits.iter().copied().filter(|visit| has(users, visit)).collect(),
        visit,
        user,
    );
    against(
        |visits, users| visits.anti_join(users).on(|visit| visit.0, |user| user.0),
        |visits, users| visits.iter().copied().filter(|visit| !has(users, visit)).collect(),
        visit,
        user,
    );
}

#[test]
fn semi_and_anti_joins_with_a_condition_agree_with_a_naive_evaluation() {
    let has = |users: &[User], visit: &Visit| {
        users.iter().any(|user| visit.0 == Some(user.0) && longer(visit, user))
    };
    let keys = (|visit: &Visit| visit.0, |user: &User| user.0);
    against(
        |visits, users| visits.semi_join(users).and(longer).on(keys.0, keys.1),
        |visits, users| visits.iter().copied().filter(|visit| has(users, visit)).collect(),
        visit,
        user,
    );
    against(
        |visits, users| visits.anti_join(users).and(longer).on(keys.0, keys.1),
        |visits, users| visits.iter().copied().filter(|visit| !has(users, visit)).collect(),
        visit,
        user,
    );
    check_incremental(|t| {
        let (visits, users) = (t.table(), t.table());
        visits.anti_join(&users).and(longer).on(keys.0, keys.1)
    })
    .cases(64)
    .run();
}

#[test]
fn cross_joins_agree_with_a_naive_evaluation() {
    against(
        |visits, users| visits.cross_join(users).select(|visit, user| (*visit, user.clone())),
        |visits, users| {
            let pairs = |visit: &Visit| users.iter().map(|user| (*visit, user.clone())).collect();
            visits.iter().flat_map(|visit| -> Vec<_> { pairs(visit) }).collect()
        },
        visit,
        user,
    );
}

#[test]
fn incremental_equals_recomputed() {
    check_incremental(|t| right(&t.table(), &t.table())).cases(128).run();
    check_incremental(|t| full(&t.table(), &t.table())).cases(128).run();
    check_incremental(|t| full(&t.stream(), &t.table())).cases(64).run();
    check_incremental(|t| {
        let (visits, users) = (t.table::<Visit>(), t.table::<User>());
        let known = visits.semi_join(&users).on(|visit| visit.0, |user| user.0);
        let unknown = visits.anti_join(&users).on(|visit| visit.0, |user| user.0);
        known.concat(&unknown).difference(&visits)
    })
    .cases(128)
    .run();
}

#[test]
fn a_table_with_itself() {
    check_incremental(|t| {
        let visits = t.table::<Visit>();
        let this = visits.index_by(|visit| visit.1);
        let next = visits.index_by(|visit| visit.1.wrapping_sub(1));
        let gaps = this.full_join(&next).select(|a, b| (a.copied(), b.copied()));
        let alike = this.right_join(&this).select(|a, b| (a.copied(), Some(*b)));
        let last = this.anti_join(&next).select(|a| (Some(*a), None));
        gaps.concat(&alike)
            .concat(&last)
            .concat(&this.semi_join(&next).select(|a| (None, Some(*a))))
    })
    .cases(256)
    .run();
}

#[test]
fn several_keys_at_once() {
    type Stock = (u8, bool, i64);
    check_incremental(|t| {
        let (wanted, there) = (t.table::<Stock>(), t.table::<Stock>());
        wanted
            .full_join(&there)
            .on(|wanted| (wanted.0, wanted.1), |there| (there.0, there.1))
            .select(|wanted, there| (wanted.map(|row| row.2), there.map(|row| row.2)))
    })
    .cases(128)
    .run();
}
