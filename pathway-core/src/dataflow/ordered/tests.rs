use super::affected::affected;
use super::entry::Entry;
use super::evaluate::evaluate;
use super::partition::{Partitions, Side};
use super::tree::{Aggregate, Tree};
use super::{Edge, First, FirstRows, Keeps, Limit, Over, OverPart, OverPlan, RunningKind};
use crate::dataflow::OutputShape;
use crate::dataflow::chunk::Chunk;
use crate::dataflow::fold::{Acc, AnyFold, Best, BestKind, Count, Fold, Number, Total};
use crate::dataflow::operator::Logic;
use crate::dataflow::state::{State, Stored};
use crate::schema::{DataType, Schema, ordered, put_len};
use crate::stage::{Diff, EncodedStep, Inputs};
use crate::testing::Random;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// Key, tie, and a value that the windows look at.
type Row = (u8, u16, Option<i64>);

fn put_ordered<T: Schema>(value: &T, out: &mut Vec<u8>) {
    ordered::from_compact(T::data_type(), &mut value.to_row_bytes().as_slice(), out);
}

fn put_number(value: Option<i64>, inputs: &mut Inputs) {
    match value {
        Some(value) => inputs.int(value.into()),
        None => inputs.null(),
    }
}

/// A row as it travels: with its value as a number, compact, ordered and as a place.
fn message(row: &Row) -> Vec<u8> {
    let mut sort = Vec::new();
    put_ordered(&row.0, &mut sort);
    let key_len = sort.len();
    put_ordered(row, &mut sort);
    let mut inputs = Inputs::default();
    put_number(row.2, &mut inputs);
    inputs.compact_or_null(&row.2);
    inputs.ordered(&row.2);
    inputs.int(row.1.into());
    put_number(row.2, &mut inputs);
    let mut out = Vec::new();
    put_len(key_len, &mut out);
    put_len(sort.len(), &mut out);
    out.extend_from_slice(&sort);
    inputs.write(&mut out);
    out
}

fn entry(row: &Row, copies: Diff) -> Entry {
    Entry::read(&message(row), copies)
}

fn sum() -> Arc<dyn Fold> {
    Number::Int.total(Total::Sum(DataType::I64), true).in_acc()
}

fn best(kind: BestKind, append_only: bool) -> Arc<dyn Fold> {
    let output = <Option<i64>>::data_type();
    Arc::new(Best { kind, output, nullable: true, append_only })
}

fn every_part() -> Vec<OverPart> {
    let edge = Edge { argument: 1, nullable: true };
    let moving = |fold, preceding, following, argument| OverPart::Moving {
        fold,
        preceding,
        following,
        argument,
    };
    let running = |fold, kind, argument| OverPart::Running { fold, kind, argument };
    vec![
        OverPart::RowNumber,
        OverPart::Rank,
        OverPart::DenseRank,
        OverPart::Shifted { by: -2, argument: 1 },
        OverPart::Shifted { by: 1, argument: 1 },
        OverPart::First(edge),
        OverPart::Last(edge),
        running(sum(), RunningKind::Sum, 0),
        running(best(BestKind::Least, true), RunningKind::Least, 2),
        running(best(BestKind::Greatest, true), RunningKind::Greatest, 2),
        moving(sum(), 2, 1, 0),
        moving(best(BestKind::Greatest, false), 0, 3, 2),
        moving(AnyFold::Words(Arc::new(Count)).in_acc(), 1, 0, 0),
        OverPart::Difference { number: Number::Int, output: DataType::I64, argument: 0 },
        OverPart::Interpolate { argument: 3 },
    ]
}

fn plan(parts: &[OverPart]) -> OverPlan {
    OverPlan { parts: parts.into(), shape: OutputShape::Tuple }
}

fn row(random: &mut Random, keys: u64, ties: u64) -> Row {
    let value = (!random.one_in(3)).then(|| random.below(9).cast_signed() - 4);
    let key = u8::try_from(random.below(keys)).unwrap();
    (key, u16::try_from(random.below(ties)).unwrap(), value)
}

/// A multiset in a sorted vector.
#[derive(Default)]
struct Model(BTreeMap<Vec<u8>, (Row, i64)>);

impl Model {
    fn update(&mut self, row: &Row, copies: Diff) {
        let sort = entry(row, 0).sort().to_vec();
        self.0.entry(sort).or_insert((*row, 0)).1 += copies;
        self.0.retain(|_, (_, copies)| *copies != 0);
    }

