//! Ctrl-C and SIGTERM while `Pipeline::run` waits for a live pipeline.
//!
//! The first signal asks for an end, the second ends the process: the thread that waits says so
//! and quits, and should even that be stuck, a third one ends it in the handler. A handler of the
//! system cannot be taken back safely, so it is installed once, at the first live run, and while no
//! run waits it does what the system would have done.

use super::shared::lock;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// What a shell reports of a process that a signal has ended, without the signal's number.
const STATUS_OF_SIGNALS: i32 = 128;

struct Handlers {
    /// Whether nobody waits.
    idle: Arc<AtomicBool>,
    flags: Flags,
    /// How many runs wait.
    waiting: usize,
}

#[derive(Clone, Default)]
struct Flags {
    /// Whether a signal has come that nobody has noticed yet.
    asked: Arc<AtomicBool>,
    /// How many have been noticed.
    noticed: Arc<AtomicUsize>,
    /// Whether the process is about to quit.
    quitting: Arc<AtomicBool>,
    /// The signal that came last.
    signal: Arc<AtomicUsize>,
}

static HANDLERS: Mutex<Option<Handlers>> = Mutex::new(None);

fn install() -> std::io::Result<Handlers> {
    let (idle, flags) = (Arc::new(AtomicBool::new(true)), Flags::default());
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_default(signal, Arc::clone(&idle))?;
        let status = STATUS_OF_SIGNALS + signal;
        flag::register_conditional_shutdown(signal, status, Arc::clone(&flags.quitting))?;
        let number = usize::try_from(signal).unwrap_or_default();
        flag::register_usize(signal, Arc::clone(&flags.signal), number)?;
        flag::register(signal, Arc::clone(&flags.asked))?;
    }
    Ok(Handlers { idle, flags, waiting: 0 })
}

/// Takes Ctrl-C and SIGTERM until it is dropped.
pub(super) struct Signals {
    flags: Flags,
    /// How many had been noticed before.
    before: usize,
}

impl Signals {
    /// Nothing where the system lets no handler be installed: signals then do what they always do.
    pub(super) fn take() -> Option<Self> {
        let mut handlers = lock(&HANDLERS);
        if handlers.is_none() {
            *handlers = install().ok();
        }
        let handlers = handlers.as_mut()?;
        if handlers.waiting == 0 {
            handlers.flags.asked.store(false, Ordering::SeqCst);
            handlers.idle.store(false, Ordering::SeqCst);
        }
        handlers.waiting += 1;
        let flags = handlers.flags.clone();
        let before = flags.noticed.load(Ordering::SeqCst);
        Some(Self { flags, before })
    }

    /// How many signals have come. Several that come at once count as one.
    pub(super) fn count(&self) -> usize {
        let Flags { asked, noticed, .. } = &self.flags;
        if asked.swap(false, Ordering::SeqCst) {
            noticed.fetch_add(1, Ordering::SeqCst);
        }
        noticed.load(Ordering::SeqCst) - self.before
    }

    /// Says so and ends the process, as the signal would have.
    pub(super) fn quit(&self, message: &str) -> ! {
        self.flags.quitting.store(true, Ordering::SeqCst);
        // Nobody can be told where that fails.
        writeln!(std::io::stderr(), "{message}").ok();
        let signal = self.flags.signal.load(Ordering::SeqCst);
        let status = STATUS_OF_SIGNALS + i32::try_from(signal).unwrap_or_default();
        // At once: whatever would be run at an end may be what is stuck.
        signal_hook::low_level::exit(status)
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        let mut handlers = lock(&HANDLERS);
        let handlers = handlers.as_mut().expect("they were installed before this was made");
        handlers.waiting -= 1;
        if handlers.waiting == 0 {
            handlers.idle.store(true, Ordering::SeqCst);
        }
    }
}
