//! In which hours did New York's airports fall behind their usual week, and what was the weather
//! like? The flights of February 2013, replayed by their own time.
//!
//! ```text
//! cargo run --release --example delays_live                      # a day in a second
//! cargo run --release --example delays_live -- --speed 3600      # an hour in a second
//! cargo run --release --example delays_live -- --speed max       # as fast as it goes
//! ```
//!
//! Each hour of an airport is final once the flights' watermark has passed it. It is compared with
//! the seven days in front of it, and what stands out is joined with the weather as of that hour.
//! The program ends by itself. It keeps the hours of a week and little else, however long it runs.

#![expect(clippy::print_stdout, reason = "the program prints its result")]

use pathway::prelude::*;
use std::cmp::Reverse;
use std::error::Error;
use std::thread::sleep;

/// A flight, at its scheduled hour of departure.
#[derive(Clone, Debug, Schema)]
struct Flight {
    origin: String,
    /// Minutes; missing for a flight that was cancelled.
    dep_delay: Option<f64>,
    #[schema(event_time)]
    time_hour: DateTime,
}

/// The weather at an airport in an hour.
#[derive(Clone, Debug, Schema)]
struct Weather {
    origin: String,
    /// Miles per hour.
    wind_speed: Option<f64>,
    /// Miles.
    visib: f64,
    #[schema(event_time)]
    time_hour: DateTime,
}

/// The departures of an airport in an hour.
#[derive(Clone, Debug, Schema)]
struct Hour {
    airport: String,
    #[schema(event_time)]
    hour: DateTime,
    flights: u64,
    cancelled: u64,
    delay: Option<f64>,
}

/// The hours of an airport in the seven days up to a moment.
#[derive(Clone, Debug, Schema)]
struct Week {
    airport: String,
    #[schema(event_time)]
    until: DateTime,
    hours: u64,
    delay: Option<f64>,
    deviation: Option<f64>,
}

/// An hour that was far worse than the week in front of it.
#[derive(Clone, Debug, Schema)]
struct BadHour {
    airport: String,
    #[schema(event_time)]
    hour: DateTime,
    flights: u64,
    cancelled: u64,
    delay: f64,
    usual: f64,
    deviations: f64,
}

/// One line of the report.
#[derive(Clone, Debug, Schema)]
struct Line {
    hour: DateTime,
    airport: String,
    flights: u64,
    cancelled: u64,
    mean_delay: f64,
    usual_delay: f64,
    deviations: f64,
    wind_mph: Option<f64>,
    visibility_miles: Option<f64>,
}

#[operator]
fn by_hour(flights: &Stream<Flight>) -> Stream<Hour> {
    flights
        .window(tumbling(Duration::from_hours(1)))
        .group_by(|flight| flight.origin.clone())
        .when_final()
        .reduce(|g| {
            let cancelled = g.count().when(|flight| flight.dep_delay.is_none());
            (g.count(), cancelled, g.mean(|flight| flight.dep_delay))
        })
        .select(|(window, airport), (flights, cancelled, delay)| Hour {
            airport,
            hour: window.start,
            flights,
            cancelled,
            delay,
        })
}

#[operator]
fn trailing_weeks(hours: &Stream<Hour>) -> Stream<Week> {
    hours
        .window(sliding(Duration::from_hours(7 * 24), Duration::from_hours(1)))
        .group_by(|hour| hour.airport.clone())
        .when_final()
        .reduce(|g| (g.count(), g.mean(|hour| hour.delay), g.std_dev(|hour| hour.delay)))
        .select(|(window, airport), (hours, delay, deviation)| Week {
            airport,
            until: window.end,
            hours,
            delay,
            deviation,
        })
}

/// The hours whose mean delay is more than three deviations above that of their week.
#[operator]
fn bad_hours(hours: &Stream<Hour>, weeks: &Stream<Week>) -> Stream<BadHour> {
    hours
        .interval_join(weeks, Duration::ZERO..=Duration::ZERO)
        .on(|hour| hour.airport.clone(), |week| week.airport.clone())
        .when_final()
        .select(|hour, week| {
            let enough = hour.flights >= 10 && week.hours >= 48;
            let (delay, usual) = (hour.delay.filter(|_| enough)?, week.delay?);
            Some(BadHour {
                airport: hour.airport.clone(),
                hour: hour.hour,
                flights: hour.flights,
                cancelled: hour.cancelled,
                delay,
                usual,
                deviations: (delay - usual) / week.deviation?.max(1.0),
            })
        })
        .filter_map(|hour| hour.filter(|hour| hour.deviations > 3.0))
}

