//! Smoothing: of values as they come, and of the columns of a chart.

mod fit;

pub use fit::{Fit, SmoothingWish};

use crate::model::Column;
use std::collections::VecDeque;

/// How a curve is smoothed.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub enum Smoothing {
    /// Not at all.
    #[default]
    Off,
    /// By an exponential moving average with this weight, 0 to 1, of what stands a [`CHART_PARTS`]th of the chart before: the same
    /// at every size and zoom.
    Ema(f64),
    /// By the mean of so many values, the last of them the one in question.
    Ma(usize),
}

/// Parts of a chart's width by which the weight of an average is told.
pub const CHART_PARTS: usize = 200;
/// Weights that a person steps through.
const WEIGHTS: &[f64] = &[0.5, 0.7, 0.8, 0.9, 0.95, 0.98];
/// Windows that a person steps through.
const WINDOWS: &[usize] = &[5, 15, 50, 150];

impl Smoothing {
    /// One step up the ladder of its kind.
    pub fn more(self) -> Smoothing {
        match self {
            Smoothing::Off => Smoothing::Ema(WEIGHTS[0]),
            Smoothing::Ema(weight) => Smoothing::Ema(WEIGHTS.iter().copied().find(|w| *w > weight).unwrap_or(weight)),
            Smoothing::Ma(window) => Smoothing::Ma(WINDOWS.iter().copied().find(|n| *n > window).unwrap_or(window)),
        }
    }

    /// One step down; from the lowest it is off.
    pub fn less(self) -> Smoothing {
        match self {
            Smoothing::Off => Smoothing::Off,
            Smoothing::Ema(weight) => WEIGHTS.iter().rev().copied().find(|w| *w < weight).map_or(Smoothing::Off, Smoothing::Ema),
            Smoothing::Ma(window) => WINDOWS.iter().rev().copied().find(|n| *n < window).map_or(Smoothing::Off, Smoothing::Ma),
        }
    }

    /// The other kind: an EMA, a moving average, none.
    pub fn turned(self) -> Smoothing {
        match self {
            Smoothing::Off => Smoothing::Ema(0.9),
            Smoothing::Ema(_) => Smoothing::Ma(15),
            Smoothing::Ma(_) => Smoothing::Off,
        }
    }

    /// The stronger of two averages of one kind.
    pub fn stronger(self, other: Smoothing) -> Smoothing {
        match (self, other) {
            (Smoothing::Ema(one), Smoothing::Ema(other)) => Smoothing::Ema(one.max(other)),
            (Smoothing::Ma(one), Smoothing::Ma(other)) => Smoothing::Ma(one.max(other)),
            (Smoothing::Off, other) => other,
            (one, _) => one,
        }
    }

    /// As a person reads and writes it: `off`, `ema(0.9)`, `ma(15)`.
    pub fn word(self) -> String {
        match self {
            Smoothing::Off => "off".into(),
            Smoothing::Ema(weight) => format!("ema({weight})"),
            Smoothing::Ma(window) => format!("ma({window})"),
        }
    }

    /// The reverse of [`Smoothing::word`]; a bare number is a weight.
    pub fn read(word: &str) -> Option<Smoothing> {
        let word = word.trim();
        let inside = |name: &str| word.strip_prefix(name)?.strip_suffix(')')?.trim().parse::<f64>().ok();
        let weight = match (inside("ema("), inside("ma("), word.parse::<f64>().ok()) {
            _ if word == "off" => return Some(Smoothing::Off),
            (Some(weight), _, _) if (0.0..1.0).contains(&weight) => weight,
            (None, Some(window), _) => {
                let is_window = window.fract() == 0.0 && (1.0..=WINDOW_MAX as f64).contains(&window);
                return is_window.then_some(Smoothing::Ma(window as usize));
            }
            (None, None, Some(weight)) if (0.0..1.0).contains(&weight) => weight,
            _ => return None,
        };
        Some(if weight == 0.0 { Smoothing::Off } else { Smoothing::Ema(weight) })
    }

    /// How much of what stands left of a chart of so many columns a smoothed curve still knows, in columns.
    pub fn reach(self, width: usize) -> usize {
        match self {
            Smoothing::Off => 0,
            Smoothing::Ema(weight) => {
                // What is older weighs less than a hundredth.
                let parts = 0.01f64.ln() / weight.max(0.01).ln();
                (parts * width as f64 / CHART_PARTS as f64).ceil().clamp(0.0, WINDOW_MAX as f64) as usize
            }
            Smoothing::Ma(window) => window,
        }
    }

