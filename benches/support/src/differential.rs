//! The same programs written by hand on differential dataflow, over derived structs.
//!
//! Each feeds its orders in epochs of that many rows, waits for each epoch as a program does that
//! answers after each, and takes every update of its output. One worker, on the calling thread.

use crate::Digest;
use crate::inputs::{Order, Shop, User};
use differential_dataflow::VecCollection;
use differential_dataflow::input::{Input, InputSession};
use differential_dataflow::operators::CountTotal;
use std::cell::RefCell;
use std::rc::Rc;
use timely::dataflow::ProbeHandle;
use timely::worker::Worker;

/// What a group's rows add up to: their number and the sum of their amounts. As the weight of a
/// row it is what makes the reduction `count_total`, the cheapest there is.
type Weight = (isize, isize);

/// The number and the sum of the orders of each user.
pub fn reduce(shop: &Shop, per_epoch: usize) -> Digest {
    let shop = shop.clone();
    timely::execute_directly(move |worker| {
        let (mut orders, probe, digest) = worker.dataflow::<u64, _, _>(|scope| {
            let (input, orders) = scope.new_collection::<Order, isize>();
            let totals = orders.explode(|order| Some((order.user, (1, weight(order.amount)))));
            let key = |user: &u64, digest: &mut Digest, numbers, diff| {
                digest.update(&user.to_le_bytes(), numbers, diff);
            };
            let (probe, digest) = take(totals.count_total(), key);
            (input, probe, digest)
        });
        feed(worker, &mut orders, None, &probe, &shop.orders, per_epoch);
        digest.take()
    })
}

/// The number and the sum of the orders of each country: orders joined with users.
pub fn join(shop: &Shop, per_epoch: usize) -> Digest {
    let shop = shop.clone();
    timely::execute_directly(move |worker| {
        let (mut users, mut orders, probe, digest) = worker.dataflow::<u64, _, _>(|scope| {
            let (users_input, users) = scope.new_collection::<User, isize>();
            let (orders_input, orders) = scope.new_collection::<Order, isize>();
            let users = users.map(|user| (user.id, user)).arrange_by_key();
            let orders = orders.map(|order| (order.user, order)).arrange_by_key();
            let placed = orders
                .join_core(users, |_, order, user| Some((user.country.clone(), order.amount)));
            let totals = placed.explode(|(country, amount)| Some((country, (1, weight(amount)))));
            let key = |country: &String, digest: &mut Digest, numbers, diff| {
                digest.update(country.as_bytes(), numbers, diff);
            };
            let (probe, digest) = take(totals.count_total(), key);
            (users_input, orders_input, probe, digest)
        });
        for user in shop.users.iter() {
            users.insert(user.clone());
        }
        // Users stay open, so that one who moves takes along the orders: both sides are kept.
        feed(worker, &mut orders, Some(&mut users), &probe, &shop.orders, per_epoch);
        digest.take()
    })
}

/// Takes every update of the output.
pub(crate) fn take<'scope, K: Clone + 'static>(
    totals: VecCollection<'scope, u64, (K, Weight), isize>,
    update: impl Fn(&K, &mut Digest, [i64; 2], i64) + 'static,
) -> (ProbeHandle<u64>, Rc<RefCell<Digest>>) {
    let digest = Rc::new(RefCell::new(Digest::default()));
    let taken = Rc::clone(&digest);
    let (probe, _) = totals
        .inspect(move |((key, (count, sum)), _, diff)| {
            update(key, &mut taken.borrow_mut(), [*count as i64, *sum as i64], *diff as i64);
        })
        .probe();
    (probe, digest)
}

fn feed(
    worker: &mut Worker,
    orders: &mut InputSession<u64, Order, isize>,
    mut users: Option<&mut InputSession<u64, User, isize>>,
    probe: &ProbeHandle<u64>,
    rows: &[Order],
    per_epoch: usize,
) {
    for (epoch, rows) in (1..).zip(rows.chunks(per_epoch)) {
        for order in rows {
            orders.insert(order.clone());
        }
        orders.advance_to(epoch);
        orders.flush();
        if let Some(users) = &mut users {
            users.advance_to(epoch);
            users.flush();
        }
        worker.step_while(|| probe.less_than(orders.time()));
    }
}

pub(crate) fn weight(amount: i64) -> isize {
    isize::try_from(amount).expect("the machine counts in 64 bits")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Groups and adds up, nothing more.
    fn naive<'a>(orders: &'a [Order], key: impl Fn(&'a Order) -> &'a [u8]) -> Digest {
        let mut totals: BTreeMap<&[u8], [i64; 2]> = BTreeMap::new();
        for order in orders {
            let [count, sum] = totals.entry(key(order)).or_default();
            *count += 1;
            *sum += order.amount;
        }
        let mut digest = Digest::default();
        totals.iter().for_each(|(key, numbers)| digest.update(key, *numbers, 1));
        digest
    }

    #[test]
    fn reduce_adds_up_per_user() {
        let shop = Shop::generate(20, 1_000);
        let users: Vec<[u8; 8]> = (0..20_u64).map(u64::to_le_bytes).collect();
        let expected = naive(&shop.orders, |order| &users[usize::try_from(order.user).unwrap()]);
        assert_eq!(reduce(&shop, 7), expected);
        assert_eq!(reduce(&shop, 1_000), expected);
    }

    #[test]
    fn join_adds_up_per_country() {
        let shop = Shop::generate(300, 2_000);
        let country = |order: &Order| &shop.users[usize::try_from(order.user).unwrap()].country;
        let expected = naive(&shop.orders, |order| country(order).as_bytes());
        assert_eq!(join(&shop, 13), expected);
        assert_eq!(join(&shop, 2_000), expected);
    }
}
