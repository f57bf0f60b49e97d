//! The language in which runs are chosen: `config.lr>=3e-4 has:notes tags:x state:running since:2d !foo a OR b`.
//!
//! Words side by side must all hold; `OR` stands between alternatives and binds less; `!` before a word or a
//! parenthesis turns it round. A bare word stands somewhere in the name, the id, the project, the group or the tags; with `*` or `?` it
//! must fit one of them as a whole; `/.../` is a regular expression. Quotes take the meaning from everything between them.
//!
//! | word | holds when |
//! |---|---|
//! | `config.lr>=3e-4` | the hyperparameter is such; also `<` `<=` `>` `=` `!=`, and `~` for a regular expression |
//! | `train/loss<2`, `last:loss<2`, `best:loss<2` | the last or the best value is such |
//! | `step>1000`, `duration>2h` | the run went so far, or so long |
//! | `state:running,failed`, `project:lm*`, `config:optim:adam*` | the field is one of these |
//! | `name:otter`, `notes:night` | the text holds this |
//! | `tags:night`, `tag:dataset=c4` | the run has the tag, with this value |
//! | `has:notes`, `has:tags`, `has:config.lr`, `has:val/loss`, `has:parent` | there is such a thing |
//! | `since:2d`, `before:2026-11-19` | it started after, or before, that time |
//! | `by:config:lr` | (all runs) the table is grouped so |
//! | `sort:-best:loss` | (all runs) the table is sorted so, `-` downwards |
//!
//! A comparison with what a run does not have is false, `!=` included.

mod parser;

use super::{Field, RunRow};
use crate::query::condition::Op;
use jiff::tz::TimeZone;
use regex::{Regex, RegexBuilder};
use std::fmt;

/// Memory that a typed expression may take once compiled.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// What somebody typed to choose, order and group runs.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct RunQuery {
    /// Which runs; `None`: all.
    pub filter: Option<RunFilter>,
    /// How they are grouped.
    pub by: Option<Field>,
    /// How they are sorted.
    pub sort: Option<Sort>,
}

/// An order of rows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sort {
    /// By what.
    pub field: Field,
    /// The greatest first. What lacks the field comes last either way.
    pub down: bool,
}

/// A choice of runs.
#[derive(Clone, PartialEq, Debug)]
pub enum RunFilter {
    /// All of these hold.
    All(Vec<RunFilter>),
    /// One of these holds.
    Any(Vec<RunFilter>),
    /// This does not hold.
    Not(Box<RunFilter>),
    /// A text stands in what names the run.
    Words(Pattern),
    /// There is such a thing.
    Has(Field),
    /// A comparison.
    Compare(Field, Op, Operand),
    /// A field fits one of the patterns.
    Fits(Field, Vec<Pattern>),
    /// It has a tag, with this value.
    Tag(Pattern, Option<Pattern>),
    /// It started after this time; before it, where the flag says so.
    Since(Moment, bool),
}

/// What a field is compared with.
#[derive(Clone, PartialEq, Debug)]
pub enum Operand {
    /// A number, a span in seconds.
    Number(f64),
    /// A text, for `=` and `!=`.
    Text(String),
}

/// A moment.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Moment {
    /// So many seconds before now.
    Ago(f64),
    /// By the clock on the wall: seconds since the epoch, as if that clock showed UTC.
    Clock(f64),
}

/// A pattern of text. Case does not matter.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    how: How,
    regex: Regex,
}

/// How a pattern is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum How {
    /// It stands somewhere in the text.
    Part,
    /// It is the text, but for `*` and `?`.
    Glob,
    /// It is the text.
    Whole,
    /// It is a regular expression.
    Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        (&self.text, self.how) == (&other.text, other.how)
    }
}

