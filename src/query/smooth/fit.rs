//! Which average fits a curve: told by how noisy it is.

use super::{CHART_PARTS, Smoothing, WEIGHTS};
use crate::model::{Series, Step};

/// What is wished: the average that fits each curve, or one for all.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub enum SmoothingWish {
    /// What [`Smoothing::fitting`] says.
    #[default]
    Auto,
    /// This one.
    Just(Smoothing),
}

impl SmoothingWish {
    /// As a person reads and writes it: `auto`, and the words of [`Smoothing`].
    pub fn word(self) -> String {
        match self {
            SmoothingWish::Auto => "auto".into(),
            SmoothingWish::Just(smoothing) => smoothing.word(),
        }
    }

    /// The reverse of [`SmoothingWish::word`].
    pub fn read(word: &str) -> Option<SmoothingWish> {
        if word.trim() == "auto" { Some(SmoothingWish::Auto) } else { Smoothing::read(word).map(SmoothingWish::Just) }
    }

    /// The next kind: what fits, none, an EMA, a moving average.
    pub fn turned(self) -> SmoothingWish {
        match self {
            SmoothingWish::Auto => SmoothingWish::Just(Smoothing::Off),
            SmoothingWish::Just(Smoothing::Ma(_)) => SmoothingWish::Auto,
            SmoothingWish::Just(smoothing) => SmoothingWish::Just(smoothing.turned()),
        }
    }
}

/// With fewer points one sees each of them.
const POINTS_MIN: usize = 64;
/// Points that are looked at, each with the one before and the one behind.
const LOOKS: usize = 256;
/// Noise below this part of the range of a curve disturbs nobody.
const NOISE: f64 = 0.02;
/// The strongest average that is chosen: one twentieth of a chart late. Who wants more says so.
const WEIGHT_MAX: f64 = 0.9;
/// The standard deviation of noise is so many times the median of what a value lies off the middle of its neighbours:
/// 1 / (0.6745 * sqrt(1.5)).
const OFF_TO_NOISE: f64 = 1.2105;

impl Smoothing {
    /// The average that makes a curve readable, none where it is readable. It is chosen by the first points up to a power of two,
    /// so that it changes only when a run has doubled or went back, and is the same for everybody who has these points.
    pub fn fitting(series: &Series) -> Smoothing {
        let count = looked_at(series);
        if count < POINTS_MIN {
            return Smoothing::Off;
        }
        let value = |at: usize| series.get(at).map_or(f64::NAN, |point| point.value);
        let looks = LOOKS.min(count - 2);
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        let mut off: Vec<f64> = Vec::with_capacity(looks);
        for look in 0..looks {
            let at = 1 + look * (count - 3) / (looks - 1);
            let [before, here, behind] = [value(at - 1), value(at), value(at + 1)];
            if here.is_finite() {
                (low, high) = (low.min(here), high.max(here));
            }
            off.push((here / 2.0 - before / 4.0 - behind / 4.0).abs() * 2.0);
        }
        off.retain(|off| off.is_finite());
        if off.len() * 2 < looks {
            return Smoothing::Off;
        }
        let middle = off.len() / 2;
        let (_, median, _) = off.select_nth_unstable_by(middle, f64::total_cmp);
        let noise = *median * OFF_TO_NOISE / (high - low);
        // What is level has no range.
        if !(noise > NOISE && noise.is_finite()) {
            return Smoothing::Off;
        }
        let left = |weight: f64| {
            let of_point = weight.powf(CHART_PARTS as f64 / count as f64);
            noise * ((1.0 - of_point) / (1.0 + of_point)).sqrt()
        };
        let enough = WEIGHTS.iter().copied().find(|weight| *weight >= WEIGHT_MAX || left(*weight) <= NOISE);
        Smoothing::Ema(enough.unwrap_or(WEIGHT_MAX))
    }
}

/// How many points an average is chosen by.
fn looked_at(series: &Series) -> usize {
    1 << series.len().max(1).ilog2()
}

/// The average that fits a curve, and what tells that it would be chosen again.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Fit {
    /// [`Smoothing::fitting`] of the curve.
    pub smoothing: Smoothing,
    by: By,
}

/// The points that an average was chosen by: how many, the first and the last of them, and how many were replaced before that. Another
/// curve that has the same ones is the same curve.
type By = (usize, [Option<(Step, u64)>; 2], usize);

fn by(series: &Series) -> By {
    let count = looked_at(series);
    let point = |at: usize| series.get(at).map(|point| (point.step, point.value.to_bits()));
    (count, [point(0), point(count - 1)], series.superseded())
}

