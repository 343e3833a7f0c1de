//! The tables, as pipelines and as SQLite have them.

use crate::question::Cells;
use pathway::prelude::*;
use pathway::testing::Random;
use rusqlite::types::Value;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// A row that both have, column by column.
pub(crate) trait Stored: Schema + Clone + Cells {
    const TABLE: &str;
    /// The key first.
    const COLUMNS: &[&str];

    /// The row after a change that takes some values from another one and keeps the key.
    fn changed(&self, other: &Self, random: &mut Random) -> Self;
}

macro_rules! stored {
    ($Row:ident in $table:literal {
        $($(#[$attribute:meta])* $column:ident: $Type:ty,)*
    } changes $($changed:ident)*) => {
        #[derive(Clone, Debug, Schema)]
        pub(crate) struct $Row {
            $($(#[$attribute])* pub(crate) $column: $Type,)*
        }

        impl Stored for $Row {
            const TABLE: &str = $table;
            const COLUMNS: &[&str] = &[$(stringify!($column)),*];

            fn changed(&self, other: &Self, random: &mut Random) -> Self {
                let mut row = self.clone();
                $(if random.one_in(2) {
                    row.$changed = other.$changed.clone();
                })*
                row
            }
        }

        impl Cells for $Row {
            fn cells(&self, cells: &mut Vec<Value>) {
                $(self.$column.cells(cells);)*
            }
        }
    };
}

stored! {
    Flight in "flights" {
        /// The position in the file: what makes orders total.
        #[schema(key, default)] id: i64,
        month: i64,
        day: i64,
        dep_time: Option<i64>,
        sched_dep_time: i64,
        dep_delay: Option<i64>,
        arr_delay: Option<i64>,
        carrier: String,
        flight: i64,
        tailnum: Option<String>,
        origin: String,
        dest: String,
        air_time: Option<i64>,
        distance: i64,
        hour: i64,
    } changes dep_time dep_delay arr_delay carrier tailnum dest
}

stored! {
    Airline in "airlines" {
        #[schema(key)] carrier: String,
        name: String,
    } changes name
}

stored! {
    Airport in "airports" {
        #[schema(key)] faa: String,
        name: String,
        lat: f64,
        lon: f64,
        alt: i64,
        tz: i64,
        tzone: Option<String>,
    } changes alt tz tzone
}

stored! {
    Plane in "planes" {
        #[schema(key)] tailnum: String,
        year: Option<i64>,
        manufacturer: String,
        model: String,
        engines: i64,
        seats: i64,
    } changes year manufacturer seats
}

/// When a flight was to leave.
pub(crate) fn scheduled(f: &Flight) -> (i64, i64, i64) {
    (f.month, f.day, f.sched_dep_time)
}

/// The tables of a pipeline.
pub(crate) struct Tables {
    pub(crate) flights: Table<Flight>,
    pub(crate) airlines: Table<Airline>,
    pub(crate) airports: Table<Airport>,
    pub(crate) planes: Table<Plane>,
}

/// The rows of the files.
pub(crate) struct Files {
    pub(crate) flights: Vec<Flight>,
    pub(crate) airlines: Vec<Airline>,
    pub(crate) airports: Vec<Airport>,
    pub(crate) planes: Vec<Plane>,
}

pub(crate) static FILES: LazyLock<Files> = LazyLock::new(|| {
    let mut flights: Vec<Flight> = read("flights/2013-0[17].csv");
    flights.retain(|flight| flight.day <= 2);
    for (id, flight) in (1..).zip(&mut flights) {
        flight.id = id;
    }
    Files {
        flights,
        airlines: read("airlines.csv"),
        airports: read("airports.csv"),
        planes: read("planes.csv"),
    }
});

fn read<T: Schema>(files: &str) -> Vec<T> {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/nycflights13");
    let app = Pipeline::new("files").progress(false);
    app.read(csv::files::<T>(folder.join(files)).null("NA")).collect().expect("the files are good")
}

pub(crate) const EPOCHS: usize = 6;

/// The updates of each epoch: rows that come (`true`) in a random order and in random epochs, of
/// which one in twenty goes again later and one in twenty is changed.
pub(crate) fn history<T: Stored>(rows: &[T], random: &mut Random) -> Vec<Vec<(T, bool)>> {
    let mut order: Vec<&T> = rows.iter().collect();
    for at in (1..order.len()).rev() {
        order.swap(at, random.index(at + 1));
    }
    let mut epochs = vec![Vec::new(); EPOCHS];
    for row in order {
        // The last epochs have changes alone.
        let came = random.index(EPOCHS - 2);
        epochs[came].push((row.clone(), true));
        if random.one_in(10) {
            let later = came + 1 + random.index(EPOCHS - came - 1);
            epochs[later].push((row.clone(), false));
            if random.one_in(2) {
                epochs[later].push((row.changed(random.pick(rows), random), true));
            }
        }
    }
    epochs
}
