//! One question: what SQLite answers, and what a pipeline has.

use crate::data::{EPOCHS, FILES, Stored, Tables, history};
use pathway::table::IntoTable;
use pathway::testing::{Harness, Random, TestTable};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use std::cmp::Ordering;
use std::fmt::Write;

/// What is a row of cells.
pub(crate) trait Cells {
    fn cells(&self, cells: &mut Vec<Value>);
}

macro_rules! cell {
    ($($Type:ty: $value:ident => $cell:expr;)*) => {
        $(impl Cells for $Type {
            fn cells(&self, cells: &mut Vec<Value>) {
                let $value = self;
                cells.push($cell);
            }
        })*
    };
}

cell! {
    bool: value => Value::Integer(i64::from(*value));
    i64: value => Value::Integer(*value);
    u64: value => Value::Integer(i64::try_from(*value).expect("counts are small"));
    f64: value => Value::Real(*value);
    String: value => Value::Text(value.clone());
}

impl<T: Cells> Cells for Option<T> {
    fn cells(&self, cells: &mut Vec<Value>) {
        match self {
            Some(value) => value.cells(cells),
            None => cells.push(Value::Null),
        }
    }
}

impl<T: Cells, const LEN: usize> Cells for [T; LEN] {
    fn cells(&self, cells: &mut Vec<Value>) {
        self.iter().for_each(|value| value.cells(cells));
    }
}

macro_rules! tuple {
    ($($Part:ident)*) => {
        impl<$($Part: Cells),*> Cells for ($($Part,)*) {
            #[expect(non_snake_case, reason = "the parts are named like their types")]
            fn cells(&self, cells: &mut Vec<Value>) {
                let ($($Part,)*) = self;
                $($Part.cells(cells);)*
            }
        }
    };
}

tuple!(A);
tuple!(A B);
tuple!(A B C);
tuple!(A B C D);
tuple!(A B C D E);
tuple!(A B C D E F);
tuple!(A B C D E F G);

/// Asserts that a pipeline has the rows that `sql` finds, halfway and at the end: on one worker,
/// and every third question on three workers too.
pub(crate) fn agree<C>(sql: &str, pipeline: impl Fn(&Tables) -> C)
where
    C: IntoTable<Row: Cells>,
{
    // Every question has a history of its own.
    let seed = sql.bytes().fold(0_u64, |seed, byte| seed.wrapping_mul(31) + u64::from(byte));
    let mut random = Random::new(seed);
    let flights = history(&FILES.flights, &mut random);
    let airlines = history(&FILES.airlines, &mut random);
    let airports = history(&FILES.airports, &mut random);
    let planes = history(&FILES.planes, &mut random);

    let database = Connection::open_in_memory().expect("memory suffices");
    let mut answers = Vec::new();
    for epoch in 0..EPOCHS {
        store(&database, &flights, epoch);
        store(&database, &airlines, epoch);
        store(&database, &airports, epoch);
        store(&database, &planes, epoch);
        let asked = epoch == EPOCHS / 2 || epoch == EPOCHS - 1;
        answers.push(asked.then(|| answer(&database, sql)));
    }
    let last = answers.last().and_then(Option::as_ref);
    assert!(last.is_some_and(|rows| !rows.is_empty()), "no answer at the end tests little");

    let workers: &[usize] = if seed.is_multiple_of(3) { &[1, 3] } else { &[1] };
    for &workers in workers {
        let mut t = Harness::with_threads(workers);
        let inputs = (t.table(), t.table(), t.table(), t.table());
        let tables = Tables {
            flights: inputs.0.rows(),
            airlines: inputs.1.rows(),
            airports: inputs.2.rows(),
            planes: inputs.3.rows(),
        };
        let output = t.capture(pipeline(&tables));
        for (epoch, answer) in answers.iter().enumerate() {
            feed(&inputs.0, &flights[epoch]);
            feed(&inputs.1, &airlines[epoch]);
            feed(&inputs.2, &airports[epoch]);
            feed(&inputs.3, &planes[epoch]);
            t.step();
            if let Some(expected) = answer {
                let found = output.rows().iter().map(cells_of).collect();
                let when = format!("after epoch {epoch} on {workers} workers");
                compare(found, expected.clone(), &when);
            }
        }
    }
}

