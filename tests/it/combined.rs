//! Verbs behind verbs.

use crate::rows::{Order, Price, User, price};
use pathway::testing::check_incremental;

#[test]
fn a_group_of_a_join_of_a_group() {
    check_incremental(|t| {
        let totals = t.table::<Order>().group_by(|o| o.0).reduce(|g| g.sum(|o| o.1));
        totals
            .join(&t.table::<User>())
            .on(|total| total.0, |user| user.0)
            .select(|total, user| (user.1.clone(), total.1))
            .group_by(|named| named.0.clone())
            .reduce(|g| (g.count(), g.max(|named| named.1), g.mean(|named| named.1)))
    })
    .rows_per_epoch(16)
    .cases(128)
    .run();
}

#[test]
fn a_group_of_a_group() {
    check_incremental(|t| {
        let counts = t.table::<String>().group_by(|word| word.clone()).reduce(|g| g.count());
        counts.group_by(|count| count.1).reduce(|g| (g.count(), g.collect(|count| count.0.clone())))
    })
    .rows_per_epoch(16)
    .cases(128)
    .run();
}

#[test]
fn rows_with_several_copies() {
    check_incremental(|t| {
        let words = t.table::<bool>();
        let pairs = words.join(&words).on(|_| (), |_| ()).select(|a, b| *a && *b);
        let kept = pairs.difference(&words.concat(&words));
        kept.group_by(|word| *word).reduce(|g| (g.count(), g.sum(|word| i64::from(*word) + 2)))
    })
    .cases(128)
    .run();
}

#[test]
fn everything_at_once() {
    check_incremental(|t| {
        let (orders, users) = (t.stream::<Order>(), t.table::<User>());
        let prices = t.stream::<Price>().upsert();
        let known = orders
            .left_join(&users)
            .on(|order| order.0, |user| user.0)
            .select(|order, user| (*order, user.map(|user| user.1.clone())));
        let priced = known
            .join(&prices)
            .on(|known| known.0.0, |price| price.item)
            .select(|known, price| (known.1.clone(), known.0.1 * price.cents));
        let totals = priced
            .group_by(|row| row.0.clone())
            .reduce(|g| (g.count(), g.sum(|row| row.1), g.argmax(|row| row.1, |row| row.1)))
            .select(|name, (count, sum, most)| (name, count, sum + most));
        let names = users.select(|user| (Some(user.1.clone()), 1_u64, 0_i64)).distinct();
        totals.difference(&names).concat(&names.intersect(&totals))
    })
    .rows::<Price>(|random| price(random.value::<u8>() % 5, 0, random.value::<i64>()))
    .rows::<Order>(|random| (random.value::<u8>() % 5, random.value::<i64>()))
    .rows_per_epoch(16)
    .cases(256)
    .run();
}

#[test]
fn nothing_is_observed_of_an_input() {
    check_incremental(|t| {
        let _unused = t.table::<Order>();
        t.table::<Order>().filter(|order| order.0 == 1)
    })
    .cases(32)
    .run();
}

#[test]
fn a_table_with_many_consumers() {
    check_incremental(|t| {
        let orders = t.table::<(u8, String)>();
        let counts = orders.group_by(|o| o.0).reduce(|g| g.count());
        let texts = orders.group_by(|o| o.1.clone()).reduce(|g| g.count());
        let upper = orders.map(|(id, text)| (id, text.to_uppercase()));
        let all = orders.concat(&upper).distinct();
        all.left_join(&counts)
            .on(|row| row.0, |count| count.0)
            .select(|row, count| (row.1.clone(), count.map(|count| count.1)))
            .left_join(&texts)
            .on(|row| row.0.clone(), |text| text.0.clone())
            .select(|row, text| (row.0.clone(), row.1, text.map(|text| text.1)))
    })
    .cases(128)
    .run();
}
