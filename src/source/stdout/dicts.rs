//! Where dicts stand that say no step: by the bar beside them, or by the epoch that they name.

use super::{
    facts::{Count, Pairs},
    words::{Counter, is_of_validation},
};

/// Dicts of other names that are compared with later ones.
const SAID_MAX: usize = 8;

/// Lengths of bars of evaluations that are kept: one or two data sets.
const INNER_MAX: usize = 8;

/// Dicts of the same names without an epoch that may come while the bar stands still: two in a row are an evaluation and the same
/// over again.
const ALIKE_MAX: u32 = 2;

/// What the dicts so far mean for where the next one stands.
///
/// A bar without a label and without values says it, unless it is of other steps: where output goes to a file, Python may write the
/// bar at once and the dicts whenever its buffer is full; and a bar may be over the batches of each epoch. What tells is that a dict
/// comes again, a further epoch in it, while the bar got no further.
#[derive(Default)]
pub(super) struct Dicts {
    bar: Option<Count>,
    /// The bar before one that is longer, and the lengths of those of which it turned out that they were inside of another:
    /// evaluations.
    outer: Option<Count>,
    inner: Vec<i64>,
    said: Vec<Said>,
    /// Dicts whose epoch was a fraction.
    fractions: u32,
    /// Epochs are told by fractions: those that are whole count no rows.
    tells_fractions: bool,
    /// Dicts were counted by their epoch.
    counts_epochs: bool,
    /// With what the next reading starts, where dicts were given steps that turned out to be of others: with what was known until then, so
    /// that each reading adds to it, and does not hang on how many bytes came at once.
    next: Option<Box<Dicts>>,
}

/// The last dict of its names.
#[derive(Clone)]
struct Said {
    names: Pairs,
    epoch: Option<f64>,
    /// Where the bar stood, and how long that was.
    at: i64,
    of: Option<i64>,
    /// Where it stood was said by the bar behind it.
    is_behind: bool,
    times: u32,
    /// The bar is of other steps than such dicts are.
    is_apart: bool,
}

impl Dicts {
    /// The bar stands at `count`. Of several the longest is the training's; when that came to its end, one of about its length may
    /// be the next training's.
    pub(super) fn stand(&mut self, count: Count) {
        if count.of.is_some_and(|of| self.inner.contains(&of)) {
            return;
        }
        if let (Some(outer), Some(inner)) = (self.outer.filter(|outer| outer.of == count.of), self.bar) {
            self.outer = None;
            // It goes on where it was, so the longer one was inside.
            if count.at > 0 && count.at >= outer.at && self.inner.len() < INNER_MAX {
                self.inner.extend(inner.of);
                self.bar = Some(count);
                if self.said.iter().any(|said| said.of == inner.of) {
                    self.learn();
                }
                return;
            }
        }
        let gives_way = |known: Count| {
            let is_over = known.of == Some(known.at);
            known.of <= count.of || is_over && count.of.is_some_and(|of| of.saturating_mul(2) >= known.at)
        };
        if self.bar.is_none_or(gives_way) {
            self.outer = self.bar.filter(|known| known.of < count.of).or(self.outer);
            self.bar = Some(count);
        }
    }

    /// The bar shows values, so that it says the step by these: dicts go with them.
    pub(super) fn leave(&mut self) {
        self.bar = None;
    }

    /// Whether a bar may say where dicts of `pairs` stand.
    pub(super) fn may_be_beside(&self, pairs: &Pairs) -> bool {
        self.bar.is_some() && !self.said.iter().any(|said| said.is_apart && said.names.has_names_of(pairs))
    }

    /// Whether such dicts came beside the bar before.
    pub(super) fn were_beside(&self, pairs: &Pairs) -> bool {
        self.said.iter().any(|said| said.names.has_names_of(pairs))
    }

