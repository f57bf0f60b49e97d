//! Which cell of a row says where it stands: the names that training programs give to step and time.

use super::{
    epochs::{Counts, Epochs},
    json::{non_finite, number},
};
use crate::model::{Step, WallTime};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// Names of the step, best first, compared by [`is_alike`]. Whole numbers only: an `epoch` of 0.25 is a value.
const STEPS: &[&str] = &[
    "global_step",
    "step",
    "_step",
    "trainer/global_step",
    "train/global_step",
    "train_step",
    "train/step",
    "training_step",
    "optimizer_step",
    "num_updates",
    "total_timesteps",
    "time/total_timesteps",
    "timesteps_total",
    "num_timesteps",
    "timesteps",
    "timestep",
    "total_steps",
    "env_steps",
    "iteration",
    "training_iteration",
    "iter",
    "itr",
    "update",
    "episode",
    "batch",
    "batch_idx",
    "batch_index",
    "batch_id",
    "epoch",
];

/// Names in [`STEPS`] that surely count within an epoch: they are a step only beside an `epoch`, the last name.
const IN_EPOCH: std::ops::Range<usize> = STEPS.len() - 5..STEPS.len() - 1;
const EPOCH: usize = STEPS.len() - 1;

/// MMEngine writes both into the rows of a training by epochs, with one value. Those of its validations have a `step` alone, which is
/// the epoch.
///
/// Source: `mmengine/hooks/logger_hook.py` (`after_val_epoch`), read 2026-11.
const STEP: usize = 1;
const ITER: usize = IN_EPOCH.start - 4;

/// Names beside them that may count within an epoch as well. All others are of the whole run, whatever epochs stand beside them:
/// PPO names those of one update, again and again.
const EITHER: &[&str] = &["step", "_step", "iteration", "iter", "itr"];

/// Names of the wall time, best first, compared in the same way. A value counts when it is a date or Unix seconds (or
/// milliseconds) of this century, so that a `time` that is a duration stays a metric.
const TIMES: &[&str] =
    &["_timestamp", "timestamp", "ts", "wall_time", "walltime", "unix_time", "datetime", "created_at", "logged_at", "date", "time", "t"];

/// The column in which MMEngine and its forerunner say what a row is of. The counter of a row of a validation beside it counts
/// what was validated, not what was trained.
///
/// Source: `mmcv/runner/hooks/logger/text.py` of mmcv 1.7 (`eval_iter_num`).
const MODE: &str = "mode";

/// Columns that say whether a row is of the training or of which check of it, among them [`MODE`].
const SPLITS: &[&str] = &["split", MODE, "phase", "stage", "subset"];

/// What such a column says of a row that is not of the training.
const CHECKS: &[&str] = &["val", "valid", "validation", "eval", "evaluation", "test", "dev"];

/// Columns that name a metric, in a table with a row for each point, and the column of its value beside them. When they
/// count as such: [`point`].
const METRIC_NAMES: &[&str] = &["metric", "key", "name", "tag", "variable", "series"];
const METRIC_VALUES: &[&str] = &["value", "val"];

/// Letters with which any of these names begins, as bits; that of most columns is none of them, which settles it.
const FIRST: u128 =
    first_letters(STEPS) | first_letters(TIMES) | first_letters(SPLITS) | first_letters(METRIC_NAMES) | first_letters(METRIC_VALUES);

const fn first_letters(names: &[&str]) -> u128 {
    let (mut letters, mut at) = (0, 0);
    while at < names.len() {
        letters |= 1 << small(names[at].as_bytes()[0]);
        at += 1;
    }
    letters
}

/// A letter, whatever its case. Other bytes may fall together.
const fn small(byte: u8) -> u32 {
    (byte | 0x20) as u32 & 0x7f
}

/// How the rows of a foreign source say where they stand.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RowOptions {
    /// Name of the column that holds the step; nested names are joined with `.`. `None`: the usual names.
    pub step_key: Option<String>,
    /// Name of the column that holds the time; `None`: the usual names.
    pub time_key: Option<String>,
}

/// What a column is by its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// A step; the smaller, the better the name.
    Step(usize),
    /// A wall time; the smaller, the better the name.
    Time(usize),
    /// A text that says what the row is of; whether it is MMEngine's.
    Split(bool),
    /// Maybe a text that names the metric of the row.
    MetricName,
    /// Maybe the value of that metric.
    MetricValue,
    Value,
}

/// Which two of the cells of a row name a metric and hold its value, where each is the only one of its kind. They do so where no
/// other number stands in the first row that has both, else rows are of several metrics. Later rows do not change it: a metric would
/// be torn into two where `std` is empty in some of its rows.
pub(super) fn point(roles: impl Iterator<Item = (usize, Role)>) -> Option<(usize, usize)> {
    let (mut name, mut value) = (None, None);
    for (at, role) in roles {
        let seat = match role {
            Role::Step(_) | Role::Time(_) | Role::Split(_) | Role::Value => continue,
            Role::MetricName => &mut name,
            Role::MetricValue => &mut value,
        };
        if seat.replace(at).is_some() {
            return None;
        }
    }
    Some((name?, value?))
}

