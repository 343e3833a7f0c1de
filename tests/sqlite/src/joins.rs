//! Joins of all kinds, lookups, and tables that take rows from others.

use crate::data::{Airline, Airport, Flight, Plane};
use crate::question::agree;

#[test]
fn flights_by_the_names_of_their_airlines() {
    agree("SELECT f.id, a.name FROM flights f JOIN airlines a ON f.carrier = a.carrier", |t| {
        let named = t.flights.join(&t.airlines).on(Flight.carrier, Airline.carrier);
        named.select(|f, a| (f.id, a.name.clone()))
    });
}

#[test]
fn the_planes_of_flights_where_they_are_known() {
    let sql = "SELECT f.id, p.year, p.seats FROM flights f LEFT JOIN planes p \
               ON f.tailnum = p.tailnum";
    agree(sql, |t| {
        t.flights
            .left_join(&t.planes)
            .on(Flight.tailnum, Plane.tailnum)
            .select(|f, p| (f.id, p.and_then(|p| p.year), p.map(|p| p.seats)))
    });
}

#[test]
fn airports_without_flights() {
    let sql = "SELECT faa, name FROM airports WHERE faa NOT IN (SELECT dest FROM flights)";
    agree(sql, |t| {
        let rest = t.airports.anti_join(&t.flights).on(Airport.faa, Flight.dest);
        rest.map(|a| (a.faa, a.name))
    });
}

#[test]
fn destinations_that_are_not_listed_as_airports() {
    let sql = "SELECT DISTINCT dest FROM flights \
               WHERE NOT EXISTS (SELECT 1 FROM airports WHERE faa = dest)";
    agree(sql, |t| {
        let unknown = t.flights.anti_join(&t.airports).on(Flight.dest, Airport.faa);
        unknown.map(|f| f.dest).distinct().map(|dest| (dest,))
    });
}

#[test]
fn planes_that_flew() {
    let sql = "SELECT tailnum, model FROM planes WHERE tailnum IN (SELECT tailnum FROM flights)";
    agree(sql, |t| {
        let flew = t.planes.semi_join(&t.flights).on(Plane.tailnum, Flight.tailnum);
        flew.map(|p| (p.tailnum, p.model))
    });
}

#[test]
fn flights_and_planes_of_each_manufacturer_known_or_not() {
    let sql = "SELECT p.manufacturer, COUNT(f.id), COUNT(DISTINCT p.tailnum), COUNT(*) \
               FROM planes p FULL JOIN flights f ON p.tailnum = f.tailnum GROUP BY 1";
    agree(sql, |t| {
        t.planes
            .full_join(&t.flights)
            .on(Plane.tailnum, Flight.tailnum)
            .select(|p, f| {
                let plane = p.map(|p| (p.manufacturer.clone(), p.tailnum.clone()));
                (plane, f.is_some())
            })
            .group_by(|(plane, _)| plane.as_ref().map(|plane| plane.0.clone()))
            .reduce(|g| {
                let planes = g.count_distinct(|(plane, _)| plane.as_ref().map(|p| p.1.clone()));
                (g.count().when(|(_, flew)| *flew), planes, g.count())
            })
    });
}

#[test]
fn planes_and_flights_side_by_side() {
    let sql = "SELECT p.tailnum, p.seats, f.id FROM planes p FULL JOIN flights f \
               ON p.tailnum = f.tailnum";
    agree(sql, |t| {
        t.planes
            .full_join(&t.flights)
            .on(Plane.tailnum, Flight.tailnum)
            .select(|p, f| (p.map(|p| p.tailnum.clone()), p.map(|p| p.seats), f.map(|f| f.id)))
    });
}

#[test]
fn every_airport_with_the_carriers_that_arrive() {
    let sql =
        "SELECT f.carrier, f.id, a.faa FROM flights f RIGHT JOIN airports a ON f.dest = a.faa";
    agree(sql, |t| {
        t.flights
            .right_join(&t.airports)
            .on(Flight.dest, Airport.faa)
            .select(|f, a| (f.map(|f| f.carrier.clone()), f.map(|f| f.id), a.faa.clone()))
    });
}

