//! Metrics made of others, written as a person would: `val/loss - train/loss`, `ema(loss, 0.9)`, `rate(tokens)`.
//!
//! A point stands wherever the metric named first has one; every other metric gives its latest value at or before that step.
//! Functions see each point of their argument, in order of step. The same points always give the same curve, whether they
//! come at once or one by one.
//!
//! How to add a function: a type that is a [`Transform`], and one row of [`FUNCTIONS`].

mod machine;

pub use machine::Machine;

use super::smooth::{Ema, Ma, WINDOW_MAX};
use std::{collections::VecDeque, fmt};

/// Deepest nesting: people write two or three, and a spec must not overrun the stack.
const DEPTH_MAX: usize = 32;
/// Most parts of an expression.
const PARTS_MAX: usize = 256;

/// What a function sees of the moment at which its argument has a new value.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Moment {
    /// The step.
    pub step: f64,
    /// Unix seconds, where the source has a clock.
    pub time: Option<f64>,
}

/// A function of a curve: takes its values in order and answers each.
pub trait Transform: fmt::Debug + Send {
    /// The next value of its arguments; `None`: nothing can be said here.
    fn next(&mut self, at: Moment, args: &[f64]) -> Option<f64>;
}

/// Makes a function from the plain numbers behind its curves; the error says what number was expected.
type Make = fn(&[f64]) -> Result<Box<dyn Transform>, &'static str>;

/// A row of the table of functions.
#[derive(Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// How it is written.
    pub usage: &'static str,
    /// What it gives, in words.
    pub does: &'static str,
    /// How many curves it takes.
    curves: usize,
    /// How many plain numbers follow them.
    numbers: usize,
    make: Make,
}

/// All functions.
pub const FUNCTIONS: &[Function] = &[
    row("ma", "ma(x, n)", "mean of the last n values", (1, 1), |n| {
        let whole = n[0] >= 1.0 && n[0] <= WINDOW_MAX as f64;
        if whole { Ok(Box::new(Ma::new(n[0] as usize))) } else { Err("a number of values from 1 to 10000") }
    }),
    row("ema", "ema(x, w)", "exponential moving average, w the weight of what came before", (1, 1), |w| {
        if (0.0..1.0).contains(&w[0]) { Ok(Box::new(Ema::new(w[0]))) } else { Err("a weight from 0 to below 1") }
    }),
    row("rate", "rate(x)", "change per second", (1, 0), |_| Ok(Box::new(Rate(None)))),
    row("eta", "eta(x, goal)", "seconds until x reaches the goal at its pace of late", (1, 1), |goal| {
        Ok(Box::new(Eta { goal: goal[0], last: VecDeque::new() }))
    }),
    row("delta", "delta(x)", "change from point to point", (1, 0), |_| Ok(Box::new(Delta(None)))),
    row("best", "best(x)", "smallest value so far", (1, 0), |_| Ok(Box::new(Best(f64::INFINITY)))),
    row("abs", "abs(x)", "size without sign", (1, 0), |_| Ok(Box::new(Plain(|a| a[0].abs())))),
    row("sqrt", "sqrt(x)", "square root", (1, 0), |_| Ok(Box::new(Plain(|a| a[0].sqrt())))),
    row("exp", "exp(x)", "e to the x", (1, 0), |_| Ok(Box::new(Plain(|a| a[0].exp())))),
    row("log", "log(x)", "natural logarithm", (1, 0), |_| Ok(Box::new(Plain(|a| a[0].ln())))),
    row("min", "min(x, y)", "the smaller", (2, 0), |_| Ok(Box::new(Plain(|a| a[0].min(a[1]))))),
    row("max", "max(x, y)", "the larger", (2, 0), |_| Ok(Box::new(Plain(|a| a[0].max(a[1]))))),
];

const fn row(name: &'static str, usage: &'static str, does: &'static str, (curves, numbers): (usize, usize), make: Make) -> Function {
    Function { name, usage, does, curves, numbers, make }
}

impl Transform for Ma {
    fn next(&mut self, _at: Moment, args: &[f64]) -> Option<f64> {
        Some(Ma::next(self, args[0]))
    }
}

impl Transform for Ema {
    fn next(&mut self, _at: Moment, args: &[f64]) -> Option<f64> {
        Some(Ema::next(self, args[0]))
    }
}

/// A function of the values alone.
struct Plain(fn(&[f64]) -> f64);

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plain")
    }
}

impl Transform for Plain {
    fn next(&mut self, _at: Moment, args: &[f64]) -> Option<f64> {
        Some((self.0)(args))
    }
}

/// Time and value of the last point at another time.
#[derive(Debug)]
struct Rate(Option<(f64, f64)>);

