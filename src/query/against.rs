//! A metric over another metric: `val/loss` over `epoch`.

use crate::model::{Point, Series, Step, WallTime, XAxis};

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
    seen: [(usize, Option<(u64, u64)>); 2],
    /// The last x read of y.
    read: Option<f64>,
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
    /// was all; until then a curve that has to be sorted is not changed. Both are told with the axis that says which of their points
    /// belong together: that of the steps, or that of another [`Against`] by which they stand along the same ones.
    pub fn feed(&mut self, x: (&Series, XAxis), y: (&Series, XAxis), points: &mut usize) -> bool {
        let mark = |(series, axis): (&Series, XAxis), next: usize| {
            let last = next.checked_sub(1).and_then(|last| series.get(last));
            (series.superseded(), last.map(|last| (place(&last, axis).to_bits(), last.value.to_bits())))
        };
        if self.seen != [mark(x, self.next.0), mark(y, self.next.1)] || self.is_late(x) {
            *self = Against::default();
        }
        let marks = |next: (usize, usize)| [mark(x, next.0), mark(y, next.1)];
        let ((x, x_axis), (y, y_axis)) = (x, y);
        while let Some(point) = y.get(self.next.1) {
            let here = place(&point, y_axis);
            while let Some(at) = x.get(self.next.0).filter(|at| place(at, x_axis) <= here && *points > 0) {
                self.x = at.value.is_finite().then_some(at.value);
                self.next.0 += 1;
                *points -= 1;
            }
            let Some(left) = points.checked_sub(1) else {
                self.seen = marks(self.next);
                return false;
            };
            *points = left;
            self.next.1 += 1;
            self.read = Some(here);
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
        self.seen = marks(self.next);
        true
    }

    /// Whether x has a new point at or before the last one read of y.
    fn is_late(&self, (x, axis): (&Series, XAxis)) -> bool {
        self.read.is_some_and(|read| x.get(self.next.0).is_some_and(|point| place(&point, axis) <= read))
    }
}

/// Where a point stands on an axis; before all others where that is not known.
fn place(point: &Point, axis: XAxis) -> f64 {
    match axis {
        XAxis::Step => point.step.0 as f64,
        XAxis::WallTime | XAxis::Relative => point.time.map_or(f64::NEG_INFINITY, WallTime::secs),
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

    fn by_step(series: &Series) -> (&Series, XAxis) {
        (series, XAxis::Step)
    }

    fn made(against: &Against) -> Vec<(f64, f64)> {
        against.series().points(0..usize::MAX).map(|p| (p.time.unwrap().secs(), p.value)).collect()
    }

    #[test]
    fn a_point_stands_at_the_latest_x() {
        let mut against = Against::default();
        assert!(against.feed(
            by_step(&series(&[(2, 0.5), (5, 1.0)])),
            by_step(&series(&[(1, 9.0), (3, 8.0), (4, 7.0), (5, 6.0)])),
            &mut 100
        ));
        assert_eq!(made(&against), [(0.5, 8.0), (0.5, 7.0), (1.0, 6.0)]);
    }

    #[test]
    fn metrics_that_are_counted_otherwise_meet_at_the_same_step_of_the_training() {
        let (mut stepped, mut over) = (Against::default(), Against::default());
        // A loss of rows 0 to 3 at the steps 0 to 30, and a rate that a console prints.
        let (steps, loss) = (series(&[(0, 0.0), (1, 10.0), (2, 20.0), (3, 30.0)]), series(&[(0, 4.0), (1, 3.0), (2, 2.0), (3, 1.0)]));
        assert!(stepped.feed(by_step(&steps), by_step(&loss), &mut 100));
        let rate = series(&[(0, 0.5), (20, 0.25)]);
        assert!(over.feed(by_step(&rate), (stepped.series(), XAxis::WallTime), &mut 100));
        assert_eq!(made(&over), [(0.25, 2.0), (0.25, 1.0), (0.5, 4.0), (0.5, 3.0)]);
    }

    #[test]
    fn an_x_that_falls_is_sorted() {
        let mut against = Against::default();
        assert!(against.feed(
            by_step(&series(&[(1, 3.0), (2, 2.0), (3, 1.0)])),
            by_step(&series(&[(1, 30.0), (2, 20.0), (3, 10.0)])),
            &mut 100
        ));
        assert_eq!(made(&against), [(1.0, 10.0), (2.0, 20.0), (3.0, 30.0)]);
    }

    proptest! {
        #[test]
        fn points_that_come_one_by_one_make_the_same(points in prop::collection::vec((any::<bool>(), 0i64..30, -5i32..5), 0..60), most in 1usize..9) {
            let (mut x, mut y, mut against) = (Series::new(), Series::new(), Against::default());
            for (of_x, step, value) in points {
                let point = Point { step: Step(step), time: None, value: f64::from(value) };
                if of_x { x.push(point) } else { y.push(point) }
                against.feed(by_step(&x), by_step(&y), &mut most.clone());
            }
            while !against.feed(by_step(&x), by_step(&y), &mut most.clone()) {}
            let mut whole = Against::default();
            prop_assert!(whole.feed(by_step(&x), by_step(&y), &mut 1000));
            prop_assert_eq!(made(&against), made(&whole));
            prop_assert!(made(&whole).windows(2).all(|pair| pair[0].0 <= pair[1].0));
        }
    }
}
