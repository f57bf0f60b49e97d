//! What the panes say of a run besides its curves.

use super::{strip::Part, theme::Theme};
use crate::model::{Exit, MetricKey, RunState, Series, Step, WallTime};
use crate::query::{self, Sampled};
use crate::source::Kind;
use crate::store::{EventKind, RunPicture, SourceRank};
use crate::text;
use std::sync::Arc;

/// The series of a run by key.
pub use crate::model::SeriesMap;

/// A run as the lines of a pane tell of it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Facts {
    /// Name of the run.
    pub name: String,
    /// State by the run's own files.
    pub state: Option<RunState>,
    /// How it ended, by its own files.
    pub exit: Option<Exit>,
    /// What the controller says of the end, which it sees first.
    pub told: Option<Exit>,
    /// Last step.
    pub step: Option<i64>,
    /// Steps that it means to take.
    pub total_steps: Option<i64>,
    /// The step at which it went on from another run.
    pub from_step: Option<i64>,
    /// Steps per second of late.
    pub rate: Option<f64>,
    /// When it started, Unix seconds.
    pub started_at: Option<f64>,
    /// The training command.
    pub command: String,
    /// Time of the last point, Unix seconds: what "now" means to an estimate that must not tick.
    pub last_at: Option<f64>,
    /// All metric keys in the order of panels.
    pub keys: Arc<[MetricKey]>,
    /// What is read, in words: `metrics.jsonl + stdout`.
    pub source: String,
    /// The files that are watched, in words: for when nothing came out of them.
    pub watched: String,
    /// How long a point that was written may take to the screen, in milliseconds.
    pub lag_ms_max: u64,
    /// Stretches of input that could not be read.
    pub losses: u64,
    /// No look at the run has reached its end yet.
    pub loading: bool,
    /// Why something cannot be read at all.
    pub problem: Option<String>,
    /// The last checkpoint: its step, and when it was saved, Unix seconds.
    pub checkpoint: Option<(Option<i64>, f64)>,
    /// Alerts in all, and the title of the last one.
    pub alerts: (u64, String),
    /// What the run's own samples of its machine say, in words.
    pub system: String,
    /// The last line that it printed before it failed: what went wrong, as a rule.
    pub last_words: String,
}

/// The metric keys of a run in the order of panels. Thousands of them are put in order only when keys come or go, not whenever
/// the run logs.
#[derive(Debug, Default)]
pub struct Order {
    /// The keys that have points, by name.
    known: Vec<MetricKey>,
    ranked: Arc<[MetricKey]>,
}

impl Order {
    /// The keys of these series that have points.
    pub fn of(&mut self, series: &SeriesMap) -> Arc<[MetricKey]> {
        let keys = || series.iter().filter(|(_, series)| !series.is_empty()).map(|(key, _)| key);
        if !keys().eq(&self.known) {
            self.known = keys().cloned().collect();
            self.ranked = query::rank_keys(&self.known).into();
        }
        Arc::clone(&self.ranked)
    }
}

impl Facts {
    /// What a picture of a run says. `loading`: no look has reached its end yet. `order`: of the keys at the last look.
    pub fn of(picture: &RunPicture, loading: bool, order: &mut Order) -> Facts {
        let info = &picture.info;
        let mut facts = Facts {
            name: if info.name.is_empty() { info.id.clone() } else { info.name.clone() },
            state: picture.known_state(),
            exit: picture.exit,
            step: picture.step().map(|step| step.0),
            total_steps: picture.total_steps,
            from_step: info.parent.as_ref().and_then(|parent| parent.step),
            started_at: picture.started_at().map(WallTime::secs),
            command: info.command.join(" "),
            losses: picture.losses.count,
            loading,
            problem: picture.problems.values().next().cloned(),
            checkpoint: picture.events.iter().rev().find_map(|event| match &event.kind {
                EventKind::Checkpoint { step, .. } => Some((*step, event.t.secs())),
                _ => None,
            }),
            alerts: (picture.alerts.count, picture.alerts.last.back().map(|(_, alert)| alert.title.clone()).unwrap_or_default()),
            system: system_words(picture.system.last()),
            last_words: last_words(picture),
            ..Facts::default()
        };
        facts.pace(&picture.series, order);
        facts.source = source_words(picture).join(" + ");
        facts
    }