impl Transform for Rate {
    fn next(&mut self, at: Moment, args: &[f64]) -> Option<f64> {
        let now = at.time?;
        match self.0 {
            // Until the clock moves on, what happens adds up.
            Some((then, _)) if now == then => None,
            before => {
                self.0 = Some((now, args[0]));
                before.filter(|(then, _)| now > *then).map(|(then, value)| (args[0] - value) / (now - then))
            }
        }
    }
}

#[derive(Debug)]
struct Eta {
    goal: f64,
    last: VecDeque<(f64, f64)>,
}

impl Transform for Eta {
    fn next(&mut self, at: Moment, args: &[f64]) -> Option<f64> {
        /// Points that the pace is taken from.
        const PACE_POINTS: usize = 64;
        let now = at.time?;
        let x = args[0];
        if !x.is_finite() {
            return None;
        }
        // Across a clock that was set back no pace can be told.
        if self.last.back().is_some_and(|(then, _)| now < *then) {
            self.last.clear();
        }
        self.last.push_back((now, x));
        if self.last.len() > PACE_POINTS {
            self.last.pop_front();
        }
        let (then, before) = *self.last.front()?;
        let left = self.goal - x;
        if left == 0.0 {
            return Some(0.0);
        }
        let eta = left * (now - then) / (x - before);
        (now > then && eta.is_finite() && eta >= 0.0).then_some(eta)
    }
}

#[derive(Debug)]
struct Delta(Option<f64>);

impl Transform for Delta {
    fn next(&mut self, _at: Moment, args: &[f64]) -> Option<f64> {
        self.0.replace(args[0]).map(|before| args[0] - before)
    }
}

#[derive(Debug)]
struct Best(f64);

impl Transform for Best {
    fn next(&mut self, _at: Moment, args: &[f64]) -> Option<f64> {
        // The minimum of a NaN and a number is the number.
        self.0 = self.0.min(args[0]);
        self.0.is_finite().then_some(self.0)
    }
}

/// An expression that was read.
#[derive(Clone, PartialEq, Debug)]
pub struct Derived {
    text: String,
    root: Expr,
    names: Vec<String>,
}

#[derive(Clone, PartialEq, Debug)]
enum Expr {
    Number(f64),
    Step,
    Time,
    /// Index into the names.
    Metric(usize),
    Negative(Box<Expr>),
    Binary(char, Box<Expr>, Box<Expr>),
    /// Index into [`FUNCTIONS`], curves, plain numbers.
    Call(usize, Vec<Expr>, Vec<f64>),
}

/// Why an expression could not be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("cannot read `{text}` at column {column}: expected {expected}")]
pub struct DeriveError {
    /// The whole expression.
    pub text: String,
    /// Where reading stopped, in characters, 1-based.
    pub column: usize,
    /// What should have stood there.
    pub expected: String,
}

impl DeriveError {
    /// The same beside the expression, where there is little room.
    pub fn brief(&self) -> String {
        format!("column {}: expected {}", self.column, self.expected)
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        let functions = FUNCTIONS.iter().map(|function| function.usage).collect::<Vec<_>>().join(", ");
        format!(
            "examples: `val/loss - train/loss`, `ema(loss, 0.9)`; put spaces around + - * /, odd names in double quotes; functions: {functions}"
        )
    }
}

impl Derived {
    /// Reads an expression: metric names, numbers, `step` and `time` (seconds since the first point), `+ - * /` with spaces
    /// around them, parentheses, and [`FUNCTIONS`]. A name in double quotes may be any text.
    pub fn parse(text: &str) -> Result<Derived, DeriveError> {
        let mut reader = Reader { rest: text, names: vec![], parts: 0, moves: false };
        let read = reader.sum(0).and_then(|root| match (reader.skip().is_empty(), reader.names.is_empty() && !reader.moves) {
            (false, _) => Err("an operator (+ - * /) or the end".into()),
            (true, true) => Err("a metric somewhere".into()),
            (true, false) => Ok(root),
        });
        match read {
            Ok(root) => Ok(Derived { text: text.trim().to_owned(), root, names: reader.names }),
            Err(expected) => {
                let column = text[..text.len() - reader.rest.len()].chars().count() + 1;
                Err(DeriveError { text: text.to_owned(), column, expected })
            }
        }
    }

    /// Whether a name from a list of metrics is meant as an expression: it calls a function, or has an operator between spaces.
    pub fn is_meant_by(name: &str) -> bool {
        let operator = [" + ", " - ", " * ", " / "].iter().any(|operator| name.contains(operator));
        let call = name.split_once('(').is_some_and(|(head, _)| FUNCTIONS.iter().any(|function| function.name == head.trim()));
        operator || call
    }