    fn rows(&self) -> Vec<Row> {
        let copies = |(row, copies): &(Row, i64)| {
            std::iter::repeat_n(*row, usize::try_from(*copies).unwrap())
        };
        self.0.values().flat_map(copies).collect()
    }

    fn pick(&self, random: &mut Random) -> Option<(Row, i64)> {
        (!self.0.is_empty()).then(|| *self.0.values().nth(random.index(self.0.len())).unwrap())
    }
}

fn finished(fold: &dyn Fold, acc: &Acc) -> Vec<u8> {
    let mut out = Vec::new();
    fold.finish(acc, 0, &mut crate::schema::RowEncoder::standalone(&mut out)).unwrap();
    out
}

fn assert_agrees(tree: &Tree, model: &Model, aggregates: &[Aggregate], random: &mut Random) {
    let rows = model.rows();
    assert_eq!(tree.rows(), rows.len() as u64);
    let (mut cursor, mut seen) = (tree.cursor(0), 0);
    while let Some(found) = tree.get(cursor) {
        assert_eq!(found.sort(), entry(&rows[seen], 0).sort());
        seen += 1;
        tree.step(&mut cursor);
    }
    assert_eq!(seen, rows.len());
    assert!(tree.at(rows.len() as u64).is_none());
    for _ in 0..8 {
        let (from, to) = (random.index(rows.len() + 1), random.index(rows.len() + 1));
        let (from, to) = (from.min(to), from.max(to));
        if let Some(row) = rows.get(from) {
            assert_eq!(tree.at(from as u64).unwrap().sort(), entry(row, 0).sort());
        }
        for (which, aggregate) in aggregates.iter().enumerate() {
            let (mut acc, mut expected) = (aggregate.fold.zero(), aggregate.fold.zero());
            tree.fold(aggregates, which, from as u64, to as u64, &mut acc);
            for row in &rows[from..to] {
                let entry = entry(row, 1);
                aggregate.fold.update(&mut expected, entry.argument(aggregate.argument), 1);
            }
            let fold = &*aggregate.fold;
            assert_eq!(finished(fold, &acc), finished(fold, &expected));
        }
        let other = entry(&row(random, 200, 200), 0);
        let before = rows.iter().filter(|row| entry(row, 0).sort() < other.sort()).count();
        assert_eq!(tree.rank(other.sort()), before as u64);
        let copies = rows.iter().filter(|row| entry(row, 0).sort() == other.sort()).count();
        assert_eq!(tree.copies(other.sort()), copies as u64);
    }
}

#[test]
fn a_tree_is_a_sorted_vector() {
    let parts = every_part();
    let keeps = Keeps::of(&parts);
    for seed in 0..8 {
        let mut random = Random::new(seed);
        let (mut tree, mut model) = (Tree::new(), Model::default());
        // It grows past two levels of inner nodes, shrinks to nothing, and grows again.
        for (steps, shrinks) in [(3_000, false), (4_000, true), (500, false)] {
            for step in 0..steps {
                let known = random.one_in(4) || (shrinks && !random.one_in(8));
                let (row, copies) = match model.pick(&mut random).filter(|_| known) {
                    Some((row, copies)) => {
                        (row, -random.below(copies.cast_unsigned() + 1).cast_signed())
                    }
                    None => (row(&mut random, 200, 200), 1 + random.below(2).cast_signed()),
                };
                tree.update(&keeps.aggregates, &entry(&row, copies));
                model.update(&row, copies);
                if step % 500 == 0 {
                    assert_agrees(&tree, &model, &keeps.aggregates, &mut random);
                }
            }
            assert_agrees(&tree, &model, &keeps.aggregates, &mut random);
        }
        for row in model.rows() {
            tree.update(&keeps.aggregates, &entry(&row, -1));
        }
        assert_agrees(&tree, &Model::default(), &keeps.aggregates, &mut random);
    }
}

#[test]
fn rows_in_order_fill_their_leaves() {
    let mut tree = Tree::new();
    for at in 0..60_000u16 {
        tree.update(&[], &entry(&(0, at, None), 1));
    }
    let bytes = tree.memory() / 60_000;
    assert!(bytes < 90, "{bytes} bytes a row");
    (0..60_000u16).for_each(|at| tree.update(&[], &entry(&(0, at, None), -1)));
    assert_eq!(tree.rows(), 0);
    assert!(tree.memory() < 1 << 20, "{} bytes for nothing", tree.memory());
}

