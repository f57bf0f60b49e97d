//! The points of one metric key of one run.

use super::{
    Step, WallTime,
    packed::{Packed, grow_by_an_eighth},
};
use std::{cmp::Ordering, ops::Range};

/// One logged value.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Point {
    /// Step it was logged at.
    pub step: Step,
    /// When it was logged, if the source says.
    pub time: Option<WallTime>,
    /// The value; NaN and infinities are kept as logged.
    pub value: f64,
}

/// What a chart measures along x.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum XAxis {
    /// The step.
    #[default]
    Step,
    /// Seconds since the Unix epoch.
    WallTime,
    /// Seconds since the origin of the series: [`Series::set_origin`], else its first wall time.
    Relative,
}

/// All points that fall into one column of a chart. A column keeps its minimum and maximum, so no
/// spike can vanish at any zoom.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Column {
    /// Index of the column, 0-based.
    pub index: usize,
    /// Smallest finite value; `+inf` when the column has none.
    pub min: f64,
    /// Largest finite value; `-inf` when the column has none.
    pub max: f64,
    /// First finite value; NaN when the column has none.
    pub first: f64,
    /// Last finite value; NaN when the column has none.
    pub last: f64,
    /// Mean of the finite values; NaN when the column has none.
    pub mean: f64,
    /// Whether a NaN or an infinity stands in the column.
    pub gap: bool,
}

/// Points of one key in rising order of step. A step logged again replaces its point; a step that goes
/// back supersedes the points at and after it (they are kept and counted, not drawn).
///
/// Wall times may be missing or run backwards (a clock was set, another host went on). Along a time axis a point
/// then stands where the latest time so far stands; points before the first time stand nowhere.
#[derive(Clone, Debug, Default)]
pub struct Series {
    points: Columns,
    /// Running maximum of the wall times; only there once it differs from the times themselves.
    clock: Option<Packed>,
    pyramid: Pyramid,
    nan: usize,
    inf: usize,
    origin: Option<WallTime>,
    superseded: Columns,
    /// A step that a console went back to, while nothing has followed it.
    told_again: Option<Point>,
}

impl Series {
    /// An empty series.
    pub fn new() -> Series {
        Series::default()
    }

    /// Adds a point.
    pub fn push(&mut self, point: Point) {
        match self.points.last_step() {
            Some(last) if point.step == last => self.drop_from(self.len() - 1),
            Some(last) if point.step < last => {
                let keep = partition(0..self.len(), |i| self.points.step(i) < point.step);
                (keep..self.len()).for_each(|i| self.superseded.push(self.points.get(i)));
                self.drop_from(keep);
            }
            _ => {}
        }
        self.append(point);
    }

    /// Adds a point that a console printed. There a step that goes back is a restart only once a later one follows it:
    /// many a trainer tells its best step again when it ends.
    pub fn push_told(&mut self, point: Point) {
        if let Some(held) = self.told_again.take() {
            match held.step.cmp(&point.step) {
                Ordering::Less => self.push(held),
                Ordering::Greater => self.superseded.push(held),
                Ordering::Equal => {}
            }
        }
        match self.points.last_step() {
            Some(last) if point.step < last => self.told_again = Some(point),
            Some(last) if point.step == last => self.push(point),
            _ => self.append(point),
        }
    }

    /// Adds a point behind all others.
    fn append(&mut self, point: Point) {
        self.push_time(point.time);
        self.points.push(point);
        self.nan += usize::from(point.value.is_nan());
        self.inf += usize::from(point.value.is_infinite());
        self.pyramid.grow(&self.points);
    }

    /// The point that a console told again, which stands behind the last one and is not drawn.
    pub fn told_again(&self) -> Option<Point> {
        self.told_again
    }

    /// Number of points that were logged and not replaced: the live ones and the one that was told again.
    pub fn logged(&self) -> usize {
        self.len() + usize::from(self.told_again.is_some())
    }

    /// The point that was logged last.
    pub fn latest(&self) -> Option<Point> {
        self.told_again.or_else(|| self.last())
    }

    /// Number of live points, NaN included.
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Whether no live point exists.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of points that a resumed run replaced.
    pub fn superseded(&self) -> usize {
        self.superseded.len()
    }

    /// The points that a resumed run replaced, in the order in which they were replaced.
    pub fn superseded_points(&self) -> impl Iterator<Item = Point> {
        (0..self.superseded.len()).map(|i| self.superseded.get(i))
    }

