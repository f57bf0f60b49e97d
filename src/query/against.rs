//! A metric over another metric: `val/loss` over `epoch`.

use crate::model::{Point, Series, Step, WallTime};

/// The points of a metric with another one as their x. [`Against::series`] keeps that x where other curves keep their time, so
/// it is drawn along [`crate::model::XAxis::WallTime`].
///
/// A point stands at the latest value of the other metric at or before its step; without one, or where that is no finite number,
/// it stands nowhere. Where x goes back, points are sorted by it.
#[derive(Debug, Default)]
pub struct Against {
    made: Series,
    /// How far both were read.
    next: (usize, usize),
    /// What tells that something read has changed: of each how many points were superseded, and the last one read.
    seen: [(usize, Option<(Step, u64)>); 2],
    x: Option<f64>,
    /// Points by x, kept from the first that came out of order on.
    unsorted: Option<Vec<(f64, f64)>>,
    /// They are by x, and so in the curve.
    is_sorted: bool,
}

impl Against {
    /// What was made so far.
    pub fn series(&self) -> &Series {
        &self.made
    }

    /// Takes in what is new of the metric `y` and of `x`, as far as `points` go, of which it takes away what it used. Whether that
    /// was all; until then a curve that has to be sorted is not changed.
    pub fn feed(&mut self, x: &Series, y: &Series, points: &mut usize) -> bool {
        let mark = |series: &Series, next: usize| {
            let last = next.checked_sub(1).and_then(|last| series.get(last));
            (series.superseded(), last.map(|last| (last.step, last.value.to_bits())))
        };
        if self.seen != [mark(x, self.next.0), mark(y, self.next.1)] || self.is_late(x) {
            *self = Against::default();
        }
        while let Some(point) = y.get(self.next.1) {
            while let Some(at) = x.get(self.next.0).filter(|at| at.step <= point.step && *points > 0) {
                self.x = at.value.is_finite().then_some(at.value);
                self.next.0 += 1;
                *points -= 1;
            }
            let Some(left) = points.checked_sub(1) else {
                self.seen = [mark(x, self.next.0), mark(y, self.next.1)];
                return false;
            };
            *points = left;
            self.next.1 += 1;
            let Some(at) = self.x else { continue };
            let behind = self.made.last().and_then(|last| last.time).is_some_and(|last| at < last.secs());
            match &mut self.unsorted {
                Some(points) => points.push((at, point.value)),
                None if behind => {
                    let points = self.made.points(0..usize::MAX).filter_map(|p| Some((p.time?.secs(), p.value)));
                    self.unsorted = Some(points.chain([(at, point.value)]).collect());
                }
                None => {
                    push(&mut self.made, at, point.value);
                    continue;
                }
            }
            self.is_sorted = false;
        }
        if let (false, Some(points)) = (self.is_sorted, &mut self.unsorted) {
            // Stable, so that points of the same x stay in the order in which they were logged.
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            self.made = Series::new();
            points.iter().for_each(|(x, value)| push(&mut self.made, *x, *value));
        }
        self.is_sorted = true;
        self.seen = [mark(x, self.next.0), mark(y, self.next.1)];
        true
    }

    /// Whether x has a new point at or before the last step read of y.
    fn is_late(&self, x: &Series) -> bool {
        let read = self.seen[1].1.map(|(step, _)| step);
        read.is_some_and(|read| x.get(self.next.0).is_some_and(|point| point.step <= read))
    }
}

fn push(made: &mut Series, x: f64, value: f64) {
    made.push(Point { step: Step(made.len() as i64), time: WallTime::new(x), value });
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn series(points: &[(i64, f64)]) -> Series {
        let mut series = Series::new();
        points.iter().for_each(|&(step, value)| series.push(Point { step: Step(step), time: None, value }));
        series
    }

    fn made(against: &Against) -> Vec<(f64, f64)> {
        against.series().points(0..usize::MAX).map(|p| (p.time.unwrap().secs(), p.value)).collect()
    }

    #[test]
    fn a_point_stands_at_the_latest_x() {
        let mut against = Against::default();
        assert!(against.feed(&series(&[(2, 0.5), (5, 1.0)]), &series(&[(1, 9.0), (3, 8.0), (4, 7.0), (5, 6.0)]), &mut 100));
        assert_eq!(made(&against), [(0.5, 8.0), (0.5, 7.0), (1.0, 6.0)]);
    }

    #[test]
    fn an_x_that_falls_is_sorted() {
        let mut against = Against::default();
        assert!(against.feed(&series(&[(1, 3.0), (2, 2.0), (3, 1.0)]), &series(&[(1, 30.0), (2, 20.0), (3, 10.0)]), &mut 100));
        assert_eq!(made(&against), [(1.0, 10.0), (2.0, 20.0), (3.0, 30.0)]);
    }

    proptest! {
        #[test]
        fn points_that_come_one_by_one_make_the_same(points in prop::collection::vec((any::<bool>(), 0i64..30, -5i32..5), 0..60), most in 1usize..9) {
            let (mut x, mut y, mut against) = (Series::new(), Series::new(), Against::default());
            for (of_x, step, value) in points {
                let point = Point { step: Step(step), time: None, value: f64::from(value) };
                if of_x { x.push(point) } else { y.push(point) }
                against.feed(&x, &y, &mut most.clone());
            }
            while !against.feed(&x, &y, &mut most.clone()) {}
            let mut whole = Against::default();
            prop_assert!(whole.feed(&x, &y, &mut 1000));
            prop_assert_eq!(made(&against), made(&whole));
            prop_assert!(made(&whole).windows(2).all(|pair| pair[0].0 <= pair[1].0));
        }
    }
}
