//! What happened to a run, as marks along x: alerts, notes, checkpoints, restarts.

use crate::model::{MetricKey, Series, Step, WallTime, XAxis};
use crate::store::{EventKind, RunPicture};
use crate::ui::theme::MarkKind;

/// Most marks kept. A chart has some hundred columns; more would only cost.
const MOMENTS_MAX: usize = 4096;

/// Something that happened, by step and time as far as they are known.
#[derive(Clone, PartialEq, Debug)]
pub struct Moment {
    /// Step, where anybody said.
    step: Option<f64>,
    /// Unix seconds.
    time: Option<f64>,
    /// What it is.
    pub kind: MarkKind,
    /// What is said of it.
    pub text: String,
}

/// What tells that moments may have changed, without looking at them.
pub type Sign = (u64, usize, usize, Option<u64>, Option<Step>);

/// The sign of what [`moments`] would give.
pub fn sign(run: &RunPicture) -> Sign {
    let end = if run.events.is_empty() { None } else { end(run) };
    let superseded = run.series.values().map(Series::superseded).max().unwrap_or(0);
    (run.alerts.count, run.events.len(), superseded, end.map(f64::to_bits), begun(run))
}

/// What happened, as far as it can be marked. What was only remarked when the run was over is about all of it, unless somebody pointed
/// at a step.
pub fn moments(run: &RunPicture) -> Vec<Moment> {
    let mut out = vec![];
    let end = end(run);
    for (source, alert) in &run.alerts.last {
        let text = if alert.text.is_empty() { alert.title.clone() } else { format!("{}: {}", alert.title, alert.text) };
        // A count of rows is no step of the training.
        let counts_rows = alert.time.is_some() && source.is_some_and(|source| run.tells_global_steps().any(|other| other == source));
        let step = alert.step.filter(|_| !counts_rows).map(|step| step.0 as f64);
        out.push(Moment { step, time: alert.time.map(|time| time.secs()), kind: MarkKind::Alert, text });
    }
    for event in &run.events {
        let (step, kind, text) = match &event.kind {
            EventKind::Note { text, step } => (*step, MarkKind::Note, text.clone()),
            EventKind::Intervention(text) => (None, MarkKind::Note, format!("{}: {text}", event.author)),
            EventKind::Config(patch) => (None, MarkKind::Note, format!("config: {}", patch.keys().cloned().collect::<Vec<_>>().join(", "))),
            EventKind::Checkpoint { path, step } => (*step, MarkKind::Checkpoint, path.clone()),
            _ => continue,
        };
        if step.is_none() && kind == MarkKind::Note && end.is_some_and(|end| event.t.secs() > end) {
            continue;
        }
        out.push(Moment { step: step.map(|step| step as f64), time: Some(event.t.secs()), kind, text });
    }
    if let (Some(parent), Some(step)) = (&run.info.parent, begun(run)) {
        let at = parent.step.map(|step| format!(" at step {step}")).unwrap_or_default();
        let text = format!("went on from {}{at}", parent.run);
        out.push(Moment { step: Some(step.0 as f64), time: None, kind: MarkKind::Restart, text });
    }
    out.extend(resumed(run).into_iter().map(|step| Moment {
        step: Some(step.0 as f64),
        time: None,
        kind: MarkKind::Restart,
        text: format!("went on from step {}", step.0),
    }));
    // The newest matter most.
    out.split_off(out.len().saturating_sub(MOMENTS_MAX))
}

/// When the run ended, Unix seconds; `None`: it goes on, as far as anybody knows. Where nobody says it, with its last point.
fn end(run: &RunPicture) -> Option<f64> {
    if run.known_state().is_some_and(|state| !state.is_over()) {
        return None;
    }
    let last = run.series.values().filter_map(|series| Some(series.last()?.time?.secs())).reduce(f64::max);
    run.exit.and_then(|exit| exit.at).map(|at| at.secs()).or(last)
}

/// The step at which a run that goes on from another one begins. One that counts its steps anew has none of the other's.
fn begun(run: &RunPicture) -> Option<Step> {
    let went_on = run.info.parent.as_ref()?.step?;
    let first = Clock::of(run, |key| run.global_step_of(key).map(MetricKey::from))?.first_step()?;
    (went_on <= first.0).then_some(first)
}