    /// The metrics it is made of, as written, the one whose steps it has first. None: it is of `step` or `time` alone, and has
    /// those of any metric.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The expression as written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

struct Reader<'a> {
    rest: &'a str,
    names: Vec<String>,
    parts: usize,
    /// The step or the time was named.
    moves: bool,
}

impl<'a> Reader<'a> {
    fn skip(&mut self) -> &'a str {
        self.rest = self.rest.trim_start();
        self.rest
    }

    fn takes(&mut self, sign: char) -> bool {
        let found = self.skip().strip_prefix(sign);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn sum(&mut self, depth: usize) -> Result<Expr, String> {
        let mut left = self.product(depth)?;
        while let Some(sign) = ['+', '-'].into_iter().find(|sign| self.takes(*sign)) {
            left = Expr::Binary(sign, Box::new(left), Box::new(self.product(depth)?));
        }
        Ok(left)
    }

    fn product(&mut self, depth: usize) -> Result<Expr, String> {
        let mut left = self.operand(depth)?;
        while let Some(sign) = ['*', '/'].into_iter().find(|sign| self.takes(*sign)) {
            left = Expr::Binary(sign, Box::new(left), Box::new(self.operand(depth)?));
        }
        Ok(left)
    }

    fn operand(&mut self, depth: usize) -> Result<Expr, String> {
        self.parts += 1;
        if depth >= DEPTH_MAX || self.parts > PARTS_MAX {
            return Err("a shorter expression".into());
        }
        if self.takes('-') {
            return Ok(Expr::Negative(Box::new(self.operand(depth + 1)?)));
        }
        if self.takes('(') {
            let inner = self.sum(depth + 1)?;
            return if self.takes(')') { Ok(inner) } else { Err("`)`".into()) };
        }
        if let Some(quoted) = self.skip().strip_prefix('"') {
            let (name, rest) = quoted.split_once('"').filter(|(name, _)| !name.is_empty()).ok_or("a name and a closing quote")?;
            self.rest = rest;
            return Ok(self.metric(name));
        }
        let rest = self.rest;
        let end = rest.find(|c: char| c.is_whitespace() || "(),\"".contains(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if word.is_empty() || ["+", "*", "/"].contains(&word) {
            return Err("a metric, a number or a function".into());
        }
        if let Some(inside) = after.strip_prefix('(') {
            let index = FUNCTIONS.iter().position(|function| function.name == word);
            let index = index.ok_or_else(|| format!("a function ({})", FUNCTIONS.iter().map(|f| f.name).collect::<Vec<_>>().join(", ")))?;
            self.rest = inside;
            return self.call(index, depth);
        }
        self.rest = after;
        if let Some(number) = number(word) {
            return Ok(Expr::Number(number));
        }
        self.moves |= ["step", "time"].contains(&word);
        Ok(match word {
            "step" => Expr::Step,
            "time" => Expr::Time,
            name => self.metric(name),
        })
    }

    fn call(&mut self, index: usize, depth: usize) -> Result<Expr, String> {
        let function = &FUNCTIONS[index];
        let (mut curves, mut numbers) = (vec![], vec![]);
        for n in 0..function.curves + function.numbers {
            if n > 0 && !self.takes(',') {
                return Err(format!("`,`: it is written {}", function.usage));
            }
            if n < function.curves {
                curves.push(self.sum(depth + 1)?);
                continue;
            }
            let rest = self.skip();
            let end = rest.find(|c: char| c.is_whitespace() || "(),\"".contains(c)).unwrap_or(rest.len());
            let (sign, word) = rest[..end].strip_prefix('-').map_or((1.0, &rest[..end]), |word| (-1.0, word));
            numbers.push(sign * number(word).ok_or_else(|| format!("a number: it is written {}", function.usage))?);
            (function.make)(&padded(&numbers, function.numbers))?;
            self.rest = &rest[end..];
        }
        if !self.takes(')') {
            return Err(format!("`)`: it is written {}", function.usage));
        }
        Ok(Expr::Call(index, curves, numbers))
    }

    fn metric(&mut self, name: &str) -> Expr {
        let known = self.names.iter().position(|known| known == name);
        Expr::Metric(known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        }))
    }
}

/// The numbers read so far, and ones for those to come.
fn padded(numbers: &[f64], count: usize) -> Vec<f64> {
    numbers.iter().copied().chain(std::iter::repeat(0.5)).take(count).collect()
}

/// A number that starts like one: `nan` and `inf` may be names.
fn number(word: &str) -> Option<f64> {
    word.starts_with(|c: char| c.is_ascii_digit() || c == '.').then(|| word.parse().ok()).flatten()
}

#[cfg(test)]
mod tests;
