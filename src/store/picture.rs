//! What all sources of a run come to, as of now.

use super::{
    event::{Event, EventKind},
    folder::RunInfo,
};
use crate::model::{Exit, MetricKey, Point, RunState, Seat, Series, SeriesMap, Step, WallTime, XAxis};
use crate::source::{KeyId, Loss, Record, Row};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// Where a record comes from, worst first: when two sources log the same key, the better one is shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SourceRank {
    /// Read off the console.
    Stdout,
    /// A tracker's own file; a run may have several, told apart by number.
    Tracker(u16),
    /// Logged with og.
    Own,
}

/// Lines of console kept. More than any pane shows; `stdout.log` has them all.
const CONSOLE_LINES_MAX: usize = 5000;

/// Bytes of console kept, so that a program that prints base64 does not fill the memory.
const CONSOLE_BYTES_MAX: usize = 4 << 20;

/// Longest console line kept whole. Wider than any screen.
const CONSOLE_LINE_BYTES_MAX: usize = 16 << 10;

/// Losses kept with their reasons; all are counted.
const LOSSES_KEPT: usize = 16;

/// Events kept. A run has tens; a program in a loop may have more, and `events.jsonl` has them all.
const EVENTS_KEPT: usize = 10_000;

/// The last lines of the console.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Console {
    lines: VecDeque<String>,
    bytes: usize,
    dropped: u64,
}

impl Console {
    /// The lines kept, oldest first.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator {
        self.lines.iter().map(String::as_str)
    }

    /// Number of older lines that are not kept.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    fn push(&mut self, mut line: String) {
        if line.len() > CONSOLE_LINE_BYTES_MAX {
            line.truncate(line.floor_char_boundary(CONSOLE_LINE_BYTES_MAX));
            line.shrink_to_fit();
        }
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.lines.len() > CONSOLE_LINES_MAX || self.bytes > CONSOLE_BYTES_MAX {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.len();
            self.dropped += 1;
        }
    }
}

/// Stretches of input that could not be read.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Losses {
    /// How many.
    pub count: u64,
    /// How many bytes they were.
    pub bytes: u64,
    /// The last few, oldest first.
    pub last: VecDeque<(SourceRank, Loss)>,
}

/// The live view of one run: everything that its sources said, merged.
///
/// A key that two sources log is one series, from the better source ([`SourceRank`]). Names must be equal; only a name
/// read off the console also equals names that differ in case or in `_`, `/`, `-`, `.` and space.
///
/// A row of another rank than the one that first logged a key in an attempt does not touch that key, nor does a row of an
/// older attempt.
#[derive(Debug, Default)]
pub struct RunPicture {
    /// What `run.json` says.
    pub info: RunInfo,
    /// Hyperparameters: those of trackers, under those of `run.json`, under patches made during the run.
    pub config: BTreeMap<String, Value>,
    /// Last values by the trackers' own account.
    pub summary: BTreeMap<String, Value>,
    /// What trackers say about the run itself, by field name.
    pub remarks: BTreeMap<String, Value>,
    /// The points.
    pub series: SeriesMap,
    /// How the run ended, once it has.
    pub exit: Option<Exit>,
    /// Steps that the run means to take.
    pub total_steps: Option<i64>,
    /// What could not be read.
    pub losses: Losses,
    /// Sources that cannot be read at all right now, and why.
    pub problems: BTreeMap<SourceRank, String>,
    /// The last lines of the console.
    pub console: Console,
    /// What happened, oldest first; the last ten thousand.
    pub events: VecDeque<Event>,
    /// Last samples of the host, by name.
    pub system: BTreeMap<String, f64>,
    lifecycle: Lifecycle,
    mute: bool,
    attempt: u32,
    tracker_config: BTreeMap<String, Value>,
    config_patch: BTreeMap<String, Value>,
    /// The steps that the best source that said so means to take.
    total_heard: Option<(SourceRank, i64)>,
    origin: Option<WallTime>,
    sources: BTreeMap<SourceRank, Source>,
    /// The source that feeds each series.
    owners: BTreeMap<MetricKey, SourceRank>,
    /// Keys shown, by the form in which a console's name is compared.
    loose: HashMap<String, Vec<MetricKey>>,
    changed: Vec<MetricKey>,
    round: u64,
}

