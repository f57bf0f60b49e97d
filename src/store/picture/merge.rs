//! Many sources, one series a key: whose points are shown.

use super::{
    RunPicture, SourceRank,
    echoes::Echo,
    global_step::{GlobalStep, value_by},
};
use crate::model::{MetricKey, Point, Seat, Series, SeriesMap, Step, WallTime};
use crate::source::{KeyId, Row};
use std::{
    collections::BTreeMap,
    mem::{discriminant, take},
};

/// What one source of a run gave, in numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Given {
    /// Bytes read.
    pub bytes: u64,
    /// Rows of history.
    pub rows: u64,
    /// Values in them, those that another source shows included.
    pub points: u64,
    /// Lines of console.
    pub console_lines: u64,
    /// Samples of the host.
    pub system_samples: u64,
    /// Alerts.
    pub alerts: u64,
    /// References to what is no number.
    pub media: u64,
    /// Config entries.
    pub config: u64,
    /// Stretches that could not be read.
    pub losses: u64,
}

/// A key that two sources log.
#[derive(Clone, PartialEq, Debug)]
pub struct Twin {
    /// The source whose points are shown.
    pub shown: SourceRank,
    /// The key as it is shown.
    pub key: MetricKey,
    /// The source whose points are not.
    pub hidden: SourceRank,
    /// The key as that source writes it.
    pub hidden_key: MetricKey,
    /// Values that are the same at the same step, as far as the hidden source writes digits.
    pub equal: u64,
    /// Values that differ.
    pub different: u64,
    /// Values at steps at which the shown source has none.
    pub alone: u64,
    /// The first step at which they differ: the value shown, and the hidden one.
    pub first: Option<(Step, f64, f64)>,
}

/// What is known of all sources.
pub(super) type Sources = BTreeMap<SourceRank, Source>;

/// What is known of one source.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// By key number.
    pub(super) slots: Vec<Option<Slot>>,
    /// The step that a row without one has.
    counter: Option<i64>,
    pub(super) global_step: GlobalStep,
    /// The last step, and whether the source itself said it.
    pub(super) step: Option<(Step, bool)>,
    pub(super) given: Given,
    highest: Option<Step>,
    /// The lowest step of the rows behind it, of which the first came behind the last one that was not.
    behind: Option<Step>,
    branch: Branch,
}

/// A run went back and goes on at `from`; up to `until` it had been before.
#[derive(Clone, Copy, Debug, Default)]
struct Branch {
    /// How often it went back.
    number: u32,
    of: Option<(Step, Step)>,
}

impl Branch {
    /// Whether a point at `step` is of a run that went back.
    fn takes(&self, step: Step) -> bool {
        self.of.is_some_and(|(from, until)| (from..=until).contains(&step))
    }
}

/// What is known of one key of a source.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) echo: Echo,
    pub(super) key: MetricKey,
    /// Where its series was found last.
    seat: Seat,
    /// Whether this source is the one whose points are shown.
    pub(super) shown: bool,
    /// The key that is shown in its place.
    pub(super) instead: Option<MetricKey>,
    /// The attempt and the rank whose points are taken.
    writer: Option<(u32, u32)>,
    /// The branch in which it has a point.
    branch: u32,
    /// Where the first point was put, when it came before the source had said any step.
    unplaced: Option<Step>,
    /// The round of [`RunPicture::take_changed`] in which a point last came.
    changed: Option<u64>,
}

/// Keys that two sources log.
#[derive(Debug, Default)]
pub(super) struct Twins {
    /// By hidden source and its key.
    found: BTreeMap<(SourceRank, MetricKey), Twin>,
    /// What was shown of a source until a better one came, by the key of the better one.
    shown_before: BTreeMap<MetricKey, Vec<(SourceRank, MetricKey, Series)>>,
}

impl Twins {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Twin> {
        self.found.values()
    }

    /// Those of which the console's values are hidden.
    pub(super) fn of_console(&mut self) -> impl Iterator<Item = &mut Twin> {
        self.found.values_mut().filter(|twin| twin.hidden == SourceRank::Stdout)
    }

    pub(super) fn forget(&mut self, source: SourceRank) {
        self.found.retain(|_, twin| ![twin.shown, twin.hidden].contains(&source));
        self.shown_before.values_mut().for_each(|before| before.retain(|(rank, ..)| *rank != source));
    }

