//! What all sources of a run come to, as of now.

mod console;
mod echoes;
mod global_step;
mod kept;
mod merge;
mod rules;
mod samples;

pub use console::{Console, Printed};
pub(super) use global_step::is_global_step;
pub use kept::{Alerts, Losses, MediaShelf};
pub use merge::{Given, Twin};
pub use rules::{MetricRule, MetricRules};
pub use samples::Samples;

use super::{
    event::{Event, EventKind},
    folder::RunInfo,
};
use crate::model::{Exit, MetricKey, RunState, SeriesMap, Step, WallTime, num};
use crate::source::{Alert, Kind, LineRef, Loss, Record};
use merge::{Source, Twins};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// Where a record comes from, worst first: when two sources log the same key, the better one is shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SourceRank {
    /// Read off the console.
    Stdout,
    /// A table or lines that the training writes itself; a run may have several, told apart by number.
    Table(u16),
    /// A tracker's own file; a run may have several, told apart by number.
    Tracker(u16),
    /// Logged with og.
    Own,
}

/// Events kept. A run has tens; a program in a loop may have more, and `events.jsonl` has them all.
const EVENTS_KEPT: usize = 10_000;

/// The live view of one run: everything that its sources said, merged.
///
/// A key that two sources log is one series, from the better source ([`SourceRank`]), unless they are of one kind
/// ([`RunPicture::set_names`]). Names must be equal; only a name
/// read off the console also equals names that differ in case or in `_`, `/`, `-`, `.` and space.
///
/// A row of another rank than the one that first logged a key in an attempt does not touch that key, nor does a row of an
/// older attempt.
#[derive(Debug, Default)]
pub struct RunPicture {
    /// What `run.json` says.
    pub info: RunInfo,
    /// Hyperparameters: those of trackers, under those of `run.json`, under patches made during the run. Nested as logged.
    pub config: BTreeMap<String, Value>,
    /// Last values by the trackers' own account.
    pub summary: BTreeMap<String, Value>,
    /// Keys of which a tracker took the last value back.
    pub summary_removed: BTreeSet<String>,
    /// What trackers say about the run itself, by field name.
    pub remarks: BTreeMap<String, Value>,
    /// The points.
    pub series: SeriesMap,
    /// How the run ended, once it has.
    pub exit: Option<Exit>,
    /// Steps that the run means to take.
    pub total_steps: Option<i64>,
    /// How metrics are meant to be drawn.
    pub rules: MetricRules,
    /// What people were asked to look at.
    pub alerts: Alerts,
    /// What was logged that is no number.
    pub media: MediaShelf,
    /// What could not be read.
    pub losses: Losses,
    /// Sources that cannot be read at all right now, and why.
    pub problems: BTreeMap<SourceRank, String>,
    /// The last lines of the console.
    pub console: Console,
    /// What happened, oldest first; the last ten thousand.
    pub events: VecDeque<Event>,
    /// How its machine was, as its sources sampled it.
    pub system: Samples,
    lifecycle: Lifecycle,
    mute: bool,
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
    /// Keys that sources announced, so that who looks at all of them looks again only when there are others.
    keys_heard: u64,
    /// `None`: nobody asked.
    twins: Option<Twins>,
    /// Who told the exit.
    told_by: Option<SourceRank>,
    /// Names of sources of which there may be several of one kind, best first.
    names: BTreeMap<SourceRank, Vec<String>>,
    /// What sources are of which the rank does not tell it.
    kinds: BTreeMap<SourceRank, Kind>,
    /// See [`RunPicture::align_steps`].
    aligns: bool,
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
    /// The caller found it gone, which means this state.
    Gone(RunState),
}

impl RunPicture {
    /// A picture of a run of which only `run.json` is known.
    pub fn new(info: RunInfo) -> RunPicture {
        let mut picture = RunPicture::default();
        picture.set_info(info);
        picture
    }

    /// Says what a source is called, should another of its kind log the same keys: they mean other things then, such as
    /// the losses in the folders `train` and `validation`, and the later source puts its name before them.
    pub fn set_names(&mut self, source: SourceRank, names: Vec<String>) {
        self.names.insert(source, names);
    }

    /// Says what a tracker or a table is.
    pub fn set_kind(&mut self, source: SourceRank, kind: Kind) {
        self.kinds.insert(source, kind);
    }

    /// What a tracker or a table is, where somebody said so.
    pub fn kind_of(&self, source: SourceRank) -> Option<Kind> {
        self.kinds.get(&source).copied()
    }

    /// Takes what `run.json` says now.
    pub fn set_info(&mut self, info: RunInfo) {
        // A tracker may say when the run started behind its first rows.
        if let Some(started) = info.started_at.filter(|started| self.origin != Some(*started)) {
            self.origin = Some(started);
            self.series.values_mut().for_each(|series| series.set_origin(started));
        }
        self.info = info;
        self.merge();
    }

