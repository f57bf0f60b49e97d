//! What stands around a number tells what it is.

use super::{Key, Walk, is_verb, name};
use crate::source::{
    metrics::is_metric,
    stdout::token::{Number, Token},
};

impl Walk<'_> {
    /// Whether two more numbers follow the one in front of `at`, without names.
    pub(super) fn is_among_numbers(&self, at: usize) -> bool {
        let mut behind = self.tokens[at..].iter().filter(|token| **token != Token::Gap);
        let mut is_number = || matches!(behind.next(), Some(Token::Number(_)));
        is_number() && is_number()
    }

    /// `25 minutes 3 seconds`: whether the number in front of `at` is the first part of a time.
    pub(super) fn is_duration(&self, at: usize) -> bool {
        let is_one_of = |from: u32, to: u32, units: &[&str]| {
            let word = self.text[from as usize..to as usize].trim_end_matches(',');
            units.iter().any(|unit| word.eq_ignore_ascii_case(unit))
        };
        let Some([Token::Word(from, to), rest @ ..]) = self.tokens.get(at..) else { return false };
        let rest = rest.strip_prefix(&[Token::Break]).unwrap_or(rest);
        is_one_of(*from, *to, &["day", "days", "hour", "hours", "hrs", "hr", "minute", "minutes", "min", "mins"])
            && matches!(rest, [Token::Number(_), Token::Word(from, to), ..]
                if is_one_of(*from, *to, &["hour", "hours", "hrs", "hr", "minute", "minutes", "min", "mins", "second", "seconds", "sec", "secs"]))
    }

    /// `Episode 5  Min: 1.5  Mean: 2.5`: whether a name for one of several values says all there is, since no metric that it is of
    /// stands in front of it.
    pub(super) fn is_spread(&self, name: &str, key: &Key) -> bool {
        let is_one = |name: &str| ["min", "max", "mean", "avg"].iter().any(|one| name.eq_ignore_ascii_case(one));
        let is_counted = key.closed && (self.facts.step.is_some() || self.facts.epoch.is_some());
        let is_note = key.from > 0 && matches!(self.text.as_bytes()[key.from as usize - 1], b'(' | b'[');
        is_counted && is_one(name) && !is_note && self.facts.pairs.iter().all(|(name, _)| is_one(name))
    }

    /// `Valid loss at step 5: 0.25`: the name of the number that follows the count in front of `at`.
    pub(super) fn counted_value(&self, key: &Key, at: usize) -> Option<Key> {
        let value = match self.tokens.get(at..)? {
            [Token::Word(from, to), Token::Number(value), ..] if is_verb(&self.text[*from as usize..*to as usize]) => value,
            [Token::Colon | Token::Equals, Token::Number(value), ..]
            | [Token::Colon | Token::Equals, Token::Gap, Token::Number(value), ..] => value,
            _ => return None,
        };
        let name = name(self.text, key);
        let (name, _) = of_when(name)?;
        let is_value = !key.closed && (!value.whole || is_metric(name));
        let (to, words) = (key.from + name.len() as u32, name.split(' ').count() as u32);
        is_value.then_some(Key { from: key.from, to, last: to, before: to, words, closed: true })
    }

    /// `step 5 of 100`: the total behind the count in front of `at`.
    pub(super) fn total(&self, at: usize) -> Option<i64> {
        match self.tokens.get(at..)? {
            [Token::Word(from, to), Token::Number(Number { value, whole: true, of: None }), ..]
                if self.text[*from as usize..*to as usize].eq_ignore_ascii_case("of") =>
            {
                Some(*value as i64)
            }
            _ => None,
        }
    }
}

/// `Cost after iteration`: a name, and the counter of its moment.
pub(super) fn of_when(name: &str) -> Option<(&str, &str)> {
    [" at ", " after ", " in ", " for "].iter().find_map(|word| name.rsplit_once(word))
}
