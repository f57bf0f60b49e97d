//! Which cell of a row says where it stands, by what its column is called ([`names`]) and by what stands in it.

mod counters;
mod inner;
mod learned;
mod names;
mod parts;
mod rivals;
mod stacked;
mod stages;
mod values;

use super::{
    epochs::{Counts, Epochs},
    json::Token,
    newest::Falls,
};
use crate::model::{Step, WallTime};
use counters::Counters;
use inner::Inner;
use learned::Learned;
pub(super) use learned::{Fact, Facts};
pub(super) use names::EPOCH;
use names::{
    COUNTER, DATASETS, EITHER, FICKLE, FIRST, IN_EPOCH, ITER, JOINT, METRIC_NAMES, METRIC_VALUES, OUTER, RUNS, STEP, STEPS, TIMES,
    place_of, small, without_unit,
};
pub(super) use parts::{CHECKS, Says};
use rivals::{Rivals, Verdict};
use stacked::{Label, Stacked};
use stages::Stages;
use values::date;
pub(super) use values::{unix_time, whole, whole_text};

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
    /// The same of an object in the row ([`Inner`]).
    Inner(usize),
    /// A wall time; the smaller, the better the name.
    Time(usize),
    /// It says what the row is of.
    Split(Says),
    /// What may tell the runs of a table apart, by its place in [`RUNS`].
    Run(usize),
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
            Role::Step(_) | Role::Inner(_) | Role::Time(_) | Role::Split(_) | Role::Run(_) | Role::Value => continue,
            Role::MetricName => &mut name,
            Role::MetricValue => &mut value,
        };
        if seat.replace(at).is_some() {
            return None;
        }
    }
    Some((name?, value?))
}

struct Wholes([i32; STEPS.len()]);

impl Default for Wholes {
    fn default() -> Wholes {
        Wholes([0; STEPS.len()])
    }
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
    /// How many more whole numbers than fractions each name held, by place: a fraction among whole ones is damage.
    wholes: Wholes,
    /// Those of [`FICKLE`] that turned out to hold fractions, as bits by place.
    fractional: u64,
    /// Those that do in this row.
    fractions: u64,
    learned: Learned,
    /// Rows that were passed over may have taught something.
    is_doubtful: bool,
    has_rows: bool,
    /// Rows were read before others were passed over.
    has_head: bool,
    rivals: Rivals,
    inner: Inner,
    stages: Stages,
    counters: Counters,
    /// What columns that may be counters hold in this row.
    counted: Vec<(usize, i64)>,
    stacked: [Stacked; JOINT + 1],
    /// The columns of this row that may tell runs apart, and what they say.
    runs: Vec<(usize, usize, Label)>,
    falls: Falls,
    last: Option<Step>,
    step: Option<(usize, i64, usize)>,
    /// The epoch that the row names.
    epoch: Option<f64>,
    /// The loop around others that it names ([`OUTER`]), by its place.
    outer: Option<(usize, i64)>,
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
    /// The cell that says which run of several the row is of ([`Axis::run`]), and whether all that may tell do so.
    run_cell: Option<usize>,
    is_joint: bool,
    /// What the row is of, where a column says so; empty: the training.
    pub(super) split: Option<&'static str>,
}

impl Place {
    /// Whether a cell is one that says which run of several the row is of.
    pub(super) fn is_of_run(&self, at: usize, role: Role) -> bool {
        self.run_cell == Some(at) || self.is_joint && matches!(role, Role::Run(_))
    }
}

/// Whether a column of this name counts steps, unless it is a setting or a metric.
pub(super) fn may_be_step(name: &str) -> bool {
    may_be_known(name) && place_of(without_unit(name), STEPS).is_some()
}

/// Whether a column of this name surely counts steps.
pub(super) fn is_step(name: &str) -> bool {
    step_place(name).is_some()
}

/// How good such a name is: the smaller, the better.
pub(super) fn step_place(name: &str) -> Option<usize> {
    let place = may_be_known(name).then(|| place_of(without_unit(name), STEPS)).flatten();
    place.filter(|place| *place <= EPOCH)
}

