//! Rows as sets: what one table has and others have not.

use crate::data::{Airport, Flight, Tables};
use crate::question::agree;
use pathway::prelude::*;

/// The destinations of a carrier, once each.
fn destinations(t: &Tables, carrier: &'static str) -> Table<String> {
    t.flights.filter(move |f| f.carrier == carrier).map(|f| f.dest).distinct()
}

#[test]
fn airports_that_are_origins_or_destinations() {
    agree("SELECT origin FROM flights UNION SELECT dest FROM flights", |t| {
        t.flights.map(|f| f.origin).union(&t.flights.map(|f| f.dest))
    });
}

#[test]
fn departures_and_arrivals_together() {
    let sql = "SELECT place, COUNT(*) FROM (SELECT origin AS place FROM flights \
               UNION ALL SELECT dest FROM flights) GROUP BY place";
    agree(sql, |t| {
        let places = t.flights.map(|f| f.origin).concat(&t.flights.map(|f| f.dest));
        places.group_by(|place| place.clone()).reduce(|g| g.count())
    });
}

#[test]
fn destinations_of_both_of_two_carriers() {
    let sql = "SELECT dest FROM flights WHERE carrier = 'UA' INTERSECT \
               SELECT dest FROM flights WHERE carrier = 'DL'";
    agree(sql, |t| destinations(t, "UA").intersect(&destinations(t, "DL")));
}

#[test]
fn destinations_of_one_carrier_alone() {
    let sql = "SELECT dest FROM flights WHERE carrier = 'UA' EXCEPT \
               SELECT dest FROM flights WHERE carrier <> 'UA'";
    agree(sql, |t| {
        let others = t.flights.filter(|f| f.carrier != "UA").map(|f| f.dest).distinct();
        destinations(t, "UA").difference(&others)
    });
}

#[test]
fn destinations_of_either_carrier_but_not_of_both() {
    let sql = "SELECT * FROM (SELECT dest FROM flights WHERE carrier = 'B6' EXCEPT \
               SELECT dest FROM flights WHERE carrier = 'AA') UNION \
               SELECT * FROM (SELECT dest FROM flights WHERE carrier = 'AA' EXCEPT \
               SELECT dest FROM flights WHERE carrier = 'B6')";
    agree(sql, |t| {
        let (b6, aa) = (destinations(t, "B6"), destinations(t, "AA"));
        b6.difference(&aa).union(&aa.difference(&b6))
    });
}

#[test]
fn destinations_of_all_of_three_carriers() {
    let sql = "SELECT dest FROM flights WHERE carrier = 'UA' INTERSECT \
               SELECT dest FROM flights WHERE carrier = 'DL' INTERSECT \
               SELECT dest FROM flights WHERE carrier = 'AA'";
    agree(sql, |t| {
        let two = destinations(t, "UA").intersect(&destinations(t, "DL"));
        two.intersect(&destinations(t, "AA"))
    });
}

#[test]
fn routes() {
    agree("SELECT DISTINCT origin, dest, distance FROM flights", |t| {
        t.flights.map(|f| (f.origin, f.dest, f.distance)).distinct()
    });
}

#[test]
fn airlines_that_never_flew_to_a_far_destination() {
    let sql = "SELECT a.carrier, d.dest FROM airlines a \
               CROSS JOIN (SELECT DISTINCT dest FROM flights WHERE distance > 2000) d \
               EXCEPT SELECT carrier, dest FROM flights";
    agree(sql, |t| {
        let far = t.flights.filter(|f| f.distance > 2000).map(|f| f.dest).distinct();
        let all = t.airlines.cross_join(&far).select(|a, dest| (a.carrier.clone(), dest.clone()));
        all.difference(&t.flights.map(|f| (f.carrier, f.dest)).distinct())
    });
}