    /// The first live point.
    pub fn first(&self) -> Option<Point> {
        self.get(0)
    }

    /// The last live point.
    pub fn last(&self) -> Option<Point> {
        self.get(self.len().checked_sub(1)?)
    }

    /// The point at `index`, 0-based.
    pub fn get(&self, index: usize) -> Option<Point> {
        (index < self.len()).then(|| self.points.get(index))
    }

    /// The points whose index is in `range`, as far as they exist.
    pub fn points(&self, range: Range<usize>) -> impl DoubleEndedIterator<Item = Point> + ExactSizeIterator {
        (range.start.min(self.len())..range.end.min(self.len())).map(|i| self.points.get(i))
    }

    /// The last `count` points in order, fewer when there are fewer.
    pub fn tail(&self, count: usize) -> impl DoubleEndedIterator<Item = Point> + ExactSizeIterator {
        self.points(self.len().saturating_sub(count)..self.len())
    }

    /// Number of live points that are NaN.
    pub fn nan_count(&self) -> usize {
        self.nan
    }

    /// Number of live points that are infinite.
    pub fn inf_count(&self) -> usize {
        self.inf
    }

    /// Smallest and largest finite value.
    pub fn range(&self) -> Option<(f64, f64)> {
        self.pyramid.fold(&self.points, 0..self.len()).range()
    }

    /// Smallest and largest finite value among the points with `from <= x <= to`.
    pub fn range_in(&self, axis: XAxis, from: f64, to: f64) -> Option<(f64, f64)> {
        self.pyramid.fold(&self.points, self.window(axis, from, to)).range()
    }

    /// The first point that has the smallest finite value.
    pub fn min_point(&self) -> Option<Point> {
        let (min, _) = self.range()?;
        self.get(partition(0..self.len(), |i| self.pyramid.fold(&self.points, 0..i + 1).min > min))
    }

    /// The first point that has the largest finite value.
    pub fn max_point(&self) -> Option<Point> {
        let (_, max) = self.range()?;
        self.get(partition(0..self.len(), |i| self.pyramid.fold(&self.points, 0..i + 1).max < max))
    }

    /// First and last x on `axis`; `None` when no point stands on it.
    pub fn extent(&self, axis: XAxis) -> Option<(f64, f64)> {
        // Nearly always the very first point has an x.
        let first = if self.x_at(axis, 0).is_some() { 0 } else { self.lower_bound(axis, f64::NEG_INFINITY) };
        Some((self.x_at(axis, first)?, self.x_at(axis, self.len().checked_sub(1)?)?))
    }

    /// Index of the first point whose x is at or after `x`. Points without an x count as before it.
    pub fn lower_bound(&self, axis: XAxis, x: f64) -> usize {
        partition(0..self.len(), |i| self.x_at(axis, i).is_none_or(|at| at < x))
    }

    /// The point whose x is nearest to `x`, the earlier of two that are equally near.
    pub fn nearest(&self, axis: XAxis, x: f64) -> Option<Point> {
        let after = self.lower_bound(axis, x);
        let distance = |i: usize| self.x_at(axis, i).map(|at| (at - x).abs());
        let before = after.checked_sub(1).and_then(|i| distance(i).map(|d| (d, i)));
        let after = distance(after).map(|d| (d, after));
        let (_, index) = match (before, after) {
            (Some(b), Some(a)) => Some(if a.0 < b.0 { a } else { b }),
            (b, a) => b.or(a),
        }?;
        self.get(index)
    }

    /// Buckets the points with `from <= x <= to` into `columns` columns; columns without points are left out.
    /// The first column has `from` at its centre, the last one `to`.
    /// O(columns) whatever the length of the series.
    pub fn columns(&self, axis: XAxis, from: f64, to: f64, columns: usize) -> Vec<Column> {
        let scale = if to > from { (columns as f64 - 1.0) / (to - from) } else { 0.0 };
        self.columns_at(axis, from, to, columns, |x| (x - from) * scale)
    }