impl Pattern {
    fn new(text: &str, how: How) -> Result<Pattern, regex::Error> {
        let literal = regex::escape(text);
        let source = match how {
            How::Part => literal,
            How::Whole => format!("^{literal}$"),
            How::Glob => format!("^{}$", literal.replace(r"\*", ".*").replace(r"\?", ".")),
            How::Regex => text.to_owned(),
        };
        let regex = RegexBuilder::new(&source).case_insensitive(true).dot_matches_new_line(true).size_limit(REGEX_BYTES_MAX).build()?;
        Ok(Pattern { text: text.to_owned(), how, regex })
    }

    fn fits(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

/// When rows are judged.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Now {
    /// Unix seconds.
    pub secs: f64,
    /// Seconds that the local clock is ahead of UTC.
    pub utc_offset: f64,
}

/// Why a text chooses no runs.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("cannot read filter `{text}` at column {column}: {problem}")]
pub struct RunQueryError {
    /// The whole text.
    pub text: String,
    /// Where reading stopped, in characters, 1-based.
    pub column: usize,
    /// What is wrong there.
    pub problem: String,
}

impl RunQueryError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        "examples: `state:running`, `config.lr>=3e-4 has:notes`, `tags:night OR since:2d`, `!failed`; quotes search for any text"
    }
}

impl RunQuery {
    /// Reads a query.
    pub fn parse(text: &str) -> Result<RunQuery, RunQueryError> {
        parser::parse(text).map_err(|(place, problem)| RunQueryError {
            text: text.to_owned(),
            column: text.get(..place).unwrap_or(text).chars().count() + 1,
            problem,
        })
    }

    /// Whether the run is chosen.
    pub fn fits(&self, row: &RunRow, now: Now) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.fits(row, now))
    }

    /// Whether a full read of the run could change neither that nor its place among those that are chosen.
    pub fn is_settled(&self, row: &RunRow, now: Now) -> bool {
        let is_placed = || self.sort.as_ref().is_none_or(|sort| sort.field.is_settled(row));
        self.filter.as_ref().is_none_or(|filter| filter.is_settled(row, now)) && (!self.fits(row, now) || is_placed())
    }
}

impl RunFilter {
    /// Whether it holds of the run.
    pub fn fits(&self, row: &RunRow, now: Now) -> bool {
        match self {
            RunFilter::All(all) => all.iter().all(|one| one.fits(row, now)),
            RunFilter::Any(any) => any.iter().any(|one| one.fits(row, now)),
            RunFilter::Not(not) => !not.fits(row, now),
            RunFilter::Words(pattern) => stands_in(pattern, row),
            RunFilter::Has(field) => field.of(row, now.secs).is_some(),
            RunFilter::Compare(field, op, operand) => compare(field, *op, operand, row, now),
            RunFilter::Fits(field, patterns) => {
                field.of(row, now.secs).is_some_and(|cell| patterns.iter().any(|pattern| pattern.fits(&cell.text())))
            }
            RunFilter::Tag(name, value) => {
                row.tags.iter().any(|(tag, has)| name.fits(tag) && value.as_ref().is_none_or(|value| value.fits(has)))
            }
            RunFilter::Since(moment, before) => {
                let then = match moment {
                    Moment::Ago(secs) => now.secs - secs,
                    Moment::Clock(secs) => secs - now.utc_offset,
                };
                row.time().is_some_and(|time| if *before { time < then } else { time >= then })
            }
        }
    }
}

impl RunFilter {
    /// Whether a full read of the run would not change that it holds, or does not.
    fn is_settled(&self, row: &RunRow, now: Now) -> bool {
        // One that decides is enough.
        let settled = |many: &[RunFilter], decides: bool| {
            let mut is_each = many.iter().map(|one| (one.is_settled(row, now), one));
            is_each.clone().any(|(is_settled, one)| is_settled && one.fits(row, now) == decides)
                || is_each.all(|(is_settled, _)| is_settled)
        };
        match self {
            RunFilter::All(all) => settled(all, false),
            RunFilter::Any(any) => settled(any, true),
            RunFilter::Not(not) => not.is_settled(row, now),
            // Names and tags may be added, and none goes.
            RunFilter::Words(_) | RunFilter::Tag(..) => Field::Tags.is_settled(row) || self.fits(row, now),
            RunFilter::Has(field) | RunFilter::Compare(field, ..) | RunFilter::Fits(field, _) => field.is_settled(row),
            RunFilter::Since(..) => Field::Started.is_settled(row),
        }
    }
}

