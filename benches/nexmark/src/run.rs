//! Pushes events through a query, epoch by epoch.

use crate::batch::{self, Arrived};
use crate::generator::Generator;
use crate::queries::*;
use crate::rows::{Auction, Bid, Events, Person, SideInput, side_input};
use bench_support::Digest;
use pathway::io::{CollectionKind, Sink, SinkError, SinkWriter, Updates, Wanted};
use pathway::prelude::*;
use pathway::schema::DataType;
use pathway::table::IntoTable;
use pathway::testing::{Harness, TestStream};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// What queries read.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// Who registers.
    pub persons: Stream<Person>,
    /// What is sold.
    pub auctions: Stream<Auction>,
    /// What is bid.
    pub bids: Stream<Bid>,
    /// The small table of q13.
    pub side: Stream<SideInput>,
}

/// How fast a query is to be, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It keeps nothing.
    Stateless,
    /// It counts by key.
    Keyed,
    /// It joins, or keeps the first rows of groups.
    Joins,
}

impl Class {
    /// Events a second and core that it is to reach.
    pub fn events_a_second(self) -> f64 {
        match self {
            Self::Stateless => 8e6,
            Self::Keyed => 4e6,
            Self::Joins => 1.5e6,
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stateless => "stateless",
            Self::Keyed => "keyed",
            Self::Joins => "joins and top k",
        })
    }
}

/// One of the queries, whatever its rows are.
pub struct Query {
    /// `q0` to `q22`.
    pub name: &'static str,
    /// How fast it is to be.
    pub class: Class,
    write: Box<dyn Fn(&Inputs, Taken)>,
    batch: Box<dyn Fn(&Arrived) -> Digest>,
    check: Box<dyn Fn(usize, &[Epoch])>,
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Events that enter in one epoch.
#[derive(Clone, Debug)]
pub struct Epoch {
    /// How far the clock moves on before.
    pub after: Duration,
    /// The events.
    pub events: Events,
}

const PER_EPOCH: usize = 10_000;

/// As many events in epochs, each a second by the clock behind the one before: what benchmarks
/// push.
pub fn epochs(count: usize) -> Vec<Epoch> {
    let mut events = Generator::new(1);
    let epochs = (0..count / PER_EPOCH).map(|_| Epoch {
        after: Duration::from_secs(1),
        events: events.by_ref().take(PER_EPOCH).collect(),
    });
    epochs.collect()
}

impl Query {
    fn new<C: IntoTable + 'static>(
        name: &'static str,
        class: Class,
        pipeline: fn(&Inputs) -> C,
        write: fn(C, Taken),
        batch: fn(&Arrived) -> Vec<C::Row>,
    ) -> Self {
        Self {
            name,
            class,
            write: Box::new(move |inputs, taken| write(pipeline(inputs), taken)),
            batch: Box::new(move |events| {
                let mut digest = Digest::default();
                batch(events).iter().for_each(|row| digest.update(&row.to_row_bytes(), [0; 2], 1));
                digest
            }),
            check: Box::new(move |threads, epochs| {
                let mut run = Run::new(Harness::with_threads(threads));
                let rows = run.harness.capture(pipeline(&run.inputs));
                let arrived = run.arrivals(epochs);
                epochs.iter().for_each(|epoch| run.step(epoch.clone()));
                run.finish();
                rows.assert_rows(batch(&arrived));
            }),
        }
    }

    /// Runs the pipeline on one worker, and returns what it has given.
    pub fn run(&self, epochs: Vec<Epoch>) -> Digest {
        self.taking(Taken { digest: Arc::default(), hashes: true }, epochs)
    }

    /// Runs the pipeline on one worker, and returns how many rows it has given: nothing is spent
    /// on looking at them.
    pub fn count(&self, epochs: Vec<Epoch>) -> i64 {
        self.taking(Taken { digest: Arc::default(), hashes: false }, epochs).rows
    }

    fn taking(&self, taken: Taken, epochs: Vec<Epoch>) -> Digest {
        let mut run = Run::new(Harness::new());
        let digest = Arc::clone(&taken.digest);
        (self.write)(&run.inputs, taken);
        epochs.into_iter().for_each(|epoch| run.step(epoch));
        run.finish();
        // Sinks write on threads of their own, which the end of the run waits for.
        drop(run);
        let digest = digest.lock().unwrap_or_else(PoisonError::into_inner);
        *digest
    }

