//! How fast a run goes.

use super::trend::median;
use crate::model::{Series, Step};

/// Points that the rate is read from: recent enough to follow a change of pace, enough to outvote pauses.
const WINDOW: usize = 64;

/// Steps per second over the last points: the median pace, so that a pause for an evaluation or a checkpoint does not
/// count. When most points carry the time of their neighbour (a buffered log arrives in bursts), the mean pace.
/// `None` without times, or with fewer than two points.
pub fn rate(series: &Series) -> Option<f64> {
    let points: Vec<(f64, f64)> = series.tail(WINDOW).filter_map(|p| Some((p.step.0 as f64, p.time?.secs()))).collect();
    let paces = points.windows(2).map(|w| (w[1].1 - w[0].1) / (w[1].0 - w[0].0));
    let mut seconds_per_step: Vec<f64> = paces.filter(|pace| pace.is_finite() && *pace >= 0.0).collect();
    let (first, last) = (points.first()?, points.last()?);
    let mean = (last.1 - first.1) / (last.0 - first.0);
    let pace = match median(&mut seconds_per_step) {
        pace if pace > 0.0 => pace,
        _ => mean,
    };
    Some(1.0 / pace).filter(|rate| rate.is_finite() && *rate > 0.0)
}

/// Seconds until `total` steps are done at `rate` steps per second. `None` without a total or a rate.
pub fn eta(step: Step, total: Option<i64>, rate: Option<f64>) -> Option<f64> {
    let left = total?.saturating_sub(step.0).max(0) as f64;
    Some(left / rate?).filter(|secs| secs.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Point, WallTime};

    fn series(times: impl IntoIterator<Item = f64>) -> Series {
        let mut series = Series::new();
        for (i, secs) in times.into_iter().enumerate() {
            series.push(Point { step: Step(i as i64 * 10), time: WallTime::new(secs), value: 0.0 });
        }
        series
    }

    #[test]
    fn pauses_do_not_slow_the_rate() {
        let secs = (0..100).map(|i| i as f64 * 2.0 + if i >= 80 { 600.0 } else { 0.0 });
        assert_eq!(rate(&series(secs)), Some(5.0));
    }

    #[test]
    fn bursts_fall_back_to_the_mean() {
        let secs = (0..64).map(|i| f64::from(i / 8) * 8.0);
        let rate = rate(&series(secs)).unwrap();
        assert!((10.0..13.0).contains(&rate), "{rate}");
    }

    #[test]
    fn no_time_no_rate() {
        assert_eq!(rate(&series([])), None);
        assert_eq!(rate(&series([1.0])), None);
        assert_eq!(rate(&series([1.0, 1.0])), None);
        assert_eq!(rate(&series([f64::NAN, f64::NAN])), None);
        assert_eq!(rate(&series([5.0, 4.0])), None);
    }

    #[test]
    fn eta_counts_the_steps_left() {
        assert_eq!(eta(Step(400), Some(1000), Some(3.0)), Some(200.0));
        assert_eq!(eta(Step(1200), Some(1000), Some(3.0)), Some(0.0));
        assert_eq!(eta(Step(1), None, Some(3.0)), None);
        assert_eq!(eta(Step(1), Some(2), None), None);
    }
}
