//! Orders looked up among users, and added up by country.

use super::Map;
use crate::inputs::files;
use crate::results::{self, Sales};
use crate::{Outcome, Stopwatch};
use std::collections::BTreeMap;
use std::path::Path;

/// The countries by number, and the number of each user's.
struct Users {
    countries: Vec<String>,
    country_of: Map<u64, u32>,
}

fn users(input: &Path) -> Outcome<Users> {
    let (mut countries, mut numbers) = (Vec::new(), Map::<String, u32>::default());
    let mut country_of = Map::default();
    let mut reader = csv::Reader::from_path(input.join("users.csv"))?;
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record)? {
        let number = match numbers.get(&record[1]) {
            Some(number) => *number,
            None => {
                let number = u32::try_from(countries.len())?;
                countries.push(record[1].to_owned());
                numbers.insert(record[1].to_owned(), number);
                number
            }
        };
        country_of.insert(record[0].parse()?, number);
    }
    Ok(Users { countries, country_of })
}

impl Users {
    /// Calls `f` with the number of the country of each order of a file, and the order's amount.
    /// One whose user is unknown is left out, as a join does.
    fn each(&self, orders: &Path, mut f: impl FnMut(usize, &csv::StringRecord, f64)) -> Outcome {
        let mut reader = csv::Reader::from_path(orders)?;
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record)? {
            let user: u64 = record[1].parse()?;
            if let Some(&country) = self.country_of.get(&user) {
                f(country as usize, &record, record[2].parse()?);
            }
        }
        Ok(())
    }

    fn write(&self, output: &Path, rows: impl Iterator<Item = Option<Folded>>) -> Outcome {
        let rows = self.countries.iter().zip(rows).filter_map(|(country, row)| {
            let Folded { orders, total, largest, smallest } = row?;
            let (country, mean) = (country.clone(), total / orders as f64);
            Some(Sales { country, orders, total, mean, largest, smallest })
        });
        results::write(output, rows)
    }
}

#[derive(Clone, Copy)]
struct Folded {
    orders: u64,
    total: f64,
    largest: f64,
    smallest: f64,
}

pub(crate) fn whole(input: &Path, output: &Path) -> Outcome {
    let users = users(input)?;
    let none =
        Folded { orders: 0, total: 0.0, largest: f64::NEG_INFINITY, smallest: f64::INFINITY };
    let mut folded = vec![none; users.countries.len()];
    users.each(&input.join("orders.csv"), |country, _, amount| {
        let row = &mut folded[country];
        row.orders += 1;
        row.total += amount;
        row.largest = row.largest.max(amount);
        row.smallest = row.smallest.min(amount);
    })?;
    users.write(output, folded.into_iter().map(|row| (row.orders > 0).then_some(row)))
}

/// With deletes, the least and the largest amount ask for all of them; cents are exact.
#[derive(Clone, Default)]
struct Amounts {
    orders: u64,
    cents: i64,
    by_amount: BTreeMap<i64, u64>,
}

impl Amounts {
    fn add(&mut self, cents: i64) {
        self.orders += 1;
        self.cents += cents;
        *self.by_amount.entry(cents).or_insert(0) += 1;
    }

    fn remove(&mut self, cents: i64) {
        self.orders -= 1;
        self.cents -= cents;
        if let Some(count) = self.by_amount.get_mut(&cents) {
            *count -= 1;
            if *count == 0 {
                self.by_amount.remove(&cents);
            }
        }
    }

    fn fold(&self) -> Option<Folded> {
        let amount = |(cents, _): (&i64, &u64)| *cents as f64 / 100.0;
        let largest = self.by_amount.last_key_value().map(amount)?;
        let smallest = self.by_amount.first_key_value().map(amount)?;
        Some(Folded { orders: self.orders, total: self.cents as f64 / 100.0, largest, smallest })
    }
}

/// An amount as written: at most two decimals.
#[expect(clippy::cast_possible_truncation, reason = "amounts are small")]
pub(crate) fn cents(amount: f64) -> i64 {
    (amount * 100.0).round() as i64
}

pub(crate) fn increments(input: &Path, output: &Path) -> Outcome {
    let users = users(input)?;
    let mut amounts = vec![Amounts::default(); users.countries.len()];
    for part in files(&input.join("parts"))? {
        let watch = Stopwatch::start();
        users.each(&part, |country, _, amount| amounts[country].add(cents(amount)))?;
        watch.increment();
    }
    for part in files(&input.join("changes"))? {
        let watch = Stopwatch::start();
        let mut wrong = None;
        users.each(&part, |country, record, amount| {
            amounts[country].remove(cents(amount));
            match (&record[4], record[4].parse()) {
                ("", _) => {}
                (_, Ok(amount)) => amounts[country].add(cents(amount)),
                (_, Err(error)) => wrong = Some(error),
            }
        })?;
        wrong.map_or(Ok(()), Err)?;
        watch.change();
    }
    users.write(output, amounts.iter().map(Amounts::fold))
}
