//! Rows in order: the first of all or of each group, positions and ranks.

use crate::data::{Flight, Plane, scheduled};
use crate::question::agree;
use std::cmp::Reverse;

#[test]
fn the_three_most_delayed_flights_of_each_carrier() {
    let sql = "SELECT carrier, id, dep_delay FROM (SELECT *, ROW_NUMBER() OVER \
               (PARTITION BY carrier ORDER BY dep_delay DESC, id) AS n FROM flights) WHERE n <= 3";
    agree(sql, |t| {
        let worst = t.flights.group_by(Flight.carrier).sort_by(|f| Reverse(f.dep_delay)).limit(3);
        worst.map(|f| (f.carrier, f.id, f.dep_delay))
    });
}

#[test]
fn the_eleventh_to_the_thirtieth_of_the_longest_flights() {
    let sql = "SELECT id, distance FROM flights ORDER BY distance DESC, id LIMIT 20 OFFSET 10";
    agree(sql, |t| {
        let sorted = t.flights.sort_by(|f| Reverse(f.distance));
        sorted.offset(10).limit(20).map(|f| (f.id, f.distance))
    });
}

#[test]
fn flights_by_delay_where_the_unknown_come_first() {
    let sql = "SELECT id, dep_delay FROM flights ORDER BY dep_delay, id LIMIT 200";
    agree(sql, |t| t.flights.sort_by(Flight.dep_delay).limit(200).map(|f| (f.id, f.dep_delay)));
}

#[test]
fn all_but_the_first_flights() {
    let sql = "SELECT id FROM flights ORDER BY month, day, sched_dep_time, id LIMIT -1 OFFSET 3000";
    agree(sql, |t| t.flights.sort_by(scheduled).offset(3000).map(|f| f.id));
}

#[test]
fn the_second_flight_of_each_plane_on_a_day() {
    let sql = "SELECT tailnum, id FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY tailnum, month, \
               day ORDER BY sched_dep_time, id) AS n FROM flights) WHERE n = 2";
    agree(sql, |t| {
        t.flights
            .group_by(|f| (f.tailnum.clone(), f.month, f.day))
            .sort_by(Flight.sched_dep_time)
            .offset(1)
            .limit(1)
            .map(|f| (f.tailnum, f.id))
    });
}

#[test]
fn destinations_ranked_by_their_flights() {
    let sql = "SELECT dest, COUNT(*), RANK() OVER (ORDER BY COUNT(*) DESC), \
               DENSE_RANK() OVER (ORDER BY COUNT(*) DESC) FROM flights GROUP BY dest";
    agree(sql, |t| {
        let flights = t.flights.group_by(Flight.dest).reduce(|g| g.count());
        flights.sort_by(|row| Reverse(row.1)).over(|o| (o.rank(), o.dense_rank()))
    });
}

#[test]
fn carriers_ranked_at_each_destination() {
    let sql = "SELECT dest, carrier, COUNT(*), \
               RANK() OVER (PARTITION BY dest ORDER BY COUNT(*) DESC) FROM flights GROUP BY 1, 2";
    agree(sql, |t| {
        t.flights
            .group_by(|f| (f.dest.clone(), f.carrier.clone()))
            .reduce(|g| g.count())
            .group_by(|((dest, _), _)| dest.clone())
            .sort_by(|row| Reverse(row.1))
            .over(|o| o.rank())
    });
}

#[test]
fn planes_ranked_by_size_among_those_of_their_maker() {
    let sql = "SELECT tailnum, RANK() OVER size, DENSE_RANK() OVER size FROM planes \
               WINDOW size AS (PARTITION BY manufacturer ORDER BY seats DESC)";
    agree(sql, |t| {
        t.planes
            .group_by(Plane.manufacturer)
            .sort_by(|p| Reverse(p.seats))
            .over(|o| (o.rank(), o.dense_rank()))
            .select(|p, (rank, dense)| (p.tailnum, rank, dense))
    });
}

#[test]
fn planes_numbered_by_year_and_the_unknown_first() {
    let sql = "SELECT tailnum, ROW_NUMBER() OVER (ORDER BY year, tailnum), \
               RANK() OVER (ORDER BY year) FROM planes";
    agree(sql, |t| {
        let sorted = t.planes.sort_by(Plane.year);
        sorted.over(|o| (o.row_number(), o.rank())).select(|p, (n, rank)| (p.tailnum, n, rank))
    });
}

#[test]
fn flights_to_the_five_busiest_destinations() {
    let sql = "SELECT id, dest FROM flights WHERE dest IN (SELECT dest FROM flights \
               GROUP BY dest ORDER BY COUNT(*) DESC, dest LIMIT 5)";
    agree(sql, |t| {
        let flights = t.flights.group_by(Flight.dest).reduce(|g| g.count());
        let busiest = flights.sort_by(|row| Reverse(row.1)).limit(5);
        t.flights
            .semi_join(&busiest)
            .on(|f| f.dest.clone(), |row| row.0.clone())
            .map(|f| (f.id, f.dest))
    });
}

#[test]
fn the_three_main_destinations_of_the_four_largest_carriers() {
    let sql = "SELECT carrier, dest, flights FROM (SELECT carrier, dest, COUNT(*) AS flights, \
               ROW_NUMBER() OVER (PARTITION BY carrier ORDER BY COUNT(*) DESC, dest) AS n \
               FROM flights WHERE carrier IN (SELECT carrier FROM flights GROUP BY carrier \
               ORDER BY COUNT(*) DESC, carrier LIMIT 4) GROUP BY carrier, dest) WHERE n <= 3";
    agree(sql, |t| {
        let sizes = t.flights.group_by(Flight.carrier).reduce(|g| g.count());
        let largest = sizes.sort_by(|row| Reverse(row.1)).limit(4);
        t.flights
            .semi_join(&largest)
            .on(|f| f.carrier.clone(), |row| row.0.clone())
            .group_by(|f| (f.carrier.clone(), f.dest.clone()))
            .reduce(|g| g.count())
            .group_by(|((carrier, _), _)| carrier.clone())
            .sort_by(|row| Reverse(row.1))
            .limit(3)
    });
}

#[test]
fn subtotals_in_their_order() {
    let sql = "SELECT *, RANK() OVER (ORDER BY flights DESC) FROM (\
               SELECT origin, carrier, COUNT(*) AS flights FROM flights GROUP BY 1, 2 UNION ALL \
               SELECT origin, NULL, COUNT(*) FROM flights GROUP BY 1 UNION ALL \
               SELECT NULL, NULL, COUNT(*) FROM flights)";
    agree(sql, |t| {
        t.flights
            .rollup(|f| (f.origin.clone(), f.carrier.clone()))
            .reduce(|g| g.count())
            .sort_by(|row| Reverse(row.1))
            .over(|o| o.rank())
    });
}