#[operator]
fn with_weather(hours: &Stream<BadHour>, weather: &Stream<Weather>) -> Stream<Line> {
    hours
        .as_of_join(weather)
        .within(Duration::from_hours(3))
        .on(|hour| hour.airport.clone(), |weather| weather.origin.clone())
        .left()
        .when_final()
        .select(|hour, weather| Line {
            hour: hour.hour,
            airport: hour.airport.clone(),
            flights: hour.flights,
            cancelled: hour.cancelled,
            mean_delay: tenths(hour.delay),
            usual_delay: tenths(hour.usual),
            deviations: tenths(hour.deviations),
            wind_mph: weather.and_then(|weather| weather.wind_speed).map(tenths),
            visibility_miles: weather.map(|weather| weather.visib),
        })
}

fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

fn report(flights: &Stream<Flight>, weather: &Stream<Weather>) -> Stream<Line> {
    let hours = flights.watermark(Duration::from_hours(1)).by_hour();
    // Hours come in their order, so none is late.
    let hours = hours.watermark(Duration::ZERO);
    let weeks = hours.trailing_weeks().watermark(Duration::ZERO);
    let bad = hours.bad_hours(&weeks).watermark(Duration::ZERO);
    bad.with_weather(&weather.watermark(Duration::from_hours(1))).named("bad hours")
}

/// How many times as fast as life; nothing for as fast as it goes.
fn speed() -> Result<Option<f64>, String> {
    let mut arguments = std::env::args().skip(1);
    let Some(option) = arguments.next() else { return Ok(Some(86_400.0)) };
    match (option.as_str(), arguments.next().as_deref()) {
        ("--speed", Some("max")) => Ok(None),
        ("--speed", Some(times)) => match times.parse::<f64>() {
            Ok(times) if times > 0.0 => Ok(Some(times)),
            _ => Err(format!("`{times}` is no speed: a number above 0, or `max`")),
        },
        _ => Err("usage: delays_live [--speed TIMES|max]".to_owned()),
    }
}

fn read<T: Schema>(file: &str) -> pathway::Result<Vec<T>> {
    let app = Pipeline::new("read");
    app.read(csv::files::<T>(format!("data/nycflights13/2013-02/{file}")).null("NA")).collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let speed = speed()?;
    let mut flights: Vec<Flight> = read("flights.csv.gz")?;
    let mut weather: Vec<Weather> = read("weather.csv.gz")?;
    flights.sort_by_key(|flight| Reverse(flight.time_hour));
    weather.sort_by_key(|weather| Reverse(weather.time_hour));

    let app = Pipeline::new("delays_live");
    let (flight_input, flight_rows) = app.input::<Flight>();
    let (weather_input, weather_rows) = app.input::<Weather>();
    let report = report(&flight_rows, &weather_rows);
    report
        .sort_by(|line| Reverse(line.deviations))
        .limit(20)
        .named("worst hours")
        .write(stdout::table());
    report.write(jsonl::file("out/delays_live.jsonl"));
    let running = app.start()?;

    let (mut rows_most, mut bytes_most) = (0, 0);
    while let Some(hour) = flights.last().map(|flight| flight.time_hour) {
        while let Some(flight) = flights.pop_if(|flight| flight.time_hour <= hour) {
            flight_input.push(flight)?;
        }
        while let Some(weather) = weather.pop_if(|weather| weather.time_hour <= hour) {
            weather_input.push(weather)?;
        }
        let states = running.stats().states;
        rows_most = states.iter().map(|state| state.rows).sum::<u64>().max(rows_most);
        bytes_most = states.iter().map(|state| state.bytes).sum::<u64>().max(bytes_most);
        let next = flights.last().map_or(hour, |flight| flight.time_hour);
        if let Some(speed) = speed {
            sleep(std::time::Duration::from_secs_f64(
                next.duration_since(hour).as_secs_f64() / speed,
            ));
        }
    }
    drop((flight_input, weather_input));
    running.wait()?;
    println!("state: at most {rows_most} rows, {} KB", bytes_most / 1_000);
    Ok(())
}
