//! A run as it changes: one JSON object a line, until the run ends.

use super::{point_json, report, sorted};
use crate::{
    cli::{fail::Fail, open, out, wakes::Wakes},
    model::{MetricKey, WallTime, XAxis, num},
    store::{MetricRule, MetricRules, Polled, RunPicture, RunReader},
};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Lines of console told at once; of more, the last.
const CONSOLE_LINES_MAX: usize = 200;

/// Waits until a look is worth it.
fn wait(wakes: &mut Wakes, reader: &RunReader, polled: &Polled) {
    if polled.paths_changed {
        wakes.add(reader.paths());
    }
    if !polled.more {
        wakes.wait(polled.again);
    }
}

/// Tells the whole run, then every change.
pub fn changes(mut reader: RunReader) -> Result<u8, Fail> {
    let mut wakes = Wakes::of(reader.paths())?;
    let mut full = report::report(&reader, None);
    full["event"] = "run".into();
    out::json(&sorted(full))?;
    let mut told = Told::of(reader.kind().as_str(), reader.picture());
    // What came between the load and the watch.
    let mut polled = reader.poll(RunReader::LIVE);
    loop {
        open::mark_lost(&mut reader);
        if let Some(change) = told.news(reader.kind().as_str(), reader.picture(), &polled.keys_changed, polled.changed) {
            out::json(&sorted(change))?;
        }
        if is_over(&reader, &polled) {
            return Ok(0);
        }
        wait(&mut wakes, &reader, &polled);
        polled = reader.poll(RunReader::LIVE);
    }
}

/// Tells every new point of `key`.
pub fn points(mut reader: RunReader, key: &MetricKey) -> Result<u8, Fail> {
    let mut wakes = Wakes::of(reader.paths())?;
    let mut last = reader.picture().series.get(key).and_then(|series| series.last());
    let mut polled = reader.poll(RunReader::LIVE);
    loop {
        open::mark_lost(&mut reader);
        if polled.keys_changed.contains(key)
            && let Some(series) = reader.picture().series.get(key)
        {
            // A step that was logged again, or a run that went back, starts at the first point that is new.
            let end = series.last();
            let from = match (last, end) {
                (Some(last), Some(end)) if end.step > last.step => {
                    let at = series.lower_bound(XAxis::Step, last.step.0 as f64);
                    let is_known = series.get(at).is_some_and(|point| point == last);
                    at + usize::from(is_known)
                }
                _ if end == last => series.len(),
                _ => series.len().saturating_sub(1),
            };
            for point in series.points(from..series.len()) {
                out::json(&sorted(point_json(&point)))?;
            }
            last = end;
        }
        if is_over(&reader, &polled) {
            return Ok(0);
        }
        wait(&mut wakes, &reader, &polled);
        polled = reader.poll(RunReader::LIVE);
    }
}

fn is_over(reader: &RunReader, polled: &Polled) -> bool {
    !polled.more && (reader.is_over() || reader.picture().known_state().is_some_and(|state| state.is_over()))
}

/// What was told of a run so far.
#[derive(Default)]
struct Told {
    kind: &'static str,
    state: Option<&'static str>,
    exit_code: Option<i32>,
    signal: Option<i32>,
    ended_at: Option<f64>,
    step: Option<i64>,
    total_steps: Option<i64>,
    console: u64,
    losses: u64,
    alerts: u64,
    media: u64,
    samples: i64,
    problems: Vec<String>,
    config: BTreeMap<String, Value>,
    summary: BTreeMap<String, Value>,
    summary_removed: BTreeSet<String>,
    rules: MetricRules,
    name: String,
    run: Value,
    tags: Vec<String>,
    notes: String,
}

impl Told {
    fn of(kind: &'static str, run: &RunPicture) -> Told {
        let mut told = Told::default();
        told.news(kind, run, &[], true);
        told
    }

