//! Groups, what is chosen from them, and groups of groups.

use crate::data::{Flight, Plane};
use crate::question::{Cells, agree};
use pathway::prelude::*;
use rusqlite::types::Value;
use std::cmp::Reverse;

#[test]
fn each_carrier_in_figures() {
    let sql = "SELECT carrier, COUNT(*), SUM(distance), AVG(dep_delay), MIN(dep_delay), \
               MAX(dep_delay), COUNT(DISTINCT dest) FROM flights GROUP BY carrier";
    agree(sql, |t| {
        t.flights.group_by(Flight.carrier).reduce(|g| {
            (
                g.count(),
                g.sum(Flight.distance),
                g.mean(Flight.dep_delay),
                g.min(Flight.dep_delay),
                g.max(Flight.dep_delay),
                g.count_distinct(Flight.dest),
            )
        })
    });
}

/// A carrier's flights, as a declaration.
#[derive(Clone, Debug, Schema, Aggregate)]
#[aggregate(from = Flight)]
struct CarrierDelay {
    #[aggregate(group)]
    carrier: String,
    #[aggregate(count)]
    flights: u64,
    #[aggregate(mean(dep_delay))]
    mean_delay: Option<f64>,
    #[aggregate(max(arr_delay))]
    worst: Option<i64>,
}

impl Cells for CarrierDelay {
    fn cells(&self, cells: &mut Vec<Value>) {
        (self.carrier.clone(), self.flights, self.mean_delay, self.worst).cells(cells);
    }
}

#[test]
fn each_carrier_as_a_declaration() {
    let sql = "SELECT carrier, COUNT(*), AVG(dep_delay), MAX(arr_delay) FROM flights \
               GROUP BY carrier";
    agree(sql, |t| t.flights.aggregate::<CarrierDelay>());
}

#[test]
fn cancelled_early_and_late_flights_of_each_origin() {
    let sql = "SELECT origin, COUNT(*) FILTER (WHERE dep_time IS NULL), COUNT(*), \
               MAX(dep_delay) FILTER (WHERE hour < 6), AVG(dep_delay) FILTER (WHERE hour >= 20), \
               COUNT(DISTINCT carrier) FILTER (WHERE distance > 2000) \
               FROM flights GROUP BY origin";
    agree(sql, |t| {
        t.flights.group_by(Flight.origin).reduce(|g| {
            (
                g.count().when(|f| f.dep_time.is_none()),
                g.count(),
                g.max(Flight.dep_delay).when(|f| f.hour < 6),
                g.mean(Flight.dep_delay).when(|f| f.hour >= 20),
                g.count_distinct(Flight.carrier).when(|f| f.distance > 2000),
            )
        })
    });
}

#[test]
fn carriers_with_many_flights_that_are_late_on_average() {
    let sql = "SELECT carrier, COUNT(*), AVG(dep_delay) FROM flights GROUP BY carrier \
               HAVING COUNT(*) > 100 AND AVG(dep_delay) > 5";
    agree(sql, |t| {
        t.flights
            .group_by(Flight.carrier)
            .reduce(|g| (g.count(), g.mean(Flight.dep_delay)))
            .having(|_, (flights, mean)| *flights > 100 && *mean > Some(5.0))
    });
}

#[test]
fn how_much_delays_vary() {
    let sql = "SELECT origin, month, AVG(dep_delay * dep_delay) - AVG(dep_delay) * AVG(dep_delay) \
               FROM flights GROUP BY origin, month";
    agree(sql, |t| {
        t.flights
            .group_by(|f| (f.origin.clone(), f.month))
            .reduce(|g| g.variance_population(Flight.dep_delay))
    });
}

#[test]
fn planes_seen_at_each_destination() {
    let sql = "SELECT dest, COUNT(DISTINCT tailnum), COUNT(tailnum) FROM flights GROUP BY dest";
    agree(sql, |t| {
        t.flights
            .group_by(Flight.dest)
            .reduce(|g| (g.count_distinct(Flight.tailnum), g.count().when(|f| f.tailnum.is_some())))
    });
}

