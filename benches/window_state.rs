//! What windows keep over a long stream: fifty million events of a thousand sensors in windows of
//! a minute, up to ten seconds out of order, from two partitions of which one falls silent. The
//! state is to be as large at the end as behind the first minutes.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use bench_support::{Figure, Random, is_quick};
use pathway::prelude::*;
use pathway::testing::Harness;

/// A measured value of one of a thousand sensors.
#[derive(Clone, Debug, Schema)]
struct Event {
    sensor: u32,
    #[schema(event_time)]
    at: DateTime,
    value: i64,
}

const SENSORS: u64 = 1_000;
const LATENESS: Duration = Duration::from_secs(10);
const IDLE_AFTER: Duration = Duration::from_secs(30);
/// So many events a second, in epochs of a second.
const PER_EPOCH: u32 = 10_000;
/// The second partition falls silent behind so many epochs.
const HEARD: u32 = 5;
/// Behind so many epochs, state is not to grow any more.
const WARM: u32 = 200;
/// The state is looked at every so many epochs, at all times of a minute, and said so often.
const EPOCHS_PER_LOOK: u32 = 7;
const LINES: u32 = 10;

#[derive(Clone, Copy, Debug)]
enum Emission {
    Final,
    EveryChange,
}

fn main() {
    let epochs = if is_quick() { 400 } else { 5_000 };
    for (name, emission) in
        [("once, when final", Emission::Final), ("at every change", Emission::EveryChange)]
    {
        let (warm, most) = run(name, emission, epochs);
        let events = u64::from(epochs) * u64::from(PER_EPOCH);
        let work = format!("windows of a minute {name}, {events} events, {SENSORS} keys");
        println!(
            "{}",
            Figure {
                work: &work,
                measured: "KiB of state at most, beside those of the first minutes",
                pathway: Some(most),
                reference: Some(warm),
                ratio_max: Some(1.1),
            }
        );
        assert!(most <= warm * 1.1, "{name}: {most} KiB of state, and {warm} in the beginning");
    }
}

/// The largest state of the first epochs and of those behind, in KiB.
fn run(name: &str, emission: Emission, epochs: u32) -> (f64, f64) {
    let mut t = Harness::new();
    let (busy, silent) = (t.stream::<Event>(), t.stream::<Event>());
    let rows = busy.rows().concat(&silent.rows()).watermark(LATENESS).idle_after(IDLE_AFTER);
    let windows = rows.window(tumbling(Duration::from_mins(1))).group_by(|event| event.sensor);
    match emission {
        Emission::Final => windows
            .when_final()
            .reduce(|g| (g.sum(|event| event.value), g.count()))
            .write(null::sink()),
        Emission::EveryChange => {
            windows.reduce(|g| (g.sum(|event| event.value), g.count())).write(null::sink());
        }
    }
    let start = t.now();
    let mut random = Random::new(7);
    let (mut warm, mut most) = (0.0_f64, 0.0_f64);
    for epoch in 0..epochs {
        let second = Duration::from_secs(epoch.into());
        let mut event = || Event {
            sensor: u32::try_from(random.below(SENSORS)).expect("few sensors"),
            at: start + second - Duration::from_millis(random.below(9_000).cast_signed()),
            value: random.below(1_000).cast_signed(),
        };
        if epoch < HEARD {
            silent.push([event()]);
        }
        busy.push((0..PER_EPOCH).map(|_| event()));
        t.step();
        t.advance(Duration::from_secs(1));
        if epoch % EPOCHS_PER_LOOK == 0 {
            let states = t.stats().states;
            let bytes: u64 = states.iter().map(|state| state.bytes).sum();
            let kib = bytes as f64 / 1024.0;
            if epoch < WARM {
                warm = warm.max(kib);
            } else {
                most = most.max(kib);
            }
            let looks = epochs / EPOCHS_PER_LOOK;
            if (epoch / EPOCHS_PER_LOOK).is_multiple_of(looks / LINES) {
                let rows: u64 = states.iter().map(|state| state.rows).sum();
                println!("{name}, epoch {epoch}: {kib:.0} KiB, {rows} groups and times");
            }
        }
    }
    (warm, most)
}