    /// How the run stands. Without any word of an end it counts as running, until [`RunPicture::mark_lost`].
    pub fn state(&self) -> RunState {
        match (self.lifecycle, self.exit) {
            (Lifecycle::Gone(state), _) => state,
            (_, Some(exit)) => exit.state(),
            (_, None) => RunState::Running,
        }
    }

    /// The same, or `None` where nobody can say: a bare log does not tell whether its program lives.
    pub fn known_state(&self) -> Option<RunState> {
        (!self.mute || self.lifecycle != Lifecycle::Silent).then(|| self.state())
    }

    /// Whether a source gave rows and never said at which step they stand.
    pub fn is_counted(&self, source: SourceRank) -> bool {
        self.sources.get(&source).and_then(|source| source.step).is_some_and(|(_, said)| !said)
    }

    /// Says that the run's sources do not tell whether its program lives.
    pub fn mute(&mut self) {
        self.mute = true;
    }

    /// Says that the training process is gone without an exit that anybody saw. A later exit or start overrides it;
    /// a run that is over already stays as it is.
    pub fn mark_lost(&mut self) {
        self.mark_gone(RunState::Lost);
    }

    /// Says that the run's tracker fell silent without an exit, which by the tracker's own rule is a crash. As [`RunPicture::mark_lost`].
    /// Whether that is new.
    pub fn mark_crashed(&mut self) -> bool {
        self.mark_gone(RunState::Crashed)
    }

    /// Says that the tracker writes again. Whether it had been taken for crashed.
    pub fn revive(&mut self) -> bool {
        let is_gone = self.lifecycle == Lifecycle::Gone(RunState::Crashed);
        if is_gone {
            self.lifecycle = Lifecycle::Silent;
        }
        is_gone
    }

    fn mark_gone(&mut self, state: RunState) -> bool {
        let is_new = !self.state().is_over();
        if is_new {
            self.lifecycle = Lifecycle::Gone(state);
        }
        is_new
    }

    /// The last step, by the best source that counts steps itself, else by the best source at all.
    pub fn step(&self) -> Option<Step> {
        let steps = || self.sources.values().rev().filter_map(|source| source.step);
        let best = steps().find(|(_, said)| *said).or_else(|| steps().next()).map(|(step, _)| step);
        let said_by = |rank| self.sources.get(&rank)?.step.filter(|(_, said)| *said).map(|(step, _)| step);
        // Whoever says how many there will be may be ahead, or the best source count something else.
        let told = self.total_heard.and_then(|(rank, _)| said_by(rank));
        // Where a tracker says the step of the training, that is what the console counts, mostly in smaller strides.
        let printed = self.tells_global_steps().next().and_then(|_| said_by(SourceRank::Stdout));
        best.max(told).max(printed)
    }

    /// When the run started, as far as anybody said.
    pub fn started_at(&self) -> Option<WallTime> {
        self.info.started_at.or(self.origin)
    }

    /// The training process that was started last.
    pub fn pid(&self) -> Option<u32> {
        let started = |event: &Event| match event.kind {
            EventKind::Started { pid } => Some(pid),
            _ => None,
        };
        self.events.iter().rev().find_map(started).or(self.info.pid)
    }

    /// The source whose points the series of `key` shows.
    pub fn source_of(&self, key: &MetricKey) -> Option<SourceRank> {
        self.owners.get(key).copied()
    }

    /// Where its metrics come from, and the trackers that may have more to say.
    pub fn sources(&self) -> BTreeSet<SourceRank> {
        let trackers = self.kinds.keys().filter(|rank| matches!(rank, SourceRank::Tracker(_)));
        self.owners.values().chain(trackers).copied().collect()
    }

    /// What each source gave, the best source first.
    pub fn given(&self) -> impl Iterator<Item = (SourceRank, Given)> {
        self.sources.iter().rev().map(|(rank, source)| (*rank, source.given))
    }

    /// Values that the series hold, superseded ones included.
    pub fn points(&self) -> u64 {
        self.series.values().map(|series| (series.len() + series.superseded()) as u64).sum()
    }

    /// From now on, compares the values of keys that two sources log. Costs a search for each value that is not shown.
    pub fn compare_sources(&mut self) {
        self.twins = Some(Twins::default());
    }

    /// The keys that two sources log, since [`RunPicture::compare_sources`].
    pub fn twins(&self) -> impl Iterator<Item = &Twin> {
        self.twins.iter().flat_map(Twins::iter)
    }

    /// Counts bytes that were read of `source`.
    pub fn note_bytes(&mut self, source: SourceRank, bytes: u64) {
        if bytes > 0 {
            self.sources.entry(source).or_default().given.bytes += bytes;
        }
    }

