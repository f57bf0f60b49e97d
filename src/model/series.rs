//! The points of one metric key of one run.

use super::{Step, WallTime};

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
    /// Seconds since the first point of the run.
    Relative,
}

/// All points that fall into one column of a chart. A column keeps its minimum and maximum, so no
/// spike can vanish at any zoom.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Column {
    /// Index of the column, 0-based.
    pub index: usize,
    /// Smallest finite value.
    pub min: f64,
    /// Largest finite value.
    pub max: f64,
    /// First finite value.
    pub first: f64,
    /// Last finite value.
    pub last: f64,
    /// Whether a NaN or an infinity stands in the column.
    pub gap: bool,
}

/// Points of one key in rising order of step. A step logged again replaces its point; a step that goes
/// back supersedes the points at and after it (they are counted, not drawn).
#[derive(Clone, Debug, Default)]
pub struct Series {
    points: Vec<Point>,
    superseded: usize,
}

impl Series {
    /// An empty series.
    pub fn new() -> Series {
        Series::default()
    }

    /// Adds a point.
    pub fn push(&mut self, point: Point) {
        let keep = self.points.partition_point(|p| p.step < point.step);
        let again = self.points.get(keep).is_some_and(|p| p.step == point.step) && keep + 1 == self.points.len();
        if !again {
            self.superseded += self.points.len() - keep;
        }
        self.points.truncate(keep);
        self.points.push(point);
    }

    /// Number of live points, NaN included.
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Whether no live point exists.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// Number of points that a resumed run replaced.
    pub fn superseded(&self) -> usize {
        self.superseded
    }

    /// The first live point.
    pub fn first(&self) -> Option<Point> {
        self.points.first().copied()
    }

    /// The last live point.
    pub fn last(&self) -> Option<Point> {
        self.points.last().copied()
    }

    /// The point at `index`, 0-based.
    pub fn get(&self, index: usize) -> Option<Point> {
        self.points.get(index).copied()
    }

    /// Number of live points that are NaN.
    pub fn nan_count(&self) -> usize {
        self.points.iter().filter(|p| p.value.is_nan()).count()
    }

    /// Number of live points that are infinite.
    pub fn inf_count(&self) -> usize {
        self.points.iter().filter(|p| p.value.is_infinite()).count()
    }

    /// Smallest and largest finite value.
    pub fn range(&self) -> Option<(f64, f64)> {
        let finite = self.points.iter().map(|p| p.value).filter(|v| v.is_finite());
        finite.fold(None, |range, v| Some(range.map_or((v, v), |(lo, hi): (f64, f64)| (lo.min(v), hi.max(v)))))
    }

    /// Index of the first point whose x is at or after `x`. Points without a wall time count as before it.
    pub fn lower_bound(&self, axis: XAxis, x: f64) -> usize {
        self.points.partition_point(|p| self.x(axis, p).is_none_or(|at| at < x))
    }

    /// Buckets the points with `from <= x <= to` into `columns` columns; columns without points are left out.
    /// O(columns) whatever the length of the series.
    pub fn columns(&self, axis: XAxis, from: f64, to: f64, columns: usize) -> Vec<Column> {
        let mut out: Vec<Column> = Vec::new();
        if columns == 0 || to < from {
            return out;
        }
        let scale = if to > from { (columns as f64 - 1.0) / (to - from) } else { 0.0 };
        for p in &self.points[self.lower_bound(axis, from)..] {
            let Some(x) = self.x(axis, p) else { continue };
            if x > to {
                break;
            }
            let index = ((x - from) * scale).round() as usize;
            let v = p.value;
            let fresh = out.last().is_none_or(|c| c.index != index);
            if fresh {
                out.push(Column { index, min: f64::INFINITY, max: f64::NEG_INFINITY, first: v, last: v, gap: false });
            }
            let Some(c) = out.last_mut() else { continue };
            if v.is_finite() {
                if c.min > c.max {
                    c.first = v;
                }
                c.min = c.min.min(v);
                c.max = c.max.max(v);
                c.last = v;
            } else {
                c.gap = true;
            }
        }
        out
    }

    /// Where `point` stands on `axis`; `None` when it has no wall time and the axis needs one.
    pub fn x(&self, axis: XAxis, point: &Point) -> Option<f64> {
        match axis {
            XAxis::Step => Some(point.step.0 as f64),
            XAxis::WallTime => point.time.map(WallTime::secs),
            XAxis::Relative => Some(point.time?.secs() - self.points.first()?.time?.secs()),
        }
    }
}
