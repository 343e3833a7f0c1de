//! Rows in order with what came before and what comes after: neighbours, running and moving results.

use crate::data::{Flight, scheduled};
use crate::question::agree;
use std::cmp::Reverse;

#[test]
fn the_running_count_of_departures_of_each_plane() {
    let sql = "SELECT id, COUNT(*) OVER (PARTITION BY tailnum ORDER BY month, day, \
               sched_dep_time, id ROWS UNBOUNDED PRECEDING) FROM flights";
    agree(sql, |t| {
        let planes = t.flights.group_by(Flight.tailnum).sort_by(scheduled);
        planes.over(|o| o.running_count()).select(|f, n| (f.id, n))
    });
}

#[test]
fn where_each_plane_came_from_and_goes_to() {
    let sql = "SELECT id, LAG(dest) OVER plane, LEAD(origin) OVER plane, LAG(id, 2) OVER plane, \
               LEAD(dep_delay, 3) OVER plane FROM flights \
               WINDOW plane AS (PARTITION BY tailnum ORDER BY month, day, sched_dep_time, id)";
    agree(sql, |t| {
        t.flights
            .group_by(Flight.tailnum)
            .sort_by(scheduled)
            .over(|o| {
                (
                    o.lag(1, Flight.dest),
                    o.lead(1, Flight.origin),
                    o.lag(2, |f| f.id),
                    o.lead(3, Flight.dep_delay),
                )
            })
            .select(|f, (from, to, before, delay)| (f.id, from, to, before, delay))
    });
}

#[test]
fn miles_and_delays_of_each_carrier_so_far() {
    let sql = "SELECT id, SUM(distance) OVER carrier, SUM(dep_delay) OVER carrier, \
               MIN(dep_delay) OVER carrier, MAX(dest) OVER carrier FROM flights \
               WINDOW carrier AS (PARTITION BY carrier ORDER BY month, day, sched_dep_time, id \
               ROWS UNBOUNDED PRECEDING)";
    agree(sql, |t| {
        t.flights
            .group_by(Flight.carrier)
            .sort_by(scheduled)
            .over(|o| {
                (
                    o.running_sum(Flight.distance),
                    o.running_sum(Flight.dep_delay),
                    o.running_min(Flight.dep_delay),
                    o.running_max(Flight.dest),
                )
            })
            .select(|f, (miles, delay, least, last)| (f.id, miles, delay, least, last))
    });
}

#[test]
fn the_moving_mean_of_delays_at_each_origin() {
    let sql = "SELECT id, AVG(dep_delay) OVER (PARTITION BY origin ORDER BY month, day, \
               sched_dep_time, id ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING) FROM flights";
    agree(sql, |t| {
        let origins = t.flights.group_by(Flight.origin).sort_by(scheduled);
        origins.over(|o| o.moving_mean(2, 2, Flight.dep_delay)).select(|f, mean| (f.id, mean))
    });
}

#[test]
fn delays_around_each_flight_of_a_destination() {
    let sql = "SELECT id, SUM(arr_delay) OVER near, MIN(arr_delay) OVER near, \
               MAX(arr_delay) OVER near, COUNT(*) OVER near, SUM(distance) OVER near FROM flights \
               WINDOW near AS (PARTITION BY dest ORDER BY month, day, sched_dep_time, id \
               ROWS BETWEEN 5 PRECEDING AND CURRENT ROW)";
    agree(sql, |t| {
        t.flights
            .group_by(Flight.dest)
            .sort_by(scheduled)
            .over(|o| {
                (
                    o.moving_sum(5, 0, Flight.arr_delay),
                    o.moving_min(5, 0, Flight.arr_delay),
                    o.moving_max(5, 0, Flight.arr_delay),
                    o.moving_count(5, 0),
                    o.moving_sum(5, 0, Flight.distance),
                )
            })
            .select(|f, (sum, least, worst, n, miles)| (f.id, sum, least, worst, n, miles))
    });
}

