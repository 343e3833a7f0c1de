//! What every fold keeps to: parts add up to the whole, whatever the order, what is taken away is
//! gone, and a state that was written and merged goes on as it was.

use super::*;
use crate::dataflow::OutputShape;
use crate::schema::{DataType, Schema};
use crate::stage::Inputs;
use crate::testing::Random;
use std::sync::Arc;

/// A fold, and how it takes its argument from a number.
type Case = (&'static str, Arc<dyn Fold>, fn(&mut Inputs, i64));

const ORDERED: fn(&mut Inputs, i64) = |inputs, n| inputs.ordered(&n);
const NULLABLE: fn(&mut Inputs, i64) = |inputs, n| inputs.ordered(&(n != 0).then_some(n));
const FLOAT: fn(&mut Inputs, i64) = |inputs, n| inputs.float(n as f64 / 3.0);
const INT: fn(&mut Inputs, i64) = |inputs, n| inputs.int(n.into());
const COMPACT: fn(&mut Inputs, i64) = |inputs, n| inputs.compact(&n);
const PAIR: fn(&mut Inputs, i64) = |inputs, n| inputs.ordered_pair(&(n % 3), &n, false);
const DESCENDING: fn(&mut Inputs, i64) = |inputs, n| inputs.ordered_pair(&(n % 3), &n, true);
const ENTRY: fn(&mut Inputs, i64) = |inputs, n| inputs.ordered_both(&n, &(n + 1));
const TEXT: fn(&mut Inputs, i64) = |inputs, n| inputs.ordered_pair(&n, &"x".repeat(2), false);

fn cases(append_only: bool) -> Vec<Case> {
    let i64s = Output { data_type: DataType::I64, nullable: false };
    let options = Output { data_type: Option::<i64>::data_type(), nullable: true };
    let best = |kind, output: Output| Best {
        kind,
        output: output.data_type,
        nullable: output.nullable,
        append_only,
    };
    let pair = |descending| BestKind::PairFirst { by: DataType::I64, descending };
    let variance = |number| Variance { number, population: false, root: true, nullable: true };
    let bits = |operation| Tally(Bits { operation, output: DataType::I64, nullable: true });
    let top = |greatest| Values(Top { k: 3, greatest, element: DataType::I64, append_only });
    let when: fn(&mut Inputs, i64) =
        |inputs, n| if n > 0 { inputs.ordered(&n) } else { inputs.absent() };
    let filtered = Filtered { fold: Arc::new(best(BestKind::Least, i64s)), optional: true };
    let mut cases: Vec<Case> = vec![
        ("count", AnyFold::Words(Arc::new(Count)).in_acc(), |inputs, _| inputs.null()),
        ("mean", Number::Float.total(Total::Mean, true).in_acc(), FLOAT),
        ("sum of integers", Number::Int.total(Total::Sum(DataType::I64), true).in_acc(), INT),
        ("variance of integers", Arc::new(variance(Number::Int)), INT),
        ("variance of floats", Arc::new(variance(Number::Float)), FLOAT),
        ("min", Arc::new(best(BestKind::Least, options)), NULLABLE),
        ("argmax", Arc::new(best(pair(true), i64s)), DESCENDING),
        ("count_distinct", Arc::new(CountDistinct), COMPACT),
        ("mode", Arc::new(Values(Mode(options))), NULLABLE),
        (
            "most_frequent",
            Arc::new(Values(MostFrequent { k: 2, element: DataType::I64, nullable: false })),
            ORDERED,
        ),
        (
            "quantile",
            Arc::new(Values(Quantile { q: 0.3, element: DataType::I64, nullable: true })),
            ORDERED,
        ),
        (
            "quantile_discrete",
            Arc::new(Values(QuantileDiscrete { q: 0.3, output: options })),
            NULLABLE,
        ),
        ("approx_quantile", Arc::new(Values(ApproxQuantile { q: 0.3, nullable: true })), FLOAT),
        ("histogram", Arc::new(Tally(Histogram { bounds: vec![-1.0, 0.5] })), FLOAT),
        ("bit_and", Arc::new(bits(BitOperation::And)), INT),
        ("bit_or", Arc::new(bits(BitOperation::Or)), INT),
        ("bit_xor", Arc::new(bits(BitOperation::Xor)), INT),
        ("top_k", Arc::new(top(true)), ORDERED),
        ("bottom_k", Arc::new(top(false)), ORDERED),
        ("collect", Arc::new(Values(Collect { element: DataType::I64 })), ORDERED),
        (
            "collect_sorted_by",
            Arc::new(Values(CollectSorted { by: DataType::I64, element: DataType::I64 })),
            PAIR,
        ),
        (
            "collect_map",
            Arc::new(Values(CollectMap { key: DataType::I64, value: DataType::I64 })),
            ENTRY,
        ),
        (
            "join_text",
            Arc::new(Values(JoinText {
                separator: ", ".to_owned(),
                by: DataType::I64,
                text: Output { data_type: DataType::String, nullable: false },
            })),
            TEXT,
        ),
        ("a condition", Arc::new(filtered), when),
    ];
    if append_only {
        cases.push(("approx_count_distinct", Arc::new(ApproxCountDistinct), COMPACT));
    }
    cases
}

fn update(case: &Case, acc: &mut Acc, value: i64, diff: Diff) {
    let mut inputs = Inputs::default();
    (case.2)(&mut inputs, value);
    case.1.update(acc, inputs.get(0), diff);
}

fn output(case: &Case, acc: &Acc, rows: i64) -> Vec<u8> {
    let mut out = Vec::new();
    case.1.finish(acc, rows, &mut RowEncoder::standalone(&mut out)).expect(case.0);
    out
}

fn moved(case: &Case, acc: &Acc, into: &mut Acc) {
    let mut bytes = Vec::new();
    case.1.write(acc, &mut bytes);
    let mut input = bytes.as_slice();
    case.1.merge(into, &mut input);
    assert!(input.is_empty(), "{} reads what it has written", case.0);
}

fn rows(random: &mut Random) -> Vec<i64> {
    let len = 1 + random.index(400);
    (0..len).map(|_| i64::try_from(random.below(200)).expect("small") - 100).collect()
}

#[test]
fn parts_add_up_to_the_whole_in_any_order() {
    for append_only in [false, true] {
        for case in &cases(append_only) {
            for seed in 0..10 {
                let mut random = Random::new(seed);
                let rows = rows(&mut random);
                let (mut whole, mut parts) = (case.1.zero(), [case.1.zero(), case.1.zero()]);
                for value in &rows {
                    update(case, &mut whole, *value, 1);
                }
                for value in rows.iter().rev() {
                    update(case, &mut parts[usize::from(random.one_in(3))], *value, 1);
                }
                let mut merged = case.1.zero();
                parts.iter().for_each(|part| moved(case, part, &mut merged));
                moved(case, &case.1.zero(), &mut merged);
                let count = i64::try_from(rows.len()).expect("few");
                assert_eq!(
                    output(case, &merged, count),
                    output(case, &whole, count),
                    "{} with seed {seed}",
                    case.0
                );
                let _ = case.1.memory(&merged);
            }
        }
    }
}

#[test]
fn what_is_taken_away_is_gone() {
    for case in &cases(false) {
        for seed in 0..10 {
            let mut random = Random::new(seed);
            let (kept, gone) = (rows(&mut random), rows(&mut random));
            let (mut expected, mut acc) = (case.1.zero(), case.1.zero());
            // Taken away before they come: within an epoch there is no order.
            gone.iter().for_each(|value| update(case, &mut acc, *value, -1));
            kept.iter().for_each(|value| update(case, &mut acc, *value, 1));
            kept.iter().for_each(|value| update(case, &mut expected, *value, 1));
            let mut moved_on = case.1.zero();
            moved(case, &acc, &mut moved_on);
            gone.iter().for_each(|value| update(case, &mut moved_on, *value, 1));
            let count = i64::try_from(kept.len()).expect("few");
            let outputs = [&moved_on, &expected].map(|acc| output(case, acc, count));
            assert_eq!(outputs[0], outputs[1], "{} with seed {seed}", case.0);
            kept.iter().for_each(|value| update(case, &mut moved_on, *value, -1));
            assert!(moved_on.is_empty(), "{} keeps something of nothing", case.0);
        }
    }
}

#[test]
fn an_array_of_outputs_is_encoded_as_one() {
    let count = AnyFold::Words(Arc::new(Count));
    let plan = crate::dataflow::ReducePlan::new(vec![count.clone(), count], OutputShape::Array);
    let mut out = Vec::new();
    plan.encode_outputs((&[], &[]), 3, &mut out).expect("counts are valid");
    assert_eq!(out, [3u64, 3].to_row_bytes());
}
