//! Where a noisy series is heading.

use crate::model::{Series, XAxis};

/// Which way a series goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// It rises beyond what its noise explains.
    Up,
    /// It falls beyond what its noise explains.
    Down,
    /// It does neither, or too few points exist to tell.
    Flat,
}

impl Direction {
    /// The word used on screens and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Direction::Up => "up",
            Direction::Down => "down",
            Direction::Flat => "flat",
        }
    }
}

/// Direction and slope of the recent end of a series.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Trend {
    /// Which way it goes.
    pub dir: Direction,
    /// Change of the value in 100 steps; measured also when `dir` is flat. Finite.
    pub slope_per_100: f64,
}

/// The window is the last fifth of the points, but at least this many.
const WINDOW_MIN: usize = 200;

/// Knots that the window is thinned to. All pairs of them are looked at: 4950 slopes, about 50 µs.
const KNOTS: usize = 100;

/// Points looked at for one knot, so that a window of a million points costs no more than one of a thousand.
const SAMPLES: usize = 9;

/// With fewer points every line fits.
const POINTS_MIN: usize = 4;

/// Change over the window, in standard errors of a straight line through the noise, below which the series is flat.
const DEAD_BAND: f64 = 3.0;

/// The trend of the recent end of `series`: Theil-Sen over the window smoothed by medians, with a dead band from the
/// noise, so that neither a spike nor the last value decides. NaN and infinities are left out.
///
/// Medians rather than a moving average: an average lags, which bends a straight line, and one spike stays in it.
pub fn trend(series: &Series) -> Trend {
    trend_along(series, XAxis::Step)
}

/// [`trend`] along another axis of the series.
pub fn trend_along(series: &Series, axis: XAxis) -> Trend {
    let knots = knots(series, axis);
    if knots.len() < 2 {
        return Trend { dir: Direction::Flat, slope_per_100: 0.0 };
    }
    let slope = theil_sen(&knots);
    let trend = |dir| Trend { dir, slope_per_100: if (slope * 100.0).is_finite() { slope * 100.0 } else { 0.0 } };
    if knots.len() < POINTS_MIN {
        return trend(Direction::Flat);
    }
    let mut offsets: Vec<f64> = knots.iter().map(|(x, y)| y - slope * x).collect();
    let level = median(&mut offsets);
    let mut residuals: Vec<f64> = offsets.iter().map(|y| (y - level).abs()).collect();
    let noise = 1.4826 * median(&mut residuals);
    let change = slope * (knots[knots.len() - 1].0 - knots[0].0);
    let rounding = 1e-9 * knots.iter().map(|(_, y)| y.abs()).fold(0.0, f64::max);
    match change.abs() > (DEAD_BAND * noise * (12.0 / knots.len() as f64).sqrt()).max(rounding) {
        true if change > 0.0 => trend(Direction::Up),
        true => trend(Direction::Down),
        false => trend(Direction::Flat),
    }
}

/// The window as at most `KNOTS` points of (x since the window's start, median of the values there).
fn knots(series: &Series, axis: XAxis) -> Vec<(f64, f64)> {
    let len = (series.len() / 5).max(WINDOW_MIN).min(series.len());
    let start = series.len() - len;
    let count = len.min(KNOTS);
    let Some(origin) = series.x_at(axis, start) else { return vec![] };
    let knot = |k: usize| {
        let (from, to) = (start + k * len / count, start + (k + 1) * len / count);
        let stride = (to - from).div_ceil(SAMPLES);
        let points = (from..to).step_by(stride).filter_map(|i| Some((series.x_at(axis, i)?, series.get(i)?.value)));
        let (mut xs, mut ys): (Vec<f64>, Vec<f64>) = points.filter(|(_, y)| y.is_finite()).map(|(x, y)| (x - origin, y)).unzip();
        (!xs.is_empty()).then(|| (median(&mut xs), median(&mut ys)))
    };
    (0..count).filter_map(knot).collect()
}

/// Median of the slopes of all pairs.
fn theil_sen(points: &[(f64, f64)]) -> f64 {
    let mut slopes = Vec::with_capacity(points.len() * points.len() / 2);
    for (i, a) in points.iter().enumerate() {
        slopes.extend(points[i + 1..].iter().filter(|b| b.0 > a.0).map(|b| (b.1 - a.1) / (b.0 - a.0)));
    }
    median(&mut slopes)
}

/// Lower median; 0 of nothing.
pub(super) fn median(values: &mut [f64]) -> f64 {
    let Some(middle) = values.len().checked_sub(1).map(|last| last / 2) else { return 0.0 };
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Point, Step};
    use proptest::prelude::*;

    fn series(values: impl IntoIterator<Item = f64>) -> Series {
        let mut series = Series::new();
        for (i, value) in values.into_iter().enumerate() {
            series.push(Point { step: Step(i as i64 * 10), time: None, value });
        }
        series
    }

    /// Even noise in -1..1, the same for the same seed.
    fn noise(seed: u64) -> impl Iterator<Item = f64> {
        std::iter::successors(Some(seed.wrapping_mul(2) | 1), |z| {
            Some(z.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407))
        })
        .skip(1)
        .map(|z| (z >> 11) as f64 / (1u64 << 52) as f64 - 1.0)
    }

    #[test]
    fn a_falling_loss_falls_and_a_level_one_is_flat() {
        let falling = noise(1).take(3000).enumerate().map(|(i, n)| 5.0 - i as f64 * 0.001 + 0.3 * n);
        let falling = trend(&series(falling));
        assert_eq!(falling.dir, Direction::Down);
        assert!((falling.slope_per_100 + 0.01).abs() < 0.003, "{falling:?}");
        let flat = (0..200).filter(|seed| trend(&series(noise(*seed).take(500))).dir == Direction::Flat).count();
        assert!(flat >= 196, "{flat} of 200 noises are flat");
    }

    #[test]
    fn one_spike_at_the_end_does_not_turn_a_trend() {
        let values = noise(3).take(400).enumerate().map(|(i, n)| if i > 396 { 1e6 } else { 2.0 - i as f64 * 0.01 + 0.1 * n });
        assert_eq!(trend(&series(values)).dir, Direction::Down);
    }

    #[test]
    fn few_points_and_constants_are_flat() {
        assert_eq!(trend(&Series::new()), Trend { dir: Direction::Flat, slope_per_100: 0.0 });
        assert_eq!(trend(&series([1.0, 2.0, 3.0])).dir, Direction::Flat);
        assert_eq!(trend(&series([1.0, 2.0, 3.0, 4.0])).dir, Direction::Up);
        assert_eq!(trend(&series([0.3; 50])).dir, Direction::Flat);
        assert_eq!(trend(&series([f64::NAN; 50])).dir, Direction::Flat);
    }

    proptest! {
        #[test]
        fn any_values_have_a_finite_slope(values in prop::collection::vec(any::<f64>(), 0..300)) {
            prop_assert!(trend(&series(values)).slope_per_100.is_finite());
        }
    }
}
