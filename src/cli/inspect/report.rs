//! A run as one JSON object.

use super::point_json;
use crate::{
    model::{MetricKey, Series, Step, WallTime, num},
    source::Alert,
    store::{Given, MetricRule, RunPicture, RunReader, SourceRank},
};
use serde_json::{Map, Value, json};

/// Remarks that the report tells by another name.
const TOLD_ELSEWHERE: &[&str] = &["run_id", "name", "project", "group", "tags", "notes", "start_time", "git_commit", "git_remote"];

/// All that is known of a run; `stats` is what it cost to load.
pub fn report(reader: &RunReader, stats: Option<Value>) -> Value {
    let run = reader.picture();
    let keys: Map<String, Value> = run.series.iter().map(|(key, series)| (key.to_string(), key_json(run, key, series))).collect();
    let rules: Map<String, Value> = run.rules.iter().map(|(name, rule)| (name.to_owned(), rule_json(rule))).collect();
    let exit = run.exit.unwrap_or_default();
    let mut report = json!({
        "kind": reader.kind().as_str(),
        "path": reader.folder().path().to_string_lossy(),
        "run": run_json(run),
        "state": run.known_state().map(|state| state.as_str()),
        "exit_code": exit.code,
        "signal": exit.signal,
        "ended_at": exit.at.map(WallTime::secs),
        "step": run.step().map(|step| step.0),
        "total_steps": run.total_steps,
        "config": run.config,
        "summary": summary(run),
        "tags": tags(run),
        "notes": run.info.notes,
        "keys": keys,
        "metric_rules": rules,
        "points": run.points(),
        "console_lines": run.console.count(),
        "system_keys": run.system.names().collect::<Vec<_>>(),
        "alerts": run.alerts.last.iter().map(|(_, alert)| alert_json(alert)).collect::<Vec<_>>(),
        "alert_count": run.alerts.count,
        "media": run.media.counts().map(|(kind, count)| (kind.to_owned(), count.into())).collect::<Map<_, _>>(),
        "losses": run.losses.last.iter().map(|(_, loss)| json!({"offset": loss.offset, "bytes": loss.bytes, "reason": loss.reason})).collect::<Vec<_>>(),
        "loss_count": run.losses.count,
        "loss_bytes": run.losses.bytes,
        "problems": run.problems.values().collect::<Vec<_>>(),
        "sources": sources(reader),
    });
    if let Some(stats) = stats {
        report["stats"] = stats;
    }
    report
}

/// What the run is: `run.json` or the tracker's word, and all remarks beside it.
pub(super) fn run_json(run: &RunPicture) -> Value {
    let info = &run.info;
    let told = run.remarks.iter().filter(|(name, _)| !TOLD_ELSEWHERE.contains(&name.as_str()));
    let mut all: Map<String, Value> = told.map(|(name, value)| (name.clone(), value.clone())).collect();
    let git = info.git.as_ref().map(|git| json!({"commit": git.sha, "dirty": git.dirty}));
    let mut git = git.or_else(|| run.remarks.get("git_commit").map(|commit| json!({"commit": commit})));
    if let Some(remote) = run.remarks.get("git_remote") {
        git.get_or_insert_with(|| json!({}))["remote"] = remote.clone();
    }
    let facts = json!({
        "id": info.id,
        "name": info.name,
        "project": info.project,
        "group": info.group,
        "host": info.host,
        "command": info.command,
        "cwd": info.cwd.to_string_lossy(),
        "pid": run.pid(),
        "started_at": run.started_at().map(WallTime::secs),
        "git": git,
        "parent": info.parent,
        "canvas": info.canvas,
        "prompt": info.prompt,
    });
    if let Value::Object(facts) = facts {
        let is_said = |value: &Value| !(value.is_null() || value == "" || value.as_array().is_some_and(Vec::is_empty));
        all.extend(facts.into_iter().filter(|(_, value)| is_said(value)));
    }
    all.into()
}

/// The tags, those of the tracker first and in its order: `word` or `key=value`.
pub(super) fn tags(run: &RunPicture) -> Vec<String> {
    let mut own: Vec<String> =
        run.info.tags.iter().map(|(key, value)| if value.is_empty() { key.clone() } else { format!("{key}={value}") }).collect();
    let told = run.remarks.get("tags").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    // Others may have been given here since.
    let place: Vec<&str> = told.collect();
    own.sort_by_key(|tag| place.iter().position(|told| told == tag).unwrap_or(usize::MAX));
    own
}