#[test]
fn the_thirty_flights_to_come_of_all() {
    let sql = "SELECT id, MAX(dep_delay) OVER ahead, AVG(distance) OVER ahead FROM flights \
               WINDOW ahead AS (ORDER BY month, day, sched_dep_time, id \
               ROWS BETWEEN CURRENT ROW AND 30 FOLLOWING)";
    agree(sql, |t| {
        t.flights
            .sort_by(scheduled)
            .over(|o| {
                (o.moving_max(0, 30, Flight.dep_delay), o.moving_mean(0, 30, Flight.distance))
            })
            .select(|f, (worst, miles)| (f.id, worst, miles))
    });
}

#[test]
fn the_first_and_the_last_flight_of_the_carriers_day() {
    let sql = "SELECT id, FIRST_VALUE(dest) OVER today, LAST_VALUE(tailnum) OVER today \
               FROM flights WINDOW today AS (PARTITION BY carrier, month, day \
               ORDER BY sched_dep_time, id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)";
    agree(sql, |t| {
        t.flights
            .group_by(|f| (f.carrier.clone(), f.month, f.day))
            .sort_by(Flight.sched_dep_time)
            .over(|o| (o.first(Flight.dest), o.last(Flight.tailnum)))
            .select(|f, (first, last)| (f.id, first, last))
    });
}

#[test]
fn how_delays_differ_from_those_of_the_flight_before() {
    let sql = "SELECT id, dep_delay - LAG(dep_delay) OVER (PARTITION BY origin, month, day \
               ORDER BY sched_dep_time, id) FROM flights";
    agree(sql, |t| {
        t.flights
            .group_by(|f| (f.origin.clone(), f.month, f.day))
            .sort_by(Flight.sched_dep_time)
            .over(|o| o.difference(Flight.dep_delay))
            .select(|f, change| (f.id, change))
    });
}

#[test]
fn flights_that_set_a_record_of_delay() {
    let sql = "SELECT id, dep_delay FROM (SELECT *, MAX(dep_delay) OVER (PARTITION BY carrier \
               ORDER BY month, day, sched_dep_time, id ROWS BETWEEN UNBOUNDED PRECEDING \
               AND 1 PRECEDING) AS record FROM flights) \
               WHERE dep_delay > record OR (record IS NULL AND dep_delay IS NOT NULL)";
    agree(sql, |t| {
        // The record before a flight is the running maximum of the flight before it.
        let so_far = t
            .flights
            .group_by(Flight.carrier)
            .sort_by(scheduled)
            .over(|o| o.running_max(Flight.dep_delay))
            .select(|f, record| (scheduled(&f), f.id, f.carrier, f.dep_delay, record));
        so_far
            .group_by(|row| row.2.clone())
            .sort_by(|row| row.0)
            .over(|o| o.lag(1, |row| row.4))
            .filter(|(row, record)| row.3 > record.flatten())
            .map(|((_, id, _, delay, _), _)| (id, delay))
    });
}

#[test]
fn the_longest_run_of_flights_of_each_carrier_without_a_delay() {
    let sql = "SELECT carrier, MAX(flights) FROM (SELECT carrier, COUNT(*) AS flights FROM \
               (SELECT carrier, late, ROW_NUMBER() OVER (PARTITION BY carrier ORDER BY id) \
               - ROW_NUMBER() OVER (PARTITION BY carrier, late ORDER BY id) AS island FROM \
               (SELECT carrier, id, dep_delay > 0 AS late FROM flights WHERE dep_delay IS NOT NULL)) \
               WHERE late = 0 GROUP BY carrier, island) GROUP BY carrier";
    agree(sql, |t| {
        // The number of late flights up to one that is in time tells one run from the next.
        t.flights
            .filter_map(|f| Some((f.id, f.carrier, i64::from(f.dep_delay? > 0))))
            .group_by(|row| row.1.clone())
            .sort_by(|row| row.0)
            .over(|o| o.running_sum(|row| row.2))
            .filter(|(row, _)| row.2 == 0)
            .group_by(|((_, carrier, _), late)| (carrier.clone(), *late))
            .reduce(|g| g.count())
            .group_by(|((carrier, _), _)| carrier.clone())
            .reduce(|g| g.max(|row| row.1))
    });
}

