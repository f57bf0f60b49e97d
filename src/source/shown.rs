//! What lines of console output look like in the end: without colours, the last redraw only.

use super::stdout::plain;

/// Longest open line that is kept; a bar that is redrawn for days has no newline.
const LINE_BYTES_MAX: usize = 64 << 10;

/// Puts lines together from pieces.
#[derive(Default)]
pub(super) struct Shown {
    open: Vec<u8>,
    line: String,
}

impl Shown {
    /// Takes a piece of output; finished lines go to `out`.
    pub(super) fn push(&mut self, bytes: &[u8], out: &mut dyn FnMut(String)) {
        for piece in bytes.split_inclusive(|b| matches!(b, b'\n' | b'\r')) {
            self.open.extend_from_slice(piece);
            match piece.last() {
                Some(b'\n') => self.finish_line(out),
                Some(b'\r') => self.draw(),
                _ if self.open.len() > LINE_BYTES_MAX => self.draw(),
                _ => {}
            }
        }
    }

    /// Gives out the last line if it has no newline.
    pub(super) fn finish(&mut self, out: &mut dyn FnMut(String)) {
        self.draw();
        if !self.line.is_empty() {
            out(std::mem::take(&mut self.line));
        }
    }

    fn finish_line(&mut self, out: &mut dyn FnMut(String)) {
        self.draw();
        out(std::mem::take(&mut self.line));
    }

    fn draw(&mut self) {
        let mut keep = |text: &[u8]| {
            if !text.trim_ascii().is_empty() {
                self.line = String::from_utf8_lossy(text).trim_end().to_owned();
            }
        };
        let mut last = vec![];
        plain(&self.open, &mut last, &mut keep);
        keep(&last);
        self.open.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_as_they_looked_at_last() {
        let mut lines = vec![];
        let mut shown = Shown::default();
        for piece in ["\x1b[31mre", "d\x1b[0m é", "\n\n10%\r", "20%\r", "\r\nopen"] {
            shown.push(piece.as_bytes(), &mut |line| lines.push(line));
        }
        shown.finish(&mut |line| lines.push(line));
        assert_eq!(lines, ["red é", "", "20%", "open"]);
    }
}
