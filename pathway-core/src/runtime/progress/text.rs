//! What progress says, as plain text.

use super::super::stats::{EndStats, Ends, LoopStats};
use super::units;
use std::time::Duration;

/// The width of a bar, with its brackets: as wide as there is room, or none at all.
const BAR_COLUMNS: std::ops::RangeInclusive<usize> = 8..=22;

/// Most loops settle sooner.
const ROUNDS_MANY: u64 = 1_000;

/// One moment of a run, to be described.
pub(super) struct Moment<'a> {
    pub(super) name: &'a str,
    pub(super) elapsed: Duration,
    pub(super) ends: &'a Ends,
    /// Rows per second of each source.
    pub(super) rates: &'a [f64],
    pub(super) stopping: bool,
}

/// What is said when an end was asked for.
pub(super) const STOPPING: &str =
    "stopping: finishing what has been read; press Ctrl-C again to quit at once";

/// How much of a source has been read, where its size is known and was not a mere guess.
fn fraction(source: &EndStats) -> Option<f64> {
    let total = source.bytes_total.filter(|&total| total > 0 && source.bytes <= total)?;
    Some(source.bytes as f64 / total as f64)
}

/// A loop that takes unusually many rounds, as it may never settle.
fn long_loop(ends: &Ends) -> Option<&LoopStats> {
    let long = ends.loops.iter().filter(|turning| turning.round >= ROUNDS_MANY);
    long.max_by_key(|turning| turning.round)
}

fn percent(fraction: f64) -> String {
    format!("{:.0} %", (fraction * 100.0).floor())
}

fn bar(fraction: f64, columns: usize) -> Option<String> {
    let width = columns.min(*BAR_COLUMNS.end()).checked_sub(2)?;
    let full = width as f64 * fraction;
    let full = (0..width).filter(|&cell| cell as f64 + 1.0 <= full).count();
    let head = if full == width { "" } else { ">" };
    let bar = format!("[{:<width$}]", "=".repeat(full) + head);
    (columns >= *BAR_COLUMNS.start()).then_some(bar)
}

/// The rest of a source's line, behind its rate.
fn source_state(source: &EndStats, columns: usize) -> String {
    if source.ended {
        return String::new();
    }
    match (fraction(source), source.bytes_total) {
        (Some(fraction), Some(total)) => {
            let state = format!("{:>4} of {}", percent(fraction), units::bytes(total));
            let bar = bar(fraction, columns.saturating_sub(state.len() + 2));
            bar.map_or_else(|| state.clone(), |bar| format!("{bar}  {state}"))
        }
        _ if source.backlog > 0 => format!("{} waiting", units::bytes(source.backlog)),
        _ => String::new(),
    }
}

/// A line for the run, for each source and for each sink; none longer than `width`, and no more
/// than `height` of them.
pub(super) fn block(moment: &Moment<'_>, width: usize, height: usize) -> Vec<String> {
    let Moment { ends, .. } = moment;
    let mut head = format!("{}  {}", moment.name, units::elapsed(moment.elapsed));
    if ends.drained > 0 {
        head.push_str(&format!("  epoch {}", ends.drained));
    }
    let mut lines = vec![head];
    let all = || ends.sources.iter().chain(&ends.sinks);
    let widest = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
    // Long paths leave room for the figures.
    let label_max = (width * 2 / 5).max(12);
    let labels = widest(&mut all().map(|end| plain(&end.label).chars().count())).min(label_max);
    let rows = widest(&mut all().map(|end| units::rows(end.rows).len()));
    let rate_of = |source: &EndStats, rate| {
        if source.ended { "done".to_owned() } else { units::rate(rate) }
    };
    let sources = || ends.sources.iter().zip(moment.rates);
    let rates = widest(&mut sources().map(|(source, &rate)| rate_of(source, rate).len()));
    for (source, &rate) in sources() {
        let mut line = format!(
            "  read   {:labels$}  {:>rows$}  {:>rates$}  ",
            shortened(&source.label, labels),
            units::rows(source.rows),
            rate_of(source, rate),
        );
        line.push_str(&source_state(source, width.saturating_sub(line.chars().count())));
        lines.push(line.trim_end().to_owned());
    }
    for sink in &ends.sinks {
        let label = shortened(&sink.label, labels);
        lines.push(format!("  write  {label:labels$}  {:>rows$}", units::rows(sink.rows)));
    }
    if let Some(LoopStats { operator, round, .. }) = long_loop(ends) {
        lines.push(format!("  loop   {}  round {round}", plain(operator)));
    }
    if lines.len() + 1 > height {
        let hidden = lines.len() + 1 - height.max(2) + usize::from(moment.stopping);
        lines.truncate(lines.len() - hidden.min(lines.len() - 1));
        lines.push(format!("  … {hidden} more"));
    }
    if moment.stopping {
        lines.push(STOPPING.to_owned());
    }
    for line in &mut lines {
        *line = cut(line, width);
    }
    lines
}

