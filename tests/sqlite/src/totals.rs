//! Whole tables as one row, subtotals, and columns turned to rows and back.

use crate::data::Flight;
use crate::question::agree;

#[test]
fn the_share_of_cancelled_flights_with_subtotals() {
    let sql = "SELECT origin, carrier, AVG(dep_time IS NULL), COUNT(*) FROM flights GROUP BY 1, 2 \
               UNION ALL SELECT origin, NULL, AVG(dep_time IS NULL), COUNT(*) FROM flights \
               GROUP BY 1 UNION ALL SELECT NULL, NULL, AVG(dep_time IS NULL), COUNT(*) FROM flights";
    agree(sql, |t| {
        t.flights
            .rollup(|f| (f.origin.clone(), f.carrier.clone()))
            .reduce(|g| (g.mean(|f| i64::from(f.dep_time.is_none())), g.count()))
    });
}

#[test]
fn flights_of_months_and_origins_with_all_subtotals() {
    let sql = "SELECT month, origin, COUNT(*), SUM(air_time) FROM flights GROUP BY 1, 2 UNION ALL \
               SELECT month, NULL, COUNT(*), SUM(air_time) FROM flights GROUP BY 1 UNION ALL \
               SELECT NULL, origin, COUNT(*), SUM(air_time) FROM flights GROUP BY 2 UNION ALL \
               SELECT NULL, NULL, COUNT(*), SUM(air_time) FROM flights";
    agree(sql, |t| {
        t.flights
            .cube(|f| (f.month, f.origin.clone()))
            .reduce(|g| (g.count(), g.sum(Flight.air_time)))
    });
}

#[test]
fn flights_of_carriers_and_of_known_planes_in_one_table() {
    // Planes that are not known are a group of their own beside the flights of all planes.
    let sql = "SELECT carrier, NULL, COUNT(*), MAX(distance) FROM flights GROUP BY carrier \
               UNION ALL SELECT NULL, tailnum, COUNT(*), MAX(distance) FROM flights \
               GROUP BY tailnum";
    agree(sql, |t| {
        t.flights
            .grouping_sets(
                |f| (f.carrier.clone(), f.tailnum.clone()),
                [[true, false], [false, true]],
            )
            .reduce(|g| (g.count(), g.max(Flight.distance)))
    });
}

#[test]
fn all_flights_in_figures() {
    let sql = "SELECT COUNT(*), SUM(distance), AVG(air_time), MIN(sched_dep_time), \
               MAX(dep_delay), COUNT(DISTINCT tailnum) FROM flights";
    agree(sql, |t| {
        t.flights.reduce(|g| {
            (
                g.count(),
                g.sum(Flight.distance),
                g.mean(Flight.air_time),
                g.min(Flight.sched_dep_time),
                g.max(Flight.dep_delay),
                g.count_distinct(Flight.tailnum),
            )
        })
    });
}

#[test]
fn flights_that_nobody_made_in_figures() {
    let sql = "SELECT COUNT(*), SUM(air_time), AVG(distance), MAX(carrier) FROM flights \
               WHERE distance > 100000";
    agree(sql, |t| {
        t.flights.filter(|f| f.distance > 100_000).reduce(|g| {
            (g.count(), g.sum(Flight.air_time), g.mean(Flight.distance), g.max(Flight.carrier))
        })
    });
}

#[test]
fn carriers_by_origin_side_by_side() {
    let sql = "SELECT carrier, COUNT(*) FILTER (WHERE origin = 'EWR'), \
               COUNT(*) FILTER (WHERE origin = 'JFK'), COUNT(*) FILTER (WHERE origin = 'LGA') \
               FROM flights GROUP BY carrier";
    agree(sql, |t| {
        let origins = ["EWR", "JFK", "LGA"].map(str::to_owned);
        t.flights.group_by(Flight.carrier).pivot(|f| f.origin.clone(), origins, |g| g.count())
    });
}

#[test]
fn the_worst_delays_of_each_month_side_by_side() {
    let sql = "SELECT dest, MAX(arr_delay) FILTER (WHERE month = 1), \
               MAX(arr_delay) FILTER (WHERE month = 7) FROM flights GROUP BY dest";
    agree(sql, |t| {
        t.flights.group_by(Flight.dest).pivot(|f| f.month, [1, 7], |g| g.max(Flight.arr_delay))
    });
}

#[test]
fn both_delays_one_below_the_other() {
    let sql = "SELECT kind, COUNT(minutes), AVG(minutes), COUNT(*) FROM \
               (SELECT 'arrival' AS kind, arr_delay AS minutes FROM flights UNION ALL \
               SELECT 'departure', dep_delay FROM flights) GROUP BY kind";
    agree(sql, |t| {
        t.flights
            .unpivot(|f| f.id, |f| [("departure", f.dep_delay), ("arrival", f.arr_delay)])
            .group_by(|row| row.1.clone())
            .reduce(|g| (g.count().when(|row| row.2.is_some()), g.mean(|row| row.2), g.count()))
    });
}

#[test]
fn each_carriers_share_of_all_flights() {
    let sql = "SELECT carrier, COUNT(*) * 1.0 / (SELECT COUNT(*) FROM flights) FROM flights \
               GROUP BY carrier";
    agree(sql, |t| {
        let all = t.flights.reduce(|g| g.count());
        let each = t.flights.group_by(Flight.carrier).reduce(|g| g.count());
        each.cross_join(&all).select(|(carrier, n), all| (carrier.clone(), *n as f64 / *all as f64))
    });
}

#[test]
fn subtotals_of_three_columns_that_are_worth_a_look() {
    let sql = "SELECT * FROM (\
               SELECT origin, carrier, dest, COUNT(*), AVG(arr_delay) AS mean FROM flights \
               GROUP BY 1, 2, 3 HAVING COUNT(*) >= 10 UNION ALL \
               SELECT origin, carrier, NULL, COUNT(*), AVG(arr_delay) FROM flights GROUP BY 1, 2 \
               HAVING COUNT(*) >= 10 UNION ALL \
               SELECT origin, NULL, NULL, COUNT(*), AVG(arr_delay) FROM flights GROUP BY 1 UNION ALL \
               SELECT NULL, NULL, NULL, COUNT(*), AVG(arr_delay) FROM flights) WHERE mean > 10";
    agree(sql, |t| {
        t.flights
            .rollup(|f| (f.origin.clone(), f.carrier.clone(), f.dest.clone()))
            .reduce(|g| (g.count(), g.mean(Flight.arr_delay)))
            .having(|_, (flights, mean)| *flights >= 10 && *mean > Some(10.0))
    });
}
