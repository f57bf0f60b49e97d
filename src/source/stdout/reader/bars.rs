//! Rows of progress bars.

use super::Reader;
use crate::source::{
    metrics::is_metric,
    stdout::{
        bar::Bar,
        draft::Draft,
        facts::{Count, Pairs},
        prefix::strip,
        steps::is_known,
        words::{Counter, is_of_validation, validation},
    },
};

impl Reader {
    /// A bar of any kind in `line`: its label, its count, and what stands beside it.
    pub(super) fn read_bar(&mut self, line: &str, bar: &Bar) -> bool {
        self.steps.loops.doubt_evaluation();
        // Where the cells stand tells which they are.
        let end = bar.label.as_ptr().addr() + bar.label.len() - line.as_ptr().addr();
        if self.table.is_open() && self.table.row(&line[..end]) {
            return self.read_row();
        }
        let tag = bar.label.split([' ', '_', ':']).find_map(validation);
        if bar.postfix.is_empty() {
            // A bar below the training's is that of an evaluation.
            if let (true, Some(count)) = (bar.label.is_empty() && !self.is_nested, bar.count) {
                self.steps.dicts.stand(count);
            }
            if !bar.tail.is_empty() {
                return false;
            }
        }
        if bar.postfix.is_empty() && self.table.open(bar.label) {
            return false;
        }
        let label = self.lead(bar.label);
        let lead = self.draft.step;
        self.facts.read(label, "", None);
        // `d: 0.5;gen: 0.25`: a label of measurements alone, of which `test_loss: 0.5` may be one.
        let is_measured =
            self.facts.junk == 0 && self.facts.pairs.len() > 1 && self.facts.pairs.iter().any(|(_, value)| value.fract() != 0.0);
        let tag = tag.filter(|_| !is_measured);
        if let Some(tag) = tag {
            self.facts.read(label, tag, None);
        }
        // `Train 2`: how often there was a bar.
        let is_numbered = self.facts.pairs.iter().all(|(name, value)| value.fract() == 0.0 && !is_metric(name));
        if !is_numbered {
            std::mem::swap(&mut self.draft.pairs, &mut self.facts.pairs);
        }
        let (step, epoch) = (self.facts.step, self.facts.epoch);
        let is_labelled = step.is_some();
        self.facts.read(bar.postfix, tag.unwrap_or(""), None);
        self.facts.pairs.iter().for_each(|(name, value)| self.draft.pairs.push(&[name], value));
        if self.draft.pairs.len() == 0 {
            // `v_num: 0`, or a name whose value is in the next line: what is wrapped into the lines below is of the epoch all the same.
            let is_beside = bar.wraps && (bar.postfix.contains(": ") || bar.postfix.ends_with(':'));
            if let (true, None, Some(epoch)) = (is_beside, step, epoch) {
                return self.read_epoch(epoch, bar.count, true);
            }
            if let (true, Some(epoch), Some(Count { at: 0, .. })) = (bar.wraps, epoch, bar.count) {
                self.is_idle = !self.has_begun(epoch.at) && !self.has_begun(epoch.at - 1);
            }
            return false;
        }
        let known = is_measured || is_known(&self.draft.pairs);
        if tag.is_some() {
            return known;
        }
        let (step, epoch) = (step.or(self.facts.step), epoch.or(self.facts.epoch));
        let counts_run = is_labelled || step.is_some_and(|(kind, _)| kind == Counter::Global);
        match (step, epoch, bar.count) {
            _ if lead.is_some() => self.draft.total = bar.count.and_then(|count| count.of),
            (None, None, Some(count)) if known => {
                self.steps.dicts.leave();
                let count = self.steps.bar(count);
                (self.draft.step, self.draft.total) = (Some(count.at), count.of);
            }
            (None, None, Some(_)) => return false,
            (None, None, None) => return known,
            // Of a bar over the batches of an epoch, the epoch is what lasts.
            (_, Some(epoch), count) if !counts_run => return self.read_epoch(epoch, count, bar.wraps),
            (step, epoch, _) => self.count(step, epoch),
        }
        true
    }

    /// What a logger wrote behind a bar is a line of its own. `is_row`: the draft is a row of the bar.
    pub(super) fn read_tail(&mut self, bar: &Bar, is_row: bool) -> bool {
        // What is left of a longer bar below it begins with a sign or a digit.
        if !bar.tail.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '[' | '{')) {
            return is_row;
        }
        if is_row {
            let offset = self.draft.offset;
            self.hand_on(false);
            self.release();
            self.draft = Draft { offset, ..Draft::default() };
        }
        let Some(line) = strip(bar.tail) else { return false };
        if let Some(at) = line.text.find('{')
            && self.dict.read(&line.text[at..])
        {
            return self.read_dict(&line, at, false);
        }
        let is_row = self.read_line(&line, bar.tail.len());
        self.learnable = None;
        is_row
    }

    /// A bar of Rich, which wraps what does not fit beside it into lines below.
    pub(super) fn read_rich(&mut self, line: &str, bar: &Bar) -> bool {
        self.is_idle = false;
        let is_row = self.read_bar(line, bar);
        self.cut(bar.postfix);
        if is_row && bar.wraps {
            self.steps.wrap();
        }
        is_row
    }

    /// Keeps the name at the end of `text`, part of what stands beside a bar, if its value is in the next line. Returns the rest.
    pub(super) fn cut<'a>(&mut self, text: &'a str) -> &'a str {
        if !text.ends_with(':') {
            return text;
        }
        let (rest, name) = text.rsplit_once(' ').unwrap_or(("", text));
        name.clone_into(&mut self.cut_name);
        rest.trim_ascii_end()
    }

    /// `1|25|Loss: 0.5`: two counts in front of a label are epoch and step, as they are in brackets in front of a line.
    fn lead<'a>(&mut self, label: &'a str) -> &'a str {
        let mut parts = label.splitn(3, '|');
        let (Some(epoch), Some(step), Some(rest)) = (parts.next(), parts.next(), parts.next()) else { return label };
        match (epoch.trim_ascii().parse::<u32>(), step.trim_ascii().parse::<i64>()) {
            (Ok(_), Ok(step)) => {
                self.draft.step = Some(step);
                rest
            }
            _ => label,
        }
    }

    /// A bar over the batches of `epoch`, of which `count` are done.
    fn read_epoch(&mut self, epoch: Count, count: Option<Count>, wraps: bool) -> bool {
        self.count(None, Some(epoch));
        let is_fresh = count.is_some_and(|count| count.at == 0) && !self.has_begun(epoch.at);
        if !is_fresh || !(wraps || self.draft.pairs.iter().any(|(name, _)| is_of_validation(name))) {
            return true;
        }
        // Nothing of this epoch was done, so what validation said beside it was about the one before.
        let before = epoch.at - 1;
        let is_known = self.has_begun(before);
        let mut pairs = Pairs::default();
        self.draft.pairs.iter().filter(|(name, _)| is_of_validation(name)).for_each(|(name, value)| pairs.push(&[name], value));
        (self.draft.pairs, self.draft.step, self.draft.total) = (pairs, Some(before), None);
        self.is_idle = wraps && !is_known;
        is_known
    }

    /// Whether a row of `step` is the newest.
    fn has_begun(&self, step: i64) -> bool {
        self.steps.is_at(step) || self.held.as_ref().is_some_and(|held| held.step == Some(step))
    }
}