#[test]
fn the_farthest_flight_of_each_carrier() {
    let sql = "SELECT carrier, id, distance FROM (SELECT *, ROW_NUMBER() OVER \
               (PARTITION BY carrier ORDER BY distance DESC, id) AS n FROM flights) WHERE n = 1";
    agree(sql, |t| {
        t.flights
            .group_by(Flight.carrier)
            .reduce(|g| g.argmax(|f| (f.distance, Reverse(f.id)), |f| (f.id, f.distance)))
    });
}

#[test]
fn the_destinations_of_each_origin_as_text() {
    let sql = "SELECT origin, GROUP_CONCAT(dest, ' ' ORDER BY dest) FROM \
               (SELECT DISTINCT origin, dest FROM flights) GROUP BY origin";
    agree(sql, |t| {
        t.flights
            .map(|f| (f.origin, f.dest))
            .distinct()
            .group_by(|row| row.0.clone())
            .reduce(|g| g.join_text(" ", |row| row.1.clone(), |row| row.1.clone()))
    });
}

#[test]
fn flights_that_a_carriers_plane_makes_on_average() {
    let sql = "SELECT carrier, AVG(flights), MAX(flights), COUNT(*) FROM \
               (SELECT carrier, tailnum, COUNT(*) AS flights FROM flights GROUP BY 1, 2) \
               GROUP BY carrier";
    agree(sql, |t| {
        t.flights
            .group_by(|f| (f.carrier.clone(), f.tailnum.clone()))
            .reduce(|g| g.count())
            .group_by(|((carrier, _), _)| carrier.clone())
            .reduce(|g| (g.mean(|row| row.1), g.max(|row| row.1), g.count()))
    });
}

#[test]
fn planes_that_fly_for_several_airlines() {
    let sql = "SELECT tailnum, COUNT(DISTINCT carrier) FROM flights WHERE tailnum IS NOT NULL \
               GROUP BY tailnum HAVING COUNT(DISTINCT carrier) > 1";
    agree(sql, |t| {
        t.flights
            .filter(|f| f.tailnum.is_some())
            .group_by(Flight.tailnum)
            .reduce(|g| g.count_distinct(Flight.carrier))
            .having(|_, carriers| *carriers > 1)
    });
}

#[test]
fn the_middle_delay_of_each_carrier() {
    let sql = "SELECT carrier, AVG(dep_delay) FROM (SELECT carrier, dep_delay, \
               ROW_NUMBER() OVER (PARTITION BY carrier ORDER BY dep_delay) AS n, \
               COUNT(*) OVER (PARTITION BY carrier) AS flights FROM flights \
               WHERE dep_delay IS NOT NULL) \
               WHERE n IN ((flights + 1) / 2, (flights + 2) / 2) GROUP BY carrier";
    agree(sql, |t| {
        let flown = t.flights.filter(|f| f.dep_delay.is_some());
        flown.group_by(Flight.carrier).reduce(|g| g.median(Flight.dep_delay))
    });
}

#[test]
fn what_holds_for_all_or_any_of_a_carriers_flights() {
    let sql = "SELECT carrier, MIN(distance > 500), MAX(dep_time IS NULL) FROM flights \
               GROUP BY carrier";
    agree(sql, |t| {
        t.flights
            .group_by(Flight.carrier)
            .reduce(|g| (g.bool_and(|f| f.distance > 500), g.bool_or(|f| f.dep_time.is_none())))
    });
}

#[test]
fn where_each_carrier_goes_most() {
    let sql = "SELECT carrier, dest FROM (SELECT carrier, dest, ROW_NUMBER() OVER \
               (PARTITION BY carrier ORDER BY COUNT(*) DESC, dest) AS n FROM flights \
               GROUP BY carrier, dest) WHERE n = 1";
    agree(sql, |t| t.flights.group_by(Flight.carrier).reduce(|g| g.mode(Flight.dest)));
}