    /// What is new of a run; from now on it is told. `has_read`: more than the state may be another. `None`: nothing.
    fn news(&mut self, kind: &'static str, run: &RunPicture, keys: &[MetricKey], has_read: bool) -> Option<Value> {
        let mut change = Map::new();
        let exit = run.exit.unwrap_or_default();
        // More of a file may show that it is something else.
        tell(&mut change, "kind", &mut self.kind, kind);
        tell(&mut change, "state", &mut self.state, run.known_state().map(|state| state.as_str()));
        tell(&mut change, "exit_code", &mut self.exit_code, exit.code);
        tell(&mut change, "signal", &mut self.signal, exit.signal);
        tell(&mut change, "ended_at", &mut self.ended_at, exit.at.map(WallTime::secs));
        if has_read {
            self.news_of_what_was_read(run, keys, &mut change);
        }
        if change.is_empty() {
            return None;
        }
        change.insert("event".into(), "change".into());
        Some(change.into())
    }

    fn news_of_what_was_read(&mut self, run: &RunPicture, keys: &[MetricKey], change: &mut Map<String, Value>) {
        tell(change, "step", &mut self.step, run.step().map(|step| step.0));
        tell(change, "total_steps", &mut self.total_steps, run.total_steps);
        tell(change, "name", &mut self.name, run.info.name.clone());
        tell(change, "run", &mut self.run, report::run_json(run));
        tell(change, "tags", &mut self.tags, report::tags(run));
        tell(change, "notes", &mut self.notes, run.info.notes.clone());
        tell(change, "loss_count", &mut self.losses, run.losses.count);
        tell(change, "problems", &mut self.problems, run.problems.values().cloned().collect());
        tell(change, "media_count", &mut self.media, run.media.count());
        if self.config != run.config {
            self.config.clone_from(&run.config);
            change.insert("config".into(), json!(self.config));
        }
        self.news_of_the_summary(run, change);
        if self.rules != run.rules {
            let before: BTreeMap<&str, &MetricRule> = self.rules.iter().collect();
            let rules = run.rules.iter().filter(|(name, rule)| before.get(name) != Some(rule));
            let rules: Map<_, _> = rules.map(|(name, rule)| (name.to_owned(), report::rule_json(rule))).collect();
            change.insert("metric_rules".into(), rules.into());
            self.rules.clone_from(&run.rules);
        }
        let since = std::mem::replace(&mut self.samples, run.system.taken());
        if since != self.samples {
            let last = run.system.series().iter().filter_map(|(name, series)| Some((name.to_string(), series.last()?)));
            let new = last.filter(|(_, last)| last.step.0 >= since);
            let system = new.map(|(name, last)| (name, json!({"time": last.time.map(WallTime::secs), "value": num::to_json(last.value)})));
            change.insert("system".into(), system.collect::<Map<_, _>>().into());
        }
        let new = |now: u64, then: u64| usize::try_from(now.saturating_sub(then)).unwrap_or(usize::MAX);
        let alerts = run.alerts.last.iter().rev().take(new(run.alerts.count, self.alerts));
        let alerts: Vec<Value> = alerts.rev().map(|(_, alert)| report::alert_json(alert)).collect();
        self.alerts = run.alerts.count;
        if !alerts.is_empty() {
            change.insert("alerts".into(), alerts.into());
        }
        let lines = run.console.lines().rev().take(new(run.console.count(), self.console).min(CONSOLE_LINES_MAX));
        let lines: Vec<&str> = lines.collect::<Vec<_>>().into_iter().rev().collect();
        if !lines.is_empty() {
            change.insert("console".into(), lines.into());
        }
        tell(change, "console_lines", &mut self.console, run.console.count());
        if !keys.is_empty() {
            change.insert("keys".into(), keys.iter().map(|key| (key.to_string(), key_json(run, key))).collect::<Map<_, _>>().into());
        }
    }

