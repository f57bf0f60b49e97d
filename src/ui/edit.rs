//! One line of text that is being typed.

use super::keymap::Action;

/// Longest filter: far more than any metric key, so more is a paste gone wrong.
const CHARS_MAX: usize = 200;
/// Longest message: a page.
const MESSAGE_CHARS_MAX: usize = 4000;
/// Lines that are remembered.
const HISTORY_MAX: usize = 100;

/// A line and its caret.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Line {
    text: Vec<char>,
    caret: usize,
    is_message: bool,
}

/// The lines that were kept before, newest last. It lives as long as the program.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct History {
    lines: Vec<String>,
    /// The one that is looked at, and the line to come back to.
    at: Option<(usize, String)>,
}

impl History {
    /// Remembers a line that was kept.
    pub fn keep(&mut self, line: &str) {
        self.at = None;
        if line.is_empty() || self.lines.last().is_some_and(|last| last == line) {
            return;
        }
        self.lines.push(line.to_owned());
        self.lines.drain(..self.lines.len().saturating_sub(HISTORY_MAX));
    }

    /// Nothing is looked at any more.
    pub fn leave(&mut self) {
        self.at = None;
    }

    /// The line before the one that is looked at.
    pub fn older(&mut self, typed: &str) -> Option<String> {
        let at = self.at.as_ref().map_or(self.lines.len(), |(at, _)| *at).checked_sub(1)?;
        let back = self.at.take().map_or_else(|| typed.to_owned(), |(_, back)| back);
        self.at = Some((at, back));
        self.lines.get(at).cloned()
    }

    /// The line after it; behind the newest, what was typed.
    pub fn newer(&mut self) -> Option<String> {
        let (at, back) = self.at.take()?;
        let Some(line) = self.lines.get(at + 1) else { return Some(back) };
        self.at = Some((at + 1, back));
        Some(line.clone())
    }
}

impl Line {
    /// A line with the caret at its end.
    pub fn new(text: &str) -> Line {
        let text: Vec<char> = text.chars().take(CHARS_MAX).collect();
        Line { caret: text.len(), text, is_message: false }
    }

    /// An empty line that may become a message.
    pub fn message() -> Line {
        Line { is_message: true, ..Line::default() }
    }

    /// Replaces the text; the caret goes to its end.
    pub fn replace(&mut self, text: &str) {
        *self = Line { is_message: self.is_message, ..Line::default() };
        text.chars().for_each(|c| self.insert(c));
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

    /// Types a character. A line break or a tab (of a paste) becomes a space; other control characters type nothing.
    pub fn insert(&mut self, c: char) {
        let c = if matches!(c, '\n' | '\t') { ' ' } else { c };
        let chars_max = if self.is_message { MESSAGE_CHARS_MAX } else { CHARS_MAX };
        if !c.is_control() && self.text.len() < chars_max {
            self.text.insert(self.caret, c);
            self.caret += 1;
        }
    }

    /// Moves or deletes; any other action is none of the line's business.
    pub fn edit(&mut self, action: Action) {
        match action {
            Action::CaretLeft => self.caret = self.caret.saturating_sub(1),
            Action::CaretRight => self.caret = (self.caret + 1).min(self.text.len()),
            Action::CaretWordLeft => self.caret = self.word_start(),
            Action::CaretWordRight => {
                let behind = &self.text[self.caret..];
                let word = behind.iter().position(|c| c.is_alphanumeric()).unwrap_or(behind.len());
                self.caret += behind[word..].iter().position(|c| !c.is_alphanumeric()).map_or(behind.len(), |end| word + end);
            }
            Action::CaretHome => self.caret = 0,
            Action::CaretEnd => self.caret = self.text.len(),
            Action::DeleteBefore => self.delete(self.caret.saturating_sub(1)),
            Action::DeleteWord => self.delete(self.word_start()),
            Action::DeleteToStart => self.delete(0),
            Action::DeleteToEnd => self.text.truncate(self.caret),
            Action::DeleteAt if self.caret < self.text.len() => {
                self.text.remove(self.caret);
            }
            _ => {}
        }
    }

    /// Where the word before the caret begins.
    fn word_start(&self) -> usize {
        let before = &self.text[..self.caret];
        let word_end = before.iter().rposition(|c| c.is_alphanumeric()).map_or(0, |i| i + 1);
        before[..word_end].iter().rposition(|c| !c.is_alphanumeric()).map_or(0, |i| i + 1)
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
        check("train/loss", &[CaretWordLeft], ("train/", "loss"));
        check("train/loss", &[CaretWordLeft, CaretWordLeft, CaretWordLeft], ("", "train/loss"));
        check("a train/loss ", &[CaretHome, CaretWordRight, CaretWordRight], ("a train", "/loss "));
        check("a /", &[CaretHome, CaretWordRight, CaretWordRight, CaretWordRight], ("a /", ""));
        check("größe", &[CaretLeft, CaretLeft, DeleteBefore, DeleteAt], ("gr", "e"));
        check("", &[DeleteBefore, DeleteAt, DeleteWord, CaretLeft, CaretRight, CaretEnd], ("", ""));
    }

    #[test]
    fn lines_that_were_kept_come_back_and_so_does_what_was_typed() {
        let mut history = History::default();
        ["loss", "acc", "acc", ""].iter().for_each(|line| history.keep(line));
        assert_eq!(history.older("gr"), Some("acc".into()));
        assert_eq!(history.older("acc"), Some("loss".into()));
        assert_eq!(history.older("loss"), None);
        assert_eq!([history.newer(), history.newer(), history.newer()], [Some("acc".into()), Some("gr".into()), None]);
        assert_eq!(History::default().older(""), None);
    }

    #[test]
    fn a_pasted_line_break_is_a_space() {
        let mut line = Line::message();
        "why\r\nis\u{7}\tit".chars().for_each(|c| line.insert(c));
        assert_eq!(line.text(), "why is it");
    }

    #[test]
    fn a_paste_gone_wrong_is_cut() {
        let mut line = Line::default();
        (0..1000).for_each(|_| line.insert('x'));
        line.insert('\n');
        assert_eq!(line.text().len(), CHARS_MAX);
    }
}