#[test]
fn planes_that_flew_and_are_not_listed() {
    // A null is a value among others here.
    agree("SELECT tailnum FROM flights EXCEPT SELECT tailnum FROM planes", |t| {
        let listed = t.planes.map(|p| Some(p.tailnum)).distinct();
        t.flights.map(|f| f.tailnum).distinct().difference(&listed)
    });
}

#[test]
fn planes_of_winter_and_of_summer() {
    let sql = "SELECT tailnum FROM flights WHERE month = 1 INTERSECT \
               SELECT tailnum FROM flights WHERE month = 7";
    agree(sql, |t| {
        let (winter, summer) = t.flights.map(|f| (f.month, f.tailnum)).split(|f| f.0 == 1);
        winter.map(|f| f.1).distinct().intersect(&summer.map(|f| f.1).distinct())
    });
}

#[test]
fn carriers_that_leave_from_every_origin() {
    // No origin may be left that the carrier does not leave from.
    let sql = "SELECT carrier FROM airlines a WHERE NOT EXISTS (\
               SELECT origin FROM flights EXCEPT \
               SELECT origin FROM flights f WHERE f.carrier = a.carrier)";
    agree(sql, |t| {
        let origins = t.flights.map(|f| f.origin).distinct();
        let all = t.airlines.cross_join(&origins).select(|a, o| (a.carrier.clone(), o.clone()));
        let missing = all.difference(&t.flights.map(|f| (f.carrier, f.origin)).distinct());
        let carriers = t.airlines.map(|a| a.carrier).distinct();
        carriers.difference(&missing.map(|(carrier, _)| carrier).distinct())
    });
}

#[test]
fn listed_and_unlisted_destinations_are_all_of_them() {
    let sql = "SELECT f.id, a.faa IS NOT NULL FROM flights f LEFT JOIN airports a \
               ON a.faa = f.dest";
    agree(sql, |t| {
        let listed = t.flights.semi_join(&t.airports).on(Flight.dest, Airport.faa);
        let others = t.flights.difference(&listed);
        listed.map(|f| (f.id, true)).concat(&others.map(|f| (f.id, false)))
    });
}

#[test]
fn time_zones_without_a_destination() {
    let sql = "SELECT tz, tzone FROM airports EXCEPT SELECT a.tz, a.tzone \
               FROM airports a JOIN flights f ON f.dest = a.faa";
    agree(sql, |t| {
        let reached = t.airports.semi_join(&t.flights).on(Airport.faa, Flight.dest);
        let zones = |airports: &Table<Airport>| airports.map(|a| (a.tz, a.tzone)).distinct();
        zones(&t.airports).difference(&zones(&reached))
    });
}

#[test]
fn flights_of_winter_that_summer_does_not_make_up_for() {
    // The copies are numbered, so that they are different rows: SQLite has no `EXCEPT ALL`.
    let sql = "SELECT carrier, dest FROM (\
               SELECT carrier, dest, ROW_NUMBER() OVER (PARTITION BY carrier, dest) FROM flights \
               WHERE month = 1 EXCEPT \
               SELECT carrier, dest, ROW_NUMBER() OVER (PARTITION BY carrier, dest) FROM flights \
               WHERE month = 7)";
    agree(sql, |t| {
        let (winter, summer) = t.flights.split(|f| f.month == 1);
        let way = |f: Flight| (f.carrier, f.dest);
        winter.map(way).difference(&summer.map(way))
    });
}

#[test]
fn flights_of_winter_that_are_flown_as_often_in_summer() {
    let sql = "SELECT tailnum, dest FROM (\
               SELECT tailnum, dest, ROW_NUMBER() OVER (PARTITION BY tailnum, dest) FROM flights \
               WHERE month = 1 INTERSECT \
               SELECT tailnum, dest, ROW_NUMBER() OVER (PARTITION BY tailnum, dest) FROM flights \
               WHERE month = 7)";
    agree(sql, |t| {
        let (winter, summer) = t.flights.split(|f| f.month == 1);
        let way = |f: Flight| (f.tailnum, f.dest);
        winter.map(way).intersect(&summer.map(way))
    });
}