/// What is known of the training process.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
enum Lifecycle {
    /// Nobody said anything.
    #[default]
    Silent,
    /// Our own events say that it started and has not ended.
    Started,
    /// Our own events say how it ended.
    Ended,
    /// A tracker says how it ended.
    Told,
    /// The caller found it gone.
    Gone,
}

#[derive(Debug, Default)]
struct Source {
    /// By key number.
    slots: Vec<Option<Slot>>,
    /// The step that a row without one has.
    counter: Option<i64>,
    /// The last step, and whether the source itself said it.
    step: Option<(Step, bool)>,
}

/// Times that a console's value must agree with one logged under a longer name before it counts as its echo.
const ECHOES_MIN: u8 = 3;

/// Times that the two are compared at all.
const ECHO_LOOKS_MAX: u8 = 16;

/// How often a console's key was compared with longer names, and how often it agreed.
#[derive(Debug, Default)]
struct Echo {
    agreed: u8,
    looks: u8,
}

#[derive(Debug)]
struct Slot {
    echo: Echo,
    key: MetricKey,
    /// Where its series was found last.
    seat: Seat,
    /// Whether this source is the one whose points are shown.
    shown: bool,
    /// The attempt and the rank whose points are taken.
    writer: Option<(u32, u32)>,
    /// The round of [`RunPicture::take_changed`] in which a point last came.
    changed: Option<u64>,
}

impl RunPicture {
    /// A picture of a run of which only `run.json` is known.
    pub fn new(info: RunInfo) -> RunPicture {
        let mut picture = RunPicture::default();
        picture.set_info(info);
        picture
    }

    /// Takes what `run.json` says now.
    pub fn set_info(&mut self, info: RunInfo) {
        self.origin = info.started_at.or(self.origin);
        self.info = info;
        self.merge();
    }

    /// How the run stands. Without any word of an end it counts as running, until [`RunPicture::mark_lost`].
    pub fn state(&self) -> RunState {
        match (self.lifecycle, self.exit) {
            (Lifecycle::Gone, _) => RunState::Lost,
            (_, Some(exit)) => exit.state(),
            (_, None) => RunState::Running,
        }
    }

    /// The same, or `None` where nobody can say: a bare log does not tell whether its program lives.
    pub fn known_state(&self) -> Option<RunState> {
        (!self.mute || self.lifecycle != Lifecycle::Silent).then(|| self.state())
    }

    /// Says that the run's sources do not tell whether its program lives.
    pub fn mute(&mut self) {
        self.mute = true;
    }

    /// Says that the training process is gone without an exit that anybody saw. A later exit or start overrides it;
    /// a run that is over already stays as it is.
    pub fn mark_lost(&mut self) {
        if !self.state().is_over() {
            self.lifecycle = Lifecycle::Gone;
        }
    }

    /// The last step, by the best source that counts steps itself, else by the best source at all.
    pub fn step(&self) -> Option<Step> {
        let steps = || self.sources.values().rev().filter_map(|source| source.step);
        steps().find(|(_, said)| *said).or_else(|| steps().next()).map(|(step, _)| step)
    }

    /// When the run started, as far as anybody said.
    pub fn started_at(&self) -> Option<WallTime> {
        self.info.started_at.or(self.origin)
    }

    /// Which start of the run this is, 0-based.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The training process of the current attempt.
    pub fn pid(&self) -> Option<u32> {
        let started = |event: &Event| match event.kind {
            EventKind::Started { pid, .. } => Some(pid),
            _ => None,
        };
        self.events.iter().rev().find_map(started).or(self.info.pid)
    }