    /// Takes one record of `source`. `fallback` is the time of a row whose source has no clock.
    pub fn apply(&mut self, source: SourceRank, record: Result<Record, Loss>, fallback: Option<WallTime>) {
        let record = match record {
            Ok(Record::Row(row)) => return self.row(source, &row, fallback),
            Ok(Record::Console(line)) => return self.line(source, line.borrowed()),
            Ok(record) => record,
            Err(loss) => {
                self.sources.entry(source).or_default().given.losses += 1;
                return self.losses.push(source, loss);
            }
        };
        let given = &mut self.sources.entry(source).or_default().given;
        match record {
            Record::Row(_) | Record::Console(_) => {}
            Record::Superseded(step) => self.supersede(source, step),
            Record::Key(id, key) => self.key(source, id.0, key),
            Record::Config(name, value) => {
                given.config += 1;
                if !self.info.config.contains_key(&name) && !self.config_patch.contains_key(&name) {
                    self.config.insert(name.clone(), value.clone());
                }
                self.tracker_config.insert(name, value);
            }
            Record::ConfigRemoved(name) => {
                self.tracker_config.remove(&name);
                self.merge();
            }
            Record::Summary(name, value) => {
                self.summary_removed.remove(&name);
                self.summary.insert(name, value);
            }
            Record::SummaryRemoved(name) => {
                self.summary.remove(&name);
                self.summary_removed.insert(name);
            }
            Record::Info("metric", rule) => self.rules.take(&rule),
            Record::Info(name, value) => drop(self.remarks.insert(name.to_owned(), value)),
            Record::TotalSteps(steps) if self.total_heard.is_none_or(|(best, _)| best <= source) => {
                self.total_heard = Some((source, steps));
                self.total_steps = self.info.total_steps.or(Some(steps));
            }
            Record::TotalSteps(_) => {}
            Record::System(time, samples) => {
                given.system_samples += 1;
                self.system.take(source, time.or(fallback), samples);
            }
            Record::Alert(alert) => {
                given.alerts += 1;
                self.alerts.push(Some(source), alert);
            }
            Record::Media(media) => {
                given.media += 1;
                self.media.push(source, *media);
            }
            Record::Exit(exit) => {
                if matches!(self.lifecycle, Lifecycle::Silent | Lifecycle::Told | Lifecycle::Gone(_)) && self.exit_is_open() {
                    (self.exit, self.lifecycle, self.told_by) = (Some(exit), Lifecycle::Told, Some(source));
                }
            }
        }
    }

    /// Takes one line of the console.
    pub(in crate::store) fn line(&mut self, source: SourceRank, line: LineRef<'_>) {
        self.sources.entry(source).or_default().given.console_lines += 1;
        self.console.push(source, line);
    }

    /// Takes one event.
    pub fn apply_event(&mut self, event: Event) {
        match &event.kind {
            EventKind::Started { .. } => (self.exit, self.lifecycle) = (None, Lifecycle::Started),
            EventKind::Exit(exit) => (self.exit, self.lifecycle) = (Some(*exit), Lifecycle::Ended),
            EventKind::Config(patch) => {
                self.config_patch.extend(patch.clone());
                self.merge();
            }
            EventKind::Other(kind, fields) if kind == "alert" => self.alerts.push(None, alert(fields, event.t)),
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
        self.console.forget(source);
        self.losses.forget(source);
        self.alerts.forget(Some(source));
        self.media.forget(source);
        self.system.forget(source);
        if let Some(twins) = &mut self.twins {
            twins.forget(source);
        }
        if self.lifecycle == Lifecycle::Told && self.told_by == Some(source) {
            (self.exit, self.lifecycle) = (None, Lifecycle::Silent);
        }
        if self.total_heard.is_some_and(|(best, _)| best == source) {
            (self.total_heard, self.total_steps) = (None, self.info.total_steps);
        }
    }

    /// Forgets all events, because their file starts over.
    pub fn forget_events(&mut self) {
        self.events.clear();
        self.alerts.forget(None);
        self.config_patch.clear();
        (self.exit, self.lifecycle) = (None, Lifecycle::Silent);
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
}

/// An alert as our own events tell it.
fn alert(fields: &Map<String, Value>, time: WallTime) -> Alert {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
    let level = match text("level").unwrap_or_default().to_lowercase().as_str() {
        "info" => "info",
        "error" => "error",
        _ => "warn",
    };
    let step = fields.get("step").and_then(num::from_json).map(|step| Step(step as i64));
    let title = text("title").or_else(|| text("rule")).unwrap_or_else(|| "alert".into());
    Alert { title, text: text("text").unwrap_or_default(), level, step, time: Some(time) }
}

#[cfg(test)]
mod tests;
