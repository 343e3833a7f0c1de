//! The terminal, which progress shares with all that prints.
//!
//! Progress is a block of lines that is drawn again several times a second. Whatever prints
//! between them has it erased first; it comes back below at the next turn. [`print`](print())
//! does that for sinks, subscribers and `inspect`, and a panic's message does it by itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

/// A printer that takes longer than this, say because it does more than print, has the block
/// drawn meanwhile.
const HIDDEN_MAX: Duration = Duration::from_secs(1);

type Erase = Box<dyn FnMut() + Send>;

struct Block {
    /// There while progress has the terminal.
    erase: Option<Erase>,
    /// Whether the block is on the terminal now.
    drawn: bool,
    /// When it was drawn last.
    at: Option<Instant>,
    /// How many functions may be printing.
    printing: usize,
    /// How many panics are being reported, which takes seconds with a backtrace.
    panicking: usize,
}

impl Block {
    fn erase(&mut self) {
        if std::mem::take(&mut self.drawn)
            && let Some(erase) = &mut self.erase
        {
            erase();
        }
    }
}

static BLOCK: Mutex<Block> =
    Mutex::new(Block { erase: None, drawn: false, at: None, printing: 0, panicking: 0 });
/// Whether there is a block: almost always there is none, and then nothing is locked.
static ACTIVE: AtomicBool = AtomicBool::new(false);

fn block() -> MutexGuard<'static, Block> {
    BLOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Holds the block back.
struct Printing;

impl Drop for Printing {
    fn drop(&mut self) {
        block().printing -= 1;
    }
}

/// Runs `f`, which may print, while progress is out of its way.
pub fn print<R>(f: impl FnOnce() -> R) -> R {
    if !ACTIVE.load(Ordering::Relaxed) {
        return f();
    }
    // Counted rather than locked: `f` is a user's function, and may wait for another one.
    {
        let mut block = block();
        block.erase();
        block.printing += 1;
    }
    let _printing = Printing;
    f()
}

/// Draws the block, unless somebody prints at this moment.
pub(crate) fn try_draw(draw: impl FnOnce()) {
    let mut block = block();
    if block.panicking > 0 {
        return;
    }
    if block.printing > 0 && block.at.is_some_and(|at| at.elapsed() < HIDDEN_MAX) {
        return;
    }
    draw();
    block.drawn = true;
    block.at = Some(Instant::now());
}

/// Progress has the terminal, until this is dropped.
pub(crate) struct Turn(());

impl Turn {
    /// Takes the terminal, if no other run has it. `erase` takes away what has been drawn.
    pub(crate) fn take(erase: impl FnMut() + Send + 'static) -> Option<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(erase_before_panics);
        let mut block = block();
        if block.erase.is_some() {
            return None;
        }
        block.erase = Some(Box::new(erase));
        ACTIVE.store(true, Ordering::Relaxed);
        Some(Self(()))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        ACTIVE.store(false, Ordering::Relaxed);
        let mut block = block();
        block.erase();
        block.erase = None;
        block.at = None;
    }
}

/// A panic's message would otherwise be drawn over.
fn erase_before_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        {
            let mut block = block();
            block.erase();
            block.panicking += 1;
        }
        before(panic);
        block().panicking -= 1;
    }));
}