#[test]
fn later_flights_of_the_same_plane_on_the_same_day() {
    let sql = "SELECT a.id, b.id FROM flights a JOIN flights b \
               ON a.tailnum = b.tailnum AND a.month = b.month AND a.day = b.day \
               WHERE a.sched_dep_time < b.sched_dep_time";
    agree(sql, |t| {
        // A null within a key meets nothing, as in SQL.
        let plane = |f: &Flight| (f.tailnum.clone(), f.month, f.day);
        t.flights
            .join(&t.flights)
            .on(plane, plane)
            .and(|a, b| a.sched_dep_time < b.sched_dep_time)
            .select(|a, b| (a.id, b.id))
    });
}

#[test]
fn flights_that_left_later_than_those_of_their_carrier_do() {
    let sql = "SELECT f.id, c.mean FROM flights f \
               JOIN (SELECT carrier, AVG(dep_delay) AS mean FROM flights GROUP BY carrier) c \
               ON f.carrier = c.carrier WHERE f.dep_delay > c.mean";
    agree(sql, |t| {
        let means = t.flights.group_by(Flight.carrier).reduce(|g| g.mean(Flight.dep_delay));
        t.flights
            .join(&means)
            .on(|f| f.carrier.clone(), |(carrier, _)| carrier.clone())
            .and(|f, (_, mean)| f.dep_delay.is_some_and(|delay| Some(delay as f64) > *mean))
            .select(|f, (_, mean)| (f.id, *mean))
    });
}

#[test]
fn airlines_with_their_flights_that_were_hours_late() {
    let sql = "SELECT a.carrier, f.id FROM airlines a LEFT JOIN flights f \
               ON f.carrier = a.carrier AND f.dep_delay > 180";
    agree(sql, |t| {
        t.airlines
            .left_join(&t.flights)
            .on(Airline.carrier, Flight.carrier)
            .and(|_, f| f.dep_delay > Some(180))
            .select(|a, f| (a.carrier.clone(), f.map(|f| f.id)))
    });
}

#[test]
fn airports_with_flights_from_afar() {
    let sql = "SELECT f.id, a.faa FROM flights f RIGHT JOIN airports a \
               ON f.dest = a.faa AND f.distance > 2000";
    agree(sql, |t| {
        t.flights
            .right_join(&t.airports)
            .on(Flight.dest, Airport.faa)
            .and(|f, _| f.distance > 2000)
            .select(|f, a| (f.map(|f| f.id), a.faa.clone()))
    });
}

#[test]
fn flight_numbers_of_winter_and_of_summer() {
    let sql = "SELECT w.id, s.id FROM (SELECT * FROM flights WHERE month = 1) w \
               FULL JOIN (SELECT * FROM flights WHERE month = 7) s \
               ON w.carrier = s.carrier AND w.flight = s.flight AND w.day = s.day";
    agree(sql, |t| {
        let number = |f: &Flight| (f.carrier.clone(), f.flight, f.day);
        let (winter, summer) = t.flights.split(|f| f.month == 1);
        winter
            .full_join(&summer)
            .on(number, number)
            .select(|w, s| (w.map(|f| f.id), s.map(|f| f.id)))
    });
}

#[test]
fn winter_flights_and_slower_ones_of_summer() {
    let sql = "SELECT w.id, s.id FROM (SELECT * FROM flights WHERE month = 1) w \
               FULL JOIN (SELECT * FROM flights WHERE month = 7) s \
               ON w.carrier = s.carrier AND w.flight = s.flight AND w.air_time < s.air_time";
    agree(sql, |t| {
        let number = |f: &Flight| (f.carrier.clone(), f.flight);
        let (winter, summer) = t.flights.split(|f| f.month == 1);
        winter
            .full_join(&summer)
            .on(number, number)
            .and(|w, s| w.air_time.is_some_and(|time| Some(time) < s.air_time))
            .select(|w, s| (w.map(|f| f.id), s.map(|f| f.id)))
    });
}

#[test]
fn the_altitude_of_destinations() {
    let sql = "SELECT f.id, a.alt FROM flights f LEFT JOIN airports a ON a.faa = f.dest";
    agree(sql, |t| {
        let found = t.flights.lookup(&t.airports, Flight.dest);
        found.select(|f, a| (f.id, a.map(|a| a.alt)))
    });
}