type Changes = BTreeMap<(Vec<u8>, Vec<u8>), Diff>;

fn note(found: &mut Changes, sort: &[u8], outputs: &[u8], diff: Diff) {
    *found.entry((sort.to_vec(), outputs.to_vec())).or_insert(0) += diff;
    found.retain(|_, diff| *diff != 0);
}

/// What the ranges of affected rows give is what all rows give, for each part alone.
#[test]
fn affected_rows_are_all_that_differ() {
    for (which, part) in every_part().into_iter().enumerate() {
        let plan = plan(&[part]);
        let keeps = Keeps::of(&plan.parts);
        for seed in 0..400 {
            let mut random = Random::new(seed);
            let (keys, ties) = *random.pick(&[(2, 4), (3, 40), (30, 2), (100, 3)]);
            let mut partitions = Partitions::new(keeps.clone(), None);
            let mut model = Model::default();
            for epoch in 0..4 {
                let most = if epoch == 0 { 60 } else { 5 };
                for _ in 0..=random.below(most) {
                    let known = model.pick(&mut random).filter(|_| random.one_in(2));
                    let (row, copies) = match known {
                        Some((row, copies)) => {
                            (row, -1 - random.below(copies.cast_unsigned()).cast_signed())
                        }
                        None => (row(&mut random, keys, ties), 1 + random.below(2).cast_signed()),
                    };
                    model.update(&row, copies);
                    partitions.receive(b"", &message(&row), copies);
                }
                let result: Result<(), String> = partitions.close(|_, partition, keeps| {
                    let changes = partition.take_changes().expect("no row is missing");
                    let (mut all, mut found) = (Changes::new(), Changes::new());
                    for side in [Side::Before, Side::After] {
                        let diff = if side == Side::Before { -1 } else { 1 };
                        if side == Side::After {
                            changes.iter().for_each(|change| partition.apply(keeps, &change.entry));
                        }
                        let everything = 0..partition.rows.rows();
                        evaluate(&plan, keeps, partition, &[everything], |entry, outputs| {
                            note(&mut all, entry.sort(), outputs, diff);
                        })?;
                        let ranges = affected(&plan, keeps, partition, &changes, side);
                        evaluate(&plan, keeps, partition, &ranges, |entry, outputs| {
                            note(&mut found, entry.sort(), outputs, diff);
                        })?;
                    }
                    assert_eq!(found, all, "part {which}, seed {seed}, epoch {epoch}");
                    Ok(())
                });
                result.unwrap();
            }
        }
    }
}

/// How many rows an update of a large partition looks at.
#[test]
fn few_rows_are_looked_at() {
    let looked_at = |part: OverPart, old: Option<Row>, new: Option<Row>| {
        let plan = plan(&[part]);
        let keeps = Keeps::of(&plan.parts);
        let mut partitions = Partitions::new(keeps, None);
        for at in 0..10_000u16 {
            let value = Some(i64::from(at % 100));
            partitions.receive(b"", &message(&(0, at * 2, value)), 1);
        }
        let apply = |partitions: &mut Partitions| {
            let mut rows = 0;
            let result: Result<(), ()> = partitions.close(|_, partition, keeps| {
                let changes = partition.take_changes().expect("no row is missing");
                rows += affected(&plan, keeps, partition, &changes, Side::Before)
                    .iter()
                    .map(|range| range.end - range.start)
                    .sum::<u64>();
                changes.iter().for_each(|change| partition.apply(keeps, &change.entry));
                Ok(())
            });
            result.unwrap();
            rows
        };
        apply(&mut partitions);
        old.iter().for_each(|row| partitions.receive(b"", &message(row), -1));
        new.iter().for_each(|row| partitions.receive(b"", &message(row), 1));
        apply(&mut partitions)
    };
    let new = Some((0, 10_001, Some(40)));
    let parts = every_part();
    let expected = [4_999, 0, 0, 2, 1, 0, 0, 4_999, 0, 0, 3, 3, 1, 1, 0];
    for (part, expected) in parts.iter().zip(expected) {
        assert_eq!(looked_at(part.clone(), None, new), expected, "{part}");
    }
    // A row that is replaced in its place moves no other.
    let old = Some((0, 10_000, Some(0)));
    assert_eq!(looked_at(parts[0].clone(), old, new), 1);
    // What is not the greatest value so far changes no maximum behind; what is, up to the next.
    let great = Some((0, 81, Some(70)));
    assert_eq!(looked_at(parts[9].clone(), None, great), 29);
}