    pub(super) fn of(&mut self, shown: (SourceRank, &MetricKey), hidden: (SourceRank, &MetricKey)) -> &mut Twin {
        self.found.entry((hidden.0, hidden.1.clone())).or_insert_with(|| Twin::new(shown, hidden))
    }

    /// Compares a value of the shown source with what was shown before it came.
    fn compare_with_before(&mut self, shown: (SourceRank, &MetricKey), step: Step, value: f64, sources: &Sources, all: &SeriesMap) {
        let Some(before) = self.shown_before.remove(shown.1) else { return };
        for (rank, key, series) in &before {
            let shown_before =
                |metric: &MetricKey| self.shown_before.get(metric)?.iter().find(|(of, ..)| of == rank).map(|(.., steps)| steps);
            let steps_of = |metric| if metric == key { Some(series) } else { shown_before(metric).or_else(|| all.get(metric)) };
            let global_steps = sources.get(rank).into_iter().flat_map(|source| source.global_step.metrics());
            let alike = |hidden| is_same(*rank, value, hidden);
            if let Some(hidden) = value_by(global_steps.filter_map(steps_of), series, step, alike) {
                self.of(shown, (*rank, key)).compare(step, hidden, Some(value));
            }
        }
        self.shown_before.insert(shown.1.clone(), before);
    }
}

impl RunPicture {
    /// Decides whether `source` or another one feeds the series of `key`.
    pub(super) fn key(&mut self, source: SourceRank, id: u32, key: MetricKey) {
        self.keys_heard += 1;
        let name = key;
        let key = self.told_apart(source, name.clone());
        let mut echo = Echo::default();
        if key != name && matches!(source, SourceRank::Table(_)) {
            echo.of.push(name);
        }
        let rivals: Vec<MetricKey> = self.loose.get(&loose_form(&key)).into_iter().flatten().cloned().collect();
        let is_same =
            |rival: &MetricKey, owner: SourceRank| *rival == key || (source == SourceRank::Stdout) != (owner == SourceRank::Stdout);
        let mut instead = None;
        for rival in rivals {
            match self.owners.get(&rival).copied().filter(|owner| is_same(&rival, *owner)) {
                Some(owner) if owner > source => instead = Some(rival),
                Some(owner) if owner < source => {
                    if let (Some(twins), Some(series)) = (&mut self.twins, self.series.remove(&rival)) {
                        twins.shown_before.entry(key.clone()).or_default().push((owner, rival.clone(), series));
                    }
                    self.disown(&rival);
                    let slots = self.sources.get_mut(&owner).into_iter().flat_map(|loser| loser.slots.iter_mut().flatten());
                    for slot in slots.filter(|slot| slot.key == rival) {
                        (slot.shown, slot.instead) = (false, Some(key.clone()));
                    }
                    self.changed.push(rival);
                }
                _ => {}
            }
        }
        let shown = instead.is_none();
        if shown && !self.owners.contains_key(&key) {
            self.owners.insert(key.clone(), source);
            self.loose.entry(loose_form(&key)).or_default().push(key.clone());
        }
        self.hear_global_step(source, KeyId(id), &key);
        let slots = &mut self.sources.entry(source).or_default().slots;
        let at = id as usize;
        if at >= slots.len() {
            slots.resize_with(at + 1, || None);
        }
        slots[at] = Some(Slot { key, seat: Seat::default(), shown, instead, writer: None, branch: 0, unplaced: None, changed: None, echo });
    }

    /// Whether the first point of `key` came before its source had said any step, and the source says steps: where it
    /// stands nobody knows.
    pub fn is_first_unplaced(&self, key: &MetricKey) -> bool {
        let source =
            self.owners.get(key).and_then(|owner| self.sources.get(owner)).filter(|source| source.step.is_some_and(|(_, said)| said));
        source.is_some_and(|source| source.slots.iter().flatten().any(|slot| slot.key == *key && slot.unplaced.is_some()))
    }