    /// The pace of the run, from the series that says most of it: last step, rate, time of the last point.
    pub fn pace(&mut self, series: &SeriesMap, order: &mut Order) {
        let leading = series.values().filter(|s| !s.is_empty()).max_by_key(|s| (s.last().map(|p| p.step), s.len()));
        let last = leading.and_then(Series::last);
        self.step = self.step.or(last.map(|p| p.step.0));
        self.last_at = last.and_then(|p| p.time).map(|t| t.secs());
        self.rate = leading.and_then(query::rate);
        self.keys = order.of(series);
    }

    /// How the run ended, by whoever knows.
    pub fn end(&self) -> Option<Exit> {
        self.exit.or(self.told)
    }

    /// How the run stands, by whoever knows more.
    pub fn run_state(&self) -> Option<RunState> {
        match self.state {
            Some(state) if state.is_over() => Some(state),
            state => self.told.map(|exit| exit.state()).or(state),
        }
    }

    /// Seconds until the last step, while it runs.
    pub fn eta(&self) -> Option<f64> {
        query::eta(Step(self.step?), self.total_steps, self.rate).filter(|_| self.is_live())
    }

    /// Whether steps may still come.
    pub fn is_live(&self) -> bool {
        self.run_state().is_none_or(|state| !state.is_over())
    }

    /// Part done, 0 to 1.
    pub fn progress(&self) -> Option<f64> {
        let total = self.total_steps.filter(|total| *total > 0)?;
        Some((self.step? as f64 / total as f64).clamp(0.0, 1.0))
    }

    /// `running`, `failed (exit 3)`, `crashed (signal 9)`.
    pub fn state_text(&self) -> String {
        let Some(state) = self.run_state() else { return "state unknown".into() };
        match self.end() {
            Some(Exit { signal: Some(signal), .. }) => format!("{state} (signal {signal})"),
            Some(Exit { code: Some(code), .. }) => format!("{state} (exit {code})"),
            _ => state.to_string(),
        }
    }

    /// `step 1,200/5,000`, empty without a step.
    pub fn step_text(&self) -> String {
        match (self.step, self.total_steps) {
            (Some(step), Some(total)) => format!("step {}/{}", grouped(step), grouped(total)),
            (Some(step), None) => format!("step {}", grouped(step)),
            (None, _) => String::new(),
        }
    }

    /// `3.2 it/s` or `4.1 s/it`, empty without a rate and for a run that is over.
    pub fn rate_text(&self) -> String {
        match self.rate.filter(|_| self.is_live()) {
            Some(rate) if rate >= 1.0 => format!("{} it/s", text::number(rate, 3)),
            Some(rate) if rate > 0.0 => format!("{} s/it", text::number(1.0 / rate, 3)),
            _ => String::new(),
        }
    }

    /// `2 blocks skipped`, empty when nothing was.
    pub fn losses_text(&self) -> String {
        match self.losses {
            0 => String::new(),
            1 => "1 block skipped".into(),
            n => format!("{n} blocks skipped"),
        }
    }