    /// The source whose points the series of `key` shows.
    pub fn source_of(&self, key: &MetricKey) -> Option<SourceRank> {
        self.owners.get(key).copied()
    }

    /// Takes one record of `source`. `fallback` is the time of a row whose source has no clock.
    pub fn apply(&mut self, source: SourceRank, record: Result<Record, Loss>, fallback: Option<WallTime>) {
        match record {
            Ok(Record::Row(row)) => self.row(source, &row, fallback),
            Ok(Record::Key(id, key)) => self.key(source, id.0, key),
            Ok(Record::Console(line)) => self.console.push(line),
            Ok(Record::Config(name, value)) => {
                if !self.info.config.contains_key(&name) && !self.config_patch.contains_key(&name) {
                    self.config.insert(name.clone(), value.clone());
                }
                self.tracker_config.insert(name, value);
            }
            Ok(Record::Summary(name, value)) => drop(self.summary.insert(name, value)),
            Ok(Record::Info(name, value)) => drop(self.remarks.insert(name.to_owned(), value)),
            Ok(Record::TotalSteps(steps)) if self.total_heard.is_none_or(|(best, _)| best <= source) => {
                self.total_heard = Some((source, steps));
                self.total_steps = self.info.total_steps.or(Some(steps));
            }
            Ok(Record::TotalSteps(_)) => {}
            Ok(Record::System(_, samples)) => self.system.extend(samples),
            Ok(Record::Alert(_) | Record::Media(_)) => {}
            Ok(Record::Exit(exit)) => {
                if matches!(self.lifecycle, Lifecycle::Silent | Lifecycle::Told | Lifecycle::Gone) && self.exit_is_open() {
                    (self.exit, self.lifecycle) = (Some(exit), Lifecycle::Told);
                }
            }
            Err(loss) => {
                self.losses.count += 1;
                self.losses.bytes += loss.bytes;
                self.losses.last.push_back((source, loss));
                if self.losses.last.len() > LOSSES_KEPT {
                    self.losses.last.pop_front();
                }
            }
        }
    }

    /// Takes one event.
    pub fn apply_event(&mut self, event: Event) {
        match &event.kind {
            EventKind::Started { attempt, .. } => {
                (self.exit, self.lifecycle, self.attempt) = (None, Lifecycle::Started, *attempt);
            }
            EventKind::Exit(exit) => (self.exit, self.lifecycle) = (Some(*exit), Lifecycle::Ended),
            EventKind::Config(patch) => {
                self.config_patch.extend(patch.clone());
                self.merge();
            }
            _ => {}
        }
        self.events.push_back(event);
        if self.events.len() > EVENTS_KEPT {
            self.events.pop_front();
        }
    }

    /// Forgets what `source` said, because it starts over.
    pub fn forget(&mut self, source: SourceRank) {
        self.sources.remove(&source);
        let owned: Vec<MetricKey> = self.owners.iter().filter(|(_, owner)| **owner == source).map(|(key, _)| key.clone()).collect();
        owned.iter().for_each(|key| self.disown(key));
        self.changed.extend(owned);
        if source == SourceRank::Stdout {
            self.console = Console::default();
        }
    }

    /// Forgets all events, because their file starts over.
    pub fn forget_events(&mut self) {
        self.events.clear();
        self.config_patch.clear();
        (self.exit, self.lifecycle, self.attempt) = (None, Lifecycle::Silent, 0);
        self.merge();
    }

    /// The keys whose series changed since the last call, each once.
    pub fn take_changed(&mut self) -> Vec<MetricKey> {
        self.round += 1;
        let mut changed = std::mem::take(&mut self.changed);
        changed.sort();
        changed.dedup();
        changed
    }

    /// No lifecycle of our own says anything, so a tracker's word on the end counts.
    fn exit_is_open(&self) -> bool {
        !self.events.iter().any(|event| matches!(event.kind, EventKind::Started { .. } | EventKind::Exit(_)))
    }

