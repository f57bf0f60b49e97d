//! The points of one metric key of one run.

mod columns;
mod pyramid;

use super::{Step, WallTime, packed::Packed};
use columns::{Columns, decode_time, encode_time};
use pyramid::{Fold, Pyramid};
use std::{cmp::Ordering, ops::Range};

/// A point out of order is put in its place in front of so many others at most, each of which moves.
const MOVED_MAX: usize = 1024;

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

/// Points of one key in rising order of step. A step logged again replaces its point, which is counted; a step that goes
/// back supersedes the points at and after it (they are kept and counted, not drawn), unless it may be out of order
/// ([`Series::push_stray`]).
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
    /// Points that were logged again at their own step; they are not kept.
    rewritten: usize,
    /// A step that was gone back to without a restart, while nothing has followed it.
    told_again: Option<Point>,
}

impl Series {
    /// An empty series.
    pub fn new() -> Series {
        Series::default()
    }

    /// Adds a point.
    pub fn push(&mut self, point: Point) {
        self.place_told_again();
        match self.points.last_step() {
            Some(last) if point.step == last => {
                self.rewritten += 1;
                self.drop_from(self.len() - 1);
            }
            Some(last) if point.step < last => self.supersede_from(point.step),
            _ => {}
        }
        self.append(point);
    }

    /// Supersedes the points at and after `step`, before one that replaces them is there.
    pub fn supersede_from(&mut self, step: Step) {
        self.place_told_again();
        let keep = partition(0..self.len(), |i| self.points.step(i) < step);
        (keep..self.len()).for_each(|i| self.superseded.push(self.points.get(i)));
        self.drop_from(keep);
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
            // Mostly a bar that draws its line again, not another point.
            Some(last) if point.step == last => {
                self.drop_from(self.len() - 1);
                self.append(point);
            }
            _ => self.append(point),
        }
    }

    /// Adds a point of a writer that may go back without having started again. A step that goes back is a restart only once another
    /// one follows it that lies behind the last point, too; alone it is put where it belongs. The step of a restart that is told now.
    #[inline]
    pub fn push_stray(&mut self, point: Point) -> Option<Step> {
        if self.told_again.is_none() && self.points.last_step().is_none_or(|last| last < point.step) {
            self.append(point);
            return None;
        }
        self.push_again(point)
    }

    /// The same of a point that is not simply the next one.
    fn push_again(&mut self, point: Point) -> Option<Step> {
        let is_behind = self.points.last_step().is_some_and(|last| point.step < last);
        match self.told_again.take() {
            Some(held) if is_behind && point.step == held.step => self.rewritten += 1,
            Some(held) if is_behind && point.step > held.step => {
                self.push(held);
                self.push_stray(point);
                return Some(held.step);
            }
            held => held.into_iter().for_each(|held| self.place(held)),
        }
        match is_behind {
            true => self.told_again = Some(point),
            false => self.push(point),
        }
        None
    }

    /// The run started again at `from`, as others of its series tell: a step that was gone back to since then is none alone. Whether one
    /// was.
    pub fn restart(&mut self, from: Step) -> bool {
        let held = self.told_again.take_if(|held| held.step >= from);
        held.into_iter().for_each(|held| self.push(held));
        held.is_some()
    }

    fn place_told_again(&mut self) {
        if let Some(held) = self.told_again.take() {
            self.place(held);
        }
    }

    /// Puts a point where its step belongs; one too far behind counts as superseded.
    fn place(&mut self, point: Point) {
        let at = partition(0..self.len(), |i| self.points.step(i) < point.step);
        let mut moved: Vec<Point> = self.points(at..self.len()).collect();
        if moved.len() > MOVED_MAX {
            return self.superseded.push(point);
        }
        self.drop_from(at);
        if moved.first().is_some_and(|first| first.step == point.step) {
            self.rewritten += 1;
            moved.remove(0);
        }
        self.append_at(point, true);
        moved.into_iter().for_each(|point| self.append(point));
    }

    /// Adds a point behind all others.
    fn append(&mut self, point: Point) {
        self.append_at(point, false);
    }

    /// `is_late`: it was logged after points that come behind it.
    fn append_at(&mut self, point: Point, is_late: bool) {
        self.push_time(point.time, is_late);
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

    /// Number of points that others replaced, at the same step or because a resumed run went back: with the live ones, all that
    /// were logged.
    pub fn replaced(&self) -> usize {
        self.superseded.len() + self.rewritten
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

    /// Index of the first point whose value is `value` or more, of a metric that rises, such as a count.
    pub fn first_at(&self, value: f64) -> usize {
        partition(0..self.len(), |i| self.points.get(i).value < value)
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
        let points = self.points.heap_bytes() + self.superseded.heap_bytes();
        points + self.pyramid.heap_bytes() + self.clock.as_ref().map_or(0, Packed::heap_bytes)
    }

    /// Indices of the points with `from <= x <= to`.
    fn window(&self, axis: XAxis, from: f64, to: f64) -> Range<usize> {
        if from.is_nan() || to.is_nan() || from > to {
            return 0..0;
        }
        let start = self.lower_bound(axis, from);
        start..partition(start..self.len(), |i| self.x_at(axis, i).is_none_or(|x| x <= to))
    }

    /// Keeps `clock` right for a point about to come. One that is late stands where the time stood without it.
    fn push_time(&mut self, time: Option<WallTime>, is_late: bool) {
        if time.is_none() && self.points.times.is_none() {
            return;
        }
        self.origin = self.origin.or(time);
        let so_far = match &self.clock {
            Some(clock) => clock.last().and_then(decode_time),
            None => self.len().checked_sub(1).and_then(|last| self.points.time(last)),
        };
        let shown = match so_far {
            Some(so_far) if is_late || time.is_none_or(|t| t < so_far) => Some(so_far),
            None if is_late => None,
            _ => time,
        };
        if shown != time && self.clock.is_none() {
            self.clock = Some(self.points.times.clone().unwrap_or_else(|| Packed::filled(encode_time(None), self.len())));
        }
        if let Some(clock) = &mut self.clock {
            clock.push(encode_time(shown));
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
mod tests;