/// What an operator emits.
#[derive(Clone, Default)]
struct Root(Rc<RefCell<Changes>>);

impl EncodedStep for Root {
    fn push(&mut self, first: &[u8], second: &[u8], diff: Diff) {
        note(&mut self.0.borrow_mut(), first, second, diff);
    }
}

fn operator(over: bool, state: &Rc<RefCell<Partitions>>, root: &Root) -> Box<dyn Logic> {
    let (state, rows) = (Rc::clone(state), Row::data_type());
    let (root, fail): (_, super::super::logic::Fail) =
        (Box::new(root.clone()), Arc::new(|_, problem| panic!("{problem}")));
    if over {
        Box::new(Over { plan: plan(&every_part()), rows, state, root, fail })
    } else {
        Box::new(Limit { offset: 2, limit: 5, rows, state, root, fail })
    }
}

fn state(over: bool) -> Rc<RefCell<Partitions>> {
    let keeps = if over { Keeps::of(&every_part()) } else { Keeps::nothing() };
    Rc::new(RefCell::new(Partitions::new(keeps, None)))
}

#[test]
fn a_loaded_state_goes_on_as_the_saved_one() {
    for (seed, over) in (0..20).flat_map(|seed| [(seed, false), (seed, true)]) {
        let mut random = Random::new(seed);
        let mut saved = state(over);
        let mut models: BTreeMap<u8, Model> = BTreeMap::new();
        let mut stored = Stored::default();
        for _ in 0..6 {
            stored.save(&mut *saved.borrow_mut());
            let loaded = state(over);
            stored.load(&mut *loaded.borrow_mut());
            assert_eq!(loaded.borrow().size().rows, saved.borrow().size().rows);
            let mut chunk = Chunk::for_target(0);
            for _ in 0..random.below(40) {
                let key = u8::try_from(random.below(3)).unwrap();
                let model = models.entry(key).or_default();
                let (row, copies) = match model.pick(&mut random).filter(|_| random.one_in(2)) {
                    Some((row, copies)) => (row, -copies),
                    None => (row(&mut random, 5, 3), 1),
                };
                model.update(&row, copies);
                chunk.push(Some(&[key]), &message(&row), copies);
            }
            let emitted: Vec<Changes> = [&saved, &loaded]
                .into_iter()
                .map(|state| {
                    let root = Root::default();
                    let mut operator = operator(over, state, &root);
                    operator.receive(0, chunk.clone());
                    assert!(operator.close(0));
                    root.0.take()
                })
                .collect();
            assert_eq!(emitted[0], emitted[1], "seed {seed}");
            saved = loaded;
        }
        let rows: usize = models.values().map(|model| model.rows().len()).sum();
        assert_eq!(saved.borrow().size().rows, rows);
    }
}

#[test]
fn a_stream_keeps_only_rows_that_can_be_shown() {
    let state = Rc::new(RefCell::new(Partitions::new(Keeps::nothing(), Some(7))));
    let root = Root::default();
    let mut operator = operator(false, &state, &root);
    let mut random = Random::new(1);
    let mut all = Model::default();
    for rows in [3, 20_000, 5, 100, 9_000] {
        let mut chunk = Chunk::for_target(0);
        for _ in 0..rows {
            let row = row(&mut random, 250, 60_000);
            all.update(&row, 1);
            chunk.push(Some(b""), &message(&row), 1);
        }
        operator.receive(0, chunk);
        assert!(operator.close(0));
        assert!(state.borrow().size().rows <= 7);
        let mut expected = Changes::new();
        for row in all.rows().into_iter().skip(2).take(5) {
            note(&mut expected, &row.to_row_bytes(), &[], 1);
        }
        assert_eq!(*root.0.borrow(), expected);
    }
}

/// A row as it travels to an operator of first rows.
fn first_message<T: Schema>(key: &impl Schema, row: &T) -> Vec<u8> {
    let mut sort = Vec::new();
    put_ordered(key, &mut sort);
    let mut out = Vec::new();
    put_len(sort.len(), &mut out);
    out.extend_from_slice(&sort);
    row.encode(&mut out);
    out
}

