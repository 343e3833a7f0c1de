//! Waits for a run, as `Pipeline::run` does: with progress on standard error, and an end at
//! Ctrl-C.

use super::Running;
use super::progress::Progress;
use super::signals::Signals;
use crate::error::Result;
use crate::io::terminal;
use std::time::Duration;

/// How often progress is shown, and how soon a signal is noticed.
const TURN: Duration = Duration::from_millis(125);

/// What is said at the second signal.
const QUIT: &str = "quit at once, without finishing what had been read";

/// Waits for the end of a run.
///
/// Only a live pipeline takes signals. A batch job that ended well because it was interrupted
/// would look complete, so it dies of the signal, as any program does.
pub(crate) fn watch(running: Running, name: &str, progress: bool) -> Result<()> {
    if progress && let Some((epochs, again)) = running.goes_on() {
        let again =
            if again > 0 { format!(", {again} of which were made again") } else { String::new() };
        terminal::print(|| eprintln!("{name}: goes on behind {epochs} epochs{again}"));
    }
    let signals = if running.is_live() { Signals::take() } else { None };
    if signals.is_none() && !progress {
        return running.wait();
    }
    let mut progress = progress.then(|| Progress::new(name));
    let mut stopping = false;
    while !running.wait_for_threads(TURN) {
        match signals.as_ref().map_or(0, Signals::count) {
            0 => {}
            1 if stopping => {}
            1 => {
                stopping = true;
                running.stop();
                if let Some(progress) = &mut progress {
                    progress.stopping();
                }
            }
            _ => {
                drop(progress);
                let message = format!("{name}: {QUIT}");
                signals.expect("there were signals").quit(&message);
            }
        }
        if let Some(progress) = &mut progress {
            progress.show(&running.ends());
        }
    }
    let last = running.ends();
    let result = running.wait();
    // Of a run that failed, its error is all that is left to say.
    if let Some(progress) = progress
        && result.is_ok()
    {
        progress.finish(&last);
    }
    result
}
