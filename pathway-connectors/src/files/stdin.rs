//! Standard input.

use super::compression::Compression;
use super::errors::bad_input;
use super::input::{Input, InputError};
use crate::format::Format;
use pathway_core::io::{Reader, SourceError, SourceWriter};
use std::fmt;
use std::io::Read;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::time::Duration;

/// Reads standard input to its end: a pipe, a redirected file, what is typed.
///
/// Input that begins as gzip or zstd do is decompressed. What has arrived is handed over at once,
/// so that a slow pipe is followed line by line.
///
/// Standard input is one for the whole process: let one source of one run read it.
pub struct Stdin {
    format: Arc<dyn Format>,
}

/// What the rows of standard input are said to come from.
const NAME: &str = "standard input";

impl Stdin {
    /// Reads standard input in the given format.
    pub fn new(format: Arc<dyn Format>) -> Self {
        Self { format }
    }

    pub(super) fn read(
        &self,
        raw: impl Read + Send + 'static,
        out: &SourceWriter,
    ) -> Result<(), SourceError> {
        let partition = out.open(NAME, self.format.decoder(NAME)?)?;
        // Nothing interrupts a read that waits for somebody to type. So a thread of its own
        // waits, which holds nothing but the channel, and which a run that stops leaves behind:
        // it ends at the next input, or with the process.
        let (sender, blocks) = mpsc::sync_channel(1);
        let waiting = std::thread::Builder::new()
            .name("pathway-stdin".to_owned())
            .spawn(move || {
                if let Err(error) = forward(raw, &sender) {
                    // Where nobody listens any more, nobody wants to know.
                    sender.send(Err(error)).ok();
                }
            })
            .map_err(|error| SourceError::Io {
                action: "start a thread for",
                path: NAME.to_owned(),
                error,
            })?;
        loop {
            match blocks.recv_timeout(STOP_CHECK_INTERVAL) {
                Ok(block) => {
                    out.send(partition, block.map_err(|error| bad_input(NAME, error))?)?;
                }
                Err(RecvTimeoutError::Timeout) => out.sleep(Duration::ZERO)?,
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        // The end of the thread looks like the end of the input even when it was a panic.
        if let Err(panic) = waiting.join() {
            std::panic::resume_unwind(panic);
        }
        Ok(out.end(partition)?)
    }
}

/// How soon a stop is noticed while there is no input.
const STOP_CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// Sends what arrives until the input ends or nobody listens.
fn forward(
    raw: impl Read + Send,
    blocks: &SyncSender<Result<Vec<u8>, InputError>>,
) -> Result<(), InputError> {
    let mut input = Input::open(raw, Compression::None, 0)?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let len = input.available(&mut buffer)?;
        if len == 0 || blocks.send(Ok(buffer[..len].to_vec())).is_err() {
            return Ok(());
        }
    }
}

impl Reader for Stdin {
    fn run(&self, out: &SourceWriter) -> Result<(), SourceError> {
        self.read(std::io::stdin(), out)
    }

    fn label(&self) -> String {
        format!("{} {NAME}", self.format.name())
    }

    fn bounded(&self) -> bool {
        true
    }
}

impl fmt::Debug for Stdin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stdin").field("format", &self.format.name()).finish()
    }
}
