//! Rows of a validation that says how far it is: `Test: [ 10/50]  loss 0.5`.

use super::Reader;
use crate::source::stdout::{
    draft::Draft,
    facts::{Count, Pairs},
    prefix::Stripped,
    steps::is_known,
    words::{is_training, validation},
};

/// A validation that a line of its own announced: `Eval begin...`. Its rows may count as those of the training do.
pub(super) struct Announced {
    prefix: &'static str,
    /// It was announced as something that begins now. A title may as well stand over what it came to.
    is_begun: bool,
    /// How far it is.
    last: Option<Count>,
}

impl Announced {
    /// What a line without numbers announces.
    pub(super) fn by(text: &str) -> Option<Announced> {
        let (prefix, is_begun) = match text.strip_suffix("...").or_else(|| text.strip_suffix('…')) {
            Some(text) => (dotted(text)?, true),
            None => (titled(text)?, false),
        };
        Some(Announced { prefix, is_begun, last: None })
    }
}

/// `Validating on the dev set`, `Eval begin`, in front of dots, which say that something begins.
fn dotted(text: &str) -> Option<&'static str> {
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    let (verb, named) = if validation(first).is_some() { (first, rest) } else { (rest, "") };
    let is_it = named.len() <= "on the validation set".len() && !verb.contains(' ');
    validation(verb).filter(|_| is_it)
}

/// The same without dots, also between rulers: each of its words must belong to it.
fn titled(text: &str) -> Option<&'static str> {
    const BESIDE: &[&str] = &[
        "start",
        "starting",
        "begin",
        "begins",
        "beginning",
        "run",
        "running",
        "perform",
        "performing",
        "do",
        "doing",
        "on",
        "the",
        "model",
        "set",
        "split",
        "data",
        "dataset",
        "phase",
        "mode",
        "loop",
    ];
    const WORDS_MAX: usize = 6;
    const BYTES_MAX: usize = 60;
    if text.len() > BYTES_MAX {
        return None;
    }
    let text = text.trim_matches(|c: char| c.is_ascii_punctuation() || c == ' ');
    let mut prefix = None;
    for (at, word) in text.split(' ').enumerate() {
        let split = if word.ends_with(char::is_alphabetic) { validation(word) } else { None };
        if at >= WORDS_MAX || split.is_none() && !BESIDE.iter().any(|beside| word.eq_ignore_ascii_case(beside)) {
            return None;
        }
        prefix = prefix.or(split);
    }
    prefix
}

impl Reader {
    /// Hears a line without numbers, which may announce a validation, or that the training goes on.
    pub(super) fn hear_announced(&mut self, text: &str) {
        if let Some(announced) = Announced::by(text) {
            self.announced = Some(announced);
            self.steps.is_in_loop();
        } else if (self.announces || self.announced.is_some()) && text.split([' ', '.', ':']).any(is_training) {
            self.announced = None;
            self.steps.is_in_loop();
        }
    }

    /// Reads the line in the facts again if it is of the validation that was announced, which else ends with it.
    pub(super) fn tell_announced(&mut self, line: &Stripped) {
        let Some(announced) = &mut self.announced else { return };
        let is_given = |name| self.steps.since().is_some_and(|since| self.keys.is_given_since(name, since));
        let is_again = is_known(&self.facts.pairs) && self.facts.pairs.iter().all(|(name, _)| is_given(name));
        match (self.facts.step, self.facts.epoch) {
            // What was said of the training already is said of the validation now.
            (None, None) if is_again => {
                let prefix = if line.prefix.is_empty() { announced.prefix } else { line.prefix };
                self.facts.read(line.text, prefix, line.rank);
            }
            // `Accuracy: 50.5%`: what it came to.
            (None, None) if is_known(&self.facts.pairs) => self.announced = None,
            (None, None) => {}
            (Some(step @ (_, count @ Count { of: Some(_), .. })), None)
                if self.steps.goes_again(step, announced.last, announced.is_begun) =>
            {
                (announced.last, self.announces) = (Some(count), true);
                let prefix = if line.prefix.is_empty() { announced.prefix } else { line.prefix };
                self.facts.read(line.text, prefix, line.rank);
            }
            _ => self.announced = None,
        }
    }

