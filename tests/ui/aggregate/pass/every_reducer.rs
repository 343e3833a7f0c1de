use pathway::prelude::*;

mod rows {
    use pathway::prelude::*;

    #[derive(Clone, Schema)]
    pub struct Flight {
        pub carrier: String,
        pub dest: String,
        pub dep_delay: Option<f64>,
        pub miles: f64,
        pub seats: u32,
        pub full: bool,
    }
}

#[derive(Clone, Debug, PartialEq, Schema, Aggregate)]
#[aggregate(from = rows::Flight)]
struct CarrierDelay {
    #[aggregate(group)]
    carrier: String,
    #[aggregate(count)]
    flights: u64,
    #[aggregate(sum(seats))]
    seats: u64,
    #[aggregate(mean(dep_delay))]
    mean_delay: Option<f64>,
    #[aggregate(min(miles))]
    shortest: f64,
    #[aggregate(max(dep_delay))]
    worst: Option<f64>,
    #[aggregate(argmin(miles, dest))]
    nearest: String,
    #[aggregate(argmax(miles, dest))]
    farthest: String,
    #[aggregate(count_distinct(dest))]
    airports: u64,
    #[aggregate(any(dest))]
    some_airport: String,
    #[aggregate(collect(dest))]
    all_airports: Vec<String>,
}

#[derive(Debug, PartialEq, Schema, Aggregate)]
#[aggregate(from = rows::Flight)]
struct Spread {
    #[aggregate(group)]
    carrier: String,
    #[aggregate(variance(miles))]
    variance: Option<f64>,
    #[aggregate(variance_population(dep_delay))]
    variance_of_all: Option<f64>,
    #[aggregate(std_dev(seats))]
    deviation: Option<f64>,
    #[aggregate(std_dev_population(seats))]
    deviation_of_all: f64,
    #[aggregate(quantile(0.25, miles))]
    near: f64,
    #[aggregate(median(dep_delay))]
    median: Option<f64>,
    #[aggregate(quantile_discrete(0.5, dest))]
    middle: String,
    #[aggregate(approx_quantile(1.0 - 0.5, seats))]
    about: f64,
    #[aggregate(histogram([1000.0, 2000.0], miles))]
    ranges: Vec<u64>,
    #[aggregate(mode(dest))]
    usual: String,
    #[aggregate(most_frequent(1, dest))]
    frequent: Vec<(String, u64)>,
}

#[derive(Debug, PartialEq, Schema, Aggregate)]
#[aggregate(from = rows::Flight)]
struct Listed {
    #[aggregate(group)]
    carrier: String,
    #[aggregate(first(miles, dest))]
    first: String,
    #[aggregate(last(dep_delay, miles))]
    last: f64,
    #[aggregate(unique(seats))]
    seats: u32,
    #[aggregate(top_k(2, miles))]
    far: Vec<f64>,
    #[aggregate(bottom_k(1, dep_delay))]
    early: Vec<Option<f64>>,
    #[aggregate(bool_and(full))]
    all_full: bool,
    #[aggregate(bool_or(full))]
    some_full: bool,
    #[aggregate(collect_sorted_by(miles, dest))]
    by_distance: Vec<String>,
    #[aggregate(collect_map(dest, seats))]
    seats_to: std::collections::BTreeMap<String, u32>,
    #[aggregate(join_text(", ", miles, dest))]
    names: String,
}

#[derive(Debug, PartialEq, Schema, Aggregate)]
#[aggregate(from = rows::Flight)]
struct Bits {
    #[aggregate(group)]
    carrier: String,
    #[aggregate(bit_and(seats))]
    and: u32,
    #[aggregate(bit_or(seats))]
    or: u32,
    #[aggregate(bit_xor(seats))]
    xor: u32,
}

#[derive(Debug, PartialEq, Schema, Aggregate)]
#[aggregate(from = rows::Flight)]
struct Route {
    #[aggregate(group)]
    carrier: String,
    #[aggregate(group(dest))]
    to: String,
    #[aggregate(count)]
    flights: u64,
}

fn flight(carrier: &str, dest: &str, dep_delay: Option<f64>, miles: f64) -> rows::Flight {
    let full = dep_delay.is_none();
    rows::Flight { carrier: carrier.into(), dest: dest.into(), dep_delay, miles, seats: 100, full }
}

fn main() -> pathway::Result<()> {
    let app = Pipeline::new("aggregates");
    let flights = app.rows(vec![
        flight("UA", "SFO", Some(10.0), 2500.0),
        flight("UA", "BOS", None, 200.0),
        flight("UA", "SFO", Some(20.0), 2500.0),
    ]);
    let delays: Table<CarrierDelay> = flights.aggregate();
    let expected = CarrierDelay {
        carrier: "UA".into(),
        flights: 3,
        seats: 300,
        mean_delay: Some(15.0),
        shortest: 200.0,
        worst: Some(20.0),
        nearest: "BOS".into(),
        farthest: "SFO".into(),
        airports: 2,
        some_airport: "BOS".into(),
        all_airports: vec!["BOS".into(), "SFO".into(), "SFO".into()],
    };
    assert_eq!(delays.collect()?, [expected]);

    let spread = flights.aggregate::<Spread>();
    let expected = Spread {
        carrier: "UA".into(),
        variance: Some(2300.0 * 2300.0 / 3.0),
        variance_of_all: Some(25.0),
        deviation: Some(0.0),
        deviation_of_all: 0.0,
        near: 1350.0,
        median: Some(15.0),
        middle: "SFO".into(),
        about: 100.0,
        ranges: vec![1, 0, 2],
        usual: "SFO".into(),
        frequent: vec![("SFO".into(), 2)],
    };
    assert_eq!(spread.collect()?, [expected]);

    let listed = flights.aggregate::<Listed>();
    let expected = Listed {
        carrier: "UA".into(),
        first: "BOS".into(),
        last: 2500.0,
        seats: 100,
        far: vec![2500.0, 2500.0],
        early: vec![Some(10.0)],
        all_full: false,
        some_full: true,
        by_distance: vec!["BOS".into(), "SFO".into(), "SFO".into()],
        seats_to: [("BOS".into(), 100), ("SFO".into(), 100)].into(),
        names: "BOS, SFO, SFO".into(),
    };
    assert_eq!(listed.collect()?, [expected]);
    let bits = Bits { carrier: "UA".into(), and: 100, or: 100, xor: 100 };
    assert_eq!(flights.aggregate::<Bits>().collect()?, [bits]);

    let routes = flights.aggregate::<Route>();
    let route = |to: &str, flights| Route { carrier: "UA".into(), to: to.into(), flights };
    assert_eq!(routes.collect()?, [route("BOS", 1), route("SFO", 2)]);
    let _ = (CarrierDelay.worst, Route.to);
    Ok(())
}
