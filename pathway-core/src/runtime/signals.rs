//! Ctrl-C and SIGTERM while `Pipeline::run` waits for a live pipeline.
//!
//! The first signal asks for an end, the second ends the process. A handler of the system cannot
//! be taken back safely, so it is installed once, at the first live run, and while no run waits it
//! does what the system would have done.

use super::shared::lock;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// What a shell reports of a process that a signal has ended, without the signal's number.
const STATUS_OF_SIGNALS: i32 = 128;

struct Handlers {
    /// Whether nobody waits.
    idle: Arc<AtomicBool>,
    /// Whether an end has been asked for.
    asked: Arc<AtomicBool>,
    /// How many runs wait.
    waiting: usize,
}

static HANDLERS: Mutex<Option<Handlers>> = Mutex::new(None);

fn install() -> std::io::Result<Handlers> {
    let (idle, asked) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_default(signal, Arc::clone(&idle))?;
        // In this order: the first signal finds the flag down, and puts it up.
        let status = STATUS_OF_SIGNALS + signal;
        flag::register_conditional_shutdown(signal, status, Arc::clone(&asked))?;
        flag::register(signal, Arc::clone(&asked))?;
    }
    Ok(Handlers { idle, asked, waiting: 0 })
}

/// Takes Ctrl-C and SIGTERM until it is dropped.
pub(super) struct Signals {
    asked: Arc<AtomicBool>,
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
            handlers.asked.store(false, Ordering::SeqCst);
            handlers.idle.store(false, Ordering::SeqCst);
        }
        handlers.waiting += 1;
        Some(Self { asked: Arc::clone(&handlers.asked) })
    }

    /// Whether a signal has come.
    pub(super) fn asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
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