    /// Puts a part of a validation to those before it, of which the newest value of each name counts; what else comes ends the
    /// validation. The draft, if it is a row of its own.
    pub(super) fn go_on_validation(&mut self, draft: Draft) -> Option<Draft> {
        if draft.is_part {
            self.validation.get_or_insert_default().update(draft);
            return None;
        }
        let Some(known) = &mut self.validation else { return Some(draft) };
        let sum = sum(known, &draft);
        let is_own = sum.is_none();
        if let Some(pairs) = sum {
            known.update(Draft { pairs, offset: draft.offset, ..Draft::default() });
        }
        self.end_validation();
        is_own.then_some(draft)
    }

    /// Gives out what the validation came to.
    pub(super) fn end_validation(&mut self) {
        if let Some(mut known) = self.validation.take() {
            known.step = self.steps.carried();
            self.emit_whole(known);
        }
    }

    /// Gives out what the validation came to so far.
    pub(super) fn show_validation(&mut self) {
        if let Some(mut known) = self.validation.take() {
            // With a step it may be given out again.
            known.step = self.steps.carried();
            self.validation = Some(self.emit_whole(known));
        }
    }
}

/// ` * Acc@1 0.75`, without a count: what the whole of the validation comes to, by the names in it. `None`: it says something else.
fn sum(known: &Draft, draft: &Draft) -> Option<Pairs> {
    let mut pairs = Pairs::default();
    for (name, value) in draft.pairs.iter() {
        let is_same = |known: &str| known.strip_suffix(name).is_some_and(|prefix| prefix.is_empty() || prefix.ends_with('/'));
        pairs.push(&[known.pairs.iter().map(|(known, _)| known).find(|known| is_same(known))?], value);
    }
    draft.step.is_none().then_some(pairs)
}

/// `loss 0.5 (0.75)`: the value of a batch and the mean of those so far, which is what counts of a validation. The text with only
/// the means, if it has some.
pub(super) fn averages(text: &str) -> Option<String> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, behind)) = rest.split_once('(') {
        let value = before.trim_ascii_end();
        let start = value.rfind(|c: char| c.is_ascii_whitespace() || matches!(c, ':' | '=')).map_or(0, |at| at + 1);
        let is_number = |text: &str| text.starts_with(|c: char| c.is_ascii_digit() || c == '-') && text.parse::<f64>().is_ok();
        match behind.split_once(')').filter(|(mean, _)| is_number(&value[start..]) && is_number(mean.trim_ascii())) {
            Some((mean, behind)) => {
                out.extend([&value[..start], mean.trim_ascii()]);
                rest = behind;
            }
            None => {
                out.extend([before, "("]);
                rest = behind;
            }
        }
    }
    (out.len() + rest.len() < text.len()).then(|| out + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_so_far_stands_behind_the_value_of_a_batch() {
        for (text, want) in [
            ("Test: [1/5]\tTime  0.5 ( 0.25)\tLoss: 4e-05 (-1.5)", Some("Test: [1/5]\tTime  0.25\tLoss: -1.5")),
            ("Test: [1/5 (20%)] acc=0.5 (0.25)", Some("Test: [1/5 (20%)] acc=0.25")),
            ("Accuracy: 95/100 (95%) loss (mean) 0.5 (best 0.25)", None),
            ("(0.5) a (1) (2", None),
        ] {
            assert_eq!(averages(text).as_deref(), want, "{text}");
        }
    }

    #[test]
    fn a_line_may_announce_a_validation() {
        let prefix = |text| Announced::by(text).map(|announced| announced.prefix);
        let lines = [
            "Eval begin...",
            "Running validation...",
            "Testing...",
            "Validating on the dev set...",
            "Training...",
            "Test data: a b c d e f g h i...",
        ];
        let (eval, val, test) = (Some("eval/"), Some("val/"), Some("test/"));
        assert_eq!(lines.map(prefix), [eval, val, test, val, None, None]);
        let lines = [
            "Testing",
            "Start evaluation",
            "Evaluating on test set",
            "--- Validation ---",
            "Test:",
            "Running validation loop",
            "Training",
            "Evaluation results",
            "Running the model",
            "test_model.py",
            "the tests pass",
            "",
        ];
        assert_eq!(lines.map(prefix), [test, eval, eval, val, test, val, None, None, None, None, None, None]);
    }
}