    /// The smoothed columns of a chart that is `width` columns wide: each a single value, made from the means of the columns up to
    /// it. A gap stays a gap.
    pub fn apply(self, columns: &mut [Column], width: usize) {
        let mut average: Average = match self {
            Smoothing::Off => return,
            Smoothing::Ema(weight) => Average::Ema(Ema::new(weight)),
            Smoothing::Ma(window) => Average::Ma(Ma::new(window)),
        };
        let mut before = None;
        for column in columns.iter_mut().filter(|column| column.min <= column.max) {
            // The first stands for one column, as every other does that no gap is before.
            let apart = before.replace(column.index).map_or(1, |before| column.index - before);
            let value = match &mut average {
                Average::Ema(ema) => ema.next_after(apart as f64 * CHART_PARTS as f64 / width.max(1) as f64, column.mean),
                Average::Ma(ma) => ma.next(column.mean),
            };
            (column.min, column.max, column.first, column.last, column.mean) = (value, value, value, value, value);
        }
    }
}

enum Average {
    Ema(Ema),
    Ma(Ma),
}

/// An exponential moving average without the pull of its start.
#[derive(Clone, Debug)]
pub struct Ema {
    weight: f64,
    /// How far apart the last two values stood, and the weight over that: nearly always the next two stand as far apart.
    over: (f64, f64),
    sum: f64,
    mass: f64,
}

impl Ema {
    /// `weight`: of what came before, 0 to 1.
    pub fn new(weight: f64) -> Ema {
        Ema { weight, over: (1.0, weight), sum: 0.0, mass: 0.0 }
    }

    /// The average with `value`. A value that is not finite is given back and forgotten.
    pub fn next(&mut self, value: f64) -> f64 {
        self.next_after(1.0, value)
    }

    /// The same for a value that stands so many times as far behind the one before as `weight` is told for.
    pub fn next_after(&mut self, apart: f64, value: f64) -> f64 {
        if !value.is_finite() {
            return value;
        }
        if apart != self.over.0 {
            self.over = (apart, self.weight.powf(apart));
        }
        let (_, weight) = self.over;
        self.sum = weight * self.sum + (1.0 - weight) * value;
        self.mass = weight * self.mass + (1.0 - weight);
        // With a weight so near to 1 that nothing gets in, the value stands for itself.
        if self.mass > 0.0 { self.sum / self.mass } else { value }
    }
}

/// Longest window of a moving average: a few screens of columns.
pub(super) const WINDOW_MAX: usize = 10_000;

/// The mean of the last few values.
#[derive(Clone, Debug)]
pub struct Ma {
    window: usize,
    last: VecDeque<f64>,
    sum: f64,
    /// Values until the sum is made anew, so that what rounding leaves in it does not add up.
    fresh: usize,
}

impl Ma {
    /// Over so many values, fewer at the start.
    pub fn new(window: usize) -> Ma {
        let window = window.clamp(1, WINDOW_MAX);
        Ma { window, last: VecDeque::new(), sum: 0.0, fresh: window }
    }

