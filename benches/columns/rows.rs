//! The rows: lines of orders with what is known about the order, the part, the customer and the
//! supplier beside them, sixty columns; and six of these columns.

use bench_support::Random;
use pathway::prelude::*;

pub(crate) const SUPPLIERS: u64 = 1_000;

/// What programs need of a row, whatever else it holds.
pub(crate) trait Line: Schema + Clone {
    /// A row that looks random.
    fn random(random: &mut Random) -> Self;
    fn supplier(&self) -> i64;
    fn quantity(&self) -> f64;
    fn cost(&self) -> i64;
    /// The row with another cost.
    fn with_cost(self, cost: i64) -> Self;
    /// The number and the cost of the lines of each supplier, by the names of columns.
    fn by_columns(rows: &Stream<Self>) -> Table<(i64, (u64, i64))>;
}

/// Sixty columns. The one that is added up is the last.
#[derive(Clone, Debug, Schema)]
pub(crate) struct Wide {
    pub(crate) order: i64,
    pub(crate) part: i64,
    pub(crate) supplier: i64,
    pub(crate) number: i32,
    pub(crate) quantity: f64,
    pub(crate) price: i64,
    pub(crate) discount: i64,
    pub(crate) tax: i64,
    pub(crate) flag: String,
    pub(crate) status: String,
    pub(crate) shipped: Date,
    pub(crate) committed: Date,
    pub(crate) received: Date,
    pub(crate) instruction: String,
    pub(crate) mode: String,
    pub(crate) comment: String,
    pub(crate) customer: i64,
    pub(crate) order_status: String,
    pub(crate) order_total: i64,
    pub(crate) ordered: Date,
    pub(crate) priority: i32,
    pub(crate) clerk: i64,
    pub(crate) order_rank: i32,
    pub(crate) customer_nation: i32,
    pub(crate) customer_region: i32,
    pub(crate) customer_balance: i64,
    pub(crate) segment: String,
    pub(crate) part_name: String,
    pub(crate) brand: i32,
    pub(crate) part_type: i32,
    pub(crate) part_size: i32,
    pub(crate) container: i32,
    pub(crate) part_price: i64,
    pub(crate) part_weight: f64,
    pub(crate) supplier_nation: i32,
    pub(crate) supplier_region: i32,
    pub(crate) supplier_balance: i64,
    pub(crate) supplier_name: String,
    pub(crate) available: i64,
    pub(crate) supply_cost: i64,
    pub(crate) first_shipped: Date,
    pub(crate) last_shipped: Date,
    pub(crate) latitude: f64,
    pub(crate) longitude: f64,
    pub(crate) to_latitude: f64,
    pub(crate) to_longitude: f64,
    pub(crate) distance: f64,
    pub(crate) weight: f64,
    pub(crate) volume: f64,
    pub(crate) temperature: f64,
    pub(crate) insured: bool,
    pub(crate) fragile: bool,
    pub(crate) returned: Option<Date>,
    pub(crate) refund: Option<i64>,
    pub(crate) coupon: Option<String>,
    pub(crate) score: Option<f64>,
    pub(crate) paid: i64,
    pub(crate) fee: i64,
    pub(crate) warehouse: i32,
    pub(crate) cost: i64,
}

/// Six of them.
#[derive(Clone, Debug, Schema)]
pub(crate) struct Narrow {
    pub(crate) order: i64,
    pub(crate) supplier: i64,
    pub(crate) quantity: f64,
    pub(crate) flag: String,
    pub(crate) shipped: Date,
    pub(crate) cost: i64,
}

fn supplier(random: &mut Random) -> i64 {
    random.below(SUPPLIERS).cast_signed()
}

fn number(random: &mut Random) -> i64 {
    random.below(1_000_000).cast_signed()
}

fn small(random: &mut Random) -> i32 {
    i32::try_from(random.below(50)).expect("it is small")
}

fn real(random: &mut Random) -> f64 {
    random.below(5_000) as f64 / 100.0
}

/// Two to twenty letters.
fn text(random: &mut Random) -> String {
    let letters = 2 + random.below(19);
    (0..letters).map(|_| random.letter()).collect()
}

fn date(random: &mut Random) -> Date {
    let mut part = |of: u64| i8::try_from(1 + random.below(of)).expect("it is small");
    Date::new(1992 + i16::from(part(7)), part(12), part(28)).expect("there is such a day")
}

/// Every third is null.
fn maybe<T>(random: &mut Random, value: fn(&mut Random) -> T) -> Option<T> {
    (random.below(3) > 0).then(|| value(random))
}

impl Line for Wide {
    fn random(random: &mut Random) -> Self {
        Self {
            order: number(random),
            part: number(random),
            supplier: supplier(random),
            number: small(random),
            quantity: real(random),
            price: number(random),
            discount: number(random),
            tax: number(random),
            flag: text(random),
            status: text(random),
            shipped: date(random),
            committed: date(random),
            received: date(random),
            instruction: text(random),
            mode: text(random),
            comment: text(random),
            customer: number(random),
            order_status: text(random),
            order_total: number(random),
            ordered: date(random),
            priority: small(random),
            clerk: number(random),
            order_rank: small(random),
            customer_nation: small(random),
            customer_region: small(random),
            customer_balance: number(random),
            segment: text(random),
            part_name: text(random),
            brand: small(random),
            part_type: small(random),
            part_size: small(random),
            container: small(random),
            part_price: number(random),
            part_weight: real(random),
            supplier_nation: small(random),
            supplier_region: small(random),
            supplier_balance: number(random),
            supplier_name: text(random),
            available: number(random),
            supply_cost: number(random),
            first_shipped: date(random),
            last_shipped: date(random),
            latitude: real(random),
            longitude: real(random),
            to_latitude: real(random),
            to_longitude: real(random),
            distance: real(random),
            weight: real(random),
            volume: real(random),
            temperature: real(random),
            insured: random.below(2) == 0,
            fragile: random.below(2) == 0,
            returned: maybe(random, date),
            refund: maybe(random, number),
            coupon: maybe(random, text),
            score: maybe(random, real),
            paid: number(random),
            fee: number(random),
            warehouse: small(random),
            cost: number(random),
        }
    }

    fn supplier(&self) -> i64 {
        self.supplier
    }

    fn quantity(&self) -> f64 {
        self.quantity
    }

    fn cost(&self) -> i64 {
        self.cost
    }

    fn with_cost(self, cost: i64) -> Self {
        Self { cost, ..self }
    }

    fn by_columns(rows: &Stream<Self>) -> Table<(i64, (u64, i64))> {
        rows.group_by(Wide.supplier).reduce(|g| (g.count(), g.sum(Wide.cost))).into()
    }
}

impl Line for Narrow {
    fn random(random: &mut Random) -> Self {
        Self {
            order: number(random),
            supplier: supplier(random),
            quantity: real(random),
            flag: text(random),
            shipped: date(random),
            cost: number(random),
        }
    }

    fn supplier(&self) -> i64 {
        self.supplier
    }

    fn quantity(&self) -> f64 {
        self.quantity
    }

    fn cost(&self) -> i64 {
        self.cost
    }

    fn with_cost(self, cost: i64) -> Self {
        Self { cost, ..self }
    }

    fn by_columns(rows: &Stream<Self>) -> Table<(i64, (u64, i64))> {
        rows.group_by(Narrow.supplier).reduce(|g| (g.count(), g.sum(Narrow.cost))).into()
    }
}
