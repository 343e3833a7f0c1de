//! Rows that are pushed reach closures as they are, and all others encoded.

use pathway::prelude::*;
use pathway::testing::Harness;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

#[derive(Clone, Debug, PartialEq, Schema)]
enum Kind {
    Sold { price: f64 },
    Given(Option<f64>),
    Lost,
}

#[derive(Clone, Debug, PartialEq, Schema)]
struct Item {
    #[schema(key)]
    id: u32,
    kind: Kind,
    tags: Vec<String>,
    #[schema(skip)]
    cached: u32,
}

fn item(id: u32, kind: Kind) -> Item {
    Item { id, kind, tags: vec!["a".to_owned(), id.to_string()], cached: 7 }
}

/// What the first closure behind a source is given.
fn seen<T: Schema + Clone>(rows: Vec<T>) -> Vec<T> {
    let (mut t, seen) = (Harness::new(), Arc::new(Mutex::new(Vec::new())));
    let pushed = t.stream::<T>();
    let kept = Arc::clone(&seen);
    pushed
        .rows()
        .inspect(move |row, _| kept.lock().expect("no panic").push(row.clone()))
        .write(null::sink());
    pushed.push(rows);
    t.step();
    std::mem::take(&mut *seen.lock().expect("no panic"))
}

#[test]
fn a_closure_sees_what_an_encoded_row_decodes_to() {
    let bits = |floats: Vec<f64>| floats.into_iter().map(f64::to_bits).collect::<Vec<_>>();
    assert_eq!(bits(seen(vec![-0.0, 1.5, -f64::NAN])), bits(vec![0.0, 1.5, f64::NAN]));
    let nested = seen(vec![vec![Some((1_u8, -0.0_f64))], vec![None]]);
    assert_eq!(nested[0][0].map(|(_, float)| float.to_bits()), Some(0));
    assert_eq!(nested[1], [None]);
    let items = seen(vec![
        item(1, Kind::Sold { price: -0.0 }),
        item(2, Kind::Given(None)),
        item(3, Kind::Lost),
    ]);
    // A field that is skipped has its default behind every source.
    assert!(items.iter().all(|item| item.cached == 0));
    assert!(matches!(items[0].kind, Kind::Sold { price } if price.is_sign_positive()));
    assert_eq!(items[2].tags, ["a", "3"]);
}

#[test]
fn consumers_of_every_kind_see_the_same_rows() {
    for threads in 1..=3 {
        let mut t = Harness::with_threads(threads);
        let pushed = t.stream::<Item>();
        let items = pushed.rows();
        // Whole rows, a closure, a column as the key of a group, of an index and of an upsert.
        let all = t.capture(&items);
        let sold = t.capture(&items.filter(|item| matches!(item.kind, Kind::Sold { .. })));
        let counts = t.capture(&items.group_by(Item.id).reduce(|g| g.count()));
        let pairs = items.join(&items).on(Item.id, Item.id).select(|left, _| left.id);
        let pairs = t.capture(&pairs);
        let latest = t.capture(&items.upsert());
        let distinct = t.capture(&items.distinct());
        let mut expected: BTreeMap<u32, u64> = BTreeMap::new();
        for epoch in 0..5_u32 {
            // One by one and together.
            for id in 0..epoch {
                pushed.push([item(id, Kind::Lost)]);
                *expected.entry(id).or_default() += 1;
            }
            let id = |n: u32| n % 7;
            pushed.push((0..100).map(|n| item(id(n), Kind::Sold { price: f64::from(n) })));
            (0..100).for_each(|n| *expected.entry(id(n)).or_default() += 1);
            t.step();
            let rows = usize::try_from(expected.values().sum::<u64>()).unwrap();
            assert_eq!(all.rows().len(), rows);
            assert_eq!(sold.rows().len(), 100 * (epoch as usize + 1));
            let mut counted = counts.rows();
            counted.sort_unstable();
            assert_eq!(counted, expected.clone().into_iter().collect::<Vec<_>>());
            let squares: u64 = expected.values().map(|count| count * count).sum();
            assert_eq!(pairs.rows().len() as u64, squares);
            assert_eq!(latest.rows().len(), 7);
            assert_eq!(distinct.rows().len(), 100 + usize::try_from(epoch.min(4)).unwrap());
        }
    }
}

/// Rows that come all the time leave no moment in which nothing is waiting.
#[test]
fn outputs_of_a_steady_trickle_are_soon_in_their_files() {
    let folder = std::env::temp_dir().join(format!("pathway-trickle-{}", std::process::id()));
    let app = Pipeline::new("trickle");
    let (input, rows) = app.input::<u32>();
    let [appended, current] = ["appended.jsonl", "current.jsonl"].map(|name| folder.join(name));
    rows.write(jsonl::file(&appended));
    rows.distinct().write(jsonl::file(&current).current());
    let running = app.start().unwrap();
    let start = std::time::Instant::now();
    let has_rows = |path| std::fs::metadata(path).is_ok_and(|file| file.len() > 0);
    let mut seen = false;
    for n in 0.. {
        input.push(n).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        seen = has_rows(&appended) && has_rows(&current);
        if seen || start.elapsed().as_secs() > 10 {
            break;
        }
    }
    running.stop();
    running.wait().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(seen, "nothing was in the files after {:?}", start.elapsed());
}

/// A run may be stopped while an epoch is on its way: what has entered is finished, and nothing else
/// enters.
#[test]
fn a_stop_in_the_middle_of_an_epoch_is_no_failure() {
    for round in 0..150_u64 {
        let app = Pipeline::new("stopped").threads(1 + (round % 2) as usize).progress(false);
        let (input, rows) = app.input::<u64>();
        let groups = rows.group_by(|n| n % 7).reduce(|g| (g.count(), g.sum(|n| *n)));
        let groups = groups.select(|key, (count, sum)| (key, count, sum)).view();
        rows.distinct().write(null::sink());
        let running = app.start().unwrap();
        let pushing =
            std::thread::spawn(move || (0..).take_while(|n| input.push(*n).is_ok()).count());
        std::thread::sleep(std::time::Duration::from_micros(500 + round * 37 % 2_000));
        running.stop();
        running.wait().unwrap();
        let pushed = pushing.join().unwrap() as u64;
        let rows = groups.rows();
        let counted: u64 = rows.iter().map(|(_, count, _)| count).sum();
        let sum: u64 = rows.iter().map(|(_, _, sum)| sum).sum();
        assert!(counted <= pushed, "{counted} rows of {pushed}");
        assert_eq!(sum, counted * counted.saturating_sub(1) / 2, "the first rows, each once");
    }
}
