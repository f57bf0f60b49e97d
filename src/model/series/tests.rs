use super::{pyramid::FAN_OUT, *};
use proptest::prelude::*;

/// What a series means, in the plainest words: every answer is read off a list of points.
#[derive(Default)]
struct Naive {
    points: Vec<Point>,
    superseded: Vec<Point>,
    pushed: usize,
    origin: Option<WallTime>,
}

impl Naive {
    fn push(&mut self, point: Point) {
        self.origin = self.origin.or(point.time);
        self.pushed += 1;
        let keep = self.points.partition_point(|p| p.step < point.step);
        let dropped = self.points.split_off(keep);
        let again = dropped.len() == 1 && dropped[0].step == point.step;
        if !again {
            self.superseded.extend(dropped);
        }
        self.points.push(point);
    }

    /// The same of what may be out of order; `held` comes in between.
    fn push_stray(&mut self, point: Point, held: &mut Option<Point>) {
        let is_behind = self.points.last().is_some_and(|last| point.step < last.step);
        match held.take() {
            Some(before) if is_behind && point.step > before.step => {
                self.push(before);
                return self.push_stray(point, held);
            }
            Some(before) if !is_behind || point.step < before.step => {
                self.points.retain(|p| p.step != before.step);
                self.points.insert(self.points.partition_point(|p| p.step < before.step), before);
            }
            _ => {}
        }
        if is_behind {
            *held = Some(point);
        } else {
            self.push(point);
        }
    }

    /// The x of each point: along time, that of the latest time so far.
    fn xs(&self, axis: XAxis) -> Vec<Option<f64>> {
        let clock = self.points.iter().scan(None, |latest: &mut Option<f64>, p| {
            *latest = p.time.map(WallTime::secs).into_iter().chain(*latest).reduce(f64::max);
            Some(*latest)
        });
        match axis {
            XAxis::Step => self.points.iter().map(|p| Some(p.step.0 as f64)).collect(),
            XAxis::WallTime => clock.collect(),
            XAxis::Relative => clock.map(|x| Some(x? - self.origin?.secs())).collect(),
        }
    }

    fn window(&self, axis: XAxis, from: f64, to: f64) -> Vec<(f64, f64)> {
        let all = self.xs(axis).into_iter().zip(&self.points).filter_map(|(x, p)| Some((x?, p.value)));
        all.filter(|(x, _)| from <= *x && *x <= to).collect()
    }

    fn columns(&self, axis: XAxis, from: f64, to: f64, columns: usize) -> Vec<Column> {
        let scale = if to > from { (columns as f64 - 1.0) / (to - from) } else { 0.0 };
        let mut out: Vec<Column> = vec![];
        let mut finite = 0.0;
        for (x, v) in self.window(axis, from, to) {
            // Not `round`: of 0.5 less one bit this makes 1, and it is what a series may do.
            let index = (((x - from) * scale + 0.5) as usize).min(columns - 1);
            if out.last().is_none_or(|c| c.index != index) {
                out.push(Column {
                    index,
                    min: f64::INFINITY,
                    max: f64::NEG_INFINITY,
                    first: f64::NAN,
                    last: f64::NAN,
                    mean: f64::NAN,
                    gap: false,
                });
                finite = 0.0;
            }
            let c = out.last_mut().unwrap();
            if v.is_finite() {
                finite += 1.0;
                c.mean = if finite == 1.0 { v } else { c.mean * ((finite - 1.0) / finite) + v / finite };
                c.first = if c.min > c.max { v } else { c.first };
                c.last = v;
                (c.min, c.max) = (c.min.min(v), c.max.max(v));
            } else {
                c.gap = true;
            }
        }
        out
    }

    fn range(&self, axis: XAxis, from: f64, to: f64) -> Option<(f64, f64)> {
        let finite = self.window(axis, from, to).into_iter().map(|(_, v)| v).filter(|v| v.is_finite());
        finite.fold(None, |range, v| Some(range.map_or((v, v), |(lo, hi): (f64, f64)| (lo.min(v), hi.max(v)))))
    }
}

/// NaN equals NaN here: `Debug` of the two sides is compared.
#[track_caller]
fn same(got: impl std::fmt::Debug, want: impl std::fmt::Debug) {
    assert_eq!(format!("{got:?}"), format!("{want:?}"));
}