    /// The key under another name, where a source of the same kind has it already.
    fn told_apart(&self, source: SourceRank, key: MetricKey) -> MetricKey {
        let Some(names) = self.names.get(&source) else { return key };
        let is_kin = |rank: &SourceRank| *rank != source && discriminant(rank) == discriminant(&source);
        let has_key = |rank: &SourceRank| self.sources.get(rank).is_some_and(|kin| kin.slots.iter().flatten().any(|slot| slot.key == key));
        let kin = self.names.iter().find(|(rank, _)| is_kin(rank) && has_key(rank));
        let name = kin.and_then(|(_, taken)| names.iter().find(|name| !taken.contains(name)));
        name.map_or(key.clone(), |name| format!("{name}/{key}").as_str().into())
    }

    pub(super) fn disown(&mut self, key: &MetricKey) {
        self.owners.remove(key);
        self.series.remove(key);
        if let Some(same) = self.loose.get_mut(&loose_form(key)) {
            same.retain(|k| k != key);
        }
    }

    /// Takes one row; `fallback`: its time, if it has none.
    pub(in crate::store) fn row(&mut self, rank: SourceRank, row: &Row, fallback: Option<WallTime>) {
        self.console.stepped(rank, row);
        let time = row.time.or(fallback);
        self.origin = self.origin.or(time);
        let Some(source) = self.sources.get_mut(&rank) else { return };
        source.given.rows += 1;
        source.given.points += row.values.len() as u64;
        let step = match row.step {
            Some(step) => step,
            None => {
                let taken = |key: &MetricKey, at: i64| self.series.get(key).and_then(Series::last).is_some_and(|last| last.step.0 >= at);
                let mut keys = row.values.iter().filter_map(|(id, _)| source.slots.get(id.0 as usize)?.as_ref()).map(|slot| &slot.key);
                match source.counter {
                    None => Step(0),
                    Some(at) if keys.any(|key| taken(key, at)) => Step(at.saturating_add(1)),
                    Some(at) => Step(at),
                }
            }
        };
        let is_unplaced = row.step.is_none() && source.step.is_none_or(|(_, said)| !said);
        source.counter = Some(step.0);
        let of_training = source.global_step.read(&row.values);
        let series_of = |id: KeyId| self.series.get(&source.slots.get(id.0 as usize)?.as_ref()?.key);
        let last_of = |id| series_of(id).and_then(Series::latest).map(|last| last.step);
        source.step = match (source.global_step.last(), source.step) {
            (None, Some((before, true))) if step < before && !row.goes_back(step, last_of) => Some((before, true)),
            (None, before) => Some((step, row.step.is_some() || before.is_some_and(|(_, said)| said))),
            (last, _) => last.map(|last| (last, true)),
        };
        if self.total_heard.is_some_and(|(of, total)| of == rank && source.step.is_some_and(|(step, _)| step.0 > total)) {
            (self.total_heard, self.total_steps) = (None, self.info.total_steps);
        }
        let of_training = of_training.unwrap_or(step);
        let is_behind = source.highest.is_some_and(|highest| step < highest);
        source.behind = is_behind.then(|| source.behind.map_or(step, |behind| behind.min(step)));
        source.highest = source.highest.max(Some(step));
        let (branch, mut restart) = (source.branch, None);
        // Every row of a long log comes here: its source is looked up twice, not once for each question.
        let mut slots = take(&mut source.slots);
        for (id, value) in &row.values {
            let Some(slot) = slots.get_mut(id.0 as usize).and_then(Option::as_mut) else { continue };
            if !slot.shown {
                let Some((key, owner)) = slot.instead.as_ref().and_then(|key| Some((key, *self.owners.get(key)?))) else { continue };
                let shown = self.twins.as_ref().and_then(|_| self.value_at(key, of_training, |shown| is_same(rank, shown, *value)));
                if let Some(twins) = &mut self.twins {
                    twins.of((owner, key), (rank, &slot.key)).compare(of_training, *value, shown);
                }
                continue;
            }
            if let Some(twins) = &mut self.twins {
                twins.compare_with_before((rank, &slot.key), of_training, *value, &self.sources, &self.series);
            }
            let (attempt, writer) = slot.writer.unwrap_or((row.attempt, row.rank));
            if row.attempt < attempt || row.attempt == attempt && row.rank != writer {
                continue;
            }
            slot.writer = Some((row.attempt, row.rank));
            if slot.changed != Some(self.round) {
                slot.changed = Some(self.round);
                self.changed.push(slot.key.clone());
            }
            let point = Point { step, time, value: *value };
            let (origin, mut is_first) = (self.origin, false);
            let series = self.series.get_or_insert(&slot.key, &mut slot.seat, || {
                is_first = true;
                let mut series = Series::new();
                origin.iter().for_each(|origin| series.set_origin(*origin));
                series
            });
            if is_first && is_unplaced {
                slot.unplaced = Some(step);
            } else if slot.unplaced.is_some_and(|first| row.step.is_some() && step <= first) {
                slot.unplaced = None;
            }
            match rank {
                SourceRank::Stdout => series.push_told(point),
                // The first of the key since then; those behind it may be out of order again.
                _ if slot.branch != branch.number && branch.takes(step) => {
                    slot.branch = branch.number;
                    series.push(point);
                }
                _ => {
                    if let Some(from) = series.push_stray(point) {
                        slot.branch = branch.number + 1;
                        restart = Some(restart.map_or(from, |known: Step| known.min(from)));
                    }
                }
            }
        }
        let Some(source) = self.sources.get_mut(&rank) else { return };
        if let (Some(from), Some(until)) = (restart, source.highest) {
            let from = source.behind.map_or(from, |behind| behind.min(from));
            source.branch = Branch { number: branch.number + 1, of: Some((from, until)) };
            for slot in slots.iter_mut().flatten().filter(|slot| slot.shown) {
                if self.series.get_mut(&slot.key).is_some_and(|series| series.restart(from)) {
                    slot.branch = branch.number + 1;
                }
            }
        }
        source.slots = slots;
    }