#[test]
fn the_five_worst_delays_of_each_destination() {
    let sql = "SELECT dest, arr_delay FROM (SELECT dest, arr_delay, ROW_NUMBER() OVER \
               (PARTITION BY dest ORDER BY arr_delay DESC) AS n FROM flights \
               WHERE arr_delay IS NOT NULL) WHERE n <= 5";
    agree(sql, |t| {
        let late = t.flights.filter_map(|f| Some((f.dest, f.arr_delay?)));
        late.group_by(|row| row.0.clone())
            .reduce(|g| g.top_k(5, |row| row.1))
            .flat_map(|(dest, worst)| worst.into_iter().map(move |delay| (dest.clone(), delay)))
    });
}

#[test]
fn flights_of_each_plane_and_of_those_without_a_number() {
    let sql = "SELECT tailnum, COUNT(*), SUM(dep_delay), MIN(dest), MAX(dest) FROM flights \
               GROUP BY tailnum";
    agree(sql, |t| {
        t.flights.group_by(Flight.tailnum).reduce(|g| {
            (g.count(), g.sum(Flight.dep_delay), g.min(Flight.dest), g.max(Flight.dest))
        })
    });
}

#[test]
fn the_length_of_all_routes_of_each_origin() {
    let sql = "SELECT origin, SUM(distance), COUNT(*) FROM \
               (SELECT DISTINCT origin, dest, distance FROM flights) GROUP BY origin";
    agree(sql, |t| {
        t.flights
            .map(|f| (f.origin, f.dest, f.distance))
            .distinct()
            .group_by(|route| route.0.clone())
            .reduce(|g| (g.sum(|route| route.2), g.count()))
    });
}

#[test]
fn manufacturers_by_the_age_of_their_planes() {
    let sql = "SELECT manufacturer, MIN(year), MAX(year), AVG(seats), COUNT(*) - COUNT(year) \
               FROM planes GROUP BY manufacturer HAVING COUNT(*) >= 5";
    agree(sql, |t| {
        t.planes
            .group_by(Plane.manufacturer)
            .reduce(|g| {
                let unknown = g.count().when(|p| p.year.is_none());
                (g.min(Plane.year), g.max(Plane.year), g.mean(Plane.seats), unknown, g.count())
            })
            .having(|_, figures| figures.4 >= 5)
            .select(|maker, (first, last, seats, unknown, _)| (maker, first, last, seats, unknown))
    });
}

#[test]
fn the_mean_place_of_each_time_zone() {
    let sql = "SELECT tz, AVG(lat), SUM(lon), MIN(alt), COUNT(*) FROM airports GROUP BY tz";
    agree(sql, |t| {
        t.airports
            .group_by(|a| a.tz)
            .reduce(|g| (g.mean(|a| a.lat), g.sum(|a| a.lon), g.min(|a| a.alt), g.count()))
    });
}

#[test]
fn the_days_carriers_flew_most_to_places_known_by_name() {
    let sql = "SELECT name, MAX(flights) FROM (SELECT a.name AS name, f.month, f.day, \
               COUNT(*) AS flights FROM flights f JOIN airports a ON a.faa = f.dest \
               GROUP BY 1, 2, 3) GROUP BY name HAVING MAX(flights) >= 10";
    agree(sql, |t| {
        t.flights
            .join(&t.airports)
            .on(|f| f.dest.clone(), |a| a.faa.clone())
            .select(|f, a| (a.name.clone(), f.month, f.day))
            .group_by(|row| row.clone())
            .reduce(|g| g.count())
            .group_by(|((name, ..), _)| name.clone())
            .reduce(|g| g.max(|row| row.1))
            .having(|_, most| *most >= 10)
    });
}