impl Fit {
    /// Chooses for a curve.
    pub fn of(series: &Series) -> Fit {
        Fit { smoothing: Smoothing::fitting(series), by: by(series) }
    }

    /// Whether the curve is the one that it was chosen for, and has not doubled since, nor gone back.
    pub fn holds(&self, series: &Series) -> bool {
        self.by == by(series)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Point, Step};
    use proptest::prelude::*;

    fn series(values: impl IntoIterator<Item = f64>) -> Series {
        let mut series = Series::new();
        for (step, value) in values.into_iter().enumerate() {
            series.push(Point { step: Step(step as i64), time: None, value });
        }
        series
    }

    /// Noise of about this deviation, the same each time.
    fn noise(deviation: f64) -> impl FnMut() -> f64 {
        let mut seed = 7u64;
        move || {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            ((seed >> 33) as f64 / f64::from(1u32 << 31) - 0.5) * deviation * 12f64.sqrt()
        }
    }

    #[test]
    fn a_noisy_curve_is_smoothed_and_a_clean_one_is_not() {
        let mut noise = noise(0.25);
        let fit = |values: Vec<f64>| Smoothing::fitting(&series(values));
        assert_eq!(fit((0..1000).map(|x| 2.0 + 5.0 * (-f64::from(x) / 100.0).exp()).collect()), Smoothing::Off);
        assert_eq!(fit((0..1000).map(|x| (f64::from(x) / 9.0).sin()).collect()), Smoothing::Off, "a wave is no noise");
        assert_eq!(fit((0..600).map(|x| 2.0 + 2.0 * (-f64::from(x) / 100.0).exp() + noise()).collect()), Smoothing::Ema(0.8));
        assert_eq!(fit((0..100_000).map(|_| noise()).collect()), Smoothing::Ema(0.5), "a column has the mean of many");
        assert_eq!(fit((0..40).map(|_| noise()).collect()), Smoothing::Off, "one sees each point");
        assert_eq!(fit((0..600).map(|x| f64::from(x % 100 / 99)).collect()), Smoothing::Off, "a switch is no noise");
        assert_eq!(fit(vec![1.5; 600]), Smoothing::Off);
        assert_eq!(fit(vec![f64::NAN; 600]), Smoothing::Off);
    }

    #[test]
    fn the_choice_stays_until_a_run_has_doubled() {
        let mut noise = noise(1.0);
        let values: Vec<f64> = (0..1023).map(|_| noise()).collect();
        let at = |count: usize| Smoothing::fitting(&series(values[..count].to_vec()));
        assert!((512..1023).step_by(73).all(|count| at(count) == at(512)));
    }

    #[test]
    fn a_choice_holds_until_its_curve_has_doubled_or_is_another_one() {
        let mut noise = noise(1.0);
        let values: Vec<f64> = (0..1024).map(|_| noise()).collect();
        let of = |values: &[f64]| series(values.iter().copied());
        let fit = Fit::of(&of(&values[..600]));
        assert_eq!(fit.smoothing, Smoothing::fitting(&of(&values)));
        assert!(fit.holds(&of(&values[..512])) && fit.holds(&of(&values[..1023])));
        assert!(!fit.holds(&of(&values)), "it has doubled");
        assert!(!fit.holds(&of(&values[..511])));
        assert!(!fit.holds(&series((0..600).map(f64::from))), "another run");
        assert!(!fit.holds(&series((0..600).map(|at| values[0] + f64::from(at)))), "another run that begins alike");
        let mut resumed = of(&values[..600]);
        (550..620).for_each(|step| resumed.push(Point { step: Step(step), time: None, value: 0.0 }));
        assert!(!fit.holds(&resumed), "it went back");
        assert!(Fit::of(&resumed).holds(&resumed));
        let nothing = series(vec![f64::NAN; 9]);
        assert!(Fit::of(&nothing).holds(&nothing) && Fit::of(&series([])).holds(&series([])), "a NaN is as it was");
    }

    #[test]
    fn wishes_are_read_back_and_turn_around() {
        let mut wish = SmoothingWish::default();
        let words: Vec<String> = (0..5)
            .map(|_| {
                assert_eq!(SmoothingWish::read(&wish.word()), Some(wish));
                let next = wish.turned();
                std::mem::replace(&mut wish, next).word()
            })
            .collect();
        assert_eq!(words, ["auto", "off", "ema(0.9)", "ma(15)", "auto"]);
    }

    proptest! {
        #[test]
        fn no_values_panic(values in prop::collection::vec(any::<f64>(), 0..200)) {
            Smoothing::fitting(&series(values));
        }
    }
}
