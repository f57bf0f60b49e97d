//! Text that is laid out in lines while its pieces keep what they are: a heading, a token, words.

use crate::text;
use std::ops::Range;

/// What a stretch of text is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Words.
    Plain,
    /// A name of what follows.
    Heading,
    /// A remark.
    Quiet,
    /// This token of the answer.
    Token(usize),
    /// A cell of the strip that shows how unlikely the tokens were, and the tokens that it stands for.
    Strip(usize),
}

/// Text in pieces.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Prose {
    chars: Vec<(char, Kind)>,
}

impl Prose {
    /// Adds text. Escapes and controls in it are left out, a tab is a space.
    pub fn push(&mut self, text: &str, kind: Kind) {
        let clean = text.chars().filter_map(|c| match c {
            '\t' => Some(' '),
            '\n' => Some(c),
            c if c.is_control() => None,
            c => Some(c),
        });
        self.chars.extend(clean.map(|c| (c, kind)));
    }

    /// Starts a new line, unless one is just started.
    pub fn line(&mut self) {
        if self.chars.last().is_some_and(|(c, _)| *c != '\n') {
            self.chars.push(('\n', Kind::Plain));
        }
    }

    /// Adds text on a line of its own.
    pub fn own_line(&mut self, text: &str, kind: Kind) {
        self.line();
        self.push(text, kind);
        self.line();
    }

    /// The lines of at most `cells` cells, broken between words where that is possible.
    pub fn lines(&self, cells: usize) -> Vec<Range<usize>> {
        let cells = cells.max(2);
        let (mut lines, mut start, mut used, mut word) = (vec![], 0, 0, None);
        for (at, (c, _)) in self.chars.iter().enumerate() {
            if *c == '\n' {
                lines.push(start..at);
                (start, used, word) = (at + 1, 0, None);
                continue;
            }
            let wide = text::char_width(*c);
            // A word that is longer than a line is broken once more.
            while used + wide > cells && at > start && *c != ' ' {
                let next = word.filter(|word| *word > start).unwrap_or(at);
                lines.push(start..next);
                used = self.chars[next..at].iter().map(|(c, _)| text::char_width(*c)).sum();
                (start, word) = (next, None);
            }
            used += wide;
            if *c == ' ' {
                word = Some(at + 1);
            }
        }
        if start < self.chars.len() {
            lines.push(start..self.chars.len());
        }
        lines
    }

    /// The pieces of a line, without the spaces at its end.
    pub fn pieces(&self, line: Range<usize>) -> Vec<(String, Kind)> {
        let mut pieces: Vec<(String, Kind)> = vec![];
        for (c, kind) in &self.chars[line] {
            match pieces.last_mut() {
                Some((text, last)) if last == kind => text.push(*c),
                _ => pieces.push((c.to_string(), *kind)),
            }
        }
        if let Some((last, _)) = pieces.last_mut() {
            last.truncate(last.trim_end().len());
        }
        pieces
    }

    /// The line that a token is in.
    pub fn line_of(&self, token: usize, lines: &[Range<usize>]) -> Option<usize> {
        let is_token = |(c, kind): &(char, Kind)| *kind == Kind::Token(token) && !c.is_whitespace();
        let at = self.chars.iter().position(is_token)?;
        lines.iter().position(|line| line.contains(&at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(text: &str, cells: usize) -> Vec<String> {
        let mut prose = Prose::default();
        prose.push(text, Kind::Plain);
        prose.lines(cells).into_iter().map(|line| prose.pieces(line).into_iter().map(|piece| piece.0).collect()).collect()
    }

    #[test]
    fn words_are_kept_whole_where_they_fit() {
        assert_eq!(lines("the loss is flat", 8), ["the loss", "is flat"]);
        assert_eq!(lines("a\n\nbcdefgh ij", 4), ["a", "", "bcde", "fgh", "ij"]);
        assert_eq!(lines("損失を見て", 4), ["損失", "を見", "て"]);
    }

    #[test]
    fn a_token_is_found_in_its_line() {
        let mut prose = Prose::default();
        ["In", " April", "\nshe"].into_iter().enumerate().for_each(|(at, word)| prose.push(word, Kind::Token(at)));
        let lines = prose.lines(20);
        assert_eq!([0, 1, 2, 3].map(|token| prose.line_of(token, &lines)), [Some(0), Some(0), Some(1), None]);
    }

    proptest! {
        #[test]
        fn every_line_fits_and_nothing_is_lost(text in "[a-z 損👍\n\u{301}]{0,80}", cells in 2usize..20) {
            let lines = lines(&text, cells);
            prop_assert!(lines.iter().all(|line| line.chars().map(text::char_width).sum::<usize>() <= cells), "{lines:?}");
            let words = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(words(&lines.concat()), words(&text));
        }
    }
}
