//! The bytes of one file or stream, decompressed, in blocks.

use super::compression::{Compression, MAGIC_LEN};
use super::zstd;
use pathway_core::io::Stopped;
use std::io::{self, BufReader, Cursor, Read};

/// The most bytes handed over at once: large enough that handing over costs nothing, small enough
/// that a block is still in the processor's cache when it is decoded.
pub(super) const BLOCK_LEN: u64 = 256 * 1024;

/// Why an input gave no more bytes.
#[derive(Debug)]
pub(super) enum InputError {
    /// The run has stopped.
    Stopped,
    /// The operating system could not read it.
    Read(io::Error),
    /// Compressed data end in the middle.
    Truncated(Compression),
    /// Compressed data are not what they should be.
    Damaged(Compression, io::Error),
}

impl From<Stopped> for InputError {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

/// An open file or stream.
pub(super) struct Input<'a> {
    pub(super) compression: Compression,
    bytes: Box<dyn Read + Send + 'a>,
    /// How many bytes are about to come.
    expected: u64,
}

impl<'a> Input<'a> {
    /// Looks at the first bytes. `name` is the compression that the name claims, `len` about how
    /// many raw bytes there are.
    pub(super) fn open(
        mut raw: impl Read + Send + 'a,
        name: Compression,
        len: u64,
    ) -> Result<Self, InputError> {
        let mut head = Vec::with_capacity(MAGIC_LEN);
        let compression = loop {
            let detected = Compression::detect(&head, Compression::None);
            if let Some(compression) = detected {
                break compression;
            }
            // Byte by byte: who types into a pipe is not to wait for the fourth.
            let one = (&mut raw).take(1).read_to_end(&mut head).map_err(InputError::Read)?;
            if one == 0 {
                break name;
            }
        };
        if head.is_empty() && compression != Compression::None {
            return Err(InputError::Truncated(compression));
        }
        Self::decompress(Cursor::new(head).chain(raw), compression, len)
    }

    /// Takes raw bytes whose compression is known.
    pub(super) fn decompress(
        raw: impl Read + Send + 'a,
        compression: Compression,
        len: u64,
    ) -> Result<Self, InputError> {
        let bytes: Box<dyn Read + Send + 'a> = match compression {
            Compression::None => Box::new(raw),
            Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(buffered(raw))),
            Compression::Zstd => Box::new(zstd::Decoder::new(buffered(raw))),
        };
        let expected = if compression == Compression::None { len } else { BLOCK_LEN };
        Ok(Self { compression, bytes, expected })
    }

    /// The next block; `None` at the end.
    pub(super) fn block(&mut self) -> Result<Option<Vec<u8>>, InputError> {
        // Small files take small blocks. With no room at all, the standard library probes for
        // the end without allocating.
        let capacity = usize::try_from(self.expected.min(BLOCK_LEN)).unwrap_or(usize::MAX);
        let mut block = Vec::with_capacity(capacity);
        let read = (&mut self.bytes).take(BLOCK_LEN).read_to_end(&mut block);
        read.map_err(|error| self.failure(error))?;
        if self.compression == Compression::None {
            self.expected = self.expected.saturating_sub(block.len() as u64);
        }
        Ok((!block.is_empty()).then_some(block))
    }

    /// What is there now, without waiting for a block to be full; empty at the end.
    pub(super) fn available(&mut self, buffer: &mut [u8]) -> Result<usize, InputError> {
        loop {
            match self.bytes.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read.map_err(|error| self.failure(error)),
            }
        }
    }

    fn failure(&self, error: io::Error) -> InputError {
        let from_system = error.raw_os_error().is_some();
        match error.kind() {
            _ if from_system || self.compression == Compression::None => InputError::Read(error),
            io::ErrorKind::UnexpectedEof => InputError::Truncated(self.compression),
            _ => InputError::Damaged(self.compression, error),
        }
    }
}

fn buffered<R: Read>(raw: R) -> BufReader<R> {
    BufReader::with_capacity(64 * 1024, raw)
}