fn cells_of<T: Cells>(row: &T) -> Vec<Value> {
    let mut cells = Vec::new();
    row.cells(&mut cells);
    cells
}

fn feed<T: Stored>(input: &TestTable<T>, updates: &[(T, bool)]) {
    for (row, comes) in updates {
        if *comes {
            input.insert(row.clone());
        } else {
            input.remove(row.clone());
        }
    }
}

/// Gives SQLite the updates of an epoch, and before the first the table. Columns have no type, so
/// that values are stored as they are.
fn store<T: Stored>(database: &Connection, epochs: &[Vec<(T, bool)>], epoch: usize) {
    let (table, key) = (T::TABLE, T::COLUMNS[0]);
    if epoch == 0 {
        let others = T::COLUMNS[1..].join(", ");
        let create = format!("CREATE TABLE {table} ({key} PRIMARY KEY, {others})");
        database.execute_batch(&create).expect("the table is new");
    }
    database.execute_batch("BEGIN").expect("no other is open");
    let places = vec!["?"; T::COLUMNS.len()].join(", ");
    let mut insert = database
        .prepare(&format!("INSERT INTO {table} VALUES ({places})"))
        .expect("the table has these columns");
    let mut delete = database
        .prepare(&format!("DELETE FROM {table} WHERE {key} = ?"))
        .expect("the table has a key");
    for (row, comes) in &epochs[epoch] {
        let mut cells = cells_of(row);
        let changed = if *comes {
            insert.execute(params_from_iter(cells))
        } else {
            cells.truncate(1);
            delete.execute(params_from_iter(cells))
        };
        assert_eq!(changed, Ok(1), "keys are unique, and a row that goes is there");
    }
    database.execute_batch("COMMIT").expect("it was begun");
}

/// The rows of a query.
fn answer(database: &Connection, sql: &str) -> Vec<Vec<Value>> {
    let mut query = database.prepare(sql).expect("the query is SQL");
    let columns = query.column_count();
    query
        .query_map((), |row| (0..columns).map(|column| row.get(column)).collect())
        .and_then(Iterator::collect)
        .expect("the query has an answer")
}

/// Compares rows as multisets; floats may differ by their last digits.
fn compare(mut found: Vec<Vec<Value>>, mut expected: Vec<Vec<Value>>, when: &str) {
    found.sort_by(|a, b| row_order(a, b));
    expected.sort_by(|a, b| row_order(a, b));
    let same = |(a, b): (&Vec<Value>, &Vec<Value>)| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b))
    };
    let first = found.iter().zip(&expected).position(|pair| !same(pair));
    let first = first.unwrap_or(found.len().min(expected.len()));
    if first == found.len() && first == expected.len() {
        return;
    }
    let mut message = format!(
        "{when} the pipeline has {} rows and SQLite {}; from row {first} on:\n",
        found.len(),
        expected.len()
    );
    for (name, rows) in [("pipeline", &found), ("SQLite", &expected)] {
        for row in rows.iter().skip(first).take(5) {
            writeln!(message, "{name}: {row:?}").expect("a string takes all");
        }
    }
    panic!("{message}");
}

fn alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Real(a), Value::Real(b)) => (a - b).abs() <= 1e-9 * a.abs().max(b.abs()),
        _ => a == b,
    }
}

/// Sorts by all that is exact first, so that floats that differ a little part no pair of rows.
fn row_order(a: &[Value], b: &[Value]) -> Ordering {
    let exact = a.iter().zip(b).map(|(a, b)| match (a, b) {
        (Value::Integer(a), Value::Integer(b)) => a.cmp(b),
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        (a, b) => kind(a).cmp(&kind(b)),
    });
    let floats = a.iter().zip(b).map(|(a, b)| match (a, b) {
        (Value::Real(a), Value::Real(b)) => a.total_cmp(b),
        _ => Ordering::Equal,
    });
    exact.chain(floats).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

fn kind(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Integer(_) => 1,
        Value::Real(_) => 2,
        Value::Text(_) => 3,
        Value::Blob(_) => 4,
    }
}
