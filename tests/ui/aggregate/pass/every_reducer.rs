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
struct Route {
    #[aggregate(group)]
    carrier: String,
    #[aggregate(group(dest))]
    to: String,
    #[aggregate(count)]
    flights: u64,
}

fn flight(carrier: &str, dest: &str, dep_delay: Option<f64>, miles: f64) -> rows::Flight {
    rows::Flight { carrier: carrier.into(), dest: dest.into(), dep_delay, miles, seats: 100 }
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

    let routes = flights.aggregate::<Route>();
    let route = |to: &str, flights| Route { carrier: "UA".into(), to: to.into(), flights };
    assert_eq!(routes.collect()?, [route("BOS", 1), route("SFO", 2)]);
    let _ = (CarrierDelay.worst, Route.to);
    Ok(())
}