/// Finds step and time of every row of one source.
///
/// The best name that a row has had wins for the whole source: rows that lack it stand where the row before
/// stands, since an `epoch` here and a `step` there would be two axes.
#[derive(Default)]
pub(super) struct Axis {
    options: RowOptions,
    /// The name that steps are taken from, by its place.
    best: Option<usize>,
    /// Names that turned out to hold fractions, as bits by place.
    fractional: u32,
    /// Those that do in this row.
    fractions: u32,
    /// Epochs were given out as steps that turned out to be told by fractions.
    is_mistaken: bool,
    last: Option<Step>,
    step: Option<(usize, i64, usize)>,
    /// The epoch that the row names.
    epoch: Option<f64>,
    /// The [`ITER`] that it names.
    iter: Option<i64>,
    /// Rows name an epoch, [`STEP`] and [`ITER`], of which these are one.
    is_twice: bool,
    /// The row is of a validation, and its counter too.
    is_validation: bool,
    split: Option<&'static str>,
    epochs: Epochs,
    time: Option<(usize, WallTime, usize)>,
}

/// Where a row stands, and which of its cells said so: these are no values.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Place {
    /// `None`: as far as the rows before it have come.
    pub(super) step: Option<Step>,
    pub(super) time: Option<WallTime>,
    pub(super) step_cell: Option<usize>,
    pub(super) time_cell: Option<usize>,
    /// What the row is of, where a column says so; empty: the training.
    pub(super) split: Option<&'static str>,
}

/// A name without the unit in brackets behind it.
fn without_unit(name: &str) -> &str {
    match name.as_bytes().last() {
        Some(b']' | b')') => name.split_once(['[', '(']).map_or(name, |(name, _)| name.trim()),
        _ => name,
    }
}

/// Whether a column of this name, without its unit, is meant by a usual one: case does not count, nor whether words are parted by
/// spaces.
fn is_alike(known: &str, name: &str) -> bool {
    let is_same = |(a, b): (u8, u8)| a == b.to_ascii_lowercase() || a == b'_' && b == b' ';
    known.len() == name.len() && known.bytes().zip(name.bytes()).all(is_same)
}

/// Whether a column of this name counts steps.
pub(super) fn is_step(name: &str) -> bool {
    may_be_known(name) && STEPS.iter().any(|known| is_alike(known, without_unit(name)))
}

/// Whether a name begins like one that is known.
fn may_be_known(name: &str) -> bool {
    name.bytes().next().is_some_and(|first| FIRST >> small(first) & 1 == 1)
}

impl Axis {
    pub(super) fn new(options: RowOptions) -> Axis {
        Axis { options, ..Axis::default() }
    }

    /// The same axis at the start of a source. Where that is to read it again because of what it turned out to hold, this is kept.
    pub(super) fn renew(&mut self) {
        let fractional = if self.is_mistaken { 1 << EPOCH } else { 0 };
        *self = Axis { fractional, ..Axis::new(std::mem::take(&mut self.options)) };
    }

    /// Whether the rows so far would stand elsewhere had it been known what came later.
    pub(super) fn is_mistaken(&self) -> bool {
        self.is_mistaken
    }

    /// Rows were passed over: where the last of them stood is not known.
    pub(super) fn jump(&mut self) {
        self.last = None;
        self.epochs.jump();
    }

    pub(super) fn role(&self, name: &str) -> Role {
        let may_be = may_be_known(name);
        let bare = if may_be { without_unit(name) } else { name };
        let usual = |names: &[&str]| names.iter().position(|known| may_be && is_alike(known, bare));
        let place = |key: &Option<String>, names| match key {
            Some(key) => (key == name).then_some(0),
            None => usual(names),
        };
        match place(&self.options.step_key, STEPS) {
            Some(place) => Role::Step(place),
            None if may_be && SPLITS.contains(&name) => Role::Split(name == MODE),
            None => match place(&self.options.time_key, TIMES) {
                Some(place) => Role::Time(place),
                None if usual(METRIC_NAMES).is_some() => Role::MetricName,
                None if usual(METRIC_VALUES).is_some() => Role::MetricValue,
                None => Role::Value,
            },
        }
    }

    /// Starts a row; what a torn one said is dropped.
    pub(super) fn begin(&mut self) {
        (self.step, self.fractions, self.time, self.epoch, self.iter) = (None, 0, None, None, None);
        (self.is_validation, self.split) = (false, None);
    }