#[test]
fn flights_between_airlines_airports_and_manufacturers() {
    let sql = "SELECT l.name, a.name, p.manufacturer, COUNT(*) FROM flights f \
               JOIN airlines l ON l.carrier = f.carrier JOIN airports a ON a.faa = f.dest \
               JOIN planes p ON p.tailnum = f.tailnum GROUP BY 1, 2, 3";
    agree(sql, |t| {
        t.flights
            .join(&t.airlines)
            .on(Flight.carrier, Airline.carrier)
            .select(|f, l| (f.clone(), l.name.clone()))
            .join(&t.airports)
            .on(|(f, _)| f.dest.clone(), |a| a.faa.clone())
            .select(|(f, airline), a| (f.tailnum.clone(), airline.clone(), a.name.clone()))
            .join(&t.planes)
            .on(|row| row.0.clone(), |p| p.tailnum.clone())
            .select(|(_, airline, to), p| (airline.clone(), to.clone(), p.manufacturer.clone()))
            .group_by(|row| row.clone())
            .reduce(|g| g.count())
    });
}

#[test]
fn flights_that_went_soon_after_a_cancelled_one() {
    let sql = "SELECT c.id, f.id FROM flights c JOIN flights f ON c.origin = f.origin \
               AND c.dest = f.dest AND c.month = f.month AND c.day = f.day \
               AND f.hour BETWEEN c.hour + 1 AND c.hour + 3 \
               WHERE c.dep_time IS NULL AND f.dep_time IS NOT NULL";
    agree(sql, |t| {
        let (cancelled, flown) = t.flights.split(|f| f.dep_time.is_none());
        let way = |f: &Flight| (f.origin.clone(), f.dest.clone(), f.month, f.day);
        cancelled
            .join(&flown)
            .on(way, way)
            .and(|c, f| (c.hour + 1..=c.hour + 3).contains(&f.hour))
            .select(|c, f| (c.id, f.id))
    });
}

#[test]
fn planes_that_are_much_larger_than_others_of_their_model() {
    let sql = "SELECT a.tailnum, b.tailnum FROM planes a JOIN planes b \
               ON a.model = b.model AND a.manufacturer = b.manufacturer \
               WHERE a.seats > b.seats + 100";
    agree(sql, |t| {
        let by_model = t.planes.index_by(|p| (p.manufacturer.clone(), p.model.clone()));
        by_model
            .join(&by_model)
            .and(|a, b| a.seats > b.seats + 100)
            .select(|a, b| (a.tailnum.clone(), b.tailnum.clone()))
    });
}

#[test]
fn the_longest_flight_of_each_plane_in_winter_and_in_summer() {
    let sql = "SELECT w.tailnum, w.far, s.tailnum, s.far FROM \
               (SELECT tailnum, MAX(distance) AS far FROM flights WHERE month = 1 GROUP BY 1) w \
               FULL JOIN \
               (SELECT tailnum, MAX(distance) AS far FROM flights WHERE month = 7 GROUP BY 1) s \
               ON w.tailnum = s.tailnum";
    agree(sql, |t| {
        let (winter, summer) = t.flights.split(|f| f.month == 1);
        let winter = winter.group_by(Flight.tailnum).reduce(|g| g.max(Flight.distance));
        let summer = summer.group_by(Flight.tailnum).reduce(|g| g.max(Flight.distance));
        winter.full_join(&summer).on(|row| row.0.clone(), |row| row.0.clone()).select(|w, s| {
            let plane = |row: Option<&(Option<String>, i64)>| row.and_then(|row| row.0.clone());
            (plane(w), w.map(|row| row.1), plane(s), s.map(|row| row.1))
        })
    });
}

#[test]
fn planes_whose_key_is_that_of_a_young_one() {
    let sql = "SELECT tailnum, year FROM planes WHERE year >= 2008";
    agree(sql, |t| {
        let young = t.planes.filter(|p| p.year >= Some(2008));
        t.planes.restrict(&young).map(|p| (p.tailnum, p.year))
    });
}

