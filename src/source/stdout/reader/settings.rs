//! Rows that may as well be settings.

use super::Reader;
use crate::source::stdout::{
    draft::Draft,
    facts::Count,
    steps::is_known,
    words::{Counter, is_rate, is_setting, is_title},
};

/// How many rows of other names may wait at a time for one of the same names.
const UNSURE_MAX: usize = 8;

/// The step and the epoch that a line counts.
type Counts = (Option<(Counter, Count)>, Option<Count>);

/// A row that may as well be settings, until another of its names follows.
pub(super) struct Unsure {
    pub(super) draft: Draft,
    /// `None`: it was given out.
    counts: Option<Counts>,
}

impl Reader {
    /// Whether the draft is the learning rate in a line of its own, which is a setting until it comes again behind another step.
    pub(super) fn is_rate_again(&mut self) -> bool {
        let Some(at) = self.steps.carried().filter(|_| self.draft.pairs.iter().all(|(name, _)| is_rate(name))) else { return false };
        self.draft.step = Some(at);
        !self.waits_for_another((Some((Counter::Global, Count { at, of: None })), None))
    }

    /// Whether the draft, which counts, may be of settings: it measures nothing, and it has the name of a setting, or counts only
    /// `batch: 16`. It is a row once another of the same names follows.
    pub(super) fn may_be_settings(&mut self, counts: Counts) -> bool {
        let is_size = matches!(counts, (Some((Counter::Batch, Count { of: None, .. })), _));
        let is_one = is_size || self.draft.pairs.iter().any(|(name, _)| is_setting(name));
        is_one && !is_known(&self.draft.pairs) && self.waits_for_another(counts)
    }

    /// Whether the draft is to wait for another of the same names and of other `counts`. When that came, the first is given out.
    pub(super) fn waits_for_another(&mut self, counts: Counts) -> bool {
        let Some(at) = self.unsure.iter().position(|first| first.draft.pairs.has_names_of(&self.draft.pairs)) else {
            let Draft { offset, rank, ref pairs, .. } = self.draft;
            let count = self.steps.would_count(counts.0, counts.1);
            let (step, total) = (count.map(|count| count.at), count.and_then(|count| count.of));
            if self.unsure.len() >= UNSURE_MAX {
                self.unsure.pop_front();
            }
            let draft = Draft { step, total, offset, rank, pairs: pairs.clone(), ..Draft::default() };
            self.unsure.push_back(Unsure { draft, counts: Some(counts) });
            return true;
        };
        let first = &mut self.unsure[at];
        if first.counts == Some(counts) {
            return true;
        }
        if first.counts.take().is_some() {
            let first = std::mem::take(&mut first.draft);
            let now = std::mem::take(&mut self.draft);
            self.release();
            self.unsure[at].draft = self.emit(first);
            self.draft = now;
        }
        false
    }

    /// The head above was one: gives out the rows that stand between it and the line at hand.
    pub(super) fn catch_up(&mut self) {
        let draft = std::mem::take(&mut self.draft);
        self.release();
        for row in std::mem::take(&mut self.put_off) {
            self.emit(row);
        }
        self.draft = draft;
    }
}

/// Whether a line is settings behind their title: `TrainConfig(step=1000, lr=0.1)`, but not `params: 10M, step: 5`.
pub(super) fn is_titled(text: &str) -> bool {
    let Some((title, behind)) = text.split_once(['(', ':', '=', '[']) else { return false };
    is_title(title) && !behind.trim_ascii_start().starts_with(|c: char| c.is_ascii_digit())
}

/// Whether a line tells from where a training goes on: `Loaded checkpoint at step 5000 (loss 0.1)`. Its values were logged then.
pub(super) fn is_taken_up(text: &str) -> bool {
    const VERBS: &[&str] = &["loaded", "loading", "restored", "restoring", "resumed", "resuming"];
    // `Model weights loaded`, but not `Data loaded`.
    const LOADED: &[&str] = &["checkpoint", "ckpt", "model", "weights", "state", "snapshot"];
    let is_one = |word: &str, of: &[&str]| of.iter().any(|known| word.eq_ignore_ascii_case(known));
    // `Successfully loaded`
    let is_in_front = |word: &str| word.ends_with("ly") || is_one(word, LOADED);
    let verb = first_words(text).enumerate().find(|(_, word)| !is_in_front(word));
    // `Model loading time` is a name.
    verb.is_some_and(|(at, word)| is_one(word, VERBS) && (at == 0 || word.ends_with("ed")))
}

/// Whether such a line is about the training, which an evaluation never goes on with.
pub(super) fn is_resumed(text: &str) -> bool {
    first_words(text).any(|word| word.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("resum")))
}

/// The first words, also behind a sign: `=> loaded`.
fn first_words(text: &str) -> impl Iterator<Item = &str> {
    const WORDS_MAX: usize = 4;
    text.trim_start_matches(|c: char| !c.is_alphanumeric()).split(|c: char| !c.is_ascii_alphabetic()).take(WORDS_MAX)
}

/// Name and value of a line that is `name: value` or `name = value`.
pub(super) fn setting(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.split_once([':', '='])?;
    let (name, value) = (name.trim_ascii(), value.trim_end_matches(',').trim_ascii());
    (!name.is_empty() && !value.is_empty() && !value.contains(' ')).then_some((name, value))
}