    /// Like [`Series::columns`], with a place for each x of one's own: `place` must rise with x; its rounded value is the column.
    pub fn columns_at(&self, axis: XAxis, from: f64, to: f64, columns: usize, place: impl Fn(f64) -> f64) -> Vec<Column> {
        let mut out: Vec<Column> = Vec::new();
        self.each_column(self.window(axis, from, to), axis, columns, place, |index, points| {
            let fold = self.pyramid.fold(&self.points, points);
            let Fold { min, max, first, last, gap, .. } = fold;
            out.push(Column { index, min, max, first, last, mean: fold.mean(), gap });
        });
        out
    }

    /// The columns of [`Series::columns_at`] and their means, for who needs nothing else.
    pub fn means_at(&self, axis: XAxis, from: f64, to: f64, columns: usize, place: impl Fn(f64) -> f64, mut each: impl FnMut(usize, f64)) {
        self.each_column(self.window(axis, from, to), axis, columns, place, |index, points| {
            each(index, self.pyramid.mean(&self.points, points));
        });
    }

    /// The columns that have points, and these points.
    fn each_column(
        &self,
        points: Range<usize>,
        axis: XAxis,
        columns: usize,
        place: impl Fn(f64) -> f64,
        mut each: impl FnMut(usize, Range<usize>),
    ) {
        if columns == 0 || points.is_empty() {
            return;
        }
        // What lies below zero becomes zero; rounding by a call for each would cost more than all the rest.
        let index = |i: usize| ((self.x_at(axis, i).map_or(0.0, &place) + 0.5) as usize).min(columns - 1);
        let mut start = points.start;
        // Most columns have as many points as the one before.
        let mut wide = points.len() / columns;
        while start < points.end {
            let column = index(start);
            let end = gallop(start..points.end, start + wide, |i| index(i) <= column);
            wide = end - start;
            each(column, start..end);
            start = end;
        }
    }

    /// Where `point` stands on `axis` by its own time; `None` when it has no wall time and the axis needs one.
    pub fn x(&self, axis: XAxis, point: &Point) -> Option<f64> {
        match axis {
            XAxis::Step => Some(point.step.0 as f64),
            XAxis::WallTime => point.time.map(WallTime::secs),
            XAxis::Relative => Some(point.time?.secs() - self.origin?.secs()),
        }
    }

    /// Where the point at `index` is drawn on `axis`; rises with `index`.
    pub fn x_at(&self, axis: XAxis, index: usize) -> Option<f64> {
        if index >= self.len() {
            return None;
        }
        let time = || match &self.clock {
            Some(clock) => decode_time(clock.get(index)),
            None => self.points.time(index),
        };
        match axis {
            XAxis::Step => Some(self.points.step(index).0 as f64),
            XAxis::WallTime => Some(time()?.secs()),
            XAxis::Relative => Some(time()?.secs() - self.origin?.secs()),
        }
    }

    /// Says where [`XAxis::Relative`] starts, so that all series of a run share one origin. Without it, the first
    /// wall time that the series sees.
    pub fn set_origin(&mut self, origin: WallTime) {
        self.origin = Some(origin);
    }

    /// Where [`XAxis::Relative`] starts.
    pub fn origin(&self) -> Option<WallTime> {
        self.origin
    }

    /// Bytes that the series takes in memory.
    pub fn heap_bytes(&self) -> usize {
        let nodes: usize = self.pyramid.levels.iter().map(|level| level.capacity() * size_of::<Fold>()).sum();
        self.points.heap_bytes() + self.superseded.heap_bytes() + nodes + self.clock.as_ref().map_or(0, Packed::heap_bytes)
    }

    /// Indices of the points with `from <= x <= to`.
    fn window(&self, axis: XAxis, from: f64, to: f64) -> Range<usize> {
        if from.is_nan() || to.is_nan() || from > to {
            return 0..0;
        }
        let start = self.lower_bound(axis, from);
        start..partition(start..self.len(), |i| self.x_at(axis, i).is_none_or(|x| x <= to))
    }

    /// Keeps `clock` right for a point about to come.
    fn push_time(&mut self, time: Option<WallTime>) {
        if time.is_none() && self.points.times.is_none() {
            return;
        }
        self.origin = self.origin.or(time);
        let so_far = match &self.clock {
            Some(clock) => clock.last().and_then(decode_time),
            None => self.len().checked_sub(1).and_then(|last| self.points.time(last)),
        };
        let Some(so_far) = so_far else {
            if let Some(clock) = &mut self.clock {
                clock.push(encode_time(time));
            }
            return;
        };
        let behind = time.is_none_or(|t| t < so_far);
        if behind && self.clock.is_none() {
            self.clock = self.points.times.clone();
        }
        if let Some(clock) = &mut self.clock {
            clock.push(encode_time(if behind { Some(so_far) } else { time }));
        }
    }

