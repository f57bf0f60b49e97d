//! What lines of console output look like in the end: without colours, the last redraw only.

use super::stdout::plain;

/// Longest open line that is kept; a bar that is redrawn for days has no newline.
const LINE_BYTES_MAX: usize = 64 << 10;

/// Whether text looks as it is printed, as nearly all does.
#[inline]
pub(super) fn is_plain(text: &[u8]) -> bool {
    text.iter().fold(true, |plain, byte| plain & (matches!(byte, b' '..=b'~') | (*byte == b'\t')))
}

/// Puts lines together from pieces.
#[derive(Default)]
pub(super) struct Shown {
    open: Vec<u8>,
    line: String,
}

impl Shown {
    /// Takes a piece of output; finished lines go to `out`.
    pub(super) fn push(&mut self, bytes: &[u8], out: &mut dyn FnMut(&str)) {
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

    /// Takes one redraw of a line, without its end; `is_line`: a newline follows, and nothing overwrites it.
    pub(super) fn draw_line(&mut self, text: &[u8], is_line: bool, out: &mut dyn FnMut(&str)) {
        if is_plain(text) {
            return self.draw_plain(text, is_line, out);
        }
        self.push(text, out);
        self.push(if is_line { b"\n" } else { b"\r" }, out);
    }

    /// The same of text that [`is_plain`].
    pub(super) fn draw_plain(&mut self, text: &[u8], is_line: bool, out: &mut dyn FnMut(&str)) {
        if !self.open.is_empty() {
            self.push(text, out);
            return self.push(if is_line { b"\n" } else { b"\r" }, out);
        }
        match std::str::from_utf8(text.trim_ascii_end()) {
            Ok("") | Err(_) if is_line => self.give(out),
            Ok("") | Err(_) => {}
            Ok(text) if is_line => {
                self.line.clear();
                out(text);
            }
            Ok(text) => text.clone_into(&mut self.line),
        }
    }

    /// Gives out the last line if it has no newline.
    pub(super) fn finish(&mut self, out: &mut dyn FnMut(&str)) {
        self.draw();
        if !self.line.is_empty() {
            self.give(out);
        }
    }

    fn finish_line(&mut self, out: &mut dyn FnMut(&str)) {
        self.draw();
        self.give(out);
    }

    fn give(&mut self, out: &mut dyn FnMut(&str)) {
        out(&self.line);
        self.line.clear();
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
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_whole_line_is_shown_as_its_pieces_are(lines in prop::collection::vec((r"[a-c \t\x08\x1b\[mé]{0,8}", any::<bool>()), 0..8)) {
            let (mut by_line, mut by_piece) = ((Shown::default(), vec![]), (Shown::default(), vec![]));
            for (text, is_line) in lines {
                by_line.0.draw_line(text.as_bytes(), is_line, &mut |line| by_line.1.push(line.to_owned()));
                by_piece.0.push(format!("{text}{}", if is_line { '\n' } else { '\r' }).as_bytes(), &mut |line| by_piece.1.push(line.to_owned()));
            }
            by_line.0.finish(&mut |line| by_line.1.push(line.to_owned()));
            by_piece.0.finish(&mut |line| by_piece.1.push(line.to_owned()));
            prop_assert_eq!(by_line.1, by_piece.1);
        }
    }

    #[test]
    fn lines_come_as_they_looked_at_last() {
        let mut lines = vec![];
        let mut shown = Shown::default();
        for piece in ["\x1b[31mre", "d\x1b[0m é", "\n\n10%\r", "20%\r", "\r\nopen"] {
            shown.push(piece.as_bytes(), &mut |line| lines.push(line.to_owned()));
        }
        shown.finish(&mut |line| lines.push(line.to_owned()));
        assert_eq!(lines, ["red é", "", "20%", "open"]);
    }
}