/// The last value of every key: the tracker's own word, also that there is none, else what the series end with.
fn summary(run: &RunPicture) -> Map<String, Value> {
    let told = run.series.iter().filter(|(key, _)| !run.summary_removed.contains(key.as_str()));
    let ends = told.filter_map(|(key, series)| Some((key.to_string(), num::to_json(series.latest()?.value))));
    let mut all: Map<String, Value> = ends.collect();
    all.extend(run.summary.iter().map(|(name, value)| (name.clone(), value.clone())));
    all
}

fn key_json(run: &RunPicture, key: &MetricKey, series: &Series) -> Value {
    // The last one may stand behind others, and is counted all the same.
    let held = series.told_again();
    let (nan, inf) = held.map_or((false, false), |held| (held.value.is_nan(), held.value.is_infinite()));
    let finite = held.map(|held| held.value).filter(|value| value.is_finite());
    let ranges = series.range().into_iter().chain(finite.map(|value| (value, value)));
    let (min, max) = ranges.reduce(|known, new| (known.0.min(new.0), known.1.max(new.1))).unzip();
    let mut out = json!({
        "count": series.logged(),
        "nan": series.nan_count() + usize::from(nan),
        "inf": series.inf_count() + usize::from(inf),
        "superseded": series.replaced(),
        "first": series.first().map(|point| point_json(&point)),
        "last": series.latest().map(|point| point_json(&point)),
        "min": min.map(num::to_json),
        "max": max.map(num::to_json),
    });
    if run.is_first_unplaced(key) {
        out["first"]["step"] = Value::Null;
        if series.logged() == 1 {
            out["last"]["step"] = Value::Null;
        }
    }
    if let Some(rule) = run.rules.of(key.as_str()) {
        if let Some(x) = &rule.step_metric {
            out["x"] = x.as_str().into();
        }
        if rule.hidden {
            out["hidden"] = true.into();
        }
    }
    out
}

/// A rule as an object.
pub(super) fn rule_json(rule: &MetricRule) -> Value {
    json!({"step_metric": rule.step_metric, "hidden": rule.hidden, "summary": rule.summary, "goal": rule.goal})
}

/// An alert as an object.
pub(super) fn alert_json(alert: &Alert) -> Value {
    json!({
        "title": alert.title, "text": alert.text, "level": alert.level,
        "step": alert.step.map(|Step(step)| step), "time": alert.time.map(WallTime::secs),
    })
}

fn sources(reader: &RunReader) -> Vec<Value> {
    let run = reader.picture();
    let given = |rank| run.given().find(|(known, _)| *known == rank).map(|(_, given)| given).unwrap_or_default();
    reader.sources().map(|(rank, path)| source_json(run, rank, path.display().to_string(), given(rank))).collect()
}

/// What one source is and gave.
pub fn source_json(run: &RunPicture, rank: SourceRank, path: String, given: Given) -> Value {
    let shown = run.series.keys().filter(|key| run.source_of(key) == Some(rank)).count();
    json!({
        "source": source_word(rank), "path": path, "bytes": given.bytes, "rows": given.rows, "points": given.points,
        "keys_shown": shown, "console_lines": given.console_lines, "system_samples": given.system_samples, "alerts": given.alerts,
        "media": given.media, "config": given.config, "losses": given.losses, "problem": run.problems.get(&rank),
    })
}

/// What kind of source a rank is.
pub fn source_word(rank: SourceRank) -> &'static str {
    match rank {
        SourceRank::Own => "metrics",
        SourceRank::Tracker(_) => "tracker",
        SourceRank::Table(_) => "file",
        SourceRank::Stdout => "console",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{KeyId, Record, Row};

    #[test]
    fn the_summary_is_what_the_tracker_says_last_and_else_the_end_of_the_rows() {
        let mut run = RunPicture::default();
        let mut say = |record: Record| run.apply(SourceRank::Tracker(0), Ok(record), None);
        ["kept", "set", "gone", "back"].into_iter().enumerate().for_each(|(id, key)| say(Record::Key(KeyId(id as u32), key.into())));
        let values = (0..4).map(|id| (KeyId(id), 0.9)).collect();
        say(Record::Row(Row { step: Some(Step(0)), values, ..Row::default() }));
        say(Record::Summary("set".into(), json!("best")));
        ["gone", "back"].into_iter().for_each(|key| say(Record::SummaryRemoved(key.into())));
        say(Record::Summary("back".into(), json!(1)));
        assert_eq!(Value::from(summary(&run)), json!({"kept": 0.9, "set": "best", "back": 1}));
    }
}
