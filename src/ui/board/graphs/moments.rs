//! What happened to a run, as marks along x: alerts, notes, checkpoints, restarts.

use crate::model::{Series, Step, XAxis};
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
    for (_, alert) in &run.alerts.last {
        let text = if alert.text.is_empty() { alert.title.clone() } else { format!("{}: {}", alert.title, alert.text) };
        let step = alert.step.map(|step| step.0 as f64);
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
    let first = clock(run)?.first()?.step;
    run.info.parent.as_ref()?.step.filter(|step| *step <= first.0).map(|_| first)
}

/// The steps from which a resumed run went on: where the points that it replaced begin.
fn resumed(run: &RunPicture) -> Vec<Step> {
    let Some(most) = run.series.values().max_by_key(|series| series.superseded()) else { return vec![] };
    let mut starts = vec![];
    let mut before: Option<Step> = None;
    for point in most.superseded_points() {
        if before.is_none_or(|before| point.step <= before) {
            starts.push(point.step);
        }
        before = Some(point.step);
    }
    starts
}

/// The series by which times are told as steps, and steps as times: the longest that has times.
pub fn clock(run: &RunPicture) -> Option<&Series> {
    let timed = |series: &&Series| series.last().is_some_and(|point| point.time.is_some());
    run.series.values().filter(timed).max_by_key(|series| series.len()).or_else(|| run.series.values().max_by_key(|series| series.len()))
}

impl Moment {
    /// A moment of which only the time, or the step, is known.
    pub fn at(step: Option<f64>, time: Option<f64>) -> Moment {
        Moment { step, time, kind: MarkKind::Note, text: String::new() }
    }

    /// Its step, where that is known or can be told by the time.
    pub fn step(&self, clock: &Series) -> Option<f64> {
        self.step.or_else(|| self.on(clock, XAxis::Step))
    }

    /// Where it stands on an axis.
    pub fn on(&self, clock: &Series, axis: XAxis) -> Option<f64> {
        let index = match (self.step, self.time) {
            (Some(step), _) => clock.lower_bound(XAxis::Step, step),
            (None, Some(time)) => clock.lower_bound(XAxis::WallTime, time),
            (None, None) => return None,
        };
        let index = index.min(clock.len().checked_sub(1)?);
        match (axis, self.step, self.time) {
            (XAxis::Step, Some(step), _) => Some(step),
            (XAxis::WallTime, _, Some(time)) => Some(time),
            (XAxis::Relative, _, Some(time)) => Some(time - clock.origin()?.secs()),
            _ => clock.x_at(axis, index),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Exit, Point, WallTime};
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
        let clock = clock(&run).unwrap();
        let moment = |step, time| Moment { step, time, kind: MarkKind::Note, text: String::new() };
        assert_eq!(moment(None, Some(1010.0)).on(clock, XAxis::Step), Some(10.0));
        assert_eq!(moment(Some(10.0), None).on(clock, XAxis::WallTime), Some(1010.0));
        assert_eq!(moment(None, Some(9e9)).on(clock, XAxis::Step), Some(129.0));
        assert_eq!(moment(None, Some(1010.0)).on(clock, XAxis::Relative), Some(10.0));
        assert_eq!(moment(None, None).on(clock, XAxis::Step), None);
    }
}