#[test]
fn a_column_knows_the_mean_of_its_finite_values() {
    let mut series = Series::new();
    for step in 0..10_000 {
        let value = if step % 100 == 7 { f64::NAN } else { (step % 2) as f64 * 3.0 };
        series.push(Point { step: Step(step), time: None, value });
    }
    let means: Vec<f64> = series.columns(XAxis::Step, 0.0, 9_999.0, 3).iter().map(|c| c.mean).collect();
    assert!(means.iter().all(|mean| (mean - 3.0 * 49.0 / 99.0).abs() < 1e-3), "{means:?}");
    let mut huge = Series::new();
    [f64::MAX, f64::MAX].into_iter().enumerate().for_each(|(i, value)| huge.push(Point { step: Step(i as i64), time: None, value }));
    assert_eq!(huge.columns(XAxis::Step, 0.0, 1.0, 1)[0].mean, f64::MAX);
}

#[derive(Clone, Debug)]
enum Move {
    /// This many steps on.
    On(i64),
    /// The same step again.
    Again,
    /// This many steps back.
    Back(i64),
}

/// Columns are equal; sums of the same values in another order differ in their last digits.
fn same_columns(got: Vec<Column>, want: Vec<Column>) {
    let means: Vec<f64> = got.iter().map(|c| c.mean).collect();
    assert!(got.iter().all(|c| c.min > c.max || c.min <= c.mean && c.mean <= c.max), "{got:?}");
    same(got.into_iter().zip(&want).map(|(c, want)| Column { mean: want.mean, ..c }).collect::<Vec<_>>(), &want);
    for (mean, want) in means.iter().zip(&want) {
        let size = want.min.abs().max(want.max.abs());
        let is_near = (mean - want.mean).abs() <= 1e-9 * size || mean.is_nan() && want.mean.is_nan();
        assert!(is_near || size > 1e300, "{mean} {want:?}");
    }
}

fn moves() -> impl Strategy<Value = Vec<(Move, Option<f64>, f64)>> {
    let step = prop_oneof![60 => (1i64..4).prop_map(Move::On), 3 => Just(Move::Again), 1 => (1i64..400).prop_map(Move::Back)];
    let time = prop_oneof![30 => Just(Some(1.0)), 3 => (-3.0..3.0f64).prop_map(Some), 1 => Just(None)];
    let value = prop_oneof![
        20 => -1e3..1e3f64, 5 => any::<f32>().prop_map(f64::from), 2 => Just(f64::NAN), 1 => Just(f64::INFINITY), 1 => any::<f64>()
    ];
    prop::collection::vec((step, time, value), 0..1200)
}

proptest! {
    #[test]
    fn points_out_of_order_are_those_of_a_plain_list(moves in moves()) {
        let (mut series, mut naive, mut held, mut step) = (Series::new(), Naive::default(), None, 0);
        for (go, time, value) in &moves {
            step += match go {
                Move::On(by) => *by,
                Move::Again => 0,
                Move::Back(by) => -by % 20,
            };
            let point = Point { step: Step(step), time: time.and_then(WallTime::new), value: *value };
            series.push_stray(point);
            naive.push_stray(point, &mut held);
            if let Move::Back(by) = go {
                step += by % 20;
            }
        }
        same(series.points(0..series.len()).collect::<Vec<_>>(), &naive.points);
        same(series.told_again(), held);
        prop_assert_eq!(series.logged() + series.replaced(), moves.len());
        same(series.nan_count(), naive.points.iter().filter(|point| point.value.is_nan()).count());
        same(series.range(), naive.range(XAxis::Step, f64::NEG_INFINITY, f64::INFINITY));
        let columns = |from, to| (series.columns(XAxis::Step, from, to, 40), naive.columns(XAxis::Step, from, to, 40));
        let (got, want) = columns(0.0, step as f64);
        same_columns(got, want);
        // Times never run backwards along the points.
        let xs: Vec<f64> = (0..series.len()).filter_map(|i| series.x_at(XAxis::WallTime, i)).collect();
        prop_assert!(xs.is_sorted());
    }
}

fn built(moves: &[(Move, Option<f64>, f64)], timed: bool) -> (Series, Naive) {
    let (mut series, mut naive) = (Series::new(), Naive::default());
    let (mut step, mut secs) = (0, 1_795_161_553.25);
    for (go, time, value) in moves {
        step += match go {
            Move::On(by) => *by,
            Move::Again => 0,
            Move::Back(by) => -by,
        };
        secs += time.unwrap_or(0.0);
        let time = time.filter(|_| timed).and_then(|_| WallTime::new(secs));
        let point = Point { step: Step(step), time, value: *value };
        series.push(point);
        naive.push(point);
    }
    (series, naive)
}