    /// Supersedes what `source` gave at and after `step`.
    pub(super) fn supersede(&mut self, source: SourceRank, step: Step) {
        self.media.supersede_from(source, step);
        let Some(source) = self.sources.get_mut(&source) else { return };
        source.step = source.step.map(|(last, said)| (last.min(step), said));
        let slots = source.slots.iter().flatten();
        for slot in slots.filter(|slot| slot.shown) {
            if let Some(series) = self.series.get_mut(&slot.key) {
                series.supersede_from(step);
                self.changed.push(slot.key.clone());
            }
        }
    }
}

impl Twin {
    fn new(shown: (SourceRank, &MetricKey), hidden: (SourceRank, &MetricKey)) -> Twin {
        let ((shown, key), (hidden, hidden_key)) = ((shown.0, shown.1.clone()), (hidden.0, hidden.1.clone()));
        Twin { shown, key, hidden, hidden_key, equal: 0, different: 0, alone: 0, first: None }
    }

    pub(super) fn compare(&mut self, step: Step, value: f64, shown: Option<f64>) {
        let Some(shown) = shown else {
            self.alone += 1;
            return;
        };
        match is_same(self.hidden, shown, value) {
            true => self.equal += 1,
            false => {
                self.different += 1;
                self.first = self.first.or(Some((step, shown, value)));
            }
        }
    }
}

/// Whether a value that `hidden` gives is the one that is shown. A console rounds, and TensorBoard keeps single floats.
pub(super) fn is_same(hidden: SourceRank, shown: f64, value: f64) -> bool {
    match hidden {
        SourceRank::Stdout => prints_alike(shown, value),
        _ => shown == value || shown.is_nan() && value.is_nan() || shown as f32 == value as f32,
    }
}

/// Whether `printed` is `value`, as far as a console prints it: four digits behind the point, or as many in all, or those that it has,
/// of which three are the fewest that count.
fn prints_alike(value: f64, printed: f64) -> bool {
    if value == printed || value.is_nan() && printed.is_nan() {
        return true;
    }
    let (apart, most) = ((value - printed).abs(), value.abs().max(printed.abs()));
    if apart <= 1e-4 + 5e-4 * most {
        return true;
    }
    let digits = printed.to_string().split_once('.').map_or(0, |(_, behind)| behind.len());
    apart <= 5e-3 * most && apart <= 0.5 * 0.1_f64.powi(i32::try_from(digits).unwrap_or(i32::MAX))
}

/// A name as a console's names are compared: small letters, any run of separators as one.
pub(super) fn loose_form(key: &MetricKey) -> String {
    let is_separator = |c: char| c.is_whitespace() || "_/-.".contains(c);
    let words: Vec<String> = key.as_str().split(is_separator).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    words.join("/")
}