/// The steps from which a resumed run went on: where the points that it replaced begin.
fn resumed(run: &RunPicture) -> Vec<Step> {
    let Some((key, most)) = run.series.iter().max_by_key(|(_, series)| series.superseded()) else { return vec![] };
    // Where the source counts something else, the step of the training was replaced with it.
    let steps = run.global_step_of(key).and_then(|steps| run.series.get(steps)).filter(|steps| steps.superseded() > 0);
    let mut starts = vec![];
    let mut before: Option<Step> = None;
    for point in steps.unwrap_or(most).superseded_points() {
        if before.is_none_or(|before| point.step <= before) {
            starts.extend(if steps.is_some() { Step::whole(point.value) } else { Some(point.step) });
        }
        before = Some(point.step);
    }
    starts
}

/// By what times are told as steps of the training, and these as times.
#[derive(Clone, Copy, Debug)]
pub struct Clock<'a> {
    series: &'a Series,
    /// The steps of the training are its values.
    says_steps: bool,
}

impl<'a> Clock<'a> {
    /// The longest metric that has times, or the one that says at which steps of the training that was logged.
    pub fn of(run: &'a RunPicture, steps_of: impl Fn(&MetricKey) -> Option<MetricKey>) -> Option<Clock<'a>> {
        let longest = || run.series.iter().max_by_key(|(_, series)| series.len());
        let (key, series) =
            run.series.iter().filter(|(_, series)| has_times(series)).max_by_key(|(_, series)| series.len()).or_else(longest)?;
        let steps = steps_of(key).and_then(|steps| run.series.get(&steps)).filter(|steps| has_times(steps) || !has_times(series));
        Some(Clock { series: steps.unwrap_or(series), says_steps: steps.is_some() })
    }

    /// Its points have times.
    pub fn has_times(&self) -> bool {
        has_times(self.series)
    }

    /// The step of the training that it begins with.
    fn first_step(&self) -> Option<Step> {
        Step::whole(self.x_at(XAxis::Step, 0)?)
    }

    /// When the run began.
    pub fn origin(&self) -> Option<WallTime> {
        self.series.origin()
    }

    /// What stands on the axis `to` where `x` stands on the axis `from`.
    pub fn told(&self, from: XAxis, x: f64, to: XAxis) -> Option<f64> {
        let at = match from {
            XAxis::Step if self.says_steps => self.series.first_at(x),
            _ => self.series.lower_bound(from, x),
        };
        self.x_at(to, at.min(self.series.len().checked_sub(1)?))
    }

    fn x_at(&self, axis: XAxis, at: usize) -> Option<f64> {
        match axis {
            XAxis::Step if self.says_steps => self.series.get(at).map(|point| point.value),
            _ => self.series.x_at(axis, at),
        }
    }
}

fn has_times(series: &Series) -> bool {
    series.last().is_some_and(|point| point.time.is_some())
}

impl Moment {
    /// A moment of which only the time, or the step, is known.
    pub fn at(step: Option<f64>, time: Option<f64>) -> Moment {
        Moment { step, time, kind: MarkKind::Note, text: String::new() }
    }

    /// Its step, where that is known or can be told by the time.
    pub fn step(&self, clock: &Clock<'_>) -> Option<f64> {
        self.step.or_else(|| self.on(clock, XAxis::Step))
    }

