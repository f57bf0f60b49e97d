//! Boxes of two columns, names and values: framed by pipes, or standing between rulers.

use super::{
    draft::PAIRS_MAX,
    facts::{Count, Pairs},
    table::{Cell, cell},
    words::{Counter, counter, plural},
};
use crate::source::metrics::is_metric;

/// Longest name in a box, in bytes.
const NAME_BYTES_MAX: usize = 96;

/// Most words of a name that is not framed; more is a sentence.
const NAME_WORDS_MAX: usize = 4;

/// The box that is being read: `| name | 12 |`, with section rows `| rollout/ | |`, or `name 12` under a ruler.
#[derive(Default)]
pub(super) struct Boxed {
    pub(super) pairs: Pairs,
    pub(super) step: Option<(Counter, Count)>,
    /// A count by a plural, such as `steps`: it counts beside a metric, if nothing else does.
    plural: Option<Count>,
    /// Offset of its first row.
    pub(super) offset: Option<u64>,
    section: String,
    is_ruled: bool,
}

impl Boxed {
    /// Whether a box stands open that began under a ruler.
    pub(super) fn is_ruled(&self) -> bool {
        self.is_ruled
    }

    /// Reads a row that is framed by pipes; false: it is none of a box.
    pub(super) fn framed(&mut self, text: &str, offset: u64) -> bool {
        let mut parts = text[1..text.len() - 1].split('|').map(str::trim_ascii);
        let (name, value) = match (parts.next(), parts.next(), parts.next()) {
            (Some(name), Some(value), None) => (name, value),
            // A frame may have no line between names and values: `| loss       0.5 |`.
            (Some(row), None, None) => match row.rsplit_once("  ") {
                Some((name, value)) if is_one_name(name.trim_ascii_end()) => (name.trim_ascii_end(), value),
                _ => return false,
            },
            _ => return false,
        };
        // `| Epoch | Loss |` is the head of a table.
        let is_head = self.offset.is_none() && counter(name).is_some() && is_name(value);
        if !is_name(name) || is_head {
            return false;
        }
        if value.is_empty() {
            self.section.clear();
            if name.ends_with('/') {
                self.section.push_str(name);
            }
            return true;
        }
        // `| step 10 | loss 2.1 |` begins none.
        self.put(name, value, offset) || self.offset.is_some() || !self.section.is_empty()
    }

    /// Reads a row under a ruler; false: it is none of a box.
    pub(super) fn ruled(&mut self, text: &str, offset: u64) -> bool {
        let Some((name, value)) = text.rsplit_once([' ', '\t']) else { return false };
        let name = name.trim_ascii_end();
        // `Epoch 3` under a ruler is a head.
        let is_head = self.offset.is_none() && counter(name).is_some();
        let mut words = name.split(' ');
        // `epoch 3 loss 0.5`
        let counts =
            words.next().is_some_and(|first| counter(first).is_some()) && words.any(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        let is_row = !counts && is_name(name) && name.split(' ').count() <= NAME_WORDS_MAX && !name.contains([':', '=', '|', ',']);
        self.is_ruled = is_row && !is_head && self.put(name, value, offset);
        self.is_ruled
    }

    /// Whether the box has all that is kept of one: what follows begins another.
    pub(super) fn is_full(&self) -> bool {
        self.pairs.len() >= PAIRS_MAX
    }

    /// Whether the box says something: it counts, or measures.
    pub(super) fn is_known(&self) -> bool {
        self.step.is_some_and(|(kind, _)| kind != Counter::Batch) || self.pairs.iter().any(|(name, _)| is_metric(name))
    }

    /// The step of the box.
    pub(super) fn count(&self) -> Option<Count> {
        self.step.map(|(_, count)| count).or(self.plural)
    }

    pub(super) fn clear(&mut self) {
        self.pairs.clear();
        self.section.clear();
        (self.step, self.plural, self.offset, self.is_ruled) = (None, None, None, false);
    }

    fn put(&mut self, name: &str, value: &str, offset: u64) -> bool {
        let Cell::Number(value, count) = cell(value, &mut vec![]) else { return false };
        if let Some(count) = count {
            match counter(name) {
                Some(kind) if self.step.is_none_or(|(known, _)| kind > known) => self.step = Some((kind, count)),
                None if plural(name).is_some() => self.plural = Some(count),
                _ => {}
            }
        }
        self.offset.get_or_insert(offset);
        self.pairs.push(&[&self.section, name], value);
        true
    }
}

/// Whether what stands in front of a value is the name of that one, and not other pairs: `step 10  lr 0.1  loss`.
fn is_one_name(name: &str) -> bool {
    !name.contains([':', '=']) && !name.contains("  ") && !name.split(' ').any(|word| word.starts_with(|c: char| c.is_ascii_digit()))
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '%' | '#')) && name.len() <= NAME_BYTES_MAX
}