/// Whether the pattern stands in something that names the run.
fn stands_in(pattern: &Pattern, row: &RunRow) -> bool {
    let options = [row.project.as_deref(), row.group.as_deref()];
    let tags = row.tags.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]).filter(|text| !text.is_empty());
    [row.name.as_str(), row.id.as_str()].into_iter().chain(options.into_iter().flatten()).chain(tags).any(|text| pattern.fits(text))
}

fn compare(field: &Field, op: Op, operand: &Operand, row: &RunRow, now: Now) -> bool {
    let Some(cell) = field.of(row, now.secs) else { return false };
    match (operand, cell.number()) {
        (Operand::Number(right), Some(left)) => op.holds(left, *right),
        // A text is never like a number.
        (Operand::Number(_), None) | (Operand::Text(_), Some(_)) => op == Op::Ne,
        (Operand::Text(right), None) => match op {
            Op::Eq => cell.text() == *right,
            Op::Ne => cell.text() != *right,
            _ => false,
        },
    }
}

// --- and back into text ---

/// A text in quotes.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.how {
            How::Part | How::Whole => f.write_str(&quoted(&self.text)),
            How::Glob => f.write_str(&self.text),
            How::Regex => write!(f, "/{}/", self.text),
        }
    }
}

impl fmt::Display for RunFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, all: &[RunFilter], between: &str| {
            f.write_str("(")?;
            for (n, one) in all.iter().enumerate() {
                f.write_str(if n > 0 { between } else { "" })?;
                one.fmt(f)?;
            }
            f.write_str(")")
        };
        match self {
            RunFilter::All(all) => list(f, all, " "),
            RunFilter::Any(any) => list(f, any, " OR "),
            RunFilter::Not(not) => write!(f, "!{not}"),
            RunFilter::Words(pattern) => pattern.fmt(f),
            RunFilter::Has(field) => write!(f, "has:{}", quoted(&field.to_string())),
            RunFilter::Compare(field, op, operand) => {
                let left = match field {
                    Field::Last(key) => quoted(key),
                    Field::Config(name) => format!("config:{}", quoted(name)),
                    Field::Best(key) => format!("best:{}", quoted(key)),
                    other => other.to_string(),
                };
                match (operand, field) {
                    (Operand::Number(secs), Field::Duration) => write!(f, "{left}{}{secs}s", op.as_str()),
                    (Operand::Number(value), _) => write!(f, "{left}{}{value:?}", op.as_str()),
                    (Operand::Text(text), _) => write!(f, "{left}{}{}", op.as_str(), quoted(text)),
                }
            }
            RunFilter::Fits(field, patterns) => {
                let left = match field {
                    Field::Config(name) => format!("config:{}", quoted(name)),
                    other => other.to_string(),
                };
                match patterns.as_slice() {
                    [Pattern { text, how: How::Regex, .. }] => write!(f, "{left}~{}", quoted(text)),
                    all => write!(f, "{left}:{}", all.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")),
                }
            }
            RunFilter::Tag(name, value) => {
                let value = value.as_ref().map(|value| format!("={value}")).unwrap_or_default();
                write!(f, "tag:{name}{value}")
            }
            RunFilter::Since(moment, before) => {
                f.write_str(if *before { "before:" } else { "since:" })?;
                match moment {
                    Moment::Ago(secs) => write!(f, "{secs}s"),
                    Moment::Clock(secs) => {
                        write!(f, "{}", jiff::Timestamp::from_second(*secs as i64).unwrap_or_default().to_zoned(TimeZone::UTC).datetime())
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