#[test]
fn delays_of_the_hours_and_the_hour_before() {
    let sql = "SELECT hour, mean, LAG(mean) OVER (ORDER BY hour), \
               SUM(flights) OVER (ORDER BY hour ROWS UNBOUNDED PRECEDING) FROM \
               (SELECT hour, AVG(arr_delay) AS mean, COUNT(*) AS flights FROM flights GROUP BY hour)";
    agree(sql, |t| {
        t.flights
            .group_by(|f| f.hour)
            .reduce(|g| (g.mean(Flight.arr_delay), g.count()))
            .sort_by(|row| row.0)
            .over(|o| (o.lag(1, |row| row.1.0), o.running_sum(|row| row.1.1)))
            .select(|(hour, (mean, _)), (before, flights)| (hour, mean, before, flights))
    });
}

#[test]
fn the_moving_mean_of_the_heights_of_airports() {
    let sql = "SELECT faa, AVG(lat) OVER near, SUM(alt) OVER near FROM airports WINDOW near AS \
               (PARTITION BY tz ORDER BY lat DESC, faa ROWS BETWEEN 3 PRECEDING AND 1 FOLLOWING)";
    agree(sql, |t| {
        t.airports
            .group_by(|a| a.tz)
            .sort_by(|a| Reverse(a.lat))
            .over(|o| (o.moving_mean(3, 1, |a| a.lat), o.moving_sum(3, 1, |a| a.alt)))
            .select(|a, (lat, alt)| (a.faa, lat, alt))
    });
}

#[test]
fn delays_that_are_not_known_between_those_that_are() {
    let sql = "SELECT f.id, CASE WHEN f.dep_delay IS NOT NULL THEN f.dep_delay * 1.0 \
               WHEN a.id IS NULL THEN b.dep_delay * 1.0 WHEN b.id IS NULL THEN a.dep_delay * 1.0 \
               ELSE a.dep_delay + (b.dep_delay - a.dep_delay) \
               * ((f.id - a.id) * 1.0 / (b.id - a.id)) END FROM \
               (SELECT id, dep_delay, \
               MAX(CASE WHEN dep_delay IS NOT NULL THEN id END) OVER (PARTITION BY origin \
               ORDER BY id ROWS UNBOUNDED PRECEDING) AS before, \
               MIN(CASE WHEN dep_delay IS NOT NULL THEN id END) OVER (PARTITION BY origin \
               ORDER BY id ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS behind \
               FROM flights) f \
               LEFT JOIN flights a ON a.id = before LEFT JOIN flights b ON b.id = behind";
    agree(sql, |t| {
        t.flights
            .group_by(Flight.origin)
            .sort_by(|f| f.id)
            .over(|o| o.interpolate(|f| f.id, Flight.dep_delay))
            .select(|f, delay| (f.id, delay))
    });
}

#[test]
fn each_planes_wait_for_its_next_flight_by_its_size() {
    let sql = "SELECT p.seats, COUNT(*), AVG(wait) FROM (SELECT tailnum, \
               LEAD(hour) OVER (PARTITION BY tailnum, month, day ORDER BY sched_dep_time, id) \
               - hour AS wait FROM flights) w JOIN planes p ON p.tailnum = w.tailnum \
               WHERE wait IS NOT NULL GROUP BY p.seats";
    agree(sql, |t| {
        t.flights
            .group_by(|f| (f.tailnum.clone(), f.month, f.day))
            .sort_by(Flight.sched_dep_time)
            .over(|o| o.next(|f| f.hour))
            .filter_map(|(f, next)| Some((f.tailnum?, next? - f.hour)))
            .join(&t.planes)
            .on(|row| row.0.clone(), |p| p.tailnum.clone())
            .select(|(_, wait), p| (p.seats, *wait))
            .group_by(|row| row.0)
            .reduce(|g| (g.count(), g.mean(|row| row.1)))
    });
}
