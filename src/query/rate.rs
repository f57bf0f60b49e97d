//! How fast a run goes.

use crate::model::{Series, Step};

/// Moments that the rate is read from: recent enough to follow a change of pace, enough to outvote pauses.
const WINDOW: usize = 64;
/// Points looked at for them: a log that arrives in larger pieces than this leaves fewer moments.
const POINTS_MAX: usize = 4096;

/// Steps per second lately: the median pace, so that a pause for an evaluation or a checkpoint does not count. Points that
/// share a time came in one piece (a log is read in pieces, and may be written in pieces) and are one moment, at which the
/// last of them was reached; a pace counts as much as the steps that it was kept for, so that a piece cut in two does not
/// matter. `None` without times, or with fewer than two moments.
pub fn rate(series: &Series) -> Option<f64> {
    let newest_first = series.tail(POINTS_MAX).rev().filter_map(|p| Some((p.step.0 as f64, p.time?.secs())));
    let mut moments: Vec<(f64, f64)> = vec![];
    for point in newest_first {
        match moments.last() {
            Some(last) if last.1 == point.1 => {}
            _ if moments.len() > WINDOW => break,
            _ => moments.push(point),
        }
    }
    let spans = moments.windows(2).map(|w| (w[0].0 - w[1].0, w[0].1 - w[1].1));
    // Steps, and seconds for each of them.
    let mut paces: Vec<(f64, f64)> =
        spans.filter(|(steps, secs)| *steps > 0.0 && *secs > 0.0).map(|(steps, secs)| (steps, secs / steps)).collect();
    paces.sort_by(|a, b| a.1.total_cmp(&b.1));
    let half = paces.iter().map(|(steps, _)| steps).sum::<f64>() / 2.0;
    let mut counted = 0.0;
    let median = paces.iter().find(|(steps, _)| {
        counted += steps;
        counted >= half
    });
    median.map(|(_, pace)| 1.0 / pace).filter(|rate| rate.is_finite() && *rate > 0.0)
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
    use proptest::prelude::*;

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
    fn a_log_that_comes_in_pieces_has_the_pace_of_its_pieces() {
        assert_eq!(rate(&series((0..64).map(|i| f64::from(i / 8) * 8.0))), Some(10.0));
        // Pieces larger than the window, and a pause of a minute between two of them.
        let paused = |i: i32| f64::from(i / 100) * 50.0 + if i >= 700 { 60.0 } else { 0.0 };
        assert_eq!(rate(&series((0..1000).map(paused))), Some(20.0));
        // Pieces of which the reader catches all but the last line, and that one a tenth of a second later.
        let cut = |i: i32| f64::from(i / 200) * 2.0 + if i % 200 == 199 { 0.1 } else { 0.0 };
        let rate = rate(&series((0..2000).map(cut))).unwrap();
        assert!((900.0..1100.0).contains(&rate), "{rate}");
    }

    proptest! {
        #[test]
        fn the_rate_does_not_depend_on_how_the_log_is_cut(cuts in proptest::collection::vec(1usize..50, 3..60)) {
            // Ten steps each 0.1 s, told at the end of each piece.
            let ends = cuts.iter().scan(0, |end, cut| { *end += cut; Some(*end) });
            let secs = cuts.iter().zip(ends).flat_map(|(cut, end)| std::iter::repeat_n(end as f64 / 10.0, *cut));
            let rate = rate(&series(secs)).unwrap();
            prop_assert!((rate - 100.0).abs() < 1e-6, "{}", rate);
        }
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