    fn drop_from(&mut self, len: usize) {
        for value in (len..self.len()).map(|i| self.points.value(i)) {
            self.nan -= usize::from(value.is_nan());
            self.inf -= usize::from(value.is_infinite());
        }
        self.points.truncate(len);
        self.pyramid.truncate(len);
        if let Some(clock) = &mut self.clock {
            clock.truncate(len);
        }
    }
}

/// Points as three columns.
#[derive(Clone, Debug, Default)]
struct Columns {
    steps: Packed,
    /// Not there until a point has a time.
    times: Option<Packed>,
    values: Packed,
}

impl Columns {
    fn len(&self) -> usize {
        self.steps.len()
    }

    fn push(&mut self, point: Point) {
        if self.times.is_none() && point.time.is_some() {
            self.times = Some(Packed::filled(encode_time(None), self.len()));
        }
        if let Some(times) = &mut self.times {
            times.push(encode_time(point.time));
        }
        self.steps.push(encode_step(point.step));
        self.values.push(point.value.to_bits());
    }

    fn get(&self, index: usize) -> Point {
        Point { step: self.step(index), time: self.time(index), value: self.value(index) }
    }

    fn step(&self, index: usize) -> Step {
        decode_step(self.steps.get(index))
    }

    fn last_step(&self) -> Option<Step> {
        self.steps.last().map(decode_step)
    }

    fn time(&self, index: usize) -> Option<WallTime> {
        decode_time(self.times.as_ref()?.get(index))
    }

    fn value(&self, index: usize) -> f64 {
        f64::from_bits(self.values.get(index))
    }

    fn truncate(&mut self, len: usize) {
        self.steps.truncate(len);
        self.values.truncate(len);
        if let Some(times) = &mut self.times {
            times.truncate(len);
        }
    }

    fn heap_bytes(&self) -> usize {
        self.steps.heap_bytes() + self.values.heap_bytes() + self.times.as_ref().map_or(0, Packed::heap_bytes)
    }
}

/// A step as a number of the same order, so that steps around zero pack as well as others.
fn encode_step(step: Step) -> u64 {
    step.0 as u64 ^ (1 << 63)
}

fn decode_step(bits: u64) -> Step {
    Step((bits ^ (1 << 63)) as i64)
}

/// Wall times are finite, so NaN is free to mean that there is none.
fn encode_time(time: Option<WallTime>) -> u64 {
    time.map_or(f64::NAN, WallTime::secs).to_bits()
}

fn decode_time(bits: u64) -> Option<WallTime> {
    WallTime::new(f64::from_bits(bits))
}

/// What a stretch of values comes to.
#[derive(Clone, Copy, Debug)]
struct Fold {
    min: f64,
    max: f64,
    first: f64,
    last: f64,
    sum: f64,
    /// Finite values. A run of more than four thousand million points of one key has no mean that anybody waits for.
    count: u32,
    gap: bool,
}

impl Fold {
    const EMPTY: Fold =
        Fold { min: f64::INFINITY, max: f64::NEG_INFINITY, first: f64::NAN, last: f64::NAN, sum: 0.0, count: 0, gap: false };

    fn of(value: f64) -> Fold {
        match value.is_finite() {
            true => Fold { min: value, max: value, first: value, last: value, sum: value, count: 1, gap: false },
            false => Fold { gap: true, ..Fold::EMPTY },
        }
    }

    fn then(self, next: Fold) -> Fold {
        Fold {
            min: self.min.min(next.min),
            max: self.max.max(next.max),
            first: if self.first.is_nan() { next.first } else { self.first },
            last: if next.last.is_nan() { self.last } else { next.last },
            sum: self.sum + next.sum,
            count: self.count.saturating_add(next.count),
            gap: self.gap | next.gap,
        }
    }

    /// Values too large to be summed up have the middle of their range.
    fn mean(&self) -> f64 {
        let mean = self.sum / f64::from(self.count);
        match (self.count, mean.is_finite()) {
            (0, _) => f64::NAN,
            // Rounding must not carry it out of the range.
            (_, true) => mean.max(self.min).min(self.max),
            (_, false) => self.min / 2.0 + self.max / 2.0,
        }
    }