    /// `loading`, `live` or `ended`.
    pub fn reading(&self) -> &'static str {
        match (self.loading, self.is_live()) {
            (true, _) => "loading",
            (false, true) => "live",
            (false, false) => "ended",
        }
    }

    /// The same, with how long a new point may take to the screen.
    pub fn live_text(&self) -> String {
        match self.reading() {
            "live" if self.lag_ms_max > 0 => format!("live {} ms", self.lag_ms_max),
            word => word.into(),
        }
    }

    /// What is read, and how that goes.
    pub fn source_line(&self) -> String {
        let parts = [self.source.as_str(), self.reading(), &self.losses_text()];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" | ")
    }

    /// The name in a row of this width: cut, so that state and step have room beside it.
    pub fn name_in(&self, width: u16) -> String {
        const CELLS_MIN: usize = 12;
        text::cut_middle(&self.name, (usize::from(width) / 3).max(CELLS_MIN)).into_owned()
    }

    /// Name, state, step and pace: the start of a row of this width.
    pub fn head(&self, theme: &Theme, width: u16) -> Vec<Part> {
        let style = theme.state(self.run_state());
        vec![
            Part::new(self.name_in(width), theme.title(), 14),
            Part::new(format!("{} {}", theme.state_sign(self.run_state()), self.state_text()), style, 16),
            Part::new(self.step_text(), theme.value(), 15),
            Part::joined(self.progress().map(text::percent).unwrap_or_default(), theme.quiet(), 12),
            Part::new(self.rate_text(), theme.quiet(), 10),
        ]
    }
}

fn last_words(picture: &RunPicture) -> String {
    let failed = picture.known_state() == Some(RunState::Failed);
    let last = || picture.console.lines().rev().find(|line| !line.trim().is_empty());
    if failed { last().unwrap_or_default().trim().to_owned() } else { String::new() }
}

/// The samples of a machine in a few words: how busy its cores and GPUs are. Names as wandb and Trackio give them:
/// `system.cpu`, `system.gpu.0.gpu`, `gpu/0/utilization`.
fn system_words<'a>(samples: impl Iterator<Item = (&'a str, f64)>) -> String {
    let Sampled { cpu, memory, gpus } = query::sampled(samples);
    let gpu = query::mean(gpus.values().map(|gpu| gpu.busy));
    let word = |what: &str, percent: f64, many: usize| {
        let many = if many > 1 { format!(" ({many})") } else { String::new() };
        format!("{what} {}{many}", text::percent(percent / 100.0))
    };
    let words = [("cpu", cpu, 1), ("mem", memory, 1), ("gpu", gpu, gpus.len())];
    let words = words.into_iter().filter_map(|(what, found, many)| Some(word(what, found?, many)));
    words.collect::<Vec<_>>().join("  ")
}

/// What a run is read from, by the names that people have for it, the best first and each once.
fn source_words(picture: &RunPicture) -> Vec<&'static str> {
    let word = |source: SourceRank| match (source, picture.kind_of(source)) {
        (SourceRank::Own, _) => "metrics.jsonl",
        (SourceRank::Stdout, _) => "stdout",
        (_, Some(Kind::Wandb | Kind::WandbRun)) => "wandb",
        (_, Some(Kind::Trackio)) => "trackio",
        (_, Some(Kind::Tviz)) => "tviz",
        (_, Some(Kind::TfEvents)) => "tfevents",
        (_, Some(Kind::Jsonl)) => "jsonl",
        (_, Some(Kind::Csv)) => "csv",
        (_, Some(Kind::Json)) => "json",
        (SourceRank::Tracker(_), _) => "tracker",
        (SourceRank::Table(_), _) => "file",
    };
    let mut words: Vec<&str> = vec![];
    for word in picture.sources().into_iter().rev().map(word) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words
}

