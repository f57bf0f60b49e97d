//! Whole lines of our own small files, as records that [`crate::source::Tail`] can bring.

use crate::source::{Decoder, Loss, Record};

/// Longest line kept. Ours are far shorter; what is longer was not written by us and is passed over.
const LINE_BYTES_MAX: usize = 1 << 20;

/// Yields each whole line as [`Record::Console`]; a torn last line waits for its end.
#[derive(Default)]
pub(super) struct OwnLines {
    bytes: Vec<u8>,
    /// Where the next line starts in `bytes`, and `bytes` in the file.
    head: usize,
    base: u64,
}

impl Decoder for OwnLines {
    fn push(&mut self, bytes: &[u8]) {
        self.base += self.head as u64;
        self.bytes.drain(..self.head);
        self.head = 0;
        self.bytes.extend_from_slice(bytes);
    }

    fn next(&mut self) -> Result<Option<Record>, Loss> {
        let offset = self.base + self.head as u64;
        let rest = &self.bytes[self.head..];
        let Some(end) = memchr::memchr(b'\n', rest) else {
            if rest.len() <= LINE_BYTES_MAX {
                return Ok(None);
            }
            let bytes = rest.len();
            self.head += bytes;
            return Err(Loss { offset, bytes: bytes as u64, reason: "line is too long".into() });
        };
        let line = String::from_utf8_lossy(&rest[..end]).into_owned();
        self.head += end + 1;
        Ok(Some(Record::Console(line.into())))
    }

    fn reset(&mut self) {
        *self = OwnLines::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_however_they_are_cut() {
        for chunk in 1..9 {
            let mut lines = OwnLines::default();
            let mut out = vec![];
            for part in b"one\n\ntwo\nto".chunks(chunk) {
                lines.push(part);
                while let Ok(Some(Record::Console(line))) = lines.next() {
                    out.push(line.text);
                }
            }
            assert_eq!(out, ["one", "", "two"]);
        }
    }

    #[test]
    fn a_line_without_end_is_a_loss() {
        let mut lines = OwnLines::default();
        lines.push(&vec![b'x'; LINE_BYTES_MAX + 1]);
        assert_eq!(lines.next().map_err(|loss| loss.bytes), Err(LINE_BYTES_MAX as u64 + 1));
        assert_eq!(lines.next(), Ok(None));
    }
}
