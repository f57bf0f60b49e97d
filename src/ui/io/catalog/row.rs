//! The row of a run: what was seen of it at a glance, and what was read of it once.

use crate::{
    model::{MetricKey, Step, XAxis},
    query::{
        self, Goal,
        runs::{COURSE_MAX, Origin, RunRead, RunRow},
    },
    source::Kind,
    store::{EventKind, RunGlance, RunPicture},
};
use serde_json::Value;
use std::{collections::BTreeMap, path::Path};

/// Metrics of one run whose course is kept.
const COURSES_MAX: usize = 12;
/// Hyperparameters of one run that are kept.
const CONFIG_MAX: usize = 1000;
/// Longest text of one hyperparameter that is kept.
const VALUE_BYTES_MAX: usize = 4096;

/// The row of a run that was seen at a glance, with what was read of it before.
pub(super) fn row(path: &Path, seen: RunGlance, before: Option<RunRow>) -> RunRow {
    let newest = seen.newest_time();
    let RunGlance { info, probe, trackers, .. } = seen;
    let before = before.unwrap_or_default();
    // Of a run of og's all remarks are in what was seen just now, also that there are none any more.
    let own = probe.kind == Kind::OgRun;
    let mut config = BTreeMap::new();
    info.config.iter().for_each(|(name, value)| flatten(name, value, &mut config));
    // What the run itself says later counts.
    config.extend(before.config);
    let mut last: BTreeMap<MetricKey, f64> = probe.last.into_iter().map(|(key, point)| (key, point.value)).collect();
    for (key, value) in before.last {
        last.entry(key).or_insert(value);
    }
    let mut row = RunRow {
        path: path.to_owned(),
        id: info.id,
        name: info.name,
        project: info.project,
        group: info.group.or(before.group),
        kind: probe.kind.as_str(),
        own,
        state: probe.state,
        exit: probe.exit,
        step: probe.step.map(|Step(step)| step).or(before.step),
        total_steps: probe.total_steps.or(before.total_steps),
        started: probe.started.map(|time| time.secs()).or(before.started),
        changed: newest.map(|time| time.secs()),
        tags: if info.tags.is_empty() && !own { before.tags } else { info.tags },
        notes: if info.notes.is_empty() && !own { before.notes } else { info.notes },
        host: info.host.or(before.host),
        config,
        last,
        read: before.read,
        origin: info.parent.map(|parent| Origin { run: parent.run, checkpoint: parent.checkpoint, step: parent.step }).or(before.origin),
        trackers,
    };
    improve(&mut row);
    row
}

/// A last value may be better than the best one that was read.
fn improve(row: &mut RunRow) {
    let Some(read) = &mut row.read else { return };
    for (key, best) in &mut read.best {
        let goal = read.goals.get(key).copied().or_else(|| query::known_goal(key.as_str()));
        if let (Some(goal), Some(last)) = (goal, row.last.get(key)) {
            *best = if goal == Goal::Min { best.min(*last) } else { best.max(*last) };
        }
    }
}

/// Puts what a full read says into the row; of a run that was not read whole, what its head says.
pub(super) fn fill(row: &mut RunRow, picture: &RunPicture, is_whole: bool) {
    picture.config.iter().for_each(|(name, value)| flatten(name, value, &mut row.config));
    let info = &picture.info;
    row.project = row.project.take().or_else(|| info.project.clone());
    row.group = row.group.take().or_else(|| info.group.clone());
    row.host = row.host.take().or_else(|| info.host.clone());
    if !row.own {
        row.tags.extend(info.tags.clone());
        if row.notes.is_empty() {
            row.notes.clone_from(&info.notes);
        }
    }
    let mut read = RunRead::default();
    for event in &picture.events {
        if let EventKind::Checkpoint { path, step } = &event.kind {
            read.checkpoints.push((path.clone(), *step));
        }
    }
    let forked = picture.remarks.get("branch_point").and_then(Value::as_object);
    row.origin = row.origin.take().or_else(|| {
        let forked = forked?;
        let step = forked.get("value").and_then(Value::as_f64).map(|step| step as i64);
        Some(Origin { run: forked.get("run")?.as_str()?.to_owned(), checkpoint: None, step })
    });
    if !is_whole {
        return;
    }
    row.last = picture.series.iter().filter_map(|(key, series)| Some((key.clone(), series.last()?.value))).collect();
    row.step = picture.step().map(|Step(step)| step).or(row.step);
    row.started = row.started.or(picture.started_at().map(|time| time.secs()));
    for key in picture.series.keys() {
        match picture.rules.of(key.as_str()).and_then(|rule| rule.goal.as_deref()) {
            Some("minimize") => drop(read.goals.insert(key.clone(), Goal::Min)),
            Some("maximize") => drop(read.goals.insert(key.clone(), Goal::Max)),
            _ => {}
        }
    }
    let best = |(key, series): (&MetricKey, &crate::model::Series)| {
        let point = match read.goals.get(key).copied().or_else(|| query::known_goal(key.as_str()))? {
            Goal::Min => series.min_point(),
            Goal::Max => series.max_point(),
        };
        Some((key.clone(), point?.value))
    };
    read.best = picture.series.iter().filter_map(best).collect();
    let keys: Vec<MetricKey> = picture.series.keys().cloned().collect();
    let course = |key: MetricKey| {
        let series = picture.series.get(&key)?;
        let (from, to) = series.extent(XAxis::Step)?;
        // A point at the very end belongs to the last column.
        let columns = series.columns(XAxis::Step, from, to + (to - from).max(1.0) * 1e-9, COURSE_MAX);
        let values: Vec<f64> = columns.into_iter().map(|column| column.last).filter(|value| value.is_finite()).collect();
        Some((key, values))
    };
    read.course = query::rank_keys(&keys).into_iter().take(COURSES_MAX).filter_map(course).collect();
    row.read = Some(read);
}

/// Nested entries under names with dots.
fn flatten(name: &str, value: &Value, out: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(map) if !map.is_empty() => map.iter().for_each(|(key, value)| flatten(&format!("{name}.{key}"), value, out)),
        Value::String(text) if text.len() > VALUE_BYTES_MAX => {}
        _ if out.len() >= CONFIG_MAX && !out.contains_key(name) => {}
        _ => drop(out.insert(name.to_owned(), value.clone())),
    }
}
