//! Which airlines leave New York late? Real flights, joined with airlines, planes and airports.
//!
//! ```text
//! cargo run --release --example flights             # once: the report, and out/flights.jsonl
//! cargo run --release --example flights -- --live   # watches the folder until Ctrl-C
//! ```
//!
//! With `--live [FOLDER]` the report is kept up to date while files of flights are added, changed
//! and deleted in the folder (`data/nycflights13/flights`, unless another one is named).

use pathway::prelude::*;

/// One flight that left New York in 2013.
#[derive(Clone, Debug, Schema)]
struct Flight {
    carrier: String,
    origin: String,
    dest: String,
    tailnum: Option<String>,
    /// Minutes; missing for a flight that was cancelled.
    dep_delay: Option<f64>,
    #[schema(rename = "distance")]
    miles: f64,
    #[schema(event_time)]
    time_hour: DateTime,
}

/// One row of `airlines.csv`.
#[derive(Clone, Debug, Schema)]
struct Airline {
    #[schema(key)]
    carrier: String,
    name: String,
}

/// One row of `planes.csv`.
#[derive(Clone, Debug, Schema)]
struct Plane {
    #[schema(key)]
    tailnum: String,
    /// Built in; not always known.
    year: Option<i32>,
    seats: u32,
}

/// One row of `airports.csv`.
#[derive(Clone, Debug, Schema)]
struct Airport {
    #[schema(key)]
    faa: String,
    name: String,
}

/// A flight with what its plane adds to it.
#[derive(Clone, Debug, Schema)]
struct Trip {
    carrier: String,
    dest: String,
    dep_delay: Option<f64>,
    seat_miles: Option<f64>,
    built: Option<i32>,
}

/// The trips of one airline.
#[derive(Clone, Debug, Schema, Aggregate)]
#[aggregate(from = Trip)]
struct CarrierDelay {
    #[aggregate(group)]
    carrier: String,
    #[aggregate(count)]
    flights: u64,
    #[aggregate(mean(dep_delay))]
    mean_delay: Option<f64>,
    #[aggregate(max(dep_delay))]
    worst_delay: Option<f64>,
    #[aggregate(count_distinct(dest))]
    airports: u64,
    #[aggregate(min(built))]
    oldest_plane: Option<i32>,
    #[aggregate(sum(seat_miles))]
    seat_miles: Option<f64>,
}

/// One line of the report.
#[derive(Clone, Debug, Schema)]
struct Line {
    airline: String,
    flights: u64,
    mean_delay: Option<f64>,
    worst_delay: Option<f64>,
    /// The destination whose flights leave latest, on average.
    latest_to: Option<String>,
    airports: u64,
    oldest_plane: Option<i32>,
    million_seat_miles: Option<f64>,
}

/// Adds the plane; flights of planes that the register does not know keep an empty place.
#[operator]
fn trips(flights: &Table<Flight>, planes: &Table<Plane>) -> Table<Trip> {
    flights.left_join(planes).on(Flight.tailnum, Plane.tailnum).select(|flight, plane| Trip {
        carrier: flight.carrier.clone(),
        dest: flight.dest.clone(),
        dep_delay: flight.dep_delay,
        seat_miles: plane.map(|plane| f64::from(plane.seats) * flight.miles),
        built: plane.and_then(|plane| plane.year),
    })
}

/// For each airline, the name of the airport that it leaves for latest.
#[operator]
fn latest_destinations(trips: &Table<Trip>, airports: &Table<Airport>) -> Table<(String, String)> {
    trips
        .group_by(|trip| (trip.carrier.clone(), trip.dest.clone()))
        .reduce(|g| g.mean(Trip.dep_delay))
        .select(|(carrier, dest), delay| (carrier, dest, delay))
        .filter(|(_, _, delay)| delay.is_some())
        .group_by(|(carrier, _, _)| carrier.clone())
        .reduce(|g| g.argmax(|(_, _, delay)| *delay, |(_, dest, _)| dest.clone()))
        .join(airports)
        .on(|(_, dest)| dest.clone(), Airport.faa)
        .select(|(carrier, _), airport| (carrier.clone(), airport.name.clone()))
}

fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

fn report(
    flights: &Table<Flight>,
    airlines: &Table<Airline>,
    planes: &Table<Plane>,
    airports: &Table<Airport>,
) -> Table<Line> {
    let trips = flights.trips(planes);
    let latest = trips.latest_destinations(airports);
    trips
        .aggregate::<CarrierDelay>()
        .left_join(&latest)
        .on(CarrierDelay.carrier, |(carrier, _)| carrier.clone())
        .select(|delay, latest| (delay.clone(), latest.map(|(_, airport)| airport.clone())))
        .join(airlines)
        .on(|(delay, _)| delay.carrier.clone(), Airline.carrier)
        .select(|(delay, latest_to), airline| Line {
            airline: airline.name.clone(),
            flights: delay.flights,
            mean_delay: delay.mean_delay.map(tenths),
            worst_delay: delay.worst_delay,
            latest_to: latest_to.clone(),
            airports: delay.airports,
            oldest_plane: delay.oldest_plane,
            million_seat_miles: delay.seat_miles.map(|miles| tenths(miles / 1e6)),
        })
        .named("report")
}

fn main() -> pathway::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let live = arguments.next().is_some_and(|argument| argument == "--live");
    let folder = arguments.next().unwrap_or_else(|| "data/nycflights13/flights".to_owned());

    let app = Pipeline::new("flights");
    let flights = csv::files::<Flight>(&folder).null("NA");
    let flights: Table<Flight> =
        if live { app.read(flights.watch().mutable()) } else { app.read(flights).into() };
    let register = |file| format!("data/nycflights13/{file}.csv");
    let airlines = app.read(csv::files::<Airline>(register("airlines")).upsert());
    let planes = app.read(csv::files::<Plane>(register("planes")).null("NA").upsert());
    let airports = app.read(csv::files::<Airport>(register("airports")).upsert());

    let report = report(&flights, &airlines, &planes, &airports);
    report.write(stdout::table());
    report.write(jsonl::file("out/flights.jsonl"));
    app.run()
}