#[test]
fn the_delay_that_nine_of_ten_flights_stay_below() {
    let sql = "SELECT carrier, SUM(CASE n WHEN low THEN dep_delay * (1 - part) \
               ELSE dep_delay * part END) FROM (SELECT carrier, dep_delay, \
               ROW_NUMBER() OVER (PARTITION BY carrier ORDER BY dep_delay) - 1 AS n, \
               (COUNT(*) OVER (PARTITION BY carrier) - 1) * 9 / 10 AS low, \
               (COUNT(*) OVER (PARTITION BY carrier) - 1) * 9 % 10 / 10.0 AS part \
               FROM flights WHERE dep_delay IS NOT NULL) WHERE n IN (low, low + 1) GROUP BY carrier";
    agree(sql, |t| {
        let flown = t.flights.filter(|f| f.dep_delay.is_some());
        flown.group_by(Flight.carrier).reduce(|g| g.quantile(0.9, Flight.dep_delay))
    });
}

#[test]
fn the_third_quarter_of_the_distances_of_each_origin() {
    let sql = "SELECT origin, distance FROM (SELECT origin, distance, \
               ROW_NUMBER() OVER (PARTITION BY origin ORDER BY distance) AS n, \
               COUNT(*) OVER (PARTITION BY origin) AS flights FROM flights) \
               WHERE n = (flights * 3 + 3) / 4";
    agree(sql, |t| {
        t.flights.group_by(Flight.origin).reduce(|g| g.quantile_discrete(0.75, Flight.distance))
    });
}

#[test]
fn the_variance_of_a_sample_where_there_may_be_one_flight() {
    let sql = "SELECT dest, (SUM(air_time * air_time) - SUM(air_time) * AVG(air_time)) \
               / (COUNT(air_time) - 1) FROM flights GROUP BY dest";
    agree(sql, |t| t.flights.group_by(Flight.dest).reduce(|g| g.variance(Flight.air_time)));
}

#[test]
fn the_first_and_the_last_flight_of_each_plane() {
    let sql = "SELECT DISTINCT tailnum, FIRST_VALUE(dest) OVER plane, \
               FIRST_VALUE(dep_delay) OVER plane, LAST_VALUE(id) OVER plane, \
               LAST_VALUE(dep_delay) OVER plane FROM flights WINDOW plane AS \
               (PARTITION BY tailnum ORDER BY sched_dep_time, id \
               ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)";
    agree(sql, |t| {
        let at = |f: &Flight| (f.sched_dep_time, f.id);
        t.flights.group_by(Flight.tailnum).reduce(|g| {
            (
                g.first(at, Flight.dest),
                g.first(at, Flight.dep_delay),
                g.last(at, |f| f.id),
                g.argmax(at, Flight.dep_delay),
            )
        })
    });
}

#[test]
fn the_two_planes_that_each_carrier_uses_most() {
    let sql = "SELECT carrier, tailnum, flights FROM (SELECT carrier, tailnum, \
               COUNT(*) AS flights, ROW_NUMBER() OVER (PARTITION BY carrier \
               ORDER BY COUNT(*) DESC, tailnum) AS n FROM flights WHERE tailnum IS NOT NULL \
               GROUP BY carrier, tailnum) WHERE n <= 2";
    agree(sql, |t| {
        t.flights.group_by(Flight.carrier).reduce(|g| g.most_frequent(2, Flight.tailnum)).flat_map(
            |(carrier, planes)| {
                planes.into_iter().map(move |(plane, n)| (carrier.clone(), plane, n))
            },
        )
    });
}

#[test]
fn the_stops_of_each_plane_as_a_list() {
    let sql = "SELECT tailnum, ROW_NUMBER() OVER (PARTITION BY tailnum \
               ORDER BY month, day, sched_dep_time, id), dest FROM flights";
    agree(sql, |t| {
        t.flights
            .group_by(Flight.tailnum)
            .reduce(|g| {
                g.collect_sorted_by(|f| (f.month, f.day, f.sched_dep_time, f.id), Flight.dest)
            })
            .flat_map(|(plane, stops)| {
                (1_u64..).zip(stops).map(move |(n, stop)| (plane.clone(), n, stop))
            })
    });
}