    /// The mean with `value`. A value that is not finite is given back and forgotten.
    pub fn next(&mut self, value: f64) -> f64 {
        if !value.is_finite() {
            return value;
        }
        self.last.push_back(value);
        self.sum += value;
        if self.last.len() > self.window {
            self.sum -= self.last.pop_front().unwrap_or(0.0);
        }
        self.fresh -= 1;
        if self.fresh == 0 || !self.sum.is_finite() {
            (self.sum, self.fresh) = (self.last.iter().sum(), self.window);
        }
        self.sum / self.last.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_average_of_equal_values_is_that_value_from_the_first_on() {
        let (mut ema, mut ma) = (Ema::new(0.95), Ma::new(15));
        for _ in 0..40 {
            assert!((ema.next(2.5) - 2.5).abs() < 1e-12);
            assert!((ma.next(2.5) - 2.5).abs() < 1e-12);
        }
    }

    /// The values of a chart's columns, each at its index, as an average draws them.
    fn drawn(smoothing: Smoothing, width: usize, values: &[(usize, f64)]) -> Vec<f64> {
        let column = |&(index, value): &(usize, f64)| Column {
            index,
            min: value - 1.0,
            max: value + 1.0,
            first: value,
            last: value,
            mean: value,
            gap: false,
        };
        let mut columns: Vec<Column> = values.iter().map(column).collect();
        smoothing.apply(&mut columns, width);
        assert!(columns.iter().all(|c| [c.min, c.max, c.first, c.last] == [c.mean; 4]), "{columns:?}");
        columns.into_iter().map(|column| (column.mean * 1e6).round() / 1e6).collect()
    }

    #[test]
    fn the_first_column_counts_in_an_average() {
        let fall = [(0, 10.0), (1, 1.0), (2, 1.0), (3, 1.0)];
        // A column is a 200th of the chart. Of 0.1 * 10 each new value leaves 0.9 and adds 0.1: 1 for ever, over 0.19, 0.271, 0.3439.
        assert_eq!(drawn(Smoothing::Ema(0.9), 200, &fall), [10.0, 5.263158, 3.690037, 2.907822]);
        // Twice as wide, two columns are a 200th: at every other one stands the same.
        let wide: Vec<(usize, f64)> = (0..8).map(|index| (index, if index < 2 { 10.0 } else { 1.0 })).collect();
        let wide = drawn(Smoothing::Ema(0.9), 400, &wide);
        assert_eq!([wide[1], wide[3], wide[5], wide[7]], [10.0, 5.263158, 3.690037, 2.907822]);
        // What is behind a gap weighs as much as what would stand in it.
        assert_eq!(drawn(Smoothing::Ema(0.9), 200, &[(7, 10.0), (9, 1.0)]), [10.0, 3.690037]);
        assert_eq!(drawn(Smoothing::Ma(2), 200, &fall), [10.0, 5.5, 1.0, 1.0]);
    }

    #[test]
    fn a_nan_passes_through_and_leaves_nothing() {
        let mut ma = Ma::new(3);
        let out: Vec<f64> = [1.0, f64::NAN, 3.0, 5.0, 7.0].into_iter().map(|v| ma.next(v)).collect();
        assert!(out[1].is_nan());
        assert_eq!((out[0], out[2], out[3], out[4]), (1.0, 2.0, 3.0, 5.0));
    }

    #[test]
    fn the_ladder_goes_up_and_down_and_its_words_are_read_back() {
        let mut at = Smoothing::Off;
        for _ in 0..9 {
            assert_eq!(Smoothing::read(&at.word()), Some(at));
            at = at.more();
        }
        assert_eq!(at, Smoothing::Ema(0.98));
        (0..9).for_each(|_| at = at.less());
        assert_eq!(at, Smoothing::Off);
        assert_eq!(Smoothing::Ma(15).less().word(), "ma(5)");
        assert_eq!(Smoothing::Ma(15).more(), Smoothing::Ma(50));
        assert_eq!(Smoothing::read("0.9"), Some(Smoothing::Ema(0.9)));
        assert_eq!((Smoothing::read("ma(15)"), Smoothing::read("0")), (Some(Smoothing::Ma(15)), Some(Smoothing::Off)));
        for wrong in ["1.5", "1", "15", "ema(2)", "ema(1)", "ma(0)", "ma(1.5)", "-1", "much", "NaN", "1e99"] {
            assert_eq!(Smoothing::read(wrong), None, "{wrong}");
        }
        assert_eq!(Smoothing::Off.turned().turned().turned(), Smoothing::Off);
    }

    proptest! {
        #[test]
        fn a_moving_average_is_the_mean_of_its_window(values in prop::collection::vec(-1e6f64..1e6, 1..200), window in 1usize..20) {
            let mut ma = Ma::new(window);
            for (i, value) in values.iter().enumerate() {
                let slice = &values[(i + 1).saturating_sub(window)..=i];
                let want = slice.iter().sum::<f64>() / slice.len() as f64;
                prop_assert!((ma.next(*value) - want).abs() <= 1e-6);
            }
        }

        #[test]
        fn an_average_stays_between_what_it_saw(values in prop::collection::vec(-1e6f64..1e6, 1..100), weight in 0.0f64..1.0) {
            let mut ema = Ema::new(weight);
            let (mut lo, mut hi) = (f64::INFINITY, f64::NEG_INFINITY);
            for value in values {
                (lo, hi) = (lo.min(value), hi.max(value));
                let out = ema.next(value);
                prop_assert!(out >= lo - 1e-6 && out <= hi + 1e-6);
            }
        }
    }
}
