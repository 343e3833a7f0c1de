//! Columns by path do what closures do: in keys, in reducers, in joins.

use pathway::prelude::*;
use pathway::testing::check_incremental;

#[derive(Clone, Debug, Schema)]
struct Reading {
    place: Option<String>,
    level: f64,
    sensor: u8,
    offset: Option<i64>,
    tags: Vec<Option<u8>>,
    pair: (Option<u8>, bool),
    deep: Option<Option<i64>>,
    wide: i128,
}

#[derive(Clone, Debug, Schema)]
struct Sensor {
    name: String,
    id: Option<u8>,
    pair: (Option<u8>, bool),
}

/// Whatever both give must be the same: what is left of one without the other is nothing.
fn differences<T: Schema>(by_path: &Table<T>, by_closure: &Table<T>) -> Table<T> {
    by_path.difference(by_closure).concat(&by_closure.difference(by_path))
}

/// Checks the difference between columns and closures, which is to be empty after every epoch.
fn same<C: pathway::table::IntoTable>(
    by_path: impl Fn(&Table<Reading>, &Table<Sensor>) -> C,
    by_closure: impl Fn(&Table<Reading>, &Table<Sensor>) -> C,
) {
    check_incremental(|t| {
        let (readings, sensors) = (t.table(), t.table());
        let both = (by_path(&readings, &sensors), by_closure(&readings, &sensors));
        let differences = differences(&both.0.into_table(), &both.1.into_table());
        // A row here fails the run, and with it the check.
        differences.try_map(|_| Err::<(), _>("columns and closures differ"))
    })
    .cases(96)
    .run();
}

#[test]
fn keys_of_groups() {
    same(
        |readings, _| readings.group_by(Reading.place).reduce(|g| g.count()),
        |readings, _| readings.group_by(|r| r.place.clone()).reduce(|g| g.count()),
    );
    same(
        |readings, _| readings.group_by(Reading.pair).reduce(|g| g.sum(Reading.wide)),
        |readings, _| readings.group_by(|r| r.pair).reduce(|g| g.sum(|r| r.wide)),
    );
    same(
        |readings, _| readings.group_by(Reading.tags).reduce(|g| g.max(Reading.level)),
        |readings, _| readings.group_by(|r| r.tags.clone()).reduce(|g| g.max(|r| r.level)),
    );
}

#[test]
fn arguments_of_reducers() {
    same(
        |readings, _| {
            readings.group_by(Reading.sensor).reduce(|g| {
                (
                    g.count(),
                    g.sum(Reading.offset),
                    g.sum(Reading.sensor),
                    g.mean(Reading.level),
                    g.min(Reading.place),
                    g.max(Reading.offset),
                    g.any(Reading.pair),
                    g.count_distinct(Reading.place),
                    g.collect(Reading.offset),
                    g.sum(Reading.deep),
                    g.min(Reading.deep),
                    g.argmin(Reading.level, Reading.place),
                )
            })
        },
        |readings, _| {
            readings.group_by(|r| r.sensor).reduce(|g| {
                (
                    g.count(),
                    g.sum(|r| r.offset),
                    g.sum(|r| r.sensor),
                    g.mean(|r| r.level),
                    g.min(|r| r.place.clone()),
                    g.max(|r| r.offset),
                    g.any(|r| r.pair),
                    g.count_distinct(|r| r.place.clone()),
                    g.collect(|r| r.offset),
                    g.sum(|r| r.deep),
                    g.min(|r| r.deep),
                    g.argmin(|r| r.level, |r| r.place.clone()),
                )
            })
        },
    );
}

/// What several reducers keep of one column is kept once.
#[test]
fn reducers_of_one_column() {
    same(
        |readings, _| {
            readings.group_by(Reading.sensor).reduce(|g| {
                (
                    g.max(Reading.level),
                    g.sum(Reading.level),
                    g.min(Reading.level),
                    g.mean(Reading.level),
                    g.median(Reading.level),
                    g.quantile(0.9, Reading.level),
                    g.mode(Reading.level),
                    g.min(Reading.offset),
                    g.any(Reading.offset),
                    g.max(Reading.offset),
                )
            })
        },
        |readings, _| {
            readings.group_by(|r| r.sensor).reduce(|g| {
                (
                    g.max(|r| r.level),
                    g.sum(|r| r.level),
                    g.min(|r| r.level),
                    g.mean(|r| r.level),
                    g.median(|r| r.level),
                    g.quantile(0.9, |r| r.level),
                    g.mode(|r| r.level),
                    g.min(|r| r.offset),
                    g.any(|r| r.offset),
                    g.max(|r| r.offset),
                )
            })
        },
    );
}

#[test]
fn arguments_that_are_columns_alone() {
    same(
        |readings, _| {
            readings.group_by(Reading.offset).reduce(|g| {
                (
                    g.collect(Reading.tags),
                    g.count_distinct(Reading.deep),
                    g.min(Reading.tags),
                    g.sum(Reading.offset),
                    g.mean(Reading.deep),
                    g.fold(Reading.deep, |all| all.first().and_then(|first| first.0.flatten())),
                    g.max(Reading.deep),
                    g.collect(Reading.tags),
                )
            })
        },
        |readings, _| {
            readings.group_by(|r| r.offset).reduce(|g| {
                (
                    g.collect(|r| r.tags.clone()),
                    g.count_distinct(|r| r.deep),
                    g.min(|r| r.tags.clone()),
                    g.sum(|r| r.offset),
                    g.mean(|r| r.deep),
                    g.fold(|r| r.deep, |all| all.first().and_then(|first| first.0.flatten())),
                    g.max(|r| r.deep),
                    g.collect(|r| r.tags.clone()),
                )
            })
        },
    );
}

#[test]
fn keys_of_joins() {
    same(
        |readings, sensors| {
            readings
                .join(sensors)
                .on(Reading.sensor, Sensor.id)
                .select(|reading, sensor| (reading.level, sensor.name.clone()))
        },
        |readings, sensors| {
            readings
                .join(sensors)
                .on(|reading| reading.sensor, |sensor| sensor.id)
                .select(|reading, sensor| (reading.level, sensor.name.clone()))
        },
    );
    same(
        |readings, sensors| {
            readings
                .left_join(sensors)
                .on(Reading.pair, Sensor.pair)
                .select(|reading, sensor| (reading.pair, sensor.map(|sensor| sensor.pair)))
        },
        |readings, sensors| {
            readings
                .left_join(sensors)
                .on(|reading| reading.pair, |sensor| sensor.pair)
                .select(|reading, sensor| (reading.pair, sensor.map(|sensor| sensor.pair)))
        },
    );
}

#[test]
fn an_index_that_two_joins_share() {
    check_incremental(|t| {
        let (readings, sensors) = (t.table::<Reading>(), t.table::<Sensor>());
        let named = readings
            .join(&sensors)
            .on(Reading.place, Sensor.name)
            .select(|reading, sensor| (reading.place.clone(), sensor.id));
        let others = readings
            .left_join(&readings)
            .on(Reading.place, Reading.place)
            .select(|one, other| (one.place.clone(), other.map(|other| other.sensor)));
        let counts = readings.group_by(Reading.place).reduce(|g| g.count());
        let counted = counts
            .join(&readings)
            .on(|count| count.0.clone(), Reading.place)
            .select(|count, _| (count.0.clone(), u8::try_from(count.1).ok()));
        named.concat(&others).concat(&counted)
    })
    .cases(128)
    .run();
}
