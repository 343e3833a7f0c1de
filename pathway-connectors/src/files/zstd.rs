//! Zstandard: frames one behind the other, some of them to be skipped, their checksums checked.
//!
//! The decoder is one in Rust. That in C costs a first build of a program a quarter of its time,
//! and needs a C compiler.

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::io::{self, BufRead, Read};

/// Files made with `--long=31` need a window of this size.
const WINDOW_MAX: u64 = 1 << 31;

/// Decompresses what it reads.
pub(super) struct Decoder<R> {
    raw: Raw<R>,
    frame: FrameDecoder,
    in_frame: bool,
}

impl<R: BufRead> Decoder<R> {
    pub(super) fn new(raw: R) -> Self {
        let mut frame = FrameDecoder::new();
        frame.set_max_window_size(WINDOW_MAX);
        Self { raw: Raw { inner: raw, ended: false, error: None }, frame, in_frame: false }
    }

    /// Begins the next frame; `false` at the end of the input.
    fn next_frame(&mut self) -> io::Result<bool> {
        loop {
            if self.raw.inner.fill_buf()?.is_empty() {
                return Ok(false);
            }
            match self.frame.reset(&mut self.raw) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let skipped =
                        io::copy(&mut (&mut self.raw).take(length.into()), &mut io::sink());
                    if skipped? < length.into() {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(self.raw.failure(error)),
            }
        }
    }

    fn end_frame(&mut self) -> io::Result<()> {
        self.in_frame = false;
        let expected = self.frame.get_checksum_from_data();
        if expected.is_some() && expected != self.frame.get_calculated_checksum() {
            let problem = "the checksum of its content is another";
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Decoder<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.in_frame && !self.next_frame()? {
                return Ok(0);
            }
            self.in_frame = true;
            let read = self.frame.read(out)?;
            if read > 0 {
                return Ok(read);
            }
            if self.frame.is_finished() {
                self.end_frame()?;
            } else {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                let decoded = self.frame.decode_blocks(&mut self.raw, one);
                decoded.map_err(|error| self.raw.failure(error))?;
            }
        }
    }
}

/// The compressed bytes. It remembers why there were no more, which the errors of the decoder do
/// not tell apart.
struct Raw<R> {
    inner: R,
    ended: bool,
    error: Option<io::Error>,
}

impl<R> Raw<R> {
    fn failure(&mut self, error: FrameDecoderError) -> io::Error {
        match self.error.take() {
            Some(error) => error,
            None if self.ended => io::ErrorKind::UnexpectedEof.into(),
            None => io::Error::new(io::ErrorKind::InvalidData, error),
        }
    }
}

impl<R: Read> Read for Raw<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(out) {
            Ok(read) => {
                self.ended |= read == 0 && !out.is_empty();
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let kind = error.kind();
                self.error = Some(error);
                Err(kind.into())
            }
        }
    }
}
