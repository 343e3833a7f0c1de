//! Every query beside its plain evaluation.

use crate::generator::Generator;
use crate::queries::LATENESS;
use crate::rows::{Event, Events};
use crate::run::{Epoch, queries};
use bench_support::Random;
use pathway::prelude::*;

const EVENTS: usize = 20_000;

/// Cuts events into epochs at random, so that some have none and some have many, and moves the
/// clock on between them. Before, each event is put behind others that are later by less than the
/// lateness, so that none is late.
fn epochs(seed: u64) -> Vec<Epoch> {
    let mut random = Random::new(seed);
    let late_ms = u64::try_from(LATENESS.as_millis()).expect("it is some seconds");
    let mut events: Vec<(i64, Event)> = Generator::new(seed)
        .take(EVENTS)
        .map(|event| {
            let time = match &event {
                Event::Person(person) => person.date_time,
                Event::Auction(auction) => auction.date_time,
                Event::Bid(bid) => bid.date_time,
            };
            (time.as_millisecond() + random.below(late_ms).cast_signed(), event)
        })
        .collect();
    events.sort_by_key(|(came, _)| *came);
    let mut events = events.into_iter().map(|(_, event)| event).peekable();
    let mut epochs = Vec::new();
    while events.peek().is_some() {
        let most = [1, 20, 500, 3_000][usize::try_from(random.below(4)).expect("four")];
        let count = usize::try_from(random.below(most)).expect("few");
        epochs.push(Epoch {
            after: Duration::from_millis(random.below(3_000).cast_signed()),
            events: events.by_ref().take(count).collect::<Events>(),
        });
    }
    epochs
}

/// A test of its own for each query, so that they run side by side and failures are named.
macro_rules! queries_are_exact {
    ($($query:ident)*) => { $(
        #[test]
        fn $query() {
            let query = queries().into_iter().find(|query| query.name == stringify!($query));
            let query = query.expect("the query is in the list");
            query.check(1, &epochs(1));
            query.check(2, &epochs(2));
        }
    )* };
}

queries_are_exact! {
    q0 q1 q2 q3 q4 q5 q6 q7 q8 q9 q10 q11 q12 q13 q14 q15 q16 q17 q18 q19 q20 q21 q22
}

#[test]
fn a_run_gives_the_digest_of_its_evaluation() {
    let epochs = epochs(3);
    for query in queries() {
        let digest = query.batch(&epochs);
        assert!(digest.rows > 0, "{} gives no rows, so nothing was compared", query.name);
        assert_eq!(query.run(epochs.clone()), digest, "{}", query.name);
        assert_eq!(query.count(epochs.clone()), digest.rows, "{}", query.name);
    }
}