/// Whether this value of a column of this name is a wall time.
pub(super) fn is_time(name: &str, value: &Token) -> bool {
    may_be_known(name)
        && place_of(without_unit(name), TIMES).is_some()
        && match value {
            Token::Number(number) => unix_time(*number).is_some(),
            Token::Text(text) => date(text).is_some(),
            Token::Object | Token::Other => false,
        }
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
        let learned = self.learned.renew();
        let fractional = if learned.facts.has_fractions { 1 << EPOCH } else { 0 };
        *self = Axis { fractional, learned, ..Axis::new(std::mem::take(&mut self.options)) };
    }

    /// Whether the rows so far would stand elsewhere had it been known what came later.
    pub(super) fn is_mistaken(&self) -> bool {
        self.learned.is_again() || self.is_doubtful
    }

    /// What is known of the source by now.
    pub(super) fn facts(&self) -> &Facts {
        &self.learned.facts
    }

    /// Rows before this one would stand elsewhere, had this been known. Where some were passed over, that is only what they may have
    /// taught, and reading them is to tell.
    pub(super) fn learn(&mut self, fact: Fact) {
        match self.epochs.jumped() {
            false => self.learned.learn(fact),
            true => self.doubt(),
        }
    }

    /// What the row means hangs on rows that were passed over: something that the rows before them left open, and that this one needs.
    pub(super) fn doubt(&mut self) {
        self.is_doubtful |= self.has_head;
    }

    /// The row is the first that may be a point.
    pub(super) fn first_point(&mut self) {
        if self.epochs.jumped() {
            self.doubt();
        }
    }

    /// Whether more of the rows that were passed over may tell where the last ones stand.
    pub(super) fn is_open(&self) -> bool {
        self.epochs.is_open() || self.stages.is_open()
    }

    /// Whether there was a row.
    pub(super) fn has_rows(&self) -> bool {
        self.has_rows
    }

    /// Whether the column of a role may say where rows stand, and has said nothing in those so far.
    pub(super) fn is_silent(&self, role: Role) -> bool {
        match role {
            _ if !self.has_rows => false,
            Role::Step(place) if place > EPOCH => self.best.is_none_or(|best| best == EPOCH) && !self.counters.has(place),
            Role::Step(place) => self.best.is_none_or(|best| place < best) && self.wholes.0[place] == 0,
            _ => false,
        }
    }

    /// What the run that the row is of is called, where the table holds several: `seed_1`.
    pub(super) fn run(&self, place: &Place) -> Option<String> {
        self.run_of(|at| place.is_joint || place.run_cell == Some(at))
    }

    /// What those of the columns that may tell runs apart say together which stand in these cells.
    fn run_of(&self, is_told: impl Fn(usize) -> bool) -> Option<String> {
        let labels = self.runs.iter().filter(|(_, at, _)| is_told(*at));
        let names = labels.map(|(run, _, label)| match label {
            Label::Number(number) => format!("{}_{number}", RUNS[*run]),
            Label::Text(text) => text.clone(),
        });
        names.reduce(|all, name| format!("{all}_{name}"))
    }

    /// Rows were passed over: where the last of them stood is not known.
    pub(super) fn jump(&mut self) {
        self.last = None;
        self.has_head = self.has_rows;
        self.epochs.jump(!self.has_rows);
        self.stages.jump();
    }

    pub(super) fn role(&self, name: &str) -> Role {
        let may_be = may_be_known(name);
        let bare = if may_be { without_unit(name) } else { name };
        let usual = |names: &[&str]| if may_be { place_of(bare, names) } else { None };
        let place = |key: &Option<String>, names| match key {
            Some(key) => (key == name).then_some(0),
            None => usual(names),
        };
        match place(&self.options.step_key, STEPS) {
            Some(place) => Role::Step(place),
            None => match place(&self.options.time_key, TIMES) {
                Some(place) => Role::Time(place),
                None if let Some(says) = parts::says(name, usual) => Role::Split(says),
                None if usual(METRIC_NAMES).is_some() => Role::MetricName,
                None if usual(METRIC_VALUES).is_some() => Role::MetricValue,
                None if let Some(run) = usual(RUNS) => Role::Run(run),
                None if self.options.step_key.is_none() => inner::role(name),
                None => Role::Value,
            },
        }
    }

    /// Starts a row; what a torn one said is dropped.
    pub(super) fn begin(&mut self) {
        (self.step, self.fractions, self.time, self.epoch, self.outer, self.iter) = (None, 0, None, None, None, None);
        (self.is_validation, self.split) = (false, None);
        self.rivals.begin();
        self.inner.begin();
        self.stages.begin();
        self.counted.clear();
        self.runs.clear();
    }

    /// Takes cell `at` of the row, a number.
    pub(super) fn number(&mut self, role: Role, at: usize, number: f64) {
        // A stage is one by its number.
        let outer = match role {
            Role::Step(place) if OUTER >> place & 1 == 1 && self.facts().counter != Some(place) => Some(place),
            Role::Split(Says::Text) => Some(STEPS.len()),
            _ => None,
        };
        let role = match role {
            Role::Step(place) if self.facts().counter == Some(place) => Role::Step(COUNTER),
            role => role,
        };
        if role == Role::Step(EPOCH) {
            self.epoch = Some(number).filter(|epoch| epoch.is_finite());
        }
        if role == Role::Step(ITER) {
            self.iter = whole(number);
        }
        if let Some(place) = outer
            && self.outer.is_none_or(|(known, _)| place < known)
        {
            self.outer = whole(number).map(|number| (place, number));
        }
        match role {
            Role::Step(place) if place > EPOCH => self.counted.push((place, whole(number).unwrap_or(i64::MIN))),
            Role::Step(place) => match whole(number) {
                Some(step) if self.is_whole(place) => {
                    self.rivals.put(place, step, self.best);
                    if self.facts().yielded >> place & 1 == 0 && self.step.is_none_or(|(best, ..)| place < best) {
                        self.step = Some((place, step, at));
                    }
                }
                None if number.is_finite() => {
                    self.fractions |= 1 << place;
                    self.wholes.0[place] = self.wholes.0[place].saturating_sub(1);
                }
                _ => {}
            },
            Role::Inner(place) if !self.facts().has_own_step => self.inner.put(place, at, number),
            Role::Time(place) => self.time(place, at, unix_time(number)),
            Role::Run(run) => self.run_label(run, at, whole(number).map(Label::Number)),
            Role::Inner(_) | Role::Split(_) | Role::MetricName | Role::MetricValue | Role::Value => {}
        }
    }

    /// Takes cell `at` of the row, a text that is no number.
    pub(super) fn text(&mut self, role: Role, at: usize, text: &str) {
        match role {
            Role::Time(place) => self.time(place, at, date(text)),
            Role::Split(says) => {
                let part = parts::part(says, text);
                if says == Says::Dataset && part.is_none() && !text.is_empty() {
                    self.run_label(DATASETS, at, Some(Label::Text(text.to_owned())));
                }
                if says == Says::Text && part == Some("") {
                    self.stages.take(text);
                }
                self.is_validation |= says == Says::Mode && matches!(part, Some("val" | "test"));
                // Of two columns, the one that names a check.
                self.split = part.filter(|part| !part.is_empty()).or(self.split).or(part);
            }
            Role::Run(run) if !text.is_empty() => self.run_label(run, at, Some(Label::Text(text.to_owned()))),
            Role::Step(_) | Role::Inner(_) | Role::Run(_) | Role::MetricName | Role::MetricValue | Role::Value => {}
        }
    }

    /// What a column that may tell runs apart says; one that holds fractions does not.
    fn run_label(&mut self, run: usize, at: usize, label: Option<Label>) {
        match label {
            Some(label) => self.runs.push((run, at, label)),
            None => {
                self.stacked[run].refute();
                self.stacked[JOINT].refute();
            }
        }
    }

    /// Where the row stands, once all of it was taken.
    pub(super) fn place(&mut self) -> Place {
        self.has_rows = true;
        if self.epochs.jumped() && self.fractions != 0 && self.are_fractions_new() {
            self.doubt();
        }
        let fraction = (self.fractions != 0).then_some(self.fractions.trailing_zeros() as usize);
        let own = self.step.map(|(place, ..)| place).into_iter().chain(fraction).min();
        if own.is_some_and(|own| self.inner.refute(own)) {
            self.learn(Fact::OwnStep);
            (self.best, self.last) = (None, None);
        }
        for (place, at, number) in self.inner.steps() {
            self.number(Role::Step(place), at, number);
        }
        self.fractional |= self.fractions & FICKLE;
        if let Some(best) = self.best.filter(|best| self.fractions >> best & 1 == 1 && !self.counts(*best)) {
            if best == EPOCH {
                self.learn(Fact::Fractions);
            }
            if best == COUNTER && self.facts().counter.is_some() {
                self.learn(Fact::NoCounter);
            }
            (self.best, self.last) = (None, None);
        }
        let time = self.time;
        if self.facts().has_stages && self.outer.is_none() {
            self.outer = self.stages.number().map(|stage| (STEPS.len(), stage));
        }
        let is_batch = |place: usize| IN_EPOCH.contains(&place);
        let epoch = self.epoch;
        let step = self.step.filter(|(place, ..)| (!is_batch(*place) || epoch.is_some()) && self.best.is_none_or(|best| *place <= best));
        if let Some((place, step, _)) = step {
            if self.best != Some(place) {
                self.epochs.renew();
                if self.epochs.jumped() {
                    self.doubt();
                }
            }
            let counts_validated = self.is_validation && epoch.is_some() && place != EPOCH && self.epochs.has_counted();
            if let Some(iter) = self.iter {
                self.is_twice = epoch.is_some() && place == STEP && step == iter;
            }
            let is_epoch = self.is_twice && self.iter.is_none() && self.last.map_or(self.epochs.jumped(), |last| step < last.0);
            let outer = self.outer.filter(|(outer, _)| *outer != place && (epoch.is_none() || place == EPOCH));
            let counted = match place {
                _ if let Some((_, outer)) = outer => self.epochs.step(Some(outer as f64), step, Counts::Outer),
                EPOCH => Some(step),
                _ if counts_validated || is_epoch => self.last.map(|last| last.0),
                _ if is_batch(place) => self.epochs.step(epoch, step, Counts::Epoch),
                _ if EITHER.contains(&STEPS[place]) => self.epochs.step(epoch, step, Counts::Either),
                _ => self.epochs.step(epoch, step, Counts::Run),
            };
            (self.best, self.last) = (Some(place), counted.map(Step));
        }
        let row = step.map(|(place, step, _)| (place, step));
        match self.epochs.jumped() {
            false => self.look_for_facts(row, time.map(|(_, time, _)| time)),
            true if self.is_any_open(row) => self.doubt(),
            true => {}
        }
        let runs = self.facts().runs;
        let run_cell = runs.and_then(|runs| self.runs.iter().find(|(run, ..)| *run == runs)).map(|(_, at, _)| *at);
        Place {
            step: step.and(self.last),
            time: time.map(|(_, time, _)| time),
            step_cell: step.map(|(.., at)| at),
            time_cell: time.map(|(.., at)| at),
            run_cell,
            is_joint: runs == Some(JOINT),
            split: self.split,
        }
    }

    /// Looks what the row teaches of those before it. `row`: where it stands so far.
    fn look_for_facts(&mut self, row: Option<(usize, i64)>, time: Option<WallTime>) {
        if self.options.step_key.is_none() {
            self.look_for_counter(row);
        }
        if let Some((place, step)) = row {
            if !self.facts().is_newest_first && self.falls.are_told(step, time) {
                self.learn(Fact::NewestFirst);
            }
            if self.stages.starts_over(step) && (self.epoch.is_none() || place == EPOCH) {
                self.learn(Fact::Stages);
            }
            self.look_for_runs(step);
            self.look_for_rivals(place);
        }
    }

    /// Whether rows that were passed over may have taught what this one shows: the rows before them left it open.
    fn is_any_open(&mut self, row: Option<(usize, i64)>) -> bool {
        let Facts { yielded, falling, runs, .. } = *self.facts();
        self.count_batches();
        let is_counter = self.may_have_counter() && self.counted.iter().any(|(place, number)| self.counters.is_open(*place, *number));
        // Rows without a step stand newest first with the others.
        let is_order = self.best.is_some() && self.falls.is_open();
        let joint = if self.runs.len() > 1 { self.run_of(|_| true).map(Label::Text) } else { None };
        let are_joint = || joint.is_some_and(|joint| self.stacked[JOINT].is_open(&joint));
        let are_runs = runs.is_some() || self.runs.iter().any(|(run, _, label)| self.stacked[*run].is_open(label)) || are_joint();
        let is_any = is_counter || is_order || are_runs || self.stages.is_unknown();
        let Some((best, _)) = row else { return is_any };
        let is_counter = best == COUNTER && self.facts().counter.is_some() && self.counters.may_fall_early(COUNTER);
        is_any || is_counter || self.rivals.is_open(best, yielded & !falling)
    }

    /// Without an epoch, batches are doubtful as well.
    fn count_batches(&mut self) {
        if let Some((place, step, _)) = self.step.filter(|(place, ..)| IN_EPOCH.contains(place) && self.epoch.is_none()) {
            self.counted.push((place, step));
        }
    }

    /// Whether a column may be a counter that is not known to be one.
    fn may_have_counter(&self) -> bool {
        let Facts { counter, has_no_counter, .. } = *self.facts();
        let is_free = counter.is_none() && !has_no_counter && self.best.is_none_or(|best| best == EPOCH);
        is_free && self.options.step_key.is_none()
    }

    /// Looks whether a column that may be a counter is one, or was taken for one and is none. `row`: where the row stands so far.
    fn look_for_counter(&mut self, row: Option<(usize, i64)>) {
        let (epoch, outer) = (self.epoch.map(f64::floor), self.outer.map(|(_, outer)| outer as f64));
        let around = |place: usize| epoch.or(outer.filter(|_| OUTER >> place & 1 == 0));
        if let Some(counter) = self.facts().counter {
            if let Some((_, step)) = row.filter(|(place, _)| *place == COUNTER)
                && self.counters.fell_early(COUNTER, step, around(counter))
            {
                self.learn(Fact::NoCounter);
            }
            return;
        }
        self.count_batches();
        let is_free = self.may_have_counter();
        let counts = |(place, number): &&(usize, i64)| self.counters.counts(*place, *number, around(*place));
        let found = if is_free { self.counted.iter().filter(counts).map(|(place, _)| *place).min() } else { None };
        if let Some(place) = found {
            self.learn(Fact::Counter(place));
        }
    }

    /// Looks whether the column at `best` says where rows stand, or leaves that to another one.
    fn look_for_rivals(&mut self, best: usize) {
        let Facts { yielded, falling, .. } = *self.facts();
        match self.rivals.verdict(best, yielded, falling) {
            Some(Verdict::IsStuck(place)) => self.learn(Fact::IsStuck(place)),
            Some(Verdict::Falls(place)) => self.learn(Fact::Falls(place)),
            Some(Verdict::Counts(place)) => self.learn(Fact::Counts(place)),
            Some(Verdict::IsAround(place)) => self.learn(Fact::IsAround(place)),
            None => {}
        }
        if self.facts().yielded != yielded {
            (self.best, self.falls, self.stacked) = (None, Falls::default(), Default::default());
        }
    }

    /// Looks whether a column tells the runs of several apart, or several columns tell more of them than one.
    fn look_for_runs(&mut self, step: i64) {
        let (known, has_several) = (self.facts().runs, self.runs.len() > 1);
        if self.runs.is_empty() || known == Some(JOINT) || known.is_some() && !has_several {
            return;
        }
        let joint = if has_several { self.run_of(|_| true).map(Label::Text) } else { None };
        let stacked = &mut self.stacked;
        let mut tells = |run: usize, label: &Label| stacked[run].tells(label, step);
        let mut told = None;
        for (run, _, label) in &self.runs {
            told = told.or(tells(*run, label).then_some(*run));
        }
        let is_joint = joint.is_some_and(|joint| tells(JOINT, &joint));
        let told = known.or(told);
        let told =
            if is_joint && told.is_none_or(|one| self.stacked[JOINT].count() > self.stacked[one].count()) { Some(JOINT) } else { told };
        if let Some(place) = told.filter(|_| told != known) {
            self.learn(Fact::Runs(place));
        }
    }

    /// Takes a whole number at `place`. Whether it may be a step.
    fn is_whole(&mut self, place: usize) -> bool {
        self.wholes.0[place] = self.wholes.0[place].saturating_add(1);
        self.counts(place)
    }

    /// Whether a name that was taken for one of whole numbers, or may have been, holds a fraction in this row.
    fn are_fractions_new(&self) -> bool {
        let are_new = self.fractions & !(FICKLE & self.fractional);
        are_new & ((2 << self.best.unwrap_or(EPOCH)) - 1) != 0
    }

    /// Whether the name at `place` holds whole numbers, but for damage.
    fn counts(&self, place: usize) -> bool {
        if FICKLE >> place & 1 == 1 { self.fractional >> place & 1 == 0 } else { self.wholes.0[place] >= 0 }
    }

    /// Whether such a cell says where rows stand, in all rows that have it.
    pub(super) fn is_best(&self, role: Role) -> bool {
        let is_counter = |best: usize| best == COUNTER && self.facts().counter.is_some_and(|place| role == Role::Step(place));
        self.best.is_some_and(|best| role == Role::Step(best) || is_counter(best))
    }

    fn time(&mut self, place: usize, at: usize, time: Option<WallTime>) {
        if let Some(time) = time.filter(|_| self.time.is_none_or(|(best, ..)| place < best)) {
            self.time = Some((place, time, at));
        }
    }
}

#[cfg(test)]
mod tests;
