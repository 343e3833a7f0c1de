//! Progress on standard error: a block that is drawn again and again on a terminal, a line now
//! and then elsewhere.

mod rates;
mod text;
mod units;

use super::stats::Ends;
use crate::io::terminal;
use console::Term;
use rates::Rates;
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use text::Moment;

/// Where there is no terminal, a run that is shorter than this says nothing.
const QUIET: Duration = Duration::from_secs(3);
/// Lines are at least this far apart.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// The progress of one run.
pub(super) struct Progress {
    name: String,
    start: Instant,
    rates: Rates,
    stopping: bool,
    out: Out,
}

enum Out {
    /// A block of lines on a terminal.
    Block {
        block: Block,
        _turn: terminal::Turn,
    },
    Lines {
        next: Duration,
    },
}

impl Progress {
    pub(super) fn new(name: &str) -> Self {
        let block = if std::io::stderr().is_terminal() { Block::take() } else { None };
        let out = block.unwrap_or(Out::Lines { next: QUIET });
        let (name, start) = (name.to_owned(), Instant::now());
        Self { name, start, rates: Rates::default(), stopping: false, out }
    }

    /// Says that the run has been asked to end.
    pub(super) fn stopping(&mut self) {
        self.stopping = true;
        if let Out::Lines { .. } = self.out {
            say(text::STOPPING);
        }
    }

    /// Shows how far the run is.
    pub(super) fn show(&mut self, ends: &Ends) {
        let elapsed = self.start.elapsed();
        if let Out::Lines { next } = &mut self.out {
            if elapsed < *next {
                return;
            }
            *next = elapsed + LINE_INTERVAL;
        }
        let rows = ends.sources.iter().map(|source| source.rows).collect();
        let rates = self.rates.update(elapsed, rows);
        let moment = Moment { name: &self.name, elapsed, ends, rates, stopping: self.stopping };
        match &self.out {
            Out::Block { block, .. } => {
                let (height, width) = block.term.size();
                // The last column stays free, because some terminals wrap there already, and the
                // last line too, where the cursor is.
                let width = usize::from(width).saturating_sub(1);
                let height = usize::from(height).saturating_sub(1);
                let lines = text::block(&moment, width, height);
                // Who prints at this moment goes first; the block is drawn at the next turn.
                terminal::try_draw(|| block.draw(&lines));
            }
            Out::Lines { .. } => say(&text::line(&moment)),
        }
    }

    /// Leaves one line that sums the run up; none where nothing was said because it was short.
    pub(super) fn finish(self, ends: &Ends) {
        let (start, stopping) = (self.start, self.stopping);
        let elapsed = start.elapsed();
        let moment = Moment { name: &self.name, elapsed, ends, rates: &[], stopping };
        let summary = text::summary(&moment);
        let short = elapsed < QUIET && !stopping;
        let is_block = matches!(self.out, Out::Block { .. });
        drop(self);
        if is_block || !short {
            say(&summary);
        }
    }
}

/// Lines on a terminal. The cursor waits below them, where the `^C` that a terminal echoes does no
/// harm; progress bars that leave it behind their last line lose count of lines then.
#[derive(Clone)]
struct Block {
    term: Term,
    lines: Arc<AtomicUsize>,
}

impl Block {
    /// Nothing if another run has the terminal.
    fn take() -> Option<Out> {
        let block = Self { term: Term::buffered_stderr(), lines: Arc::default() };
        let drawn = block.clone();
        let turn = terminal::Turn::take(move || drawn.erase())?;
        Some(Out::Block { block, _turn: turn })
    }

    /// Draws lines in place of those that were drawn before.
    fn draw(&self, lines: &[String]) {
        self.rewind()
            .and_then(|()| lines.iter().try_for_each(|line| self.term.write_line(line)))
            .and_then(|()| self.term.flush())
            .ok();
        self.lines.store(lines.len(), Ordering::SeqCst);
    }

    fn erase(&self) {
        self.rewind().and_then(|()| self.term.flush()).ok();
    }

    fn rewind(&self) -> std::io::Result<()> {
        let lines = self.lines.swap(0, Ordering::SeqCst);
        if lines > 0 {
            self.term.clear_line()?;
            self.term.move_cursor_up(lines)?;
        }
        self.term.clear_to_end_of_screen()
    }
}

/// Prints a line to standard error. Nobody can be told where that fails.
fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").ok();
}