proptest! {
    // A case is thousands of comparisons with the oracle.
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_series_answers_as_a_plain_list_does(
        moves in moves(), timed in any::<bool>(), axis in prop_oneof![Just(XAxis::Step), Just(XAxis::WallTime), Just(XAxis::Relative)],
        cut in (0.0..1.0f64, 0.0..1.0f64), columns in 1usize..90,
    ) {
        let (series, naive) = built(&moves, timed);
        same(series.points(0..usize::MAX).collect::<Vec<_>>(), &naive.points);
        same(series.superseded_points().collect::<Vec<_>>(), &naive.superseded);
        same(series.len() + series.replaced(), naive.pushed);
        same(series.tail(7).collect::<Vec<_>>(), &naive.points[naive.points.len().saturating_sub(7)..]);
        same((series.first(), series.last()), (naive.points.first(), naive.points.last()));
        same(series.nan_count(), naive.points.iter().filter(|p| p.value.is_nan()).count());
        same(series.inf_count(), naive.points.iter().filter(|p| p.value.is_infinite()).count());
        same(series.range(), naive.range(XAxis::Step, f64::NEG_INFINITY, f64::INFINITY));
        let at = |v: f64| naive.points.iter().find(|p| p.value == v);
        same((series.min_point(), series.max_point()), series.range().map_or((None, None), |(lo, hi)| (at(lo), at(hi))));
        let all_xs = naive.xs(axis);
        let xs: Vec<f64> = all_xs.iter().copied().flatten().collect();
        same(series.extent(axis), xs.first().zip(xs.last()));
        let (lo, hi) = (xs.first().copied().unwrap_or(0.0) - 1.0, xs.last().copied().unwrap_or(0.0) + 1.0);
        let (a, b) = (lo + (hi - lo) * cut.0, lo + (hi - lo) * cut.1);
        for (from, to) in [(lo, hi), (a.min(b), a.max(b)), (a, a), (a.ceil(), a.ceil())] {
            same_columns(series.columns(axis, from, to, columns), naive.columns(axis, from, to, columns));
            same(series.range_in(axis, from, to), naive.range(axis, from, to));
        }
        let near = |i: usize| all_xs[i].map(|x| (x - a).abs());
        let best = (0..all_xs.len()).filter_map(near).fold(f64::INFINITY, f64::min);
        let found = series.nearest(axis, a).map(|found| naive.points.iter().position(|p| p.step == found.step).and_then(near));
        same(found, (!xs.is_empty()).then_some(Some(best)));
    }

    #[test]
    fn no_window_panics(moves in moves(), from in any::<f64>(), to in any::<f64>(), columns in 0usize..50) {
        let (series, _) = built(&moves, true);
        for axis in [XAxis::Step, XAxis::WallTime, XAxis::Relative] {
            prop_assert!(series.columns(axis, from, to, columns).iter().all(|c| c.index < columns));
            series.nearest(axis, from);
        }
    }
}

fn point(step: i64, time: f64, value: f64) -> Point {
    Point { step: Step(step), time: WallTime::new(time), value }
}

#[test]
fn a_long_series_answers_as_a_plain_list_does_in_every_window() {
    // Long enough for four levels of the pyramid and a hundred sealed blocks.
    let (mut series, mut naive) = (Series::new(), Naive::default());
    let (mut chance, mut step) = (7u64, 0i64);
    let mut next = |below: u64| {
        chance = chance.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (chance >> 33) % below
    };
    for at in 0..40_000 {
        step = match next(2000) {
            0 => step - next(3000) as i64,
            1..20 => step,
            _ => step + 1 + next(2) as i64,
        };
        let value = match next(500) {
            0 => f64::NAN,
            1 => f64::INFINITY,
            2 => 1e6 * next(100) as f64,
            _ => (at as f64 * 0.01).sin(),
        };
        let point = Point { step: Step(step), time: WallTime::new(1e9 + at as f64 - next(50) as f64), value };
        series.push(point);
        naive.push(point);
    }
    assert_eq!((series.len(), series.superseded()), (naive.points.len(), naive.superseded.len()));
    assert!(series.len() > 8 * FAN_OUT * FAN_OUT * FAN_OUT / 4 && series.superseded() > 10_000, "{}", series.len());
    for axis in [XAxis::Step, XAxis::WallTime, XAxis::Relative] {
        let (lo, hi) = series.extent(axis).unwrap();
        for zoom in 0..24 {
            let width = (hi - lo) / f64::from(1u32 << (zoom / 2));
            let from = lo + (hi - lo - width) * next(1000) as f64 / 1000.0;
            same_columns(series.columns(axis, from, from + width, 137), naive.columns(axis, from, from + width, 137));
            same(series.range_in(axis, from, from + width), naive.range(axis, from, from + width));
        }
    }
}