/// What first rows give in an epoch of rows, each with the partition that it is in.
fn first_epoch<T: Schema + Ord>(
    state: &Rc<RefCell<FirstRows>>,
    rows: impl IntoIterator<Item = (u8, Vec<u8>, Diff)>,
) -> Vec<(T, Diff)> {
    let root = Root::default();
    let mut operator = First { state: Rc::clone(state), root: Box::new(root.clone()) };
    let mut chunk = Chunk::for_target(0);
    for (partition, message, copies) in rows {
        chunk.push(Some(&[partition]), &message, copies);
        if chunk.is_full() {
            operator.receive(0, std::mem::take(&mut chunk));
        }
    }
    operator.receive(0, chunk);
    assert!(operator.close(0));
    decoded(root.0.take())
}

/// Changes of rows, in order.
fn decoded<T: Schema + Ord>(changes: Changes) -> Vec<(T, Diff)> {
    let rows = changes.into_iter();
    let mut rows: Vec<(T, Diff)> =
        rows.map(|((row, _), diff)| (T::decode(&mut &*row), diff)).collect();
    rows.sort_unstable();
    rows
}

#[test]
fn first_rows_are_those_of_a_sorted_list_in_every_epoch() {
    for (seed, limit) in (0..40).flat_map(|seed| [(seed, 1), (seed, 3), (seed, 20)]) {
        let mut random = Random::new(seed);
        let mut saved = Rc::new(RefCell::new(FirstRows::new(limit, Row::data_type())));
        let mut models: BTreeMap<u8, Model> = BTreeMap::new();
        let mut stored = Stored::default();
        let first = |model: &Model| {
            let mut rows = Changes::new();
            for row in model.rows().into_iter().take(usize::try_from(limit).unwrap()) {
                note(&mut rows, &row.to_row_bytes(), &[], 1);
            }
            rows
        };
        for epoch in 0..8 {
            let rows: Vec<(u8, Row, Diff)> = (0..random.below(60))
                .map(|_| {
                    let partition = u8::try_from(random.below(4)).unwrap();
                    let copies = 1 + random.below(3).cast_signed();
                    (partition, row(&mut random, 5, 3), copies)
                })
                .collect();
            let mut expected = Changes::new();
            for partition in 0..4 {
                let model = models.entry(partition).or_default();
                for ((row, _), copies) in first(model) {
                    note(&mut expected, &row, &[], -copies);
                }
                for (_, row, copies) in rows.iter().filter(|(of, ..)| *of == partition) {
                    model.update(row, *copies);
                }
                for ((row, _), copies) in first(model) {
                    note(&mut expected, &row, &[], copies);
                }
            }
            let messages = || {
                let message = |row: &Row| first_message(&row.0, row);
                rows.iter().map(move |(partition, row, copies)| (*partition, message(row), *copies))
            };
            let expected: Vec<(Row, Diff)> = decoded(expected);
            stored.save(&mut *saved.borrow_mut());
            let loaded = Rc::new(RefCell::new(FirstRows::new(limit, Row::data_type())));
            stored.load(&mut *loaded.borrow_mut());
            let place = format!("seed {seed}, limit {limit}, epoch {epoch}");
            assert_eq!(first_epoch::<Row>(&saved, messages()), expected, "{place}");
            assert_eq!(first_epoch::<Row>(&loaded, messages()), expected, "{place}, loaded");
            if random.one_in(2) {
                saved = loaded;
            }
        }
    }
}

/// A row may take the place of the one before, thousands of times in one epoch.
#[test]
fn rows_that_are_dropped_within_an_epoch_free_their_memory() {
    type Wide = (u32, String);
    let state = Rc::new(RefCell::new(FirstRows::new(2, Wide::data_type())));
    let wide = |n: u32| (n, "x".repeat(2_000));
    let messages = |from: u32, to: u32| {
        (from..to).rev().map(wide).map(|row| (0, first_message(&row.0, &row), 1))
    };
    let both = |n: u32, diff: Diff| [(wide(n), diff), (wide(n + 1), diff)];
    let first = first_epoch::<Wide>(&state, messages(200_000, 210_000));
    assert_eq!(first, both(200_000, 1));
    let second = first_epoch::<Wide>(&state, messages(100_000, 110_000));
    assert_eq!(second, [both(100_000, 1), both(200_000, -1)].concat());
    assert_eq!(state.borrow().size().rows, 2);
    assert!(state.borrow().size().bytes < 3 << 20, "{:?}", state.borrow().size());
}