    fn merge(&mut self) {
        self.config = self.tracker_config.clone();
        self.config.extend(self.info.config.clone());
        self.config.extend(self.config_patch.clone());
        self.total_steps = self.info.total_steps.or(self.total_heard.map(|(_, steps)| steps));
    }

    /// Decides whether `source` or another one feeds the series of `key`.
    fn key(&mut self, source: SourceRank, id: u32, key: MetricKey) {
        let rivals: Vec<MetricKey> = self.loose.get(&loose_form(&key)).into_iter().flatten().cloned().collect();
        let is_same =
            |rival: &MetricKey, owner: SourceRank| *rival == key || (source == SourceRank::Stdout) != (owner == SourceRank::Stdout);
        let mut shown = true;
        for rival in rivals {
            match self.owners.get(&rival).copied().filter(|owner| is_same(&rival, *owner)) {
                Some(owner) if owner > source => shown = false,
                Some(owner) if owner < source => {
                    self.disown(&rival);
                    let slots = self.sources.get_mut(&owner).into_iter().flat_map(|loser| loser.slots.iter_mut().flatten());
                    slots.filter(|slot| slot.key == rival).for_each(|slot| slot.shown = false);
                    self.changed.push(rival);
                }
                _ => {}
            }
        }
        if shown && !self.owners.contains_key(&key) {
            self.owners.insert(key.clone(), source);
            self.loose.entry(loose_form(&key)).or_default().push(key.clone());
        }
        let slots = &mut self.sources.entry(source).or_default().slots;
        let at = id as usize;
        if at >= slots.len() {
            slots.resize_with(at + 1, || None);
        }
        slots[at] = Some(Slot { key, seat: Seat::default(), shown, writer: None, changed: None, echo: Echo::default() });
    }

    fn disown(&mut self, key: &MetricKey) {
        self.owners.remove(key);
        self.series.remove(key);
        if let Some(same) = self.loose.get_mut(&loose_form(key)) {
            same.retain(|k| k != key);
        }
    }

    fn row(&mut self, rank: SourceRank, row: &Row, fallback: Option<WallTime>) {
        let time = row.time.or(fallback);
        self.origin = self.origin.or(time);
        let Some(source) = self.sources.get_mut(&rank) else { return };
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
        source.counter = Some(step.0);
        source.step = Some((step, row.step.is_some() || source.step.is_some_and(|(_, said)| said)));
        // Alone, a console echoes nobody.
        if rank == SourceRank::Stdout && self.sources.len() > 1 {
            self.drop_echoes(step, &row.values);
        }
        let slots = self.sources.get_mut(&rank).map_or(&mut [][..], |source| &mut source.slots);
        for (id, value) in &row.values {
            let slot = slots.get_mut(id.0 as usize).and_then(Option::as_mut).filter(|slot| slot.shown);
            let Some(slot) = slot else { continue };
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
            let origin = self.origin;
            let series = self.series.get_or_insert(&slot.key, &mut slot.seat, || {
                let mut series = Series::new();
                origin.iter().for_each(|origin| series.set_origin(*origin));
                series
            });
            series.push(point);
        }
    }
}

