//! The text that filters or searches a list: letters that stand in it, of whatever case, or a regular expression.

use super::page::{Found, Shared};
use crate::ui::strip::Part;
use regex::{Regex, RegexBuilder};

/// A text that is looked for; everything fits an empty one.
#[derive(Clone, Debug, Default)]
pub struct Sieve {
    text: String,
    regex: bool,
    /// `None`: nothing is looked for.
    pattern: Option<Result<Regex, String>>,
}

impl Sieve {
    /// One for a text, which may be meant as a regular expression.
    pub fn new(text: &str, regex: bool) -> Sieve {
        let pattern = if regex { text.to_owned() } else { regex::escape(text) };
        let built = || RegexBuilder::new(&pattern).case_insensitive(true).build().map_err(|error| words(&error));
        Sieve { text: text.to_owned(), regex, pattern: (!text.is_empty()).then(built) }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is meant as a regular expression.
    pub fn is_regex(&self) -> bool {
        self.regex
    }

    /// Empties it; false: it was empty.
    pub fn clear(&mut self) -> bool {
        !std::mem::take(self).text.is_empty()
    }

    /// What is looked for; `None`: nothing, or the text is no regular expression.
    pub fn pattern(&self) -> Option<&Regex> {
        self.pattern.as_ref()?.as_ref().ok()
    }

    /// Whether it lets a text through. What is no regular expression holds nothing back.
    pub fn fits(&self, text: &str) -> bool {
        self.pattern().is_none_or(|pattern| pattern.is_match(text))
    }

    /// How it fares: it let so many of so many through.
    pub fn found(&self, some: usize, all: usize) -> Found {
        match &self.pattern {
            Some(Err(error)) => Found::Wrong(error.clone()),
            _ => Found::Some(some, all),
        }
    }

    /// `/words (3)` for the footer: what is looked for, and how much of it there is.
    pub fn part(&self, found: usize, shared: &Shared) -> Option<Part> {
        let count = || Part::new(format!("{}{} ({found})", sign(self.regex), self.text), shared.theme.accent(), 9);
        (!self.text.is_empty()).then(|| self.wrong(shared).unwrap_or_else(count))
    }

    /// For the footer, where the text is no regular expression: that, and why.
    pub fn wrong(&self, shared: &Shared) -> Option<Part> {
        let error = self.pattern.as_ref()?.as_ref().err()?;
        Some(wrong(&self.text, error, shared))
    }
}

/// What stands in front of a text that is looked for.
pub fn sign(regex: bool) -> &'static str {
    if regex { "re/" } else { "/" }
}

/// For the footer: the text is no regular expression, and why.
pub fn wrong(text: &str, error: &str, shared: &Shared) -> Part {
    Part::new(format!("re/{text} invalid: {error}"), shared.theme.bad(), 9)
}

/// The last line of what the crate says: what is wrong, without the drawing of where.
pub fn words(error: &regex::Error) -> String {
    error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_any_case_or_a_regular_expression_let_a_text_through() {
        let fits = |text: &str, regex| Sieve::new(text, regex).fits("Loss(train) Ünder");
        assert_eq!([fits("", false), fits("loss(T", false), fits("ünder", false), fits("^train", false)], [true, true, true, false]);
        assert_eq!([fits("^loss.*r$", true), fits("^train", true), fits("l(", true)], [true, false, true]);
        assert_eq!(Sieve::new("l(", true).found(3, 3), Found::Wrong("unclosed group".into()));
        assert_eq!(Sieve::new("l(", false).found(0, 3), Found::Some(0, 3));
        let mut sieve = Sieve::new("x", true);
        assert_eq!((sieve.clear(), sieve.clear(), sieve.is_regex()), (true, false, false));
    }
}
