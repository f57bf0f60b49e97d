//! One line of text that is being typed.

use super::keymap::Action;

/// Longest filter: far more than any metric key, so more is a paste gone wrong.
const CHARS_MAX: usize = 200;

/// A line and its caret.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Line {
    text: Vec<char>,
    caret: usize,
}

impl Line {
    /// A line with the caret at its end.
    pub fn new(text: &str) -> Line {
        let text: Vec<char> = text.chars().take(CHARS_MAX).collect();
        Line { caret: text.len(), text }
    }

    /// The text.
    pub fn text(&self) -> String {
        self.text.iter().collect()
    }

    /// What stands before the caret, and at and after it.
    pub fn parts(&self) -> (String, String) {
        let (before, after) = self.text.split_at(self.caret);
        (before.iter().collect(), after.iter().collect())
    }

    /// Types a character; control characters type nothing.
    pub fn insert(&mut self, c: char) {
        if !c.is_control() && self.text.len() < CHARS_MAX {
            self.text.insert(self.caret, c);
            self.caret += 1;
        }
    }

    /// Moves or deletes; any other action is none of the line's business.
    pub fn edit(&mut self, action: Action) {
        match action {
            Action::CaretLeft => self.caret = self.caret.saturating_sub(1),
            Action::CaretRight => self.caret = (self.caret + 1).min(self.text.len()),
            Action::CaretHome => self.caret = 0,
            Action::CaretEnd => self.caret = self.text.len(),
            Action::DeleteBefore => self.delete(self.caret.saturating_sub(1)),
            Action::DeleteWord => {
                let before = &self.text[..self.caret];
                let word_end = before.iter().rposition(|c| c.is_alphanumeric()).map_or(0, |i| i + 1);
                let start = before[..word_end].iter().rposition(|c| !c.is_alphanumeric()).map_or(0, |i| i + 1);
                self.delete(start);
            }
            Action::DeleteToStart => self.delete(0),
            Action::DeleteToEnd => self.text.truncate(self.caret),
            Action::DeleteAt if self.caret < self.text.len() => {
                self.text.remove(self.caret);
            }
            _ => {}
        }
    }

    fn delete(&mut self, from: usize) {
        self.text.drain(from..self.caret);
        self.caret = from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Action::*;

    #[track_caller]
    fn check(start: &str, actions: &[Action], want: (&str, &str)) {
        let mut line = Line::new(start);
        for &action in actions {
            line.edit(action);
        }
        assert_eq!(line.parts(), (want.0.to_owned(), want.1.to_owned()));
    }

    #[test]
    fn a_line_is_edited_as_in_a_shell() {
        check("train/loss", &[DeleteWord], ("train/", ""));
        check("train/loss", &[DeleteWord, DeleteWord], ("", ""));
        check("train/loss", &[CaretHome, CaretRight, DeleteToEnd], ("t", ""));
        check("train/loss", &[CaretLeft, DeleteToStart], ("", "s"));
        check("größe", &[CaretLeft, CaretLeft, DeleteBefore, DeleteAt], ("gr", "e"));
        check("", &[DeleteBefore, DeleteAt, DeleteWord, CaretLeft, CaretRight, CaretEnd], ("", ""));
    }

    #[test]
    fn a_paste_gone_wrong_is_cut() {
        let mut line = Line::default();
        (0..1000).for_each(|_| line.insert('x'));
        line.insert('\n');
        assert_eq!(line.text().len(), CHARS_MAX);
    }
}
