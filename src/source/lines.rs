//! Cuts a byte stream into lines of bounded length.

use super::Loss;
use std::ops::Range;

/// Longest line that is read. og and every tracker we know write lines far below this; a longer one is
/// a binary file or a broken writer, and holding it would cost memory without bound.
pub(super) const LINE_BYTES_MAX: usize = 1 << 20;

/// What editors of Windows put in front of UTF-8. It is no part of the first line.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Bytes of finished lines that may pile up before the buffer is moved together.
const SLACK_BYTES: usize = 1 << 16;

/// Collects bytes and hands out whole lines.
#[derive(Default)]
pub(super) struct Lines {
    bytes: Vec<u8>,
    /// Start of the first line not handed out, in `bytes`.
    head: usize,
    /// How far the search for its newline has come, in `bytes`.
    searched: usize,
    /// Offset of `bytes[0]` in the source.
    base: u64,
    /// Bytes of an overlong line that were already dropped in front of `head`.
    dropped: u64,
}

/// One line without its newline: where it lies in the buffer and in the source.
pub(super) struct Line {
    pub(super) range: Range<usize>,
    pub(super) offset: u64,
    /// Length in the source, newline included.
    pub(super) bytes: u64,
}

impl Lines {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.head > SLACK_BYTES.max(self.bytes.len() / 2) || self.head == self.bytes.len() {
            self.bytes.drain(..self.head);
            self.base += self.head as u64;
            self.searched -= self.head;
            self.head = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole line; a trailing `\r` is cut off with the newline.
    pub(super) fn next(&mut self) -> Result<Option<Line>, Loss> {
        let Some(found) = memchr::memchr(b'\n', &self.bytes[self.searched..]) else {
            self.keep_searching(self.bytes.len() - self.head);
            return Ok(None);
        };
        let end = self.searched + found;
        self.take(end, end + 1)
    }

    /// For callers that search for the end of a line themselves: how much of [`Lines::open`] was searched.
    pub(super) fn searched(&self) -> usize {
        self.searched - self.head
    }

    /// No line ends in the first `searched` bytes of [`Lines::open`].
    pub(super) fn keep_searching(&mut self, searched: usize) {
        self.searched = self.head + searched;
        if searched > LINE_BYTES_MAX {
            self.dropped += searched as u64;
            self.head = self.searched;
        }
    }

    /// Whether the start of the open line was dropped already because it is too long.
    pub(super) fn is_dropping(&self) -> bool {
        self.dropped > 0
    }

    /// Passes over the first `bytes` bytes of [`Lines::open`]: whole lines that nobody wants.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.head += bytes;
        self.searched = self.head;
    }

    /// Cuts off the line that ends at `end` of [`Lines::open`]; the next starts at `next`.
    pub(super) fn cut(&mut self, end: usize, next: usize) -> Result<Option<Line>, Loss> {
        self.take(self.head + end, self.head + next)
    }

    /// The bytes behind the last newline, when there are any.
    pub(super) fn rest(&mut self) -> Result<Option<Line>, Loss> {
        match self.head == self.bytes.len() && self.dropped == 0 {
            true => Ok(None),
            false => self.take(self.bytes.len(), self.bytes.len()),
        }
    }

    /// The bytes behind the last handed-out line, without taking them.
    pub(super) fn open(&self) -> &[u8] {
        &self.bytes[self.head..]
    }

    /// [`Lines::open`] as a line, without taking it.
    pub(super) fn peek(&self) -> Line {
        let bytes = (self.bytes.len() - self.head) as u64;
        Line { range: self.start()..self.bytes.len(), offset: self.base + self.head as u64, bytes }
    }

    /// How long the next line is when it is whole: without its end, and with it.
    pub(super) fn peek_whole(&self) -> Option<(usize, usize)> {
        let end = self.searched + memchr::memchr(b'\n', &self.bytes[self.searched..])?;
        let line = &self.bytes[self.head..end];
        Some((line.strip_suffix(b"\r").unwrap_or(line).len(), line.len() + 1))
    }

    pub(super) fn get(&self, range: Range<usize>) -> &[u8] {
        &self.bytes[range]
    }

    fn take(&mut self, end: usize, next: usize) -> Result<Option<Line>, Loss> {
        let (head, start) = (self.head, self.start());
        self.head = next;
        self.searched = next;
        let dropped = std::mem::take(&mut self.dropped);
        let offset = self.base + head as u64 - dropped;
        let bytes = (next - head) as u64 + dropped;
        if dropped > 0 || end - head > LINE_BYTES_MAX {
            return Err(Loss { offset, bytes, reason: format!("line longer than {LINE_BYTES_MAX} bytes") });
        }
        let end = if end > start && self.bytes[end - 1] == b'\r' { end - 1 } else { end };
        Ok(Some(Line { range: start..end.max(start), offset, bytes }))
    }

    /// Where the text of the line at the head begins.
    fn start(&self) -> usize {
        let has_mark = self.base == 0 && self.head == 0 && self.bytes.starts_with(MARK);
        self.head + if has_mark { MARK.len() } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text and offset of a line, or offset and length of a loss.
    type Got = Result<(Vec<u8>, u64), (u64, u64)>;

    fn all(input: &[u8], chunk: usize) -> Vec<Got> {
        let mut lines = Lines::default();
        let mut out = vec![];
        for part in input.chunks(chunk) {
            lines.push(part);
            loop {
                match lines.next() {
                    Ok(Some(line)) => out.push(Ok((lines.get(line.range.clone()).to_vec(), line.offset))),
                    Ok(None) => break,
                    Err(loss) => out.push(Err((loss.offset, loss.bytes))),
                }
            }
        }
        out
    }

    #[test]
    fn lines_come_whole_with_their_offset_however_the_bytes_are_cut() {
        for chunk in 1..12 {
            let got = all(b"ab\r\n\ncd\nef", chunk);
            assert_eq!(got, [Ok((b"ab".to_vec(), 0)), Ok((vec![], 4)), Ok((b"cd".to_vec(), 5))]);
        }
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_line() {
        for chunk in 1..9 {
            assert_eq!(all(b"\xef\xbb\xbfab\n\xef\xbb\xbfc\n", chunk), [Ok((b"ab".to_vec(), 0)), Ok((b"\xef\xbb\xbfc".to_vec(), 6))]);
            assert_eq!(all(b"\xef\xbb\xbf\r\n", chunk), [Ok((vec![], 0))]);
        }
    }

    #[test]
    fn an_overlong_line_is_one_loss_and_costs_no_memory() {
        let mut input = b"a\n".to_vec();
        input.extend(vec![b'x'; 3 * LINE_BYTES_MAX]);
        input.extend(b"\nb\n");
        let long = 3 * LINE_BYTES_MAX as u64 + 1;
        for chunk in [1 << 12, 1 << 18, input.len()] {
            assert_eq!(all(&input, chunk), [Ok((b"a".to_vec(), 0)), Err((2, long)), Ok((b"b".to_vec(), 2 + long))]);
        }
        let mut lines = Lines::default();
        for _ in 0..64 {
            lines.push(&[b'x'; 1 << 18]);
            assert!(matches!(lines.next(), Ok(None)));
        }
        assert!(lines.bytes.capacity() <= 4 * LINE_BYTES_MAX);
    }
}