#[test]
fn a_console_goes_back_only_where_something_follows() {
    let told = |steps: &[i64]| {
        let mut series = Series::new();
        steps.iter().for_each(|step| series.push_told(point(*step, 0.0, *step as f64)));
        let live: Vec<i64> = series.points(0..series.len()).map(|point| point.step.0).collect();
        (live, series.latest().map(|point| point.step.0), series.superseded())
    };
    assert_eq!(told(&[5, 10, 15, 7]), (vec![5, 10, 15], Some(7), 0), "the best step again");
    assert_eq!(told(&[5, 10, 15, 7, 12]), (vec![5, 7, 12], Some(12), 2), "a restart");
    assert_eq!(told(&[5, 10, 15, 7, 20]), (vec![5, 7, 20], Some(20), 2), "a restart that logs seldom");
    assert_eq!(told(&[5, 10, 15, 7, 7]), (vec![5, 10, 15], Some(7), 0));
    assert_eq!(told(&[5, 10, 15, 7, 3]), (vec![5, 10, 15], Some(3), 1), "the best of two");
    assert_eq!(told(&[5, 10, 10]), (vec![5, 10], Some(10), 0));
    let mut bar = Series::new();
    [5, 5, 5].into_iter().for_each(|step| bar.push_told(point(step, 0.0, 1.0)));
    assert_eq!(bar.replaced(), 0, "a bar draws its step again and again");
}

#[test]
fn what_is_out_of_order_is_put_in_its_place_and_what_goes_on_there_is_a_restart() {
    let strayed = |steps: &[i64]| {
        let mut series = Series::new();
        steps.iter().enumerate().for_each(|(at, step)| {
            series.push_stray(point(*step, at as f64, at as f64));
        });
        let live: Vec<i64> = series.points(0..series.len()).map(|point| point.step.0).collect();
        assert_eq!(series.logged() + series.replaced(), steps.len());
        (live, series.told_again().map(|point| point.step.0), series.replaced())
    };
    assert_eq!(strayed(&[0, 5, 3, 7, 6, 8]), (vec![0, 3, 5, 6, 7, 8], None, 0));
    assert_eq!(strayed(&[1, 2, 3, 0]), (vec![1, 2, 3], Some(0), 0));
    assert_eq!(strayed(&[1, 2, 3, 0, 4]), (vec![0, 1, 2, 3, 4], None, 0));
    assert_eq!(strayed(&[1, 2, 3, 2, 4]), (vec![1, 2, 3, 4], None, 1));
    assert_eq!(strayed(&[0, 1, 2, 3, 0, 1]), (vec![0, 1], None, 4), "a counter that starts over");
    assert_eq!(strayed(&[5, 6, 7, 3, 2, 8]), (vec![2, 3, 5, 6, 7, 8], None, 0));
    assert_eq!(strayed(&[5, 6, 7, 3, 3, 8]), (vec![3, 5, 6, 7, 8], None, 1));
    let far: Vec<i64> = (1..=2000).chain([0, 2001]).collect();
    assert_eq!(strayed(&far).2, 1, "too far behind to be moved");
    // Along time, a late point moves no other.
    let mut series = Series::new();
    [(1, 1.0), (2, 2.0), (0, 9.0), (3, 3.0)].into_iter().for_each(|(step, time)| {
        series.push_stray(point(step, time, 0.0));
    });
    let xs: Vec<_> = (0..4).map(|i| series.x_at(XAxis::WallTime, i)).collect();
    assert_eq!(xs, [None, Some(1.0), Some(2.0), Some(3.0)]);
    // A real restart does not wait.
    let mut series = Series::new();
    [1, 2, 3].into_iter().for_each(|step| series.push(point(step, 0.0, 0.0)));
    series.push_stray(point(0, 0.0, 0.0));
    series.supersede_from(Step(2));
    assert_eq!(series.points(0..9).map(|point| point.step.0).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn a_spike_among_many_points_stays() {
    let mut series = Series::new();
    (0..200_000).for_each(|i| series.push(point(i, i as f64, if i == 154_321 { 99.0 } else { (i % 7) as f64 })));
    for columns in [1, 2, 80, 400, 5000] {
        let drawn = series.columns(XAxis::Step, 0.0, 199_999.0, columns);
        assert_eq!(drawn.len(), columns);
        assert_eq!(drawn.iter().filter(|c| c.max == 99.0).count(), 1);
    }
}

#[test]
fn a_point_takes_at_most_20_bytes() {
    let mut series = Series::new();
    let mut noise = 1u64;
    for i in 0..200_000i64 {
        noise = noise.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        series.push(point(i * 10, 1_795_161_553.0 + i as f64 * 0.31 + (noise >> 40) as f64 * 1e-8, noise as f64 / 1e19));
    }
    let bytes = series.heap_bytes() as f64 / 2e5;
    assert!(bytes <= 20.0, "{bytes} bytes a point");
}