    /// The entries of the tracker's own summary that are others; `null`: it took one back. What series end with is told by key.
    fn news_of_the_summary(&mut self, run: &RunPicture, change: &mut Map<String, Value>) {
        if self.summary == run.summary && self.summary_removed == run.summary_removed {
            return;
        }
        let removed = run.summary_removed.difference(&self.summary_removed).map(|name| (name.clone(), Value::Null));
        let set = run.summary.iter().filter(|(name, value)| self.summary.get(*name) != Some(value));
        let summary: Map<_, _> = removed.chain(set.map(|(name, value)| (name.clone(), value.clone()))).collect();
        if !summary.is_empty() {
            change.insert("summary".into(), summary.into());
        }
        self.summary.clone_from(&run.summary);
        self.summary_removed.clone_from(&run.summary_removed);
    }
}

/// Tells a value if it is another than was told last.
fn tell<T: PartialEq + Clone + Into<Value>>(change: &mut Map<String, Value>, name: &str, told: &mut T, now: T) {
    if *told != now {
        change.insert(name.to_owned(), now.clone().into());
        *told = now;
    }
}

/// A key that changed; `null`: it is gone.
fn key_json(run: &RunPicture, key: &MetricKey) -> Value {
    let Some((series, last)) = run.series.get(key).and_then(|series| Some((series, series.latest()?))) else { return Value::Null };
    json!({
        "count": series.logged(), "nan": series.nan_count(), "superseded": series.replaced(),
        "step": last.step.0, "time": last.time.map(|time| time.secs()), "value": num::to_json(last.value),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        source::Record,
        store::{RunInfo, SourceRank},
    };

    #[test]
    fn whatever_changes_of_a_run_is_told_once() {
        let mut run = RunPicture::default();
        let mut told = Told::of("wandb", &run);
        let say = |run: &mut RunPicture, record| run.apply(SourceRank::Tracker(0), Ok(record), None);
        let mut check = |run: &RunPicture, want: Value| {
            let news = told.news("wandb", run, &[], true).unwrap_or_default();
            let told_of = want.as_object().unwrap().iter().all(|(name, value)| news.get(name) == Some(value));
            assert!(told_of, "{news} and not {want}");
            assert_eq!(told.news("wandb", run, &[], true), None);
        };
        say(&mut run, Record::Summary("best".into(), json!(0.25)));
        say(&mut run, Record::Summary("s".into(), json!("text")));
        check(&run, json!({"event": "change", "summary": {"best": 0.25, "s": "text"}}));
        say(&mut run, Record::Summary("s".into(), json!("more")));
        say(&mut run, Record::SummaryRemoved("best".into()));
        check(&run, json!({"summary": {"best": null, "s": "more"}}));
        say(&mut run, Record::Summary("best".into(), json!(0.25)));
        check(&run, json!({"summary": {"best": 0.25}}));
        for name in ["a", "b"] {
            say(&mut run, Record::Info("metric", json!({"name": name, "step_metric": "epoch"})));
            let rule = json!({"step_metric": "epoch", "hidden": false, "summary": [], "goal": null});
            check(&run, json!({"metric_rules": {name: rule}}));
        }
        for name in ["cpu", "gpu"] {
            say(&mut run, Record::System(WallTime::new(5.0), vec![(name.into(), 0.5)]));
            check(&run, json!({"system": {name: {"time": 5.0, "value": 0.5}}}));
        }
        say(&mut run, Record::Info("python", "3.13".into()));
        check(&run, json!({"run": {"python": "3.13"}}));
        let tags = [("a".to_owned(), String::new())].into();
        run.set_info(RunInfo { tags, notes: "hello".into(), group: Some("g".into()), ..RunInfo::default() });
        check(&run, json!({"tags": ["a"], "notes": "hello", "run": {"group": "g", "python": "3.13"}}));
        say(&mut run, Record::TotalSteps(9));
        check(&run, json!({"total_steps": 9}));
    }
}
