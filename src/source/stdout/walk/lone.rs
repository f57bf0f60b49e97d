//! Numbers that no name stands in front of: counts at the start of a line, and values in front of their names.

use super::{Walk, is_name};
use crate::source::{
    metrics::is_metric,
    stdout::{
        facts::Count,
        token::{Number, Token},
        words::{Counter, counter, is_no_metric, is_training, is_unit, validation},
    },
};

impl Walk<'_> {
    /// `12: 0.5 avg loss, 0.001 rate`: values in front of their names, in a line that begins with its step.
    pub(super) fn value_first(&mut self, number: Number, at: usize) -> Option<usize> {
        let before = &self.tokens[..at - 1];
        let sign = before.strip_suffix(&[Token::Gap]).unwrap_or(before).last();
        if self.facts.lead.len() != 1 || !matches!(sign, Some(Token::Break | Token::Colon)) {
            return None;
        }
        let words = self.tokens[at..].iter().take_while(|token| matches!(token, Token::Word(..))).count();
        let (Some(Token::Word(from, first)), Token::Word(_, to)) = (self.tokens.get(at), self.tokens.get((at + words).checked_sub(1)?)?)
        else {
            return None;
        };
        let name = &self.text[*from as usize..*to as usize];
        let ends = matches!(self.tokens.get(at + words), None | Some(Token::Break));
        let is_value = !number.whole || is_metric(name);
        let is_named = words <= 3 && is_name(name) && !is_unit(&self.text[*from as usize..*first as usize]) && !is_no_metric(name);
        (ends && is_value && is_named).then(|| {
            self.facts.pairs.push_from(&[self.facts.prefix, name], number.value, at as u32 - 1);
            at + words
        })
    }

    /// `5epoch`, `3/10epoch`, `1-682batch:`: a number glued to what it counts; of a range its end.
    pub(super) fn glued(&mut self, word: &str, at: usize) -> bool {
        let (first, rest) = word.split_once(':').unwrap_or((word, ""));
        let name = first.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '/'));
        let (Some(kind), numbers) = (counter(name), &first[..first.len() - name.len()]) else { return false };
        let (from, to) = numbers.split_once(['-', '/']).unwrap_or(("", numbers));
        let (Ok(at_count), is_total) = (if numbers.contains('/') { from } else { to }.parse(), numbers.contains('/')) else { return false };
        let count = Count { at: at_count, of: if is_total { to.parse().ok() } else { None } };
        self.abandon();
        match kind {
            Counter::Epoch => self.facts.set_epoch(count, at as u32),
            _ => self.facts.set_step(kind, count, at as u32),
        }
        if let Some(prefix) = validation(rest) {
            self.facts.prefix = prefix;
        }
        self.facts.is_odd = true;
        true
    }

    /// `E001 B0010 loss 0.5`: epoch and batch behind their first letters at the start of the line. How many tokens that are.
    pub(super) fn letters(&mut self) -> usize {
        let [Token::Word(from, to), Token::Word(then, end), ..] = self.tokens else { return 0 };
        let count = |from: &u32, to: &u32, letters: &[char]| {
            let digits = self.text[*from as usize..*to as usize].strip_prefix(letters)?;
            digits.parse::<u32>().ok().map(|at| Count { at: at.into(), of: None })
        };
        let (Some(epoch), Some(step)) = (count(from, to, &['E']), count(then, end, &['B', 'I', 'S'])) else { return 0 };
        self.facts.set_epoch(epoch, 0);
        self.facts.set_step(Counter::Batch, step, 1);
        self.facts.is_odd = true;
        2
    }

    /// A whole number without a name, at `at`.
    pub(super) fn lone(&mut self, number: Number, at: usize) {
        if !number.whole {
            return;
        }
        let count = Count { at: number.value as i64, of: number.of };
        let before: Vec<_> = self.tokens[..at].iter().rev().filter(|token| **token != Token::Gap).take(2).collect();
        let next = self.tokens.get(at + 1);
        // `[01/01 10:00:00]` is a date.
        if next == Some(&Token::Clock) {
            return;
        }
        let in_total = count.of.is_none() || self.facts.lead.first().is_some_and(|(first, _)| first.of.is_some());
        match before.as_slice() {
            [] if count.of.is_some() && !self.is_counted(at + 1) => {
                (self.facts.progress, self.facts.progress_token) = (Some(count), at as u32);
            }
            // `12: loss 0.5`, `12 [loss: 0.5]`, `12 | loss 0.5`, `12 train loss 0.5`
            [] if matches!(next, Some(Token::Colon | Token::Break | Token::Open(b'['))) || self.names_metric(at + 1) => {
                self.facts.lead.push((count, at as u32));
                self.facts.is_lead_vague = matches!(next, Some(Token::Break | Token::Word(..)));
            }
            // `12 0.5 s run, 2.5 loss`
            [] if matches!(&self.tokens[at + 1..], [Token::Number(value), ..] | [Token::Gap, Token::Number(value), ..] if !value.whole) => {
                self.facts.lead.push((count, at as u32));
                self.facts.is_lead_vague = true;
            }
            [Token::Open(b'[')] if self.facts.lead.is_empty() => self.facts.lead.push((count, at as u32)),
            // `(100/500) loss: 2.5`
            [Token::Open(b'(')] if count.of.is_some() && next == Some(&Token::Close) && self.facts.lead.is_empty() => {
                self.facts.lead.push((count, at as u32));
                self.facts.is_lead_vague = true;
            }
            // `[1, 2000]`, `[1: 20/200]`
            [Token::Break | Token::Colon, Token::Number(_)]
                if self.facts.lead.len() == 1 && next == Some(&Token::Close) && self.is_start(at) =>
            {
                self.facts.lead.push((count, at as u32))
            }
            // `[1]  20 || loss 0.5`
            [Token::Close, Token::Number(_)] if self.facts.lead.len() == 1 && next == Some(&Token::Break) && self.is_start(at) => {
                self.facts.lead.push((count, at as u32))
            }
            // `200/2928 batches`
            _ if count.of.is_some() && self.is_counted(at + 1) => self.facts.set_step(Counter::Step, count, at as u32),
            [Token::Open(b'['), Token::Close] if in_total && self.facts.lead.len() == 1 && self.is_start(at) => {
                self.facts.lead.push((count, at as u32));
            }
            [Token::Open(b'['), ..] | [Token::Open(b'('), Token::Close] | [Token::Colon, Token::Number(_)] if count.of.is_some() => {
                self.facts.set_step(Counter::Step, count, at as u32);
            }
            // `epoch 010  2000 / 8223 loss=1.5`, `Epoch 1 | 100/2000 | loss 1.5`
            [Token::Number(_), ..] | [Token::Break, Token::Number(_)]
                if count.of.is_some() && self.facts.epoch_token + 2 == at as u32 && self.facts.epoch.is_some() =>
            {
                self.facts.set_step(Counter::Step, count, at as u32);
            }
            _ => {}
        }
    }

    /// Whether the token at `at` is the first word of what is measured, and its value follows.
    fn names_metric(&self, at: usize) -> bool {
        const WORDS_MAX: usize = 3;
        let words = self.tokens.get(at..).unwrap_or_default().iter().take_while(|token| matches!(token, Token::Word(..))).count();
        let mut behind = self.tokens[at..].iter().skip(words).filter(|token| **token != Token::Gap);
        if words > WORDS_MAX || !matches!(behind.next(), Some(Token::Number(_) | Token::Colon | Token::Equals)) {
            return false;
        }
        let Some(Token::Word(from, to)) = self.tokens.get(at) else { return false };
        let word = &self.text[*from as usize..*to as usize];
        is_metric(word) || is_training(word) || validation(word).is_some()
    }

    /// Whether the token at `at` says what was counted.
    fn is_counted(&self, at: usize) -> bool {
        let Some(Token::Word(from, to)) = self.tokens.get(at) else { return false };
        let word = &self.text[*from as usize..*to as usize];
        ["batches", "steps", "iterations", "iters", "updates"].iter().any(|name| word.eq_ignore_ascii_case(name))
    }

    /// Whether only brackets, numbers and breaks stand before `at`.
    fn is_start(&self, at: usize) -> bool {
        let is_sign = |token: &Token| !matches!(token, Token::Word(..) | Token::Equals | Token::Clock);
        self.tokens[..at].iter().all(is_sign)
    }
}