/// Messages quote names; columns need not.
fn plain(label: &str) -> String {
    label.replace('`', "")
}

/// A label's kind and its end tell most: `csv …/2013/flights.csv`.
fn shortened(label: &str, width: usize) -> String {
    let label = plain(label);
    let count = label.chars().count();
    if count <= width {
        return label;
    }
    let kind = label.find(' ').filter(|&at| at * 2 < width).map_or("", |at| &label[..=at]);
    let end = width.saturating_sub(kind.chars().count() + 1);
    kind.chars().chain(['…']).chain(label.chars().skip(count - end)).collect()
}

fn cut(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    line.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

fn rows_in_and_out(ends: &Ends) -> (u64, u64) {
    let sum = |ends: &[EndStats]| ends.iter().map(|end| end.rows).sum();
    (sum(&ends.sources), sum(&ends.sinks))
}

/// One line for all of a run so far.
pub(super) fn line(moment: &Moment<'_>) -> String {
    let Moment { name, ends, .. } = moment;
    let (rows_in, rows_out) = rows_in_and_out(ends);
    let rate = units::rate(moment.rates.iter().fold(0.0, |sum, rate| sum + rate));
    let mut line = format!(
        "{name}: {}, {} in ({rate}), {} out",
        units::elapsed(moment.elapsed),
        units::rows(rows_in),
        units::rows(rows_out),
    );
    let open = || ends.sources.iter().filter(|source| !source.ended);
    let read: u64 = ends.sources.iter().map(|source| source.bytes).sum();
    let total: Option<u64> =
        ends.sources.iter().map(|source| fraction(source).and(source.bytes_total)).sum();
    if let Some(total) = total.filter(|&total| total > 0 && open().next().is_some()) {
        line.push_str(&format!(", {}", percent(read as f64 / total as f64)));
    }
    if ends.drained > 0 {
        line.push_str(&format!(", epoch {}", ends.drained));
    }
    let waiting: u64 =
        open().filter(|source| source.bytes_total.is_none()).map(|source| source.backlog).sum();
    if waiting > 0 {
        line.push_str(&format!(", {} waiting", units::bytes(waiting)));
    }
    if let Some(LoopStats { operator, round, .. }) = long_loop(ends) {
        line.push_str(&format!(", round {round} of {operator}"));
    }
    line
}

/// What is left of a run that ended well.
pub(super) fn summary(moment: &Moment<'_>) -> String {
    let (rows_in, rows_out) = rows_in_and_out(moment.ends);
    let seconds = moment.elapsed.as_secs_f64();
    // The rate of a moment is noise.
    let rate = if seconds >= 0.1 {
        format!(" ({})", units::rate(rows_in as f64 / seconds))
    } else {
        String::new()
    };
    format!(
        "{}: {} {}, {} in{rate}, {} out",
        moment.name,
        if moment.stopping { "stopped after" } else { "finished in" },
        units::elapsed(moment.elapsed),
        units::rows(rows_in),
        units::rows(rows_out),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends() -> Ends {
        let source = EndStats {
            label: "csv `data/flights/*.csv`".to_owned(),
            rows: 1_234_567,
            bytes: 176_000_000,
            bytes_total: Some(340_000_000),
            backlog: 8_000_000,
            ..EndStats::default()
        };
        let small = EndStats {
            label: "csv `data/airlines.csv`".to_owned(),
            rows: 16,
            ended: true,
            ..source.clone()
        };
        let live = EndStats { label: "input".to_owned(), bytes_total: None, ..source.clone() };
        let sink = EndStats { label: "report.jsonl".to_owned(), ..EndStats::default() };
        let sources = vec![source, small, live];
        Ends { sources, sinks: vec![sink], ..Ends::default() }
    }

    fn moment<'a>(ends: &'a Ends, rates: &'a [f64]) -> Moment<'a> {
        let elapsed = Duration::from_millis(12_340);
        Moment { name: "airlines", elapsed, ends, rates, stopping: false }
    }

    const RATES: &[f64] = &[2.1e6, 0.0, 900.0];

    #[test]
    fn a_block_has_its_figures_in_columns() {
        let ends = ends();
        let text = block(&moment(&ends, RATES), 100, 24).join("\n");
        assert_eq!(
            text,
            "airlines  12.3 s
  read   csv data/flights/*.csv  1.2 M rows  2.1 M rows/s  [==========>         ]  51 % of 340 MB
  read   csv data/airlines.csv      16 rows          done
  read   input                   1.2 M rows    900 rows/s  8.0 MB waiting
  write  report.jsonl                0 rows"
        );
    }

    #[test]
    fn a_block_fits_its_terminal() {
        let ends = ends();
        let stopping = Moment { stopping: true, ..moment(&ends, RATES) };
        for (width, height) in [(100, 24), (40, 24), (10, 4), (80, 3), (80, 5)] {
            let lines = block(&stopping, width, height);
            assert!(lines.iter().all(|line| line.chars().count() <= width), "{lines:#?}");
            assert!(lines.len() <= height, "{height}: {lines:#?}");
        }
    }

    #[test]
    fn a_loop_of_many_rounds_is_shown() {
        let operator = "`iterate` at src/main.rs:7".to_owned();
        let mut ends = Ends::default();
        ends.loops.push(LoopStats { operator, epoch: 0, round: 999, rows: 1 });
        assert_eq!(line(&moment(&ends, &[])), "airlines: 12.3 s, 0 rows in (0 rows/s), 0 rows out");
        ends.loops[0].round = 5_000;
        let shown = line(&moment(&ends, &[]));
        assert!(shown.ends_with(", round 5000 of `iterate` at src/main.rs:7"), "{shown}");
        let block = block(&moment(&ends, &[]), 100, 24);
        assert_eq!(block[1], "  loop   iterate at src/main.rs:7  round 5000");
    }

    #[test]
    fn a_long_label_keeps_its_kind_and_its_end() {
        assert_eq!(shortened("csv `data/2013/flights.csv`", 17), "csv …/flights.csv");
        assert_eq!(shortened("input", 5), "input");
    }

    #[test]
    fn a_line_says_it_all_at_once() {
        let mut ends = ends();
        let some = line(&moment(&ends, RATES));
        assert_eq!(
            some,
            "airlines: 12.3 s, 2.5 M rows in (2.1 M rows/s), 0 rows out, 8.0 MB waiting"
        );
        ends.sources.pop();
        ends.drained = 3;
        let known = line(&moment(&ends, RATES));
        assert_eq!(
            known,
            "airlines: 12.3 s, 1.2 M rows in (2.1 M rows/s), 0 rows out, 51 %, epoch 3"
        );
        let last = summary(&moment(&ends, RATES));
        assert_eq!(last, "airlines: finished in 12.3 s, 1.2 M rows in (100 k rows/s), 0 rows out");
    }
}