#[test]
fn planes_with_rows_and_cells_of_others() {
    let sql = "SELECT tailnum, CASE WHEN seats > 300 THEN 0 ELSE seats END, \
               CASE WHEN engines = 4 THEN 'JUMBO' ELSE model END FROM planes";
    agree(sql, |t| {
        let large = t.planes.filter(|p| p.seats > 300).map(|p| Plane { seats: 0, ..p });
        let jumbos = t.planes.filter(|p| p.engines == 4);
        t.planes
            .update_rows(&large)
            .update_cells(&jumbos, |p, _| Plane { model: "JUMBO".to_owned(), ..p.clone() })
            .map(|p| (p.tailnum, p.seats, p.model))
    });
}

#[test]
fn one_index_in_many_joins() {
    let sql = "SELECT 'both', f.id, p.seats FROM flights f JOIN planes p USING (tailnum) UNION ALL \
               SELECT 'left', f.id, p.seats FROM flights f LEFT JOIN planes p USING (tailnum) \
               UNION ALL \
               SELECT 'right', f.id, p.seats FROM flights f RIGHT JOIN planes p USING (tailnum) \
               UNION ALL \
               SELECT 'full', f.id, p.seats FROM flights f FULL JOIN planes p USING (tailnum) \
               UNION ALL SELECT 'semi', id, NULL FROM flights \
               WHERE tailnum IN (SELECT tailnum FROM planes) UNION ALL \
               SELECT 'anti', id, NULL FROM flights f \
               WHERE NOT EXISTS (SELECT 1 FROM planes p WHERE p.tailnum = f.tailnum)";
    agree(sql, |t| {
        let flights = t.flights.index_by(Flight.tailnum);
        let planes = t.planes.index_by(Plane.tailnum);
        let row = |kind: &str, f: Option<&Flight>, p: Option<&Plane>| {
            (kind.to_owned(), f.map(|f| f.id), p.map(|p| p.seats))
        };
        flights
            .join(&planes)
            .select(move |f, p| row("both", Some(f), Some(p)))
            .concat(&flights.left_join(&planes).select(move |f, p| row("left", Some(f), p)))
            .concat(&flights.right_join(&planes).select(move |f, p| row("right", f, Some(p))))
            .concat(&flights.full_join(&planes).select(move |f, p| row("full", f, p)))
            .concat(&flights.semi_join(&planes).select(move |f| row("semi", Some(f), None)))
            .concat(&flights.anti_join(&planes).select(move |f| row("anti", Some(f), None)))
    });
}

#[test]
fn flights_with_an_airline_and_those_without() {
    let sql = "SELECT f.id, a.name FROM flights f LEFT JOIN airlines a ON f.carrier = a.carrier";
    agree(sql, |t| {
        let found = t.flights.lookup(&t.airlines, Flight.carrier).required();
        let (known, unknown) = found.select(|f, a| (f.id, Some(a.name.clone()))).or_errors();
        known.concat(&unknown.map(|error| (error.row.id, None)))
    });
}

#[test]
fn flights_that_share_their_hour_with_many() {
    let sql = "SELECT id, n FROM (SELECT id, COUNT(*) OVER (PARTITION BY origin, month, day, hour) \
               AS n FROM flights) WHERE n >= 20";
    agree(sql, |t| {
        let hour = |f: &Flight| (f.origin.clone(), f.month, f.day, f.hour);
        let busy = t.flights.group_by(hour).reduce(|g| g.count()).having(|_, n| *n >= 20);
        t.flights.join(&busy).on(hour, |(hour, _)| hour.clone()).select(|f, (_, n)| (f.id, *n))
    });
}

#[test]
fn pairs_of_airlines_that_share_destinations() {
    let sql = "SELECT a.carrier, b.carrier, COUNT(*) FROM \
               (SELECT DISTINCT carrier, dest FROM flights) a JOIN \
               (SELECT DISTINCT carrier, dest FROM flights) b \
               ON a.dest = b.dest AND a.carrier < b.carrier GROUP BY 1, 2";
    agree(sql, |t| {
        let ways = t.flights.map(|f| (f.carrier, f.dest)).distinct();
        ways.join(&ways)
            .on(|way| way.1.clone(), |way| way.1.clone())
            .and(|a, b| a.0 < b.0)
            .select(|a, b| (a.0.clone(), b.0.clone()))
            .group_by(|pair| pair.clone())
            .reduce(|g| g.count())
    });
}
