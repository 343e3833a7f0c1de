//! Orders, the users who made them and the countries where those live: what happens in an epoch,
//! and the join of the three written by hand on differential dataflow.

use crate::differential::{take, weight};
use crate::inputs::{Order, User};
use crate::{Digest, Random};
use differential_dataflow::input::Input;
use differential_dataflow::operators::CountTotal;
use serde::{Deserialize, Serialize};

/// A country that users live in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Country {
    /// `C000` to `C199`.
    pub code: String,
    /// Its name, which changes.
    pub name: String,
}

/// What happens in one epoch.
#[derive(Clone, Debug, Default)]
pub struct Epoch {
    /// New orders.
    pub orders: Vec<Order>,
    /// Users who move: as they were, if they are not new, and as they are.
    pub users: Vec<(Option<User>, User)>,
    /// Countries that are renamed, likewise.
    pub countries: Vec<(Option<Country>, Country)>,
}

const COUNTRIES: u64 = 200;

/// Orders, users and countries as they change.
#[derive(Clone, Debug)]
pub struct World {
    random: Random,
    users: Vec<User>,
    countries: Vec<Country>,
    epochs: u64,
    orders: u64,
}

impl World {
    /// A world of that many users.
    pub fn new(users: u64) -> Self {
        let mut random = Random::new(23);
        let user = |id| User { id, country: code(random.below(COUNTRIES)) };
        let users = (0..users).map(user).collect();
        let country = |number| Country { code: code(number), name: format!("Country {number}") };
        let countries = (0..COUNTRIES).map(country).collect();
        Self { random, users, countries, epochs: 0, orders: 0 }
    }

    /// The next epoch: that many orders, a user who moves for every hundred of them, and in every
    /// tenth epoch a country that is renamed. The first one brings all users and countries too.
    pub fn epoch(&mut self, orders: u64) -> Epoch {
        let mut epoch = Epoch::default();
        if self.epochs == 0 {
            epoch.users = self.users.iter().map(|user| (None, user.clone())).collect();
            epoch.countries = self.countries.iter().map(|of| (None, of.clone())).collect();
        }
        for _ in 0..orders {
            let user = self.random.below(self.users.len() as u64);
            let amount = self.random.below(100_000).cast_signed();
            epoch.orders.push(Order { id: self.orders, user, amount, time: 0 });
            self.orders += 1;
        }
        if self.epochs > 0 {
            for _ in 0..orders / 100 {
                let at = self.at(self.users.len());
                let old = self.users[at].clone();
                self.users[at].country = code(self.random.below(COUNTRIES));
                epoch.users.push((Some(old), self.users[at].clone()));
            }
            if self.epochs.is_multiple_of(10) {
                let at = self.at(self.countries.len());
                let old = self.countries[at].clone();
                self.countries[at].name = format!("Country {at} since {}", self.epochs);
                epoch.countries.push((Some(old), self.countries[at].clone()));
            }
        }
        self.epochs += 1;
        epoch
    }

    fn at(&mut self, len: usize) -> usize {
        usize::try_from(self.random.below(len as u64)).expect("it is below a length")
    }
}

fn code(number: u64) -> String {
    format!("C{number:03}")
}

/// The number and the sum of the orders by the name of their country. What the first join gives is
/// kept, as far as the second needs it.
pub fn differential(users: u64, epochs: u64, per_epoch: u64) -> Digest {
    timely::execute_directly(move |worker| {
        let (mut users_in, mut orders_in, mut countries_in, probe, digest) = worker
            .dataflow::<u64, _, _>(|scope| {
                let (users_in, users) = scope.new_collection::<User, isize>();
                let (orders_in, orders) = scope.new_collection::<Order, isize>();
                let (countries_in, countries) = scope.new_collection::<Country, isize>();
                let users = users.map(|user| (user.id, user)).arrange_by_key();
                let orders = orders.map(|order| (order.user, order)).arrange_by_key();
                let countries = countries.map(|of| (of.code, of.name)).arrange_by_key();
                let placed = orders
                    .join_core(users, |_, order, user| Some((user.country.clone(), order.amount)))
                    .arrange_by_key();
                let named =
                    placed.join_core(countries, |_, amount, name| Some((name.clone(), *amount)));
                let weighed = named.explode(|(name, amount)| Some((name, (1, weight(amount)))));
                let update = |name: &String, digest: &mut Digest, numbers, diff| {
                    digest.update(name.as_bytes(), numbers, diff);
                };
                let (probe, digest) = take(weighed.count_total(), update);
                (users_in, orders_in, countries_in, probe, digest)
            });
        let mut world = World::new(users);
        for epoch in 1..=epochs {
            let changes = world.epoch(per_epoch);
            for order in changes.orders {
                orders_in.insert(order);
            }
            for (old, new) in changes.users {
                old.into_iter().for_each(|old| users_in.remove(old));
                users_in.insert(new);
            }
            for (old, new) in changes.countries {
                old.into_iter().for_each(|old| countries_in.remove(old));
                countries_in.insert(new);
            }
            orders_in.advance_to(epoch);
            users_in.advance_to(epoch);
            countries_in.advance_to(epoch);
            orders_in.flush();
            users_in.flush();
            countries_in.flush();
            worker.step_while(|| probe.less_than(orders_in.time()));
        }
        digest.take()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn orders_add_up_per_name() {
        let mut world = World::new(50);
        let (mut users, mut names) = (BTreeMap::new(), BTreeMap::new());
        let mut orders = Vec::new();
        for _ in 0..25 {
            let epoch = world.epoch(200);
            orders.extend(epoch.orders);
            users.extend(epoch.users.into_iter().map(|(_, user)| (user.id, user.country)));
            names.extend(epoch.countries.into_iter().map(|(_, of)| (of.code, of.name)));
        }
        let mut totals: BTreeMap<&String, [i64; 2]> = BTreeMap::new();
        for order in &orders {
            let [count, sum] = totals.entry(&names[&users[&order.user]]).or_default();
            *count += 1;
            *sum += order.amount;
        }
        let mut expected = Digest::default();
        totals.iter().for_each(|(name, numbers)| expected.update(name.as_bytes(), *numbers, 1));
        assert_eq!(differential(50, 25, 200), expected);
    }
}
