//! Where a value stands along an axis.

use crate::ui::ticks::{self, Ticks};

/// An axis from one value to another, linear or logarithmic.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Scale {
    /// Where it starts.
    pub from: f64,
    /// Where it ends; above `from`.
    pub to: f64,
    /// Whether equal ratios are equally far apart; then both ends are above zero.
    pub log: bool,
    /// Logarithm of the start, and how far that of the end lies from it: every point of a frame asks for them.
    ln: (f64, f64),
}

impl Scale {
    /// The axis over this range, never empty; one that cannot be logarithmic is linear.
    pub fn new(from: f64, to: f64, log: bool) -> Scale {
        let (from, to) = if to > from { (from, to) } else { widened(from, to) };
        let log = log && from > 0.0;
        let ln = if log { (from.ln(), to.ln() - from.ln()) } else { (0.0, 0.0) };
        Scale { from, to, log, ln }
    }

    /// 0 at the start, 1 at the end, beyond on both sides.
    pub fn place(&self, x: f64) -> f64 {
        match self.log {
            true => (x.max(f64::MIN_POSITIVE).ln() - self.ln.0) / self.ln.1,
            // Halves, since the whole range may be larger than a number can be.
            false => (x / 2.0 - self.from / 2.0) / (self.to / 2.0 - self.from / 2.0),
        }
    }

    /// The reverse of [`Scale::place`].
    pub fn at(&self, place: f64) -> f64 {
        let x = match self.log {
            true => (self.ln.0 + place * self.ln.1).exp(),
            false => self.from * (1.0 - place) + self.to * place,
        };
        x.clamp(f64::MIN, f64::MAX)
    }

    /// The part of the axis between two places.
    pub fn part(&self, from: f64, to: f64) -> (f64, f64) {
        (self.at(from), self.at(to))
    }

    /// Round numbers along a logarithmic axis, else `linear` says where.
    pub fn ticks(&self, wanted: usize, linear: impl FnOnce(f64, f64, usize) -> Ticks) -> Ticks {
        let decades = (self.to / self.from).log10();
        if self.log && decades >= 0.8 { ticks::logarithmic(self.from, self.to, wanted) } else { linear(self.from, self.to, wanted) }
    }
}

/// The range with some air when it is a single value.
pub fn widened(min: f64, max: f64) -> (f64, f64) {
    let air = if max > min {
        0.0
    } else if min == 0.0 {
        1.0
    } else {
        min.abs() * 0.1
    };
    ((min - air).max(f64::MIN), (max + air).min(f64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ends_stand_at_the_ends() {
        for log in [false, true] {
            let scale = Scale::new(1.0, 100.0, log);
            assert_eq!((scale.place(1.0), scale.place(100.0)), (0.0, 1.0));
        }
        assert!((Scale::new(1.0, 100.0, true).place(10.0) - 0.5).abs() < 1e-12);
        assert!(!Scale::new(0.0, 100.0, true).log);
        let single = Scale::new(5.0, 5.0, false);
        assert_eq!((single.from, single.to, single.log), (4.5, 5.5, false));
    }

    proptest! {
        #[test]
        fn a_place_comes_back(from in -1e12f64..1e12, width in 1e-3f64..1e12, place in 0.0f64..1.0, log in any::<bool>()) {
            let scale = Scale::new(from, from + width, log);
            let back = scale.place(scale.at(place));
            prop_assert!((back - place).abs() < 1e-3, "{back} {place}");
        }

        #[test]
        fn no_range_panics(from in any::<f64>(), to in any::<f64>(), x in any::<f64>(), log in any::<bool>()) {
            let scale = Scale::new(from, to, log);
            scale.place(x);
            scale.at(x);
            scale.ticks(5, ticks::linear);
        }
    }
}