    fn range(&self) -> Option<(f64, f64)> {
        (self.min <= self.max).then_some((self.min, self.max))
    }
}

/// Points under one node of the lowest level, and nodes under one node of each further level.
const FAN_OUT: usize = 16;

/// Folds of 16, 256, 4096, ... points. Only whole nodes are stored, so a truncation only cuts levels short.
#[derive(Clone, Debug, Default)]
struct Pyramid {
    levels: Vec<Vec<Fold>>,
}

impl Pyramid {
    /// Adds the nodes that the last point of `points` completed.
    #[inline]
    fn grow(&mut self, points: &Columns) {
        let mut len = points.len();
        if !len.is_multiple_of(FAN_OUT) {
            return;
        }
        let values = points.values.aligned_tail(FAN_OUT).iter().map(|bits| f64::from_bits(*bits));
        let mut node = values.fold(Fold::EMPTY, |fold, value| fold.then(Fold::of(value)));
        for depth in 0.. {
            if depth == self.levels.len() {
                self.levels.push(Vec::new());
            }
            let level = &mut self.levels[depth];
            grow_by_an_eighth(level);
            level.push(node);
            len = level.len();
            if !len.is_multiple_of(FAN_OUT) {
                return;
            }
            node = level[len - FAN_OUT..].iter().copied().fold(Fold::EMPTY, Fold::then);
        }
    }

    fn truncate(&mut self, mut len: usize) {
        for level in &mut self.levels {
            len /= FAN_OUT;
            level.truncate(len);
        }
    }

    /// The fold of the points in `range`: O(log) of its length.
    fn fold(&self, points: &Columns, range: Range<usize>) -> Fold {
        let mut fold = Fold::EMPTY;
        let mut at = range.start;
        while at < range.end {
            let (mut span, mut part) = (1, None);
            for level in &self.levels {
                let wider = span * FAN_OUT;
                if !at.is_multiple_of(wider) || wider > range.end - at {
                    break;
                }
                (span, part) = (wider, level.get(at / wider));
            }
            fold = fold.then(part.copied().unwrap_or_else(|| Fold::of(points.value(at))));
            at += span;
        }
        fold
    }

    /// The mean of the finite points in `range`; NaN: there are none.
    fn mean(&self, points: &Columns, range: Range<usize>) -> f64 {
        // So few are added up sooner than their nodes are found.
        if range.len() < 4 * FAN_OUT {
            let known = range.clone().map(|i| points.value(i)).filter(|value| value.is_finite());
            let (sum, count) = known.fold((0.0, 0u32), |(sum, count), value| (sum + value, count + 1));
            if sum.is_finite() {
                return sum / f64::from(count);
            }
        }
        self.fold(points, range).mean()
    }
}

/// The first index in `range` for which `before` is false; `range.end` when it never is.
fn partition(range: Range<usize>, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (range.start, range.end);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

/// The same as [`partition`], cheap when the answer is near `guess`. The range is not empty.
fn gallop(range: Range<usize>, guess: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (range.start, range.end);
    let at = guess.clamp(low, high - 1);
    let mut stride = 1;
    if before(at) {
        low = at + 1;
        while at + stride < high {
            if !before(at + stride) {
                high = at + stride;
                break;
            }
            low = at + stride + 1;
            stride *= 2;
        }
    } else {
        high = at;
        while let Some(probe) = at.checked_sub(stride).filter(|probe| *probe >= low) {
            if before(probe) {
                low = probe + 1;
                break;
            }
            high = probe;
            stride *= 2;
        }
    }
    partition(low..high, before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a series means, in the plainest words: every answer is read off a list of points.
    #[derive(Default)]
    struct Naive {
        points: Vec<Point>,
        superseded: Vec<Point>,
        origin: Option<WallTime>,
    }

    impl Naive {
        fn push(&mut self, point: Point) {
            self.origin = self.origin.or(point.time);
            let keep = self.points.partition_point(|p| p.step < point.step);
            let dropped = self.points.split_off(keep);
            let again = dropped.len() == 1 && dropped[0].step == point.step;
            if !again {
                self.superseded.extend(dropped);
            }
            self.points.push(point);
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
                let index = (((x - from) * scale).round() as usize).min(columns - 1);
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
}
