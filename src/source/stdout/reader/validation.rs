//! Rows of a validation that says how far it is: `Test: [ 10/50]  loss 0.5`.

use super::{
    Reader,
    settings::{is_resumed, is_taken_up},
};
use crate::source::stdout::{
    draft::{Draft, Kind},
    facts::Pairs,
    loops::{Evaluation, Place, Way},
    prefix::Stripped,
    steps::is_known,
    words::{Counter, is_training, validation},
};

/// The evaluation that a line without numbers announces: `Eval begin...`.
fn announced(text: &str) -> Option<Evaluation> {
    let (prefix, way) = match text.strip_suffix("...").or_else(|| text.strip_suffix('…')) {
        Some(text) => (dotted(text)?, Way::Begun),
        None => (titled(text)?, Way::Titled),
    };
    Some(Evaluation { prefix, way })
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
    /// Hears a line without numbers, which may announce a validation, or that the training goes on or was broken off.
    pub(super) fn hear_announced(&mut self, text: &str) {
        self.hear_end(text);
        if let Some(evaluation) = announced(text) {
            self.steps.loops.announce(evaluation);
        } else if !self.steps.loops.is_plain() && text.split([' ', '.', ':']).any(is_training) {
            self.steps.loops.end_evaluation();
            self.steps.loops.go_on();
        }
    }

    /// What goes on was broken off.
    pub(super) fn break_off(&mut self) {
        self.leave_off();
        self.steps.loops.turn.break_off();
    }

    /// What comes next is of no loop before.
    fn leave_off(&mut self) {
        self.steps.loops.end_evaluation();
        self.steps.close();
    }

    /// Hears whether a line says that what goes on ended before its time.
    pub(super) fn hear_end(&mut self, text: &str) {
        let is_loaded = is_taken_up(text);
        if is_broken_off(text) {
            self.break_off();
        } else if is_loaded && is_resumed(text) {
            self.leave_off();
        } else if is_loaded {
            self.steps.loops.load();
        }
    }

    /// Of what the line in the facts is, which are read again as it says.
    pub(super) fn place(&mut self, line: &Stripped) -> Place {
        let place = if self.steps.loops.is_evaluating() { self.place_announced(line.text) } else { Place::Training };
        if let Place::Part(prefix) | Place::Sum(prefix) = place {
            let prefix = if line.prefix.is_empty() { prefix } else { line.prefix };
            self.facts.read(line.text, prefix, line.rank);
        }
        let is_free = place == Place::Training && self.facts.prefix.is_empty();
        let progress = self.facts.progress.filter(|_| !self.steps.has_epoch()).map(|count| (Counter::Step, count));
        if is_free && self.steps.is_aside(self.facts.step.or(progress), self.facts.epoch) { Place::Aside } else { place }
    }

    fn place_announced(&mut self, text: &str) -> Place {
        if is_taken_up(text) {
            return Place::Training;
        }
        let (step, epoch) = (self.facts.step, self.facts.epoch);
        if step.is_some() || epoch.is_some() {
            return self.steps.place(step, epoch, self.facts.is_header());
        }
        let are_known = is_known(&self.facts.pairs);
        // What was said of the training already is said of the validation now.
        let is_again = are_known && self.facts.pairs.iter().all(|(name, _)| self.is_given(name));
        self.steps.loops.place_values(are_known, is_again)
    }

    /// Whether the step that goes on has a value of this name.
    pub(super) fn is_given(&self, name: &str) -> bool {
        self.steps.since().is_some_and(|since| self.keys.is_given_since(name, since))
    }

    /// Puts a part of a validation to those before it, of which the newest value of each name counts; what else comes ends the
    /// validation. The draft, if it is a row of its own.
    pub(super) fn go_on_validation(&mut self, mut draft: Draft) -> Option<Draft> {
        if let Kind::Part | Kind::Aside = draft.kind {
            let mut known = self.validation.take().unwrap_or_default();
            if draft.kind == Kind::Aside {
                // What has no name of its own takes the place of no value of the training.
                let pairs = std::mem::take(&mut draft.pairs);
                let is_free = |name: &str| known.pairs.iter().any(|(known, _)| known == name) || !self.is_given(name);
                pairs.iter().filter(|(name, _)| is_free(name)).for_each(|(name, value)| draft.pairs.push(&[name], value));
            }
            known.update(draft);
            self.validation = Some(known);
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

/// Whether a line says that a process ended before its time: `Killed`, `run.sh: line 3: 4711 Killed   python train.py`.
fn is_broken_off(text: &str) -> bool {
    const ENDS: &[&str] = &["Killed", "Terminated", "Aborted", "Segmentation fault", "KeyboardInterrupt"];
    let told = text.split_once(": line ").and_then(|(_, told)| told.split_once(": ")).map_or(text, |(_, told)| told);
    let said = told.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
    ENDS.iter().filter_map(|end| said.strip_prefix(end)).any(|rest| !rest.starts_with(char::is_alphanumeric))
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
    fn a_line_may_say_that_a_process_ended() {
        for said in ["Killed", "Segmentation fault (core dumped)", "run.sh: line 3: 4711 Killed   python train.py", "Terminated."] {
            assert!(is_broken_off(said), "{said}");
        }
        for said in ["Segmentation metrics", "Abortedly", "Killed3", "Early stopping: Terminated", "File: line 3", ""] {
            assert!(!is_broken_off(said), "{said}");
        }
    }

    #[test]
    fn a_line_may_announce_a_validation() {
        let prefix = |text| announced(text).map(|evaluation| evaluation.prefix);
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
