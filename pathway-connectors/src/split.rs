//! Bytes into lines, and the byte order mark that may stand before them.

use memchr::memchr;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Drops a byte order mark from the front of a file, also where it comes in pieces.
#[derive(Debug, Default)]
pub(crate) struct ByteOrderMark {
    matched: usize,
    done: bool,
}

impl ByteOrderMark {
    /// What is to be read of the next bytes: those held back before, if they were no mark, and
    /// the rest.
    pub(crate) fn strip<'a>(&mut self, bytes: &'a [u8]) -> (&'static [u8], &'a [u8]) {
        if self.done {
            return (&[], bytes);
        }
        let held = self.matched;
        let expected = &BOM[held..];
        let same = bytes.iter().zip(expected).take_while(|(a, b)| a == b).count();
        if same == expected.len() {
            self.done = true;
            (&[], &bytes[same..])
        } else if same == bytes.len() {
            self.matched += same;
            (&[], &[])
        } else {
            self.done = true;
            (&BOM[..held], bytes)
        }
    }

    /// What is still held back at the end of the file.
    pub(crate) fn finish(&mut self) -> &'static [u8] {
        let held = if self.done { 0 } else { self.matched };
        self.done = true;
        &BOM[..held]
    }
}

/// One line, without its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    /// Counted from 1.
    pub(crate) number: u64,
    pub(crate) bytes: &'a [u8],
    /// The line was longer than the limit; `bytes` is its beginning.
    pub(crate) too_long: bool,
}

/// Splits blocks of bytes at `\n` or `\r\n`. A line that lies within a block is not copied.
#[derive(Debug)]
pub(crate) struct LineSplitter {
    mark: ByteOrderMark,
    /// The beginning of a line that the last block did not end.
    carry: Vec<u8>,
    too_long: bool,
    number: u64,
    bytes_max: usize,
}

impl LineSplitter {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            mark: ByteOrderMark::default(),
            carry: Vec::new(),
            too_long: false,
            number: 0,
            bytes_max,
        }
    }

    /// Calls `each` for every line that ends in this block.
    pub(crate) fn split<E>(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut(Line<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (held, bytes) = self.mark.strip(bytes);
        self.block(held, &mut each)?;
        self.block(bytes, &mut each)
    }

    /// Calls `each` for a last line without an end.
    pub(crate) fn finish<E>(
        &mut self,
        mut each: impl FnMut(Line<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let held = self.mark.finish();
        self.block(held, &mut each)?;
        if self.carry.is_empty() && !self.too_long {
            return Ok(());
        }
        self.end_carried(&mut each)
    }

    fn block<E>(
        &mut self,
        bytes: &[u8],
        each: &mut impl FnMut(Line<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rest = bytes;
        while let Some(end) = memchr(b'\n', rest) {
            let line = &rest[..end];
            rest = &rest[end + 1..];
            if self.carry.is_empty() && !self.too_long {
                self.number += 1;
                let line = without_return(line);
                let too_long = line.len() > self.bytes_max;
                let bytes = &line[..line.len().min(self.bytes_max)];
                each(Line { number: self.number, bytes, too_long })?;
            } else {
                self.keep(line);
                self.end_carried(each)?;
            }
        }
        self.keep(rest);
        Ok(())
    }

    /// Keeps at most one byte more than the limit, which may be the `\r` of the line's end.
    fn keep(&mut self, bytes: &[u8]) {
        let room = (self.bytes_max + 1).saturating_sub(self.carry.len());
        self.too_long |= bytes.len() > room;
        self.carry.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn end_carried<E>(
        &mut self,
        each: &mut impl FnMut(Line<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.number += 1;
        let carry = std::mem::take(&mut self.carry);
        let line = if self.too_long { &carry } else { without_return(&carry) };
        let too_long = std::mem::take(&mut self.too_long) || line.len() > self.bytes_max;
        let bytes = &line[..line.len().min(self.bytes_max)];
        let result = each(Line { number: self.number, bytes, too_long });
        self.carry = carry;
        self.carry.clear();
        result
    }
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// What is wrong with bytes that are no text: the first bad byte and its place, counted from 1.
pub(crate) fn invalid_utf8(bytes: &[u8]) -> Option<(usize, String)> {
    let at = std::str::from_utf8(bytes).err()?.valid_up_to();
    let problem =
        format!("invalid UTF-8: byte 0x{:02x} at byte {} of the record", bytes[at], at + 1);
    Some((at, problem))
}

#[cfg(test)]
mod tests {
    use super::LineSplitter;

    /// Splits `text` in blocks of that many bytes.
    fn lines(text: &str, block: usize, bytes_max: usize) -> Vec<(u64, String, bool)> {
        let mut splitter = LineSplitter::new(bytes_max);
        let mut found = Vec::new();
        let mut each = |line: super::Line<'_>| {
            let text = String::from_utf8(line.bytes.to_vec()).unwrap();
            found.push((line.number, text, line.too_long));
            Ok::<(), ()>(())
        };
        for block in text.as_bytes().chunks(block) {
            splitter.split(block, &mut each).unwrap();
        }
        splitter.finish(&mut each).unwrap();
        found
    }

    #[test]
    fn blocks_change_nothing() {
        let text = "\u{feff}one\r\n\ntwo\nthree\r\nlast";
        let expected: Vec<(u64, String, bool)> = ["one", "", "two", "three", "last"]
            .into_iter()
            .zip(1..)
            .map(|(line, number)| (number, line.to_owned(), false))
            .collect();
        for block in 1..=text.len() {
            assert_eq!(lines(text, block, 100), expected, "blocks of {block}");
        }
    }

    #[test]
    fn a_long_line_is_cut_and_the_next_is_whole() {
        for block in 1..=30 {
            let found = lines("12345\r\n1234567890123\nxy", block, 5);
            let expected =
                [(1, "12345".into(), false), (2, "12345".into(), true), (3, "xy".into(), false)];
            assert_eq!(found, expected, "blocks of {block}");
        }
    }

    #[test]
    fn part_of_a_byte_order_mark_is_no_mark() {
        let mut splitter = LineSplitter::new(10);
        let mut found = Vec::new();
        let mut each = |line: super::Line<'_>| {
            found.push(line.bytes.to_vec());
            Ok::<(), ()>(())
        };
        splitter.split(b"\xef\xbb", &mut each).unwrap();
        splitter.split(b"x\n", &mut each).unwrap();
        assert_eq!(found, [b"\xef\xbbx"]);
    }
}