    /// What the plain evaluation gives.
    pub fn batch(&self, epochs: &[Epoch]) -> Digest {
        (self.batch)(&Run::new(Harness::new()).arrivals(epochs))
    }

    /// Compares the rows of the pipeline with those of the plain evaluation.
    ///
    /// # Panics
    ///
    /// If they differ, with the rows that are missing and those that are too many.
    pub fn check(&self, threads: usize, epochs: &[Epoch]) {
        (self.check)(threads, epochs);
    }
}

/// A pipeline and what is pushed into it.
struct Run {
    harness: Harness,
    persons: TestStream<Person>,
    auctions: TestStream<Auction>,
    bids: TestStream<Bid>,
    inputs: Inputs,
}

impl Run {
    fn new(harness: Harness) -> Self {
        let (persons, auctions) = (harness.stream(), harness.stream());
        let (bids, side) = (harness.stream(), harness.stream());
        let inputs = Inputs {
            persons: persons.rows(),
            auctions: auctions.rows(),
            bids: bids.rows(),
            side: side.rows(),
        };
        side.push(side_input());
        side.close();
        Self { harness, persons, auctions, bids, inputs }
    }

    /// All events of epochs that are yet to come, with the times at which they come.
    fn arrivals(&self, epochs: &[Epoch]) -> Arrived {
        let mut arrived = Arrived::default();
        let mut now = self.harness.now();
        for Epoch { after, events } in epochs {
            now += *after;
            arrived.events.persons.extend_from_slice(&events.persons);
            arrived.events.auctions.extend_from_slice(&events.auctions);
            arrived.events.bids.extend_from_slice(&events.bids);
            arrived.bids_came.resize(arrived.events.bids.len(), now);
        }
        arrived
    }

    fn step(&mut self, Epoch { after, events }: Epoch) {
        self.harness.advance(after);
        self.persons.push(events.persons);
        self.auctions.push(events.auctions);
        self.bids.push(events.bids);
        self.harness.step();
    }

    fn finish(&mut self) {
        self.persons.close();
        self.auctions.close();
        self.bids.close();
        self.harness.step();
    }
}

/// A sink that adds up what comes.
#[derive(Clone, Debug)]
struct Taken {
    digest: Arc<Mutex<Digest>>,
    /// Whether it looks at rows, or counts them alone.
    hashes: bool,
}

impl Sink for Taken {
    fn open(
        self: Box<Self>,
        _rows: DataType,
        _kind: CollectionKind,
    ) -> Result<Box<dyn SinkWriter>, SinkError> {
        Ok(self)
    }

    fn label(&self) -> String {
        "digest".to_owned()
    }

    fn wants(&self) -> Wanted {
        Wanted::Unsorted
    }
}

impl SinkWriter for Taken {
    fn write(&mut self, _epoch: u64, updates: &Updates) -> Result<(), SinkError> {
        let mut digest = self.digest.lock().unwrap_or_else(PoisonError::into_inner);
        for (row, diff) in updates.iter() {
            if self.hashes {
                digest.update(row, [0; 2], diff);
            } else {
                digest.rows += diff;
            }
        }
        Ok(())
    }
}

/// The queries, with the streams that each of them reads.
macro_rules! queries {
    ($($query:ident $class:ident ($($input:ident),*);)*) => {
        /// All queries in their order.
        pub fn queries() -> Vec<Query> {
            vec![$(Query::new(
                stringify!($query),
                Class::$class,
                |inputs| $query($(&inputs.$input),*),
                // A stream is written as one.
                |rows, taken| rows.write(taken),
                batch::$query,
            )),*]
        }
    };
}

queries! {
    q0 Stateless (bids);
    q1 Stateless (bids);
    q2 Stateless (bids);
    q3 Joins (persons, auctions);
    q4 Joins (auctions, bids);
    q5 Keyed (bids);
    q6 Joins (auctions, bids);
    q7 Keyed (bids);
    q8 Joins (persons, auctions);
    q9 Joins (auctions, bids);
    q10 Stateless (bids);
    q11 Keyed (bids);
    q12 Keyed (bids);
    q13 Joins (bids, side);
    q14 Stateless (bids);
    q15 Keyed (bids);
    q16 Keyed (bids);
    q17 Keyed (bids);
    q18 Joins (bids);
    q19 Joins (bids);
    q20 Joins (auctions, bids);
    q21 Stateless (bids);
    q22 Stateless (bids);
}