    /// Takes cell `at` of the row, a number.
    pub(super) fn number(&mut self, role: Role, at: usize, number: f64) {
        if role == Role::Step(EPOCH) {
            self.epoch = Some(number).filter(|epoch| epoch.is_finite());
        }
        if role == Role::Step(ITER) {
            self.iter = whole(number);
        }
        match role {
            Role::Step(place) => match whole(number) {
                Some(step) if self.fractional & 1 << place == 0 && self.step.is_none_or(|(best, ..)| place < best) => {
                    self.step = Some((place, step, at));
                }
                None if number.is_finite() => self.fractions |= 1 << place,
                _ => {}
            },
            Role::Time(place) => self.time(place, at, unix_time(number)),
            Role::Split(_) | Role::MetricName | Role::MetricValue | Role::Value => {}
        }
    }

    /// Takes cell `at` of the row, a text that is no number.
    pub(super) fn text(&mut self, role: Role, at: usize, text: &str) {
        match role {
            Role::Time(place) => self.time(place, at, date(text)),
            Role::Split(is_mode) => {
                let check = CHECKS.iter().find(|check| check.eq_ignore_ascii_case(text)).copied();
                self.is_validation |= is_mode && matches!(check, Some("val" | "test"));
                self.split = check.or(self.split).or(Some(""));
            }
            Role::Step(_) | Role::MetricName | Role::MetricValue | Role::Value => {}
        }
    }

    /// Where the row stands, once all of it was taken.
    pub(super) fn place(&mut self) -> Place {
        self.fractional |= self.fractions;
        if let Some(best) = self.best.filter(|best| self.fractions >> best & 1 == 1) {
            self.is_mistaken |= best == EPOCH && !self.epochs.jumped;
            (self.best, self.last) = (None, None);
        }
        let time = self.time;
        let is_batch = |place: usize| IN_EPOCH.contains(&place);
        let epoch = self.epoch;
        let step = self.step.filter(|(place, ..)| (!is_batch(*place) || epoch.is_some()) && self.best.is_none_or(|best| *place <= best));
        if let Some((place, step, _)) = step {
            if self.best != Some(place) {
                self.epochs.renew();
            }
            let counts_validated = self.is_validation && epoch.is_some() && place != EPOCH && self.epochs.count.is_some();
            if let Some(iter) = self.iter {
                self.is_twice = epoch.is_some() && place == STEP && step == iter;
            }
            let is_epoch = self.is_twice && self.iter.is_none() && self.last.is_some_and(|last| step < last.0);
            let counted = match place {
                EPOCH => Some(step),
                _ if counts_validated || is_epoch => self.last.map(|last| last.0),
                _ if is_batch(place) => self.epochs.step(epoch, step, Counts::Epoch),
                _ if EITHER.contains(&STEPS[place]) => self.epochs.step(epoch, step, Counts::Either),
                _ => self.epochs.step(epoch, step, Counts::Run),
            };
            (self.best, self.last) = (Some(place), counted.map(Step));
        }
        Place {
            step: step.and(self.last),
            time: time.map(|(_, time, _)| time),
            step_cell: step.map(|(.., at)| at),
            time_cell: time.map(|(.., at)| at),
            split: self.split,
        }
    }

    /// Whether such a cell says where rows stand, in all rows that have it.
    pub(super) fn is_best(&self, role: Role) -> bool {
        self.best.is_some_and(|best| role == Role::Step(best))
    }

    fn time(&mut self, place: usize, at: usize, time: Option<WallTime>) {
        if let Some(time) = time.filter(|_| self.time.is_none_or(|(best, ..)| place < best)) {
            self.time = Some((place, time, at));
        }
    }
}

/// The number that the whole text stands for: decimal, or a word for a non-finite one.
pub(super) fn whole_text(text: &str) -> Option<f64> {
    number(text.as_bytes()).filter(|(_, length)| *length == text.len()).map(|(number, _)| number).or_else(|| non_finite(text))
}

/// A whole number that a double holds exactly.
pub(super) fn whole(number: f64) -> Option<i64> {
    Step::whole(number).map(|step| step.0)
}

/// Unix seconds or milliseconds between 2000 and 2100.
pub(super) fn unix_time(number: f64) -> Option<WallTime> {
    const YEARS: std::ops::Range<f64> = 946_684_800.0..4_102_444_800.0;
    let secs = if number >= 1e11 { number / 1000.0 } else { number };
    YEARS.contains(&secs).then(|| WallTime::new(secs)).flatten()
}

/// A date with time; one that names no zone is taken as UTC.
fn date(text: &str) -> Option<WallTime> {
    let text = text.trim();
    // Every date starts with its year; this keeps most words from the parser.
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let time = text
        .parse::<Timestamp>()
        .ok()
        .or_else(|| text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp()))?;
    WallTime::new(time.as_nanosecond() as f64 / 1e9)
}

#[cfg(test)]
mod tests;