impl RunPicture {
    /// A console often prints again what is logged under a longer name: `loss 2.3` beside `train/loss`. When the values of
    /// such a pair agree [`ECHOES_MIN`] times and never differ, the console's series goes.
    fn drop_echoes(&mut self, step: Step, values: &[(KeyId, f64)]) {
        let Some(source) = self.sources.get_mut(&SourceRank::Stdout) else { return };
        let mut dropped = vec![];
        for (id, value) in values {
            let Some(slot) = source.slots.get_mut(id.0 as usize).and_then(Option::as_mut).filter(|slot| slot.shown) else { continue };
            let echo = &mut slot.echo;
            if echo.looks >= ECHO_LOOKS_MAX {
                continue;
            }
            let tail = format!("/{}", loose_form(&slot.key));
            let longer = self.owners.iter().filter(|(key, owner)| **owner != SourceRank::Stdout && loose_form(key).ends_with(&tail));
            let logged =
                longer.filter_map(|(key, _)| self.series.get(key)?.nearest(XAxis::Step, step.0 as f64)).filter(|point| point.step == step);
            let alike: Vec<bool> = logged.map(|point| prints_alike(point.value, *value)).collect();
            if alike.is_empty() {
                continue;
            }
            echo.looks += 1;
            match alike.contains(&true) {
                true => echo.agreed += 1,
                false => echo.looks = ECHO_LOOKS_MAX,
            }
            if echo.agreed >= ECHOES_MIN && echo.looks < ECHO_LOOKS_MAX {
                slot.shown = false;
                dropped.push(slot.key.clone());
            }
        }
        for key in dropped {
            self.disown(&key);
            self.changed.push(key);
        }
    }
}

/// Whether two values are one, as far as a console prints it: four digits behind the point, or as many in all.
fn prints_alike(a: f64, b: f64) -> bool {
    a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= 1e-4 + 5e-4 * a.abs().max(b.abs())
}