/// A number with commas: `1,200`.
pub fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut out = if number < 0 { "-".to_owned() } else { String::new() };
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{KeyId, Record, Row};
    use crate::store::RunInfo;

    #[test]
    fn samples_of_a_machine_are_told_by_their_names() {
        let wandb = [("system.cpu", 31.0), ("system.gpu.0.gpu", 90.0), ("system.gpu.1.gpu", 100.0), ("system.gpu.0.temp", 60.0)];
        assert_eq!(system_words(wandb.into_iter()), "cpu 31%  gpu 95% (2)");
        assert_eq!(system_words([("gpu/0/utilization", 50.0), ("memory", f64::NAN)].into_iter()), "gpu 50%");
        assert_eq!(system_words(std::iter::empty()), "");
    }

    #[test]
    fn numbers_have_commas() {
        assert_eq!([0, 999, 1200, -1234567].map(grouped), ["0", "999", "1,200", "-1,234,567"]);
        assert_eq!(grouped(i64::MIN), "-9,223,372,036,854,775,808");
    }

    #[test]
    fn the_end_is_told_by_whoever_knows_it() {
        let told = Some(Exit { code: Some(3), ..Exit::default() });
        let mut facts = Facts { state: Some(RunState::Running), told, ..Facts::default() };
        assert_eq!(facts.state_text(), "failed (exit 3)");
        facts.exit = Some(Exit { signal: Some(9), ..Exit::default() });
        facts.state = Some(RunState::Crashed);
        assert_eq!(facts.state_text(), "crashed (signal 9)");
    }

    #[test]
    fn a_picture_of_a_run_gives_name_pace_keys_and_sources() {
        let info = RunInfo { name: "calm-otter".into(), total_steps: Some(100), ..RunInfo::default() };
        let mut picture = RunPicture::new(info);
        for (source, key) in [(SourceRank::Own, "lr"), (SourceRank::Stdout, "loss")] {
            picture.apply(source, Ok(Record::Key(KeyId(0), key.into())), None);
            for step in 0..=50 {
                let row =
                    Row { step: Some(Step(step)), time: WallTime::new(step as f64 / 4.0), values: vec![(KeyId(0), 1.0)], ..Row::default() };
                picture.apply(source, Ok(Record::Row(row)), None);
            }
        }
        let mut order = Order::default();
        let facts = Facts::of(&picture, false, &mut order);
        assert_eq!((facts.name.as_str(), facts.source.as_str()), ("calm-otter", "metrics.jsonl + stdout"));
        assert_eq!(*facts.keys, ["loss", "lr"].map(MetricKey::from));
        assert!(Arc::ptr_eq(&facts.keys, &Facts::of(&picture, false, &mut order).keys), "no key came");
        assert_eq!((facts.step, facts.rate, facts.eta(), facts.progress()), (Some(50), Some(4.0), Some(12.5), Some(0.5)));
    }

    #[test]
    fn sources_are_called_by_the_names_that_people_have_for_them() {
        let mut picture = RunPicture::default();
        let mut words = |source, kind| {
            picture.set_kind(source, kind);
            source_words(&picture).join(" + ")
        };
        assert_eq!(words(SourceRank::Tracker(0), Kind::WandbRun), "wandb", "before its first value");
        assert_eq!(words(SourceRank::Tracker(1), Kind::TfEvents), "tfevents + wandb");
        assert_eq!(words(SourceRank::Tracker(2), Kind::Wandb), "wandb + tfevents", "two logs of one kind are one word");
        for source in [SourceRank::Table(0), SourceRank::Stdout, SourceRank::Tracker(3)] {
            picture.apply(source, Ok(Record::Key(KeyId(0), MetricKey::from(format!("{source:?}").as_str()))), None);
            let row = Row { step: Some(Step(1)), values: vec![(KeyId(0), 1.0)], ..Row::default() };
            picture.apply(source, Ok(Record::Row(row)), None);
        }
        assert_eq!(source_words(&picture).join(" + "), "tracker + wandb + tfevents + file + stdout");
        picture.set_kind(SourceRank::Table(0), Kind::Csv);
        picture.set_kind(SourceRank::Tracker(3), Kind::Tviz);
        assert_eq!(source_words(&picture).join(" + "), "tviz + wandb + tfevents + csv + stdout");
    }

    #[test]
    fn an_estimate_ends_with_the_run() {
        let mut facts = Facts { step: Some(10), total_steps: Some(110), rate: Some(2.0), ..Facts::default() };
        assert_eq!(facts.eta(), Some(50.0));
        facts.state = Some(RunState::Finished);
        assert_eq!(facts.eta(), None);
    }
}