    /// Where it stands on an axis.
    pub fn on(&self, clock: &Clock<'_>, axis: XAxis) -> Option<f64> {
        match (axis, self.step, self.time) {
            (XAxis::Step, Some(step), _) => Some(step),
            (XAxis::WallTime, _, Some(time)) => Some(time),
            (XAxis::Relative, _, Some(time)) => Some(time - clock.origin()?.secs()),
            (_, Some(step), _) => clock.told(XAxis::Step, step, axis),
            (_, None, Some(time)) => clock.told(XAxis::WallTime, time, axis),
            (_, None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Exit, Point};
    use crate::store::{Event, Parent};

    fn run() -> RunPicture {
        let mut run = RunPicture::default();
        let mut series = Series::new();
        let steps = (0..100).chain(60..120).chain(90..130);
        for (i, step) in steps.enumerate() {
            series.push(Point { step: Step(step), time: WallTime::new(1000.0 + i as f64), value: 1.0 });
        }
        run.series.insert("loss".into(), series);
        run
    }

    #[test]
    fn a_resumed_run_is_marked_where_it_went_on() {
        let run = run();
        let steps: Vec<f64> = moments(&run).iter().map(|moment| moment.step.unwrap()).collect();
        assert_eq!(steps, [60.0, 90.0]);
        assert!(moments(&run).iter().all(|moment| moment.kind == MarkKind::Restart));
    }

    #[test]
    fn a_tracker_that_counts_rows_is_marked_at_the_step_of_the_training() {
        use crate::source::{Alert, KeyId, Kind, Record, Row};
        let tracker = crate::store::SourceRank::Tracker(0);
        let mut run = RunPicture::default();
        run.align_steps();
        run.set_kind(tracker, Kind::Trackio);
        let say = |run: &mut RunPicture, record| run.apply(tracker, Ok(record), None);
        ["train/loss", "iter"].into_iter().zip(0..).for_each(|(name, id)| say(&mut run, Record::Key(KeyId(id), name.into())));
        // Twelve rows, the last six of which are logged again.
        for (at, row) in (0..12).chain(6..12).enumerate() {
            let values = vec![(KeyId(0), 1.0), (KeyId(1), 50.0 * f64::from(row))];
            let time = WallTime::new(1000.0 + at as f64);
            say(&mut run, Record::Row(Row { step: Some(Step(row.into())), time, values, ..Row::default() }));
        }
        let alert = Alert { title: "spike".into(), text: String::new(), level: "warn", step: Some(Step(3)), time: WallTime::new(1003.0) };
        say(&mut run, Record::Alert(alert));
        let clock = Clock::of(&run, |key| run.global_step_of(key).map(MetricKey::from)).unwrap();
        let steps: Vec<Option<f64>> = moments(&run).iter().map(|moment| moment.step(&clock)).collect();
        assert_eq!(steps, [Some(150.0), Some(300.0)]);
    }

    #[test]
    fn a_run_that_goes_on_from_another_is_marked_where_it_begins() {
        let mut series = Series::new();
        (2510..2600).for_each(|step| series.push(Point { step: Step(step), time: WallTime::new(step as f64), value: 1.0 }));
        let parent = |step| Some(Parent { run: "bold-lynx".into(), checkpoint: None, step });
        let mut run = RunPicture::default();
        run.info.parent = parent(Some(2500));
        let before = sign(&run);
        assert_eq!(moments(&run), []);
        run.series.insert("loss".into(), series);
        assert_ne!(sign(&run), before, "its first point tells where");
        let text = "went on from bold-lynx at step 2500".to_owned();
        assert_eq!(moments(&run), [Moment { step: Some(2510.0), time: None, kind: MarkKind::Restart, text }]);
        // Its steps are not those of the other: it took the weights and counts anew.
        run.info.parent = parent(Some(9000));
        assert_eq!(moments(&run), []);
        run.info.parent = parent(None);
        assert_eq!(moments(&run), []);
    }

    #[test]
    fn a_note_on_a_run_that_is_over_marks_no_step_unless_somebody_pointed_at_one() {
        let note = |secs: f64, step| Event {
            t: WallTime::new(secs).unwrap(),
            author: "human".into(),
            kind: EventKind::Note { text: format!("at {secs}"), step },
        };
        let mut run = run();
        // 160 points, one a second.
        [note(1010.0, None), note(1150.0, None), note(9000.0, None), note(9001.0, Some(40))]
            .into_iter()
            .for_each(|event| run.apply_event(event));
        let notes = |run: &RunPicture| -> Vec<String> {
            moments(run).into_iter().filter(|moment| moment.kind == MarkKind::Note).map(|moment| moment.text).collect()
        };
        assert_eq!(notes(&run).len(), 4, "it runs: whatever is remarked is remarked of where it is");
        run.exit = Some(Exit { code: Some(0), at: WallTime::new(1200.0), ..Exit::default() });
        assert_eq!(notes(&run), ["at 1010", "at 1150", "at 9001"]);
        run.exit = None;
        run.mute();
        assert_eq!(notes(&run), ["at 1010", "at 1150", "at 9001"], "a log of which nobody says whether it goes on");
    }

    #[test]
    fn a_time_is_told_as_a_step_and_a_step_as_a_time() {
        let run = run();
        let clock = &Clock::of(&run, |_| None).unwrap();
        let moment = |step, time| Moment { step, time, kind: MarkKind::Note, text: String::new() };
        assert_eq!(moment(None, Some(1010.0)).on(clock, XAxis::Step), Some(10.0));
        assert_eq!(moment(Some(10.0), None).on(clock, XAxis::WallTime), Some(1010.0));
        assert_eq!(moment(None, Some(9e9)).on(clock, XAxis::Step), Some(129.0));
        assert_eq!(moment(None, Some(1010.0)).on(clock, XAxis::Relative), Some(10.0));
        assert_eq!(moment(None, None).on(clock, XAxis::Step), None);
    }
}
