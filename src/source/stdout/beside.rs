//! The bar that says where the dicts beside it stand.

use super::facts::{Count, Pairs};

/// Dicts of other names that are compared with later ones.
const SAID_MAX: usize = 8;

/// Dicts of the same names, all of them without an epoch, that may come while the bar stands still: an evaluation, and the last one
/// over again.
const ALIKE_MAX: u32 = 2;

/// A bar without a label and without values, and what was said beside it.
///
/// It may be of other steps than the dicts are: where output goes to a file, Python may write the bar at once and the dicts whenever
/// its buffer is full; and a bar may be over the batches of each epoch. What tells is that a dict comes again, a further epoch in
/// it, while the bar got no further.
#[derive(Default)]
pub(super) struct Beside {
    bar: Option<Count>,
    said: Vec<Said>,
    is_apart: bool,
}

/// The last dict of its names.
struct Said {
    names: Pairs,
    epoch: Option<f64>,
    at: i64,
    times: u32,
}

impl Beside {
    /// The bar stands at `count`. Of several the longest is the training's.
    pub(super) fn stand(&mut self, count: Count) {
        if self.bar.is_none_or(|known| known.of <= count.of) {
            self.bar = Some(count);
        }
    }

    /// Whether the bar says where dicts stand.
    pub(super) fn counts(&self) -> bool {
        self.bar.is_some() && !self.is_apart
    }

    /// Where a dict of `pairs` without a step of its own stands, as far as the bar says so.
    ///
    /// `behind`: the bar that is drawn right behind it. tqdm draws its bar again below what it writes, and only this one is of the
    /// same moment: it does not draw each step. `is_again`: the dict may be one that was there already, drawn again.
    pub(super) fn place(&mut self, pairs: &Pairs, behind: Option<Count>, is_again: bool) -> Option<Count> {
        let bar = self.bar.filter(|_| !self.is_apart)?;
        let bar = behind.filter(|behind| behind.of == bar.of && behind.at >= bar.at).unwrap_or(bar);
        let epoch = epoch(pairs);
        match self.said.iter().position(|said| said.names.has_names_of(pairs)) {
            Some(at) => {
                let said = &mut self.said[at];
                let stands = bar.at <= said.at;
                said.times = if stands { said.times + u32::from(!is_again) } else { 1 };
                self.is_apart = stands && if epoch.is_some() { epoch > said.epoch } else { said.times > ALIKE_MAX };
                (said.epoch, said.at) = (epoch, bar.at);
            }
            None if self.said.len() < SAID_MAX => self.said.push(Said { names: pairs.clone(), epoch, at: bar.at, times: 1 }),
            None => {}
        }
        (!self.is_apart).then_some(bar)
    }

    /// Whether the dicts turned out to stand elsewhere than the bar.
    pub(super) fn is_apart(&self) -> bool {
        self.is_apart
    }

    /// The same at the start of a source.
    pub(super) fn renew(&self) -> Beside {
        Beside { is_apart: self.is_apart, ..Beside::default() }
    }
}

/// The epoch that a dict names.
pub(super) fn epoch(pairs: &Pairs) -> Option<f64> {
    pairs.iter().find(|(name, _)| *name == "epoch").map(|(_, epoch)| epoch)
}