    /// Where a dict of `pairs` without a step of its own stands, as far as a bar says so.
    ///
    /// `behind`: the bar that was drawn again right behind it. tqdm does so below what it writes, and only this bar is of the same
    /// moment: it does not draw each step. `is_again`: the dict may be one that was there already, drawn again.
    pub(super) fn place(&mut self, pairs: &Pairs, behind: Option<Count>, is_again: bool) -> Option<Count> {
        let known = self.bar?;
        let has_dicts = |bar: Count| self.said.iter().any(|said| said.of == bar.of);
        // `test_loss` behind the training, and a bar that no other dict stood beside.
        let is_evaluation = || pairs.iter().any(|(name, _)| is_of_validation(name)) && !has_dicts(known);
        let trained = self.outer.filter(|outer| has_dicts(*outer) && is_evaluation());
        let (known, behind) = trained.map_or((known, behind), |trained| (trained, None));
        let behind = behind.filter(|behind| if behind.of == known.of { behind.at >= known.at } else { known.of == Some(known.at) });
        let (bar, is_behind) = (behind.unwrap_or(known), behind.is_some());
        let next = if trained.is_some() { self.bar } else { Some(bar) };
        let (epoch, at) = (epoch(pairs), bar.at);
        let Some(said) = self.said.iter_mut().find(|said| said.names.has_names_of(pairs)) else {
            if self.said.len() < SAID_MAX {
                self.said.push(Said { names: pairs.clone(), epoch, at, of: bar.of, is_behind, times: 1, is_apart: false });
            }
            self.bar = next;
            return Some(bar);
        };
        let (stands, is_further) = (at <= said.at, epoch > said.epoch);
        if said.is_apart || stands && is_further && said.is_behind && !is_behind {
            // What was written last has no bar behind it yet, and the one before it is of an older moment.
            return None;
        }
        said.times = if stands { said.times + u32::from(!is_again) } else { 1 };
        let is_same_kind = said.is_behind == is_behind;
        said.is_apart = stands && is_same_kind && if epoch.is_some() { is_further } else { said.times > ALIKE_MAX };
        (said.epoch, said.at, said.of, said.is_behind) = (epoch, at, bar.of, is_behind);
        let is_apart = said.is_apart;
        self.bar = next;
        if is_apart {
            self.learn();
            return None;
        }
        Some(bar)
    }

    /// The counter of a dict of `pairs`, of which `step` is the best one: a whole epoch among fractions is none. The Trainer of
    /// transformers 5 writes `'epoch': '0.95'` and then `'epoch': '1'`; one fraction alone may be where a training was ended.
    pub(super) fn counter(&mut self, pairs: &Pairs, step: Option<(Counter, Count)>) -> Option<(Counter, Count)> {
        if !self.tells_fractions && epoch(pairs).is_some_and(|epoch| epoch.fract() != 0.0) {
            self.fractions += 1;
            self.tells_fractions = !self.counts_epochs || self.fractions > 1;
            if self.tells_fractions && self.counts_epochs {
                self.learn();
            }
        }
        step.filter(|(kind, _)| *kind != Counter::Epoch || !self.tells_fractions)
    }

    /// The epoch is the step of a dict.
    pub(super) fn count_epoch(&mut self) {
        self.counts_epochs = true;
    }

    /// Whether rows were given steps that turned out to be of others.
    pub(super) fn is_mistaken(&self) -> bool {
        self.next.is_some()
    }

    /// The source is to be read again with what is known by now.
    pub(super) fn learn(&mut self) {
        if self.next.is_none() {
            let said = self.said.iter().filter(|said| said.is_apart).cloned().collect();
            let (tells_fractions, inner) = (self.tells_fractions, self.inner.clone());
            self.next = Some(Box::new(Dicts { said, tells_fractions, inner, ..Dicts::default() }));
        }
    }

    /// The same at the start of a source that is to be read again, or of another one.
    pub(super) fn renew(self) -> Dicts {
        self.next.map(|next| *next).unwrap_or_default()
    }

    /// The same further on in the source.
    pub(super) fn jump(mut self) -> Dicts {
        self.said.retain(|said| said.is_apart);
        Dicts { bar: None, outer: None, ..self }
    }
}

/// The epoch that a dict names.
fn epoch(pairs: &Pairs) -> Option<f64> {
    pairs.iter().find(|(name, _)| *name == "epoch").map(|(_, epoch)| epoch)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(dicts: &mut Dicts, names: &[(&str, f64)]) -> Option<i64> {
        let mut pairs = Pairs::default();
        names.iter().for_each(|(name, value)| pairs.push(&[name], *value));
        dicts.place(&pairs, None, false).map(|count| count.at)
    }

    #[test]
    fn each_reading_adds_what_it_finds_out_first() {
        let mut dicts = Dicts::default();
        let read = |dicts: &mut Dicts| {
            dicts.stand(Count { at: 7, of: Some(100) });
            let evals = [1.0, 2.0].map(|epoch| place(dicts, &[("eval_loss", 1.0), ("epoch", epoch)]));
            let trains = [1.0, 2.0].map(|epoch| place(dicts, &[("loss", 1.0), ("epoch", epoch)]));
            [evals, trains].concat()
        };
        assert_eq!(read(&mut dicts), [Some(7), None, Some(7), None]);
        assert!(dicts.is_mistaken());
        dicts = dicts.renew();
        assert_eq!((dicts.said.len(), read(&mut dicts)), (1, vec![None, None, Some(7), None]));
        assert!(dicts.is_mistaken());
        dicts = dicts.renew();
        assert_eq!((dicts.said.len(), read(&mut dicts)), (2, vec![None; 4]));
        assert!(!dicts.is_mistaken());
        assert!(dicts.renew().said.is_empty(), "another source");
    }
}