/// A name as a console's names are compared: small letters, any run of separators as one.
fn loose_form(key: &MetricKey) -> String {
    let is_separator = |c: char| c.is_whitespace() || "_/-.".contains(c);
    let words: Vec<String> = key.as_str().split(is_separator).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    words.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::KeyId;
    use SourceRank::{Own, Stdout, Tracker};
    use serde_json::json;

    fn key(picture: &mut RunPicture, source: SourceRank, id: u32, name: &str) {
        picture.apply(source, Ok(Record::Key(KeyId(id), name.into())), None);
    }

    fn row(picture: &mut RunPicture, source: SourceRank, step: Option<i64>, values: &[(u32, f64)]) {
        let values = values.iter().map(|(id, value)| (KeyId(*id), *value)).collect();
        picture.apply(source, Ok(Record::Row(Row { step: step.map(Step), values, ..Row::default() })), WallTime::new(100.0));
    }

    fn points(picture: &RunPicture, name: &str) -> Vec<(i64, f64)> {
        picture.series.get(name).into_iter().flat_map(|s| s.points(0..s.len()).map(|p| (p.step.0, p.value)).collect::<Vec<_>>()).collect()
    }

    fn event(picture: &mut RunPicture, kind: EventKind) {
        picture.apply_event(Event { t: WallTime::new(1.0).unwrap(), author: "og".into(), kind });
    }

    #[test]
    fn the_better_source_wins_whichever_comes_first() {
        for own_first in [true, false] {
            let mut picture = RunPicture::default();
            let own = |picture: &mut RunPicture| {
                key(picture, Own, 0, "train/loss");
                row(picture, Own, Some(1), &[(0, 1.0)]);
            };
            if own_first {
                own(&mut picture);
            }
            key(&mut picture, Stdout, 0, "Train loss");
            key(&mut picture, Stdout, 1, "speed");
            row(&mut picture, Stdout, Some(1), &[(0, 1.01), (1, 5.0)]);
            if !own_first {
                assert_eq!(points(&picture, "Train loss"), [(1, 1.01)]);
                own(&mut picture);
            }
            row(&mut picture, Stdout, Some(2), &[(0, 2.02), (1, 6.0)]);
            assert_eq!(points(&picture, "train/loss"), [(1, 1.0)]);
            assert_eq!(points(&picture, "Train loss"), []);
            assert_eq!(points(&picture, "speed"), [(1, 5.0), (2, 6.0)]);
            assert_eq!(picture.source_of(&"train/loss".into()), Some(Own));
        }
    }

    #[test]
    fn a_console_that_prints_a_logged_value_again_adds_no_series() {
        let mut picture = RunPicture::default();
        key(&mut picture, Own, 0, "train/loss");
        key(&mut picture, Own, 1, "val/loss");
        key(&mut picture, Stdout, 0, "loss");
        key(&mut picture, Stdout, 1, "time");
        for step in 0..5 {
            row(&mut picture, Own, Some(step), &[(0, 2.512345 - step as f64 * 0.1), (1, 3.0)]);
            row(&mut picture, Stdout, Some(step), &[(0, ((2.512345 - step as f64 * 0.1) * 1e4_f64).round() / 1e4), (1, 12.0)]);
        }
        assert_eq!(picture.series.keys().map(MetricKey::as_str).collect::<Vec<_>>(), ["time", "train/loss", "val/loss"]);

        let mut picture = RunPicture::default();
        key(&mut picture, Own, 0, "train/loss");
        key(&mut picture, Stdout, 0, "loss");
        for step in 0..5 {
            row(&mut picture, Own, Some(step), &[(0, 2.5)]);
            row(&mut picture, Stdout, Some(step), &[(0, 2.6)]);
        }
        assert_eq!(points(&picture, "loss").len(), 5, "another value is another metric");
    }

    #[test]
    fn trackers_must_agree_on_the_letter() {
        let mut picture = RunPicture::default();
        key(&mut picture, Own, 0, "train/loss");
        key(&mut picture, Tracker(0), 0, "train_loss");
        key(&mut picture, Tracker(0), 1, "train/loss");
        row(&mut picture, Own, Some(1), &[(0, 1.0)]);
        row(&mut picture, Tracker(0), Some(1), &[(0, 2.0), (1, 3.0)]);
        assert_eq!(points(&picture, "train/loss"), [(1, 1.0)]);
        assert_eq!(points(&picture, "train_loss"), [(1, 2.0)]);
    }

    #[test]
    fn rows_without_steps_are_counted_and_lose_nothing() {
        let mut picture = RunPicture::default();
        key(&mut picture, Stdout, 0, "loss");
        key(&mut picture, Stdout, 1, "val");
        (0..3).for_each(|i| row(&mut picture, Stdout, None, &[(0, f64::from(i))]));
        assert_eq!(points(&picture, "loss"), [(0, 0.0), (1, 1.0), (2, 2.0)]);
        row(&mut picture, Stdout, Some(10), &[(0, 9.0)]);
        row(&mut picture, Stdout, None, &[(1, 5.0)]);
        row(&mut picture, Stdout, None, &[(1, 6.0)]);
        assert_eq!(points(&picture, "val"), [(10, 5.0), (11, 6.0)]);
        assert_eq!(picture.series["val"].last().unwrap().time, WallTime::new(100.0));
    }

    #[test]
    fn the_step_is_that_of_the_best_source_that_counts() {
        let mut picture = RunPicture::default();
        key(&mut picture, Own, 0, "a");
        key(&mut picture, Stdout, 0, "b");
        row(&mut picture, Own, None, &[(0, 1.0)]);
        assert_eq!(picture.step(), Some(Step(0)));
        row(&mut picture, Stdout, Some(500), &[(0, 1.0)]);
        assert_eq!(picture.step(), Some(Step(500)));
        row(&mut picture, Own, Some(400), &[(0, 1.0)]);
        assert_eq!(picture.step(), Some(Step(400)));
    }

    #[test]
    fn another_rank_and_an_older_attempt_do_not_mix_in() {
        let mut picture = RunPicture::default();
        key(&mut picture, Own, 0, "loss");
        for (attempt, rank, step) in [(0, 0, 1), (0, 1, 1), (0, 0, 2), (1, 3, 2), (0, 0, 3), (1, 0, 3), (1, 3, 3)] {
            let values = vec![(KeyId(0), f64::from(attempt * 10 + rank))];
            picture.apply(Own, Ok(Record::Row(Row { step: Some(Step(step)), attempt, rank, values, ..Row::default() })), None);
        }
        assert_eq!(points(&picture, "loss"), [(1, 0.0), (2, 13.0), (3, 13.0)]);
    }

    #[test]
    fn our_own_word_on_the_end_counts_most() {
        let mut picture = RunPicture::default();
        let told = Exit { code: Some(0), ..Exit::default() };
        assert_eq!(picture.state(), RunState::Running);
        picture.apply(Tracker(0), Ok(Record::Exit(told)), None);
        assert_eq!(picture.state(), RunState::Finished);
        event(&mut picture, EventKind::Started { pid: 7, attempt: 0 });
        picture.apply(Tracker(0), Ok(Record::Exit(told)), None);
        assert_eq!((picture.state(), picture.pid()), (RunState::Running, Some(7)));
        picture.mark_lost();
        assert_eq!(picture.state(), RunState::Lost);
        picture.apply(Tracker(0), Ok(Record::Exit(told)), None);
        assert_eq!(picture.state(), RunState::Lost);
        event(&mut picture, EventKind::Exit(Exit { code: Some(7), ..Exit::default() }));
        assert_eq!(picture.state(), RunState::Failed);
        picture.mark_lost();
        assert_eq!(picture.state(), RunState::Failed);
        event(&mut picture, EventKind::Started { pid: 8, attempt: 1 });
        assert_eq!((picture.state(), picture.attempt()), (RunState::Running, 1));
    }

    #[test]
    fn config_is_layered() {
        let config = |lr: f64| BTreeMap::from([("lr".to_owned(), json!(lr))]);
        let mut picture = RunPicture::new(RunInfo { config: config(0.1), ..RunInfo::default() });
        picture.apply(Tracker(0), Ok(Record::Config("lr".into(), json!(0.5))), None);
        picture.apply(Tracker(0), Ok(Record::Config("seed".into(), json!(1))), None);
        assert_eq!((&picture.config["lr"], &picture.config["seed"]), (&json!(0.1), &json!(1)));
        event(&mut picture, EventKind::Config(config(0.01)));
        picture.set_info(RunInfo { config: config(0.2), total_steps: Some(9), ..RunInfo::default() });
        picture.apply(Tracker(0), Ok(Record::TotalSteps(5)), None);
        picture.apply(Stdout, Ok(Record::TotalSteps(3)), None);
        assert_eq!((&picture.config["lr"], picture.total_steps), (&json!(0.01), Some(9)));
        picture.set_info(RunInfo::default());
        assert_eq!(picture.total_steps, Some(5));
    }

    #[test]
    fn console_losses_and_changes_are_bounded_and_counted() {
        let mut picture = RunPicture::default();
        (0..CONSOLE_LINES_MAX + 3).for_each(|i| picture.apply(Stdout, Ok(Record::Console(i.to_string())), None));
        assert_eq!((picture.console.lines().next(), picture.console.dropped()), (Some("3"), 3));
        (0..9).for_each(|_| picture.apply(Stdout, Ok(Record::Console("é".repeat(1 << 20))), None));
        assert!(picture.console.bytes <= CONSOLE_BYTES_MAX);
        (0..20).for_each(|i| picture.apply(Own, Err(Loss { offset: i, bytes: 5, reason: String::new() }), None));
        assert_eq!((picture.losses.count, picture.losses.bytes, picture.losses.last.len()), (20, 100, LOSSES_KEPT));
        key(&mut picture, Own, 0, "a");
        row(&mut picture, Own, Some(1), &[(0, 1.0)]);
        row(&mut picture, Own, Some(2), &[(0, 1.0)]);
        assert_eq!(picture.take_changed(), ["a".into()]);
        assert_eq!(picture.take_changed(), []);
        picture.forget(Own);
        assert_eq!(picture.take_changed(), ["a".into()]);
        assert!(picture.series.is_empty() && picture.step().is_none());
    }
}
