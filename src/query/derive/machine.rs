//! Runs an expression over curves that grow.

use super::{Derived, Expr, FUNCTIONS, Moment, Transform};
use crate::model::{Point, Series};

/// A curve that is made of others, and goes on as they go on.
#[derive(Debug)]
pub struct Machine {
    derived: Derived,
    root: Node,
    read: Vec<Read>,
    /// Time of the first point, which `time` counts from.
    start: Option<f64>,
    made: Series,
}

/// How far a metric was read.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
struct Read {
    next: usize,
    last: Option<Point>,
    superseded: usize,
}

/// An expression with what its functions remember.
#[derive(Debug)]
enum Node {
    Number(f64),
    Step,
    Time,
    /// Index of the metric, its last value.
    Metric(usize, Option<f64>),
    Negative(Box<Node>),
    Binary(char, Box<Node>, Box<Node>),
    /// The function, its curves, its last answer.
    Call(Box<dyn Transform>, Vec<Node>, Option<f64>),
}

impl Node {
    fn new(expr: &Expr) -> Node {
        let new = |expr: &Expr| Box::new(Node::new(expr));
        match expr {
            Expr::Number(number) => Node::Number(*number),
            Expr::Step => Node::Step,
            Expr::Time => Node::Time,
            Expr::Metric(index) => Node::Metric(*index, None),
            Expr::Negative(inner) => Node::Negative(new(inner)),
            Expr::Binary(sign, left, right) => Node::Binary(*sign, new(left), new(right)),
            Expr::Call(index, curves, numbers) => {
                let transform = (FUNCTIONS[*index].make)(numbers).expect("the numbers were checked when they were read");
                Node::Call(transform, curves.iter().map(Node::new).collect(), None)
            }
        }
    }

    /// The value here, and whether a metric in it is new at this moment; `None`: it is made of no metric, and goes on with the step.
    fn next(&mut self, at: Moment, start: Option<f64>, news: &[Option<Point>]) -> (Option<f64>, Option<bool>) {
        match self {
            Node::Number(number) => (Some(*number), None),
            Node::Step => (Some(at.step), None),
            Node::Time => (at.time.zip(start).map(|(now, start)| now - start), None),
            Node::Metric(index, last) => {
                let new = news[*index].map(|point| point.value);
                *last = new.or(*last);
                (*last, Some(new.is_some()))
            }
            Node::Negative(inner) => {
                let (value, new) = inner.next(at, start, news);
                (value.map(|value| -value), new)
            }
            Node::Binary(sign, left, right) => {
                let (left, right) = (left.next(at, start, news), right.next(at, start, news));
                let value = left.0.zip(right.0).map(|(a, b)| match sign {
                    '+' => a + b,
                    '-' => a - b,
                    '*' => a * b,
                    _ => a / b,
                });
                (value, left.1.max(right.1))
            }
            Node::Call(function, curves, last) => {
                let args: Vec<_> = curves.iter_mut().map(|curve| curve.next(at, start, news)).collect();
                let new = args.iter().map(|(_, new)| *new).max().flatten();
                if new.unwrap_or(true) {
                    let values: Option<Vec<f64>> = args.into_iter().map(|(value, _)| value).collect();
                    *last = values.and_then(|values| function.next(at, &values));
                }
                (*last, new)
            }
        }
    }
}

impl Machine {
    /// One that has read nothing yet.
    pub fn new(derived: &Derived) -> Machine {
        Machine {
            root: Node::new(&derived.root),
            read: vec![Read::default(); derived.names.len().max(1)],
            start: None,
            made: Series::new(),
            derived: derived.clone(),
        }
    }

    /// What was made so far.
    pub fn series(&self) -> &Series {
        &self.made
    }

    /// Takes in what is new in `metrics`, which stand in the order of [`Derived::names`], or are any one where it names none; whether
    /// anything was. Where points that
    /// were read have changed, it starts over.
    pub fn feed(&mut self, metrics: &[&Series]) -> bool {
        if metrics.len() != self.read.len() || self.read.iter().zip(metrics).all(|(read, series)| read.is_at_end_of(series)) {
            return false;
        }
        if !self.goes_on(metrics) {
            *self = Machine::new(&self.derived);
        }
        if let (true, Some(origin)) = (self.made.is_empty(), metrics[0].origin()) {
            self.made.set_origin(origin);
        }
        for (read, series) in self.read.iter_mut().zip(metrics) {
            read.superseded = series.superseded();
        }
        let mut news: Vec<Option<Point>> = vec![None; metrics.len()];
        loop {
            let step = self.read.iter().zip(metrics).filter_map(|(read, series)| Some(series.get(read.next)?.step)).min();
            let Some(step) = step else { return true };
            for ((read, series), new) in self.read.iter_mut().zip(metrics).zip(&mut news) {
                *new = series.get(read.next).filter(|point| point.step == step);
                if new.is_some() {
                    (read.next, read.last) = (read.next + 1, *new);
                }
            }
            let time = news.iter().flatten().find_map(|point| point.time);
            self.start = self.start.or(time.map(|time| time.secs()));
            let at = Moment { step: step.0 as f64, time: time.map(|time| time.secs()) };
            let (value, _) = self.root.next(at, self.start, &news);
            if let (Some(point), Some(value)) = (news[0], value) {
                self.made.push(Point { value, ..point });
            }
        }
    }

    /// Whether everything that was read still stands, and what is new comes behind it.
    fn goes_on(&self, metrics: &[&Series]) -> bool {
        let newest = self.read.iter().filter_map(|read| read.last).map(|point| point.step).max();
        self.read.iter().zip(metrics).all(|(read, series)| {
            let stands = same(read.next.checked_sub(1).and_then(|last| series.get(last)), read.last);
            let behind = series.get(read.next).is_none_or(|point| newest.is_none_or(|newest| point.step > newest));
            stands && behind && (read.superseded == series.superseded() || read.next == 0)
        })
    }
}

impl Read {
    fn is_at_end_of(&self, series: &Series) -> bool {
        self.next == series.len() && self.superseded == series.superseded() && same(series.last(), self.last)
    }
}

/// Whether two points are the same to the bit, a NaN included.
fn same(a: Option<Point>, b: Option<Point>) -> bool {
    let bits = |point: Option<Point>| point.map(|point| (point.step, point.value.to_bits()));
    bits(a) == bits(b)
}
